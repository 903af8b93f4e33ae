//! What a user is told: traces, notices, limits, and answers that are errors.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::Stdio;

use crate::server::{self, Server};
use crate::stage::{Authority, Stage, certificate};

#[test]
fn requests_are_shown_without_credentials_and_secrets() {
    let (stage, api) = (Stage::new(), talking());
    stage.kubeconfig(&format!("http://127.0.0.1:{}", api.port), "", r#""token": "hunter2""#);
    let url = format!("http://127.0.0.1:{}/api/v1/namespaces/kube-system/services/sealed-secrets-controller", api.port);
    let shown = |level: &str| {
        let ran = stage.run(&["--fetch-cert", "-v", level], &[]);
        assert!(ran.is_served() && !ran.stderr.contains("hunter2"), "{ran:?}");
        ran.stderr
    };
    assert_eq!(shown("0"), "");
    assert_eq!(shown("5"), "");
    let six = shown("6");
    assert!(six.contains(&format!("] GET {url} 200 OK in ")) && six.lines().count() == 2, "{six}");
    let seven = shown("7");
    for text in [
        &format!("] GET {url}\n"),
        "Request Headers:\n",
        "    Authorization: Bearer <masked>\n",
        "    User-Agent: kubeseal/v0.",
        "Response Status: 200 OK in ",
    ] {
        assert!(seven.contains(text), "{text}: {seven}");
    }
    assert!(!seven.contains("Body"), "{seven}");
    let eight = shown("8");
    assert!(
        eight.contains("Response Headers:\n")
            && eight.contains(" [truncated ")
            && eight.contains(certificate().lines().nth(1).unwrap()),
        "{eight}"
    );
    let nine = shown("9");
    assert!(
        nine.contains("curl -v -XGET  -H \"")
            && nine.contains("-H \"Authorization: Bearer <masked>\"")
            && nine.contains(&format!("'{url}'")),
        "{nine}"
    );
    assert!(!shown("10").contains("truncated"));
    let keys = stage.run(&["keys", "list", "-v", "10"], &[]);
    assert!(
        keys.stderr.contains("Response Body: not shown, since it may hold a Secret")
            && !keys.stderr.contains("aHVudGVyMg"),
        "{keys:?}"
    );
}

/// An API server with much to say.
fn talking() -> Server {
    let long = "x".repeat(3000);
    Server::start(None, move |asked, _| {
        if asked.line.contains("/secrets") {
            return server::reply(
                200,
                "application/json",
                r#"{"kind":"SecretList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"k"},"data":{"tls.key":"aHVudGVyMg=="}}]}"#,
            );
        }
        if asked.line.contains("sealedsecrets") {
            return server::reply(
                200,
                "application/json",
                r#"{"kind":"SealedSecretList","apiVersion":"bitnami.com/v1alpha1","metadata":{},"items":[]}"#,
            );
        }
        if asked.line.contains("/proxy/") {
            server::api(asked)
        } else {
            server::reply(
                200,
                "application/json",
                &format!(r#"{{"metadata":{{"annotations":{{"a":"{long}"}}}},"spec":{{"ports":[{{"port":1}}]}}}}"#),
            )
        }
    })
}

#[test]
fn a_server_that_says_nothing_is_waited_for_and_told() {
    let (stage, silent) = (Stage::new(), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = format!("http://127.0.0.1:{}", silent.local_addr().unwrap().port());
    stage.kubeconfig(&address, "", "");
    let ran = stage.run(&["--fetch-cert", "--request-timeout", "50ms"], &[]);
    ran.says(&[
        "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
        "within 50ms; --request-timeout sets the limit",
    ]);
    let mut child = stage.command(&["--fetch-cert"], &[]).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, format!("waiting for an answer of {address}\n"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn each_answer_has_its_own_message() {
    let stage = Stage::new();
    let status = |code: u16, message: &str| {
        server::reply(code, "application/json", &serde_json::json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": "Forbidden", "code": code }).to_string())
    };
    let no_service = r#"services "sealed-secrets-controller" is forbidden: User "u" cannot get resource "services" in API group "" in the namespace "kube-system""#;
    let no_proxy = r#"services "http:sealed-secrets-controller:" is forbidden: User "u" cannot get resource "services/proxy" in API group "" in the namespace "kube-system""#;
    let page = "<!DOCTYPE html><html><title>Sign in</title></html>";
    type Says<'a> = &'a [&'a str];
    let cases: [(Vec<u8>, bool, Says<'_>); 8] = [
        (
            server::reply(401, "text/plain", "Unauthorized"),
            false,
            &[
                "the server has asked for the client to provide credentials (get services sealed-secrets-controller)",
                "log in anew",
            ],
        ),
        (
            status(403, no_service),
            false,
            &[no_service, "kubectl auth can-i get services/sealed-secrets-controller --namespace kube-system"],
        ),
        (
            status(403, no_proxy),
            true,
            &[no_proxy, "kubectl auth can-i get services/http:sealed-secrets-controller: --subresource=proxy"],
        ),
        (server::reply(200, "text/html", page), false, &["web page"]),
        (server::reply(200, "text/html", page), true, &["the answer is a web page", "console or login page"]),
        (server::reply(403, "text/html", page), false, &["does not allow access", "web page"]),
        (
            server::reply(400, "text/plain", "Client sent an HTTP request to an HTTPS server.\n"),
            false,
            &["Client sent an HTTP request to an HTTPS server", "https://"],
        ),
        (
            server::reply(503, "text/plain", "no endpoints"),
            true,
            &["cannot fetch certificate", "is the controller running?"],
        ),
    ];
    for (answer, at_proxy, says) in cases {
        let api = Server::start(None, move |asked, _| {
            if asked.line.contains("/proxy/") == at_proxy { answer.clone() } else { server::api(asked) }
        });
        stage.kubeconfig(&format!("http://127.0.0.1:{}", api.port), "", "");
        let ran = stage.fetch();
        ran.says(says);
        assert_eq!(
            ran.stderr.contains("is the controller running?"),
            says.contains(&"is the controller running?"),
            "{ran:?}"
        );
    }
}

#[test]
fn tls_that_is_missing_and_connections_that_fail_are_told() {
    let (stage, authority) = (Stage::new(), Authority::new());
    let plain = Server::api(None);
    stage.kubeconfig(&format!("https://127.0.0.1:{}", plain.port), &authority.field(), "");
    let garbled = Server::start(None, |_, _| b"HTTP/1.0 400 Bad Request\r\n\r\n".to_vec());
    stage.fetch();
    stage.kubeconfig(&format!("https://127.0.0.1:{}", talkative().port()), &authority.field(), "");
    stage.fetch().says(&["http: server gave HTTP response to HTTPS client", "there is no TLS at 127.0.0.1:"]);
    drop(garbled);
    stage.kubeconfig("https://127.0.0.1:1", "", "");
    stage.fetch().says(&["dial tcp 127.0.0.1:1: connect: connection refused", "nothing listens at 127.0.0.1:1"]);
    stage.kubeconfig("https://no-such-host.invalid:6443", "", "");
    stage.fetch().says(&["dial tcp: lookup no-such-host.invalid: no such host", "is not known here"]);
}

/// A server without TLS that answers whatever it is told.
fn talkative() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut part = [0; 4096];
            drop(std::io::Read::read(&mut stream, &mut part));
            drop(std::io::Write::write_all(&mut stream, b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent nonsense"));
        }
    });
    address
}

#[test]
fn redirects_are_followed_on_the_same_host_and_told_elsewhere() {
    let stage = Stage::new();
    let to = |line: &str, prefix: &str| {
        let path = line.split(' ').nth(1).unwrap();
        format!("HTTP/1.1 307 Temporary\r\nLocation: {prefix}{path}\r\nContent-Length: 0\r\n\r\n").into_bytes()
    };
    let api =
        Server::start(
            None,
            move |asked, _| {
                if asked.line.contains("/base/") { server::api(asked) } else { to(&asked.line, "/base") }
            },
        );
    stage.kubeconfig(&format!("http://127.0.0.1:{}", api.port), "", r#""token": "t""#);
    let ran = stage.fetch();
    assert!(ran.is_served(), "{ran:?}");
    assert!(api.asked().iter().all(|asked| asked.header("authorization") == "Bearer t"));
    let away = Server::start(None, move |asked, _| to(&asked.line, "https://sso.example/login?next="));
    stage.kubeconfig(&format!("http://127.0.0.1:{}", away.port), "", r#""token": "t""#);
    stage.fetch().says(&["the server redirects to \"https://sso.example/login?next=", "login page"]);
    let circle = Server::start(None, move |asked, _| to(&asked.line, ""));
    stage.kubeconfig(&format!("http://127.0.0.1:{}", circle.port), "", "");
    stage.fetch().says(&["stopped after 10 redirects"]);
    assert_eq!(circle.asked().len(), 11);
}

/// Load balancers close what waits, and the next request meets the end of its connection.
#[test]
fn a_connection_that_was_closed_while_it_waited_is_made_anew() {
    let (stage, api) = (Stage::new(), Server::closing());
    stage.kubeconfig(&format!("http://127.0.0.1:{}", api.port), "", "");
    for _ in 0..10 {
        let ran = stage.fetch();
        assert!(ran.is_served(), "{ran:?}");
    }
}

#[test]
fn a_busy_server_is_asked_again_when_it_says() {
    let (stage, api) = (
        Stage::new(),
        Server::start(None, |asked, before| {
            if before == 0 {
                return b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n".to_vec();
            }
            server::api(asked)
        }),
    );
    stage.kubeconfig(&format!("http://127.0.0.1:{}", api.port), "", "");
    assert!(stage.fetch().is_served());
    assert_eq!(api.asked().len(), 3);
}

/// What an API server says of a port that a Service does not have.
fn no_such_port() -> Vec<u8> {
    failure(503, "no endpoints available for service \"http:sealed-secrets-controller:http\"")
}

fn failure(code: u16, message: &str) -> Vec<u8> {
    let status = serde_json::json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code });
    server::reply(code, "application/json", &status.to_string())
}

#[test]
fn certificate_behind_a_usual_port_needs_no_look_at_the_service() {
    let stage = Stage::new();
    let paths = |api: &Server| -> Vec<String> {
        let path = |line: &str| line.split(' ').nth(1).unwrap().rsplit_once("/services/").unwrap().1.to_owned();
        api.asked().iter().map(|asked| path(&asked.line)).collect()
    };
    let (named, unnamed) =
        ("http:sealed-secrets-controller:http/proxy/v1/cert.pem", "http:sealed-secrets-controller:/proxy/v1/cert.pem");
    let service = "sealed-secrets-controller";
    let ran = |answer: fn(&str) -> Option<Vec<u8>>| {
        let api = Server::start(None, move |asked, _| answer(&asked.line).unwrap_or_else(|| server::api(asked)));
        stage.kubeconfig(&format!("http://127.0.0.1:{}", api.port), "", "");
        (stage.run(&["seal", "--fetch-cert"], &[]), paths(&api))
    };
    let recorded = Server::api(None);
    stage.kubeconfig(&format!("http://127.0.0.1:{}", recorded.port), "", "");
    assert!(stage.fetch().is_served() && paths(&recorded) == [service, unnamed], "what scripts do is asked as before");
    let chart = ran(|_| None);
    assert!(chart.0.is_served() && chart.1 == [named], "{chart:?}");
    let manifest = ran(|line| line.contains(":http/").then(no_such_port));
    assert!(manifest.0.is_served() && manifest.1 == [named, unnamed], "{manifest:?}");
    // Another name of the port: the Service says it.
    let other = ran(|line| match line {
        _ if line.contains(":web/") => None,
        _ if line.contains("/proxy/") => Some(no_such_port()),
        _ => Some(server::reply(200, "application/json", r#"{"spec":{"ports":[{"name":"web","port":1}]}}"#)),
    });
    let web = "http:sealed-secrets-controller:web/proxy/v1/cert.pem";
    assert!(other.0.is_served() && other.1 == [named, unnamed, service, web], "{other:?}");
    // What stands behind that port is no controller.
    let foreign = ran(|line| line.contains(":http/").then(|| server::reply(200, "text/plain", "hello")));
    assert!(foreign.0.is_served() && foreign.1 == [named, service, unnamed], "{foreign:?}");
    // A Pod that is gone costs one wait, not two.
    let gone = ran(|line| {
        line.contains(":http/")
            .then(|| failure(503, "error trying to reach service: dial tcp 10.0.0.7:8080: i/o timeout"))
    });
    gone.0.says(&["cannot fetch certificate: error trying to reach service: dial tcp", "is the controller running?"]);
    assert_eq!(gone.1, [named]);
    let refused = ran(|_| Some(server::reply(401, "text/plain", "Unauthorized")));
    refused.0.says(&["provide credentials (get services sealed-secrets-controller)"]);
    assert_eq!(refused.1, [named]);
    stage.kubeconfig("http://127.0.0.1:1", "", "");
    let url = "http://127.0.0.1:1/api/v1/namespaces/kube-system/services/sealed-secrets-controller";
    stage
        .run(&["seal", "--fetch-cert"], &[])
        .says(&[&format!("Get \"{url}\": dial tcp 127.0.0.1:1: connect: connection refused")]);
}

#[test]
fn missing_kubeconfig_is_told_where_it_gives_the_namespace() {
    let stage = Stage::new();
    let certificate = stage.put("cert.pem", &certificate());
    let secret = "{kind: Secret, apiVersion: v1, metadata: {name: a}, stringData: {p: hunter2}}\n";
    let with = "{kind: Secret, apiVersion: v1, metadata: {name: a, namespace: b}, stringData: {p: hunter2}}\n";
    stage.kubeconfig("http://127.0.0.1:1", "", "");
    let seal = |more: &[&str], input: &str| stage.run_with(&[&["--cert", &certificate][..], more].concat(), &[], input);
    seal(&["--kubeconfig", "nope"], secret)
        .says(&["secret must declare a namespace", "stat nope: no such file or directory"]);
    seal(&["--context", "nope"], secret).says(&["context was not found for specified context: nope"]);
    for more in [&["--kubeconfig", "nope"][..], &["--context", "nope"]] {
        assert_eq!(seal(more, with).status, Some(0));
        assert_eq!(seal(&[more, &["-n", "c"]].concat(), secret).status, Some(0));
        assert_eq!(seal(&[more, &["--scope", "cluster-wide"]].concat(), secret).status, Some(0));
        seal(&[more, &["--raw", "--name", "a"]].concat(), "x").says(&["nope"]);
    }
    let ran = seal(&[], secret);
    assert!(ran.status == Some(0) && ran.stdout.contains("of-context"), "{ran:?}");
    fs::remove_file(stage.path("kubeconfig")).unwrap();
    seal(&[], secret).says(&["secret must declare a namespace"]);
}

/// Objects that were joined without `---`: the controller would be asked about one of them alone.
#[test]
fn joined_objects_are_not_sent() {
    let (stage, api) = (Stage::new(), talking());
    stage.kubeconfig(&format!("http://127.0.0.1:{}", api.port), "", "");
    let object = |name: &str| {
        format!(
            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: {name}, namespace: b}}\nspec:\n  encryptedData: {{k: {name}}}\n"
        )
    };
    let joined = [object("one"), object("two")].concat();
    for mode in ["--validate", "--re-encrypt"] {
        let ran = stage.run_with(&[mode], &[], &joined);
        ran.says(&[
            "error: document 1: a second object begins at line 6 without a line `---` before it",
            "`one` would be lost: `k`",
            "hint: put a line `---`",
        ]);
        assert!(ran.stdout.is_empty() && api.asked().iter().all(|asked| asked.line.starts_with("GET ")), "{ran:?}");
    }
}
