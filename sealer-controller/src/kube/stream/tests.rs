#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use std::sync::{Arc, Mutex};

use futures::stream::TryStreamExt as _;
use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use super::*;
use crate::kube::sealed_secret::Sighting;
use crate::kube::secret::{Secrets, Seen, glance};

/// An answer: its code, and its text.
type Said = (u16, String);

fn page(name: &str, next: &str) -> Said {
    let secret = json!({"metadata": {"name": name, "namespace": "ns", "resourceVersion": "5"}});
    let metadata = json!({"resourceVersion": "7", "continue": next});
    (200, json!({"kind": "SecretList", "apiVersion": "v1", "metadata": metadata, "items": [secret]}).to_string())
}

fn refusal(code: u16, reason: &str) -> Said {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
        "message": "The provided continue parameter is too old"});
    (code, status.to_string())
}

fn lines(events: &[Value]) -> Said {
    (200, events.iter().map(|event| format!("{event}\n")).collect())
}

fn added(name: &str) -> Value {
    json!({"type": "ADDED", "object": {"metadata": {"name": name, "namespace": "ns", "resourceVersion": "8"}}})
}

fn bookmark(version: &str, ends: bool) -> Value {
    let annotations = if ends { json!({"k8s.io/initial-events-end": "true"}) } else { json!({}) };
    json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": version, "annotations": annotations}}})
}

/// Gives these answers in turn, and then none; notes what it was asked.
fn server(asked: Arc<Mutex<Vec<String>>>, answers: Vec<Said>) -> Client {
    let answers = Mutex::new(answers.into_iter());
    let service = tower::service_fn(move |request: Request<Body>| {
        asked.lock().unwrap().push(request.uri().query().unwrap_or_default().to_owned());
        let answer = answers.lock().unwrap().next();
        async move {
            let Some((code, text)) = answer else { return std::future::pending().await };
            let answer = Response::builder().status(code).body(Body::from(text.into_bytes()));
            Ok::<_, std::convert::Infallible>(answer.unwrap())
        }
    });
    Client::new(service, "default")
}

fn secrets(client: Client) -> Source<Seen> {
    Source { collection: Secrets::of(client, None).collection(), selector: None, metadata_only: true, read: glance }
}

fn told(answer: Answer<Seen>) -> String {
    match answer {
        Ok(Event::Begin) => "begin".to_owned(),
        Ok(Event::Listed(secret)) => secret.key.name,
        Ok(Event::Complete { whole: true }) => "done".to_owned(),
        Ok(Event::Complete { whole: false }) => "done in part".to_owned(),
        Ok(Event::Applied(secret)) => format!("+{}", secret.key.name),
        Ok(Event::Deleted(secret)) => format!("-{}", secret.key.name),
        Ok(Event::Unreadable(object)) => format!("?{object}"),
        Ok(Event::Quiet) => "quiet".to_owned(),
        Err(error) => error.answer(),
    }
}

/// What a watch tells of these answers, so many times, and what it asked.
async fn watched(answers: Vec<Said>, count: usize) -> (Vec<String>, Vec<String>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let mut events = events(secrets(server(asked.clone(), answers)));
    let mut all = Vec::new();
    // Where the answers are used up it hears nothing any longer.
    while all.len() < count
        && let Ok(Some(event)) = tokio::time::timeout(Duration::from_secs(3600), events.next()).await
    {
        all.push(told(event));
    }
    let asked = asked.lock().unwrap().clone();
    (all, asked)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_stream_is_listed_in_pages() {
    for refused in [refusal(422, "Invalid"), refusal(400, "BadRequest")] {
        let (told, asked) = watched(vec![refused, page("a", "")], 3).await;
        assert_eq!(told, ["begin", "a", "done"]);
        let [first, second] = asked.as_slice() else { panic!("{asked:?}") };
        assert!(first.contains("sendInitialEvents=true") && second.contains("limit=50"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_expires_between_its_pages_begins_anew() {
    let answers = vec![refusal(422, "Invalid"), page("a", "t"), refusal(410, "Expired"), page("a", "u"), page("b", "")];
    let (told, asked) = watched(answers, 7).await;
    assert_eq!(told, ["begin", "a", "the API server answers Expired (410)", "begin", "a", "b", "done"]);
    let continued: Vec<bool> = asked.iter().skip(1).map(|query| query.contains("continue=")).collect();
    assert_eq!(continued, [false, true, false, true]);
}

#[tokio::test(start_paused = true)]
async fn stream_resumes_from_its_version_or_begins_anew() {
    let gone = json!({"type": "ERROR", "object": {"code": 410, "reason": "Expired"}});
    let answers = vec![
        lines(&[added("a"), bookmark("9", true), added("b"), bookmark("12", false)]),
        refusal(500, "InternalError"),
        lines(&[gone]),
        lines(&[bookmark("20", true)]),
        refusal(410, "Expired"),
        lines(&[added("c")]),
    ];
    let (told, asked) = watched(answers, 13).await;
    let expected = [
        "begin",
        "a",
        "done",
        "+b",
        "quiet",
        "the API server answers InternalError (500)",
        "quiet",
        "the API server answers Expired (410)",
        "begin",
        "done",
        "the API server answers Expired (410)",
        "begin",
        "c",
    ];
    assert_eq!(told, expected);
    let versions: Vec<_> = asked.iter().map(|query| query.rsplit('=').next().unwrap_or_default()).collect();
    assert_eq!(versions, ["0", "12", "12", "0", "20", "0"]);
}

#[tokio::test(start_paused = true)]
async fn a_bad_element_spoils_neither_list_nor_watch() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let odd = format!(
        r#"{{"metadata":{{"name":"odd","namespace":"ns","resourceVersion":"8","managedFields":[{{"time":"9999-12-31T23:59:59Z"}}],"x":{deep}}},"spec":{deep}}}"#
    );
    let items = format!(r#"null,5,{{"metadata":{{"name":5,"namespace":"ns"}}}},{odd}"#);
    let list = format!(
        r#"{{"items":[{items},{{"metadata":{{"name":"a","namespace":"ns"}}}}],"metadata":{{"resourceVersion":"7"}}}}"#
    );
    let nameless = json!({"type": "MODIFIED", "object": {"metadata": {"resourceVersion": "9"}}});
    let (_, watch) = lines(&[nameless, added("b")]);
    let watch = format!("{{\"type\":\"ADDED\",\"object\":{odd}}}\n{watch}");
    let (told, _) = watched(vec![refusal(422, "Invalid"), (200, list), (200, watch)], 11).await;
    let nameless = "?ns/(no readable name)";
    let expected = [
        "begin",
        "?/(no readable name)",
        "?/(no readable name)",
        nameless,
        "odd",
        "a",
        "done in part",
        "quiet",
        "+odd",
        "?/(no readable name)",
        "+b",
    ];
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_event_makes_a_fresh_list() {
    for garbage in ["garbage", "{}", "[1]", r#"{"type":"NEWS","object":{}}"#, r#"{"type":"ADDED","object":{}}"#] {
        let begun = lines(&[bookmark("9", true)]).1;
        let answers = vec![(200, format!("{begun}{garbage}\n")), lines(&[added("a")])];
        let (told, asked) = watched(answers, 5).await;
        let expected = ["begin", "done", "malformed watch event; listing again", "begin", "a"];
        assert_eq!(told, expected, "{garbage}");
        assert!(asked.iter().all(|query| query.contains("sendInitialEvents=true")));
    }
}

/// Whatever spoils a watch after each list does not have everything listed again every second.
#[tokio::test(start_paused = true)]
async fn watch_that_breaks_after_each_good_list_backs_off() {
    let gone = json!({"type": "ERROR", "object": {"code": 410, "reason": "Expired"}}).to_string();
    for after in ["garbage", &gone, ""] {
        for (lists_alone, name) in [(true, "streamed"), (false, "paged")] {
            let asked = Arc::new(Mutex::new(0));
            let (count, after) = (asked.clone(), after.to_owned());
            let service = tower::service_fn(move |request: Request<Body>| {
                *count.lock().unwrap() += 1;
                let query = request.uri().query().unwrap_or_default().to_owned();
                let (code, text) = match (query.contains("sendInitialEvents=true"), query.contains("watch=true")) {
                    (true, _) if lists_alone => (200, format!("{}{after}\n", lines(&[bookmark("9", true)]).1)),
                    (true, _) => refusal(422, "Invalid"),
                    (false, true) => (200, format!("{after}\n")),
                    (false, false) => page("a", ""),
                };
                let answer = Response::builder().status(code).body(Body::from(text.into_bytes())).unwrap();
                futures::future::ready(Ok::<_, std::convert::Infallible>(answer))
            });
            let mut watch = events(secrets(Client::new(service, "default")));
            let five_minutes = Duration::from_secs(300);
            let endless = async { while watch.next().await.is_some() {} };
            assert!(tokio::time::timeout(five_minutes, endless).await.is_err(), "a watch ends");
            let asked = *asked.lock().unwrap();
            // A list and a watch for each of about 14 pauses: 0.8 s, doubled up to 30 s.
            assert!(asked <= 50, "{name}: {asked} requests");
        }
    }
}

/// A control plane that is rolled back, or one replica of several, streams no lists although another did.
#[tokio::test(start_paused = true)]
async fn server_that_stops_streaming_is_listed_in_pages() {
    for refused in [refusal(400, "BadRequest"), refusal(422, "Invalid")] {
        let answers = vec![lines(&[bookmark("9", true)]), refusal(410, "Expired"), refused, page("a", "")];
        let (told, asked) = watched(answers, 6).await;
        assert_eq!(told.first().zip(told.get(1)), Some((&"begin".to_owned(), &"done".to_owned())), "{told:?}");
        assert!(told.ends_with(&["begin", "a", "done"].map(str::to_owned)), "{told:?}");
        assert!(asked.last().is_some_and(|query| query.contains("limit=")), "{asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_too_long_is_asked_for_again_with_fewer_objects() {
    let long = (200, format!("{}{}", " ".repeat(4 << 20), page("a", "").1));
    let (told, asked) = watched(vec![refusal(422, "Invalid"), long, page("a", "")], 3).await;
    assert_eq!(told, ["begin", "a", "done"]);
    let limits: Vec<_> = asked.iter().skip(1).map(|query| query.contains("limit=50")).collect();
    assert_eq!(limits, [true, false]);
}

#[tokio::test(start_paused = true)]
async fn sealed_secrets_of_every_shape_are_told_one_by_one() {
    let deep = format!("{}{}", "[".repeat(150), "]".repeat(150));
    let object = |name: &str, spec: &str| {
        format!(
            r#"{{"type":"ADDED","object":{{"metadata":{{"name":"{name}","namespace":"ns","uid":"u","resourceVersion":"8"}},"spec":{spec}}}}}"#
        )
    };
    let text = [
        object("a", r#"{"encryptedData":{"k":"v"}}"#),
        object("deep", &format!(r#"{{"template":{{"metadata":{{"a":{deep}}}}}}}"#)),
        object("b", "5"),
        bookmark("9", true).to_string(),
    ];
    let client = server(Arc::default(), vec![(200, format!("{}\n", text.join("\n")))]);
    let collection = crate::kube::sealed_secret::SealedSecrets::of(client, None).collection();
    let source = Source { collection, selector: None, metadata_only: false, read: Sighting::read };
    let told: Vec<Event<Sighting>> = events(source).take(5).map_err(|_| ()).try_collect().await.unwrap();
    let names: Vec<_> = told
        .iter()
        .filter_map(|event| if let Event::Listed(object) = event { Some(object.key.name.as_str()) } else { None })
        .collect();
    assert_eq!(names, ["a", "deep", "b"]);
}

#[tokio::test(start_paused = true)]
async fn object_without_readable_name_causes_a_later_relist() {
    let nameless = json!({"type": "MODIFIED", "object": {"metadata": {"name": 5, "resourceVersion": "9"}}});
    let once = "?/(no readable name)";
    // In a list, and in a watch whose answer goes on.
    for (first, expected) in [
        (lines(&[nameless.clone(), bookmark("9", true)]).1, ["begin", once, "done in part", "begin", "a"]),
        (lines(&[bookmark("9", true), nameless]).1, ["begin", "done", once, "begin", "a"]),
    ] {
        let answers = Mutex::new(vec![first, lines(&[added("a")]).1].into_iter());
        let service = tower::service_fn(move |_: Request<Body>| {
            let text = answers.lock().unwrap().next().unwrap_or_default();
            let parts = futures::stream::iter([Ok::<_, std::io::Error>(hyper::body::Frame::data(
                hyper::body::Bytes::from(text),
            ))]);
            let parts = parts.chain(futures::stream::pending());
            let body = http_body_util::StreamBody::new(parts);
            futures::future::ready(Ok::<_, std::convert::Infallible>(Response::new(body)))
        });
        let told: Vec<String> = events(secrets(Client::new(service, "default"))).take(5).map(told).collect().await;
        assert_eq!(told, expected);
    }
}
