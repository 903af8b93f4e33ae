//! One watch that never ends. Its first look is streamed object by object where the server can do that, and else listed
//! in pages.

use std::fmt::Debug;
use std::time::Duration;

use futures::stream::{BoxStream, StreamExt as _};
use kube::api::Api;
use kube::runtime::{WatchStreamExt as _, watcher};
use serde::de::DeserializeOwned;

/// What happens to the objects that the selector names, or to all.
pub(crate) fn events<K>(api: Api<K>, selector: Option<&str>) -> BoxStream<'static, Answer<K>>
where
    K: kube::Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut config = watcher::Config::default().page_size(PAGE);
    config.label_selector = selector.map(str::to_owned);
    let streamed = watcher(api.clone(), config.clone().streaming_lists()).default_backoff().boxed();
    let source = Source { inner: streamed, fallback: Some((api, config)), listed: false };
    futures::stream::unfold(source, |mut source| async { source.next().await.map(|answer| (answer, source)) }).boxed()
}

type Answer<K> = watcher::Result<watcher::Event<K>>;

struct Source<K> {
    inner: BoxStream<'static, Answer<K>>,
    /// What is watched in the other way; nothing once that is done.
    fallback: Option<(Api<K>, watcher::Config)>,
    listed: bool,
}

impl<K> Source<K>
where
    K: kube::Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    async fn next(&mut self) -> Option<Answer<K>> {
        loop {
            let next = if self.fallback.is_some() && !self.listed {
                tokio::time::timeout(SILENCE, self.inner.next()).await.ok()
            } else {
                Some(self.inner.next().await)
            };
            match next {
                Some(Some(Err(error))) if !self.listed && cannot_stream(&error) && self.fall_back() => {}
                // A server that streams says something, and says when it is through.
                None => _ = self.fall_back(),
                Some(answer) => {
                    self.listed |= matches!(answer, Some(Ok(watcher::Event::InitDone)));
                    return answer;
                }
            }
        }
    }

    /// Goes on with lists in pages, if that was not done yet.
    fn fall_back(&mut self) -> bool {
        let Some((api, config)) = self.fallback.take() else { return false };
        tracing::debug!("the API server does not stream lists; listing in pages");
        self.inner = watcher(api, config).default_backoff().boxed();
        true
    }
}

/// What servers answer that know nothing of streamed lists, or have them turned off.
fn cannot_stream(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(status)) if matches!(status.code, 400 | 422))
}

/// Objects a page: they are held at once, whole.
const PAGE: u32 = 250;
/// The first look takes seconds; how long the next object of it may take.
const SILENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::sync::{Arc, Mutex};

    use http::{Request, Response};
    use k8s_openapi::api::core::v1::Secret;
    use kube::Client;
    use kube::client::Body;
    use serde_json::json;

    use super::*;

    fn page(name: &str, next: &str) -> serde_json::Value {
        let secret = json!({"metadata": {"name": name, "namespace": "ns", "resourceVersion": "5"}});
        let metadata = json!({"resourceVersion": "7", "continue": next});
        json!({"kind": "SecretList", "apiVersion": "v1", "metadata": metadata, "items": [secret]})
    }

    /// Answers as a server that refuses to stream, with these pages; notes what it was asked.
    fn server(asked: Arc<Mutex<Vec<String>>>, pages: Vec<(u16, serde_json::Value)>) -> Client {
        let pages = Mutex::new(pages.into_iter());
        let service = tower::service_fn(move |request: Request<Body>| {
            let query = request.uri().query().unwrap_or_default().to_owned();
            let (status, answer) = if query.contains("sendInitialEvents") {
                (
                    422,
                    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 422, "reason": "Invalid",
                    "message": "sendInitialEvents is forbidden"}),
                )
            } else {
                pages.lock().unwrap().next().unwrap()
            };
            asked.lock().unwrap().push(query);
            let answer = Response::builder().status(status).body(Body::from(answer.to_string().into_bytes()));
            futures::future::ready(Ok::<_, std::convert::Infallible>(answer.unwrap()))
        });
        Client::new(service, "default")
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_cannot_stream_is_listed_in_pages() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let api: Api<Secret> = Api::all(server(asked.clone(), vec![(200, page("a", ""))]));
        let first: Vec<_> = events(api, None).take(3).map(Result::unwrap).collect().await;
        assert!(matches!(
            first.as_slice(),
            [watcher::Event::Init, watcher::Event::InitApply(_), watcher::Event::InitDone]
        ));
        let asked = asked.lock().unwrap();
        assert!(asked.first().unwrap().contains("sendInitialEvents=true"));
        assert!(asked.get(1).unwrap().contains("limit=250"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_expires_between_its_pages_begins_anew() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let expired = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired",
            "message": "The provided continue parameter is too old"});
        let pages = vec![(200, page("a", "t")), (410, expired), (200, page("a", "u")), (200, page("b", ""))];
        let api: Api<Secret> = Api::all(server(asked.clone(), pages));
        let told = |answer: Answer<Secret>| match answer {
            Ok(watcher::Event::Init) => "begin".to_owned(),
            Ok(watcher::Event::InitApply(secret)) => secret.metadata.name.unwrap(),
            Ok(watcher::Event::InitDone) => "done".to_owned(),
            Ok(_) => "more".to_owned(),
            Err(error) => crate::error::watch_answer(&error),
        };
        let all: Vec<String> = events(api, None).take(7).map(told).collect().await;
        assert_eq!(
            all,
            ["begin", "a", "The provided continue parameter is too old", "begin", "a", "b", "done"].map(str::to_owned)
        );
        let asked = asked.lock().unwrap();
        let continued: Vec<bool> = asked.iter().skip(1).map(|query| query.contains("continue=")).collect();
        assert_eq!(continued, [false, true, false, true]);
    }
}
