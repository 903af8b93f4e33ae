//! Addresses, and values of a kubeconfig that nobody meant.

use rayon::prelude::*;

use crate::server::{self, Server};
use crate::stage::Stage;

#[test]
fn addresses_of_every_form_are_reached() {
    let (stage, api) = (Stage::new(), Server::api(None));
    let port = api.port;
    for (server, path) in [
        (format!("127.0.0.1:{port}"), "/api/v1/namespaces/"),
        (format!("localhost:{port}"), "/api/v1/namespaces/"),
        (format!("HTTP://127.0.0.1:{port}/"), "/api/v1/namespaces/"),
        (format!("http://127.0.0.1:{port}/k8s/clusters/c-m-1"), "/k8s/clusters/c-m-1/api/v1/namespaces/"),
        (format!("http://127.0.0.1:{port}/k8s/clusters/c-m-1/?a=b#c"), "/k8s/clusters/c-m-1/api/v1/namespaces/"),
    ] {
        stage.kubeconfig(&server, "", "");
        let before = api.asked().len();
        let ran = stage.fetch();
        assert!(ran.is_served(), "{server}: {ran:?}");
        for asked in &api.asked()[before..] {
            assert!(asked.line.starts_with(&format!("GET {path}")), "{server}: {asked:?}");
        }
        assert!(stage.run(&["--fetch-cert", "--server", &server, "--kubeconfig", "kubeconfig"], &[]).is_served());
    }
    stage.kubeconfig(&format!("http://us%3Aer:pass@127.0.0.1:{port}"), "", "");
    assert!(stage.fetch().is_served());
    assert_eq!(api.asked().last().unwrap().header("authorization"), "Basic dXM6ZXI6cGFzcw==");
}

/// Texts that stand where nobody would write them.
const ODD: &[&str] = &[
    "",
    " ",
    "/",
    "//",
    "://",
    "http://",
    "https://",
    "https:///x",
    "http://?",
    "http://#",
    "http://:0",
    "http://a:99999",
    "http://a:-1",
    "http://a:b",
    "http://[",
    "http://]",
    "http://[::1",
    "http://[::g]:1",
    "http://::1",
    "https://a b",
    "http://a\nb",
    "http://\u{0}",
    "http://ä.example",
    "http://\u{202e}x",
    "ftp://a",
    "unix:///x",
    "file:///etc/passwd",
    "javascript:x",
    "http://user@",
    "http://@",
    "%",
    "%zz",
    "a/b",
    "a/b:1",
    "\\\\host\\share",
    "*",
    "http://127.0.0.1:1/%",
    "http://127.0.0.1:1/ä",
    "http://127.0.0.1:1/\u{7f}",
    "http://127.0.0.1:1//",
    "https://127.0.0.1:1",
    "127.0.0.1:1",
    "http://127.0.0.1:1/a/../b",
    "http://999.1.1.1:1",
    "http://127.1:1",
    "0",
    "-",
    "--",
    "http://-",
    "http://.",
    "http://..",
];

#[test]
fn nothing_in_a_kubeconfig_makes_the_program_panic() {
    let long = "a".repeat(70_000);
    let (host, path) = (format!("http://{long}"), format!("http://127.0.0.1:1/{long}"));
    let texts: Vec<&str> = ODD.iter().copied().chain([long.as_str(), &host, &path]).collect();
    texts.par_iter().for_each(|text| {
        let stage = Stage::new();
        for (server, cluster, user) in with(text) {
            stage.kubeconfig(server, &cluster, &user);
            let ran = stage.run(&["--fetch-cert", "--request-timeout", "5s"], &[]);
            let case = format!("{server:.80} {cluster:.80} {user:.80}");
            assert_eq!(ran.status, Some(1), "{case}: {ran:?}");
            assert!(ran.stderr.starts_with("error: ") && !ran.stderr.contains("internal error"), "{case}: {ran:?}");
        }
    });
}

/// A server and more fields of its cluster and its user, with a text in the place of each value.
fn with(text: &str) -> Vec<(&str, String, String)> {
    let quoted = serde_json::Value::from(text).to_string();
    let of_cluster = ["proxy-url", "tls-server-name", "certificate-authority-data", "certificate-authority"];
    let of_user = [
        format!("\"token\": {quoted}"),
        format!("\"tokenFile\": {quoted}"),
        format!("\"username\": {quoted}, \"password\": {quoted}"),
        format!(r#""as": {quoted}, "as-groups": [{quoted}], "as-user-extra": {{{quoted}: [{quoted}]}}"#),
        format!(r#""client-certificate-data": {quoted}, "client-key-data": {quoted}"#),
        format!(r#""auth-provider": {{"name": {quoted}, "config": {{{quoted}: {quoted}}}}}"#),
        format!(r#""exec": {{"command": {quoted}, "apiVersion": {quoted}, "interactiveMode": {quoted}}}"#),
    ];
    let cluster = |field: &&str| ("https://127.0.0.1:1", format!("\"{field}\": {quoted}"), String::new());
    let mut all = vec![(text, String::new(), String::new())];
    all.extend(of_cluster.iter().map(cluster));
    all.extend(of_user.map(|user| ("http://127.0.0.1:1", String::new(), user)));
    all
}

#[test]
fn nothing_in_a_variable_or_a_url_makes_the_program_panic() {
    ODD.par_iter().for_each(|text| {
        let stage = Stage::new();
        // No variable has a zero byte in it.
        let text = text.replace('\0', "");
        stage.kubeconfig("https://a.example", "", "");
        let variables = [("HTTPS_PROXY", text.as_str()), ("NO_PROXY", text.as_str())];
        let ran = stage.run(&["--fetch-cert", "--request-timeout", "5s"], &variables);
        assert!(ran.status == Some(1) && !ran.stderr.contains("internal error"), "{text}: {ran:?}");
        let ran = stage.run(&["--fetch-cert", "--cert", &format!("http://{text}"), "--request-timeout", "5s"], &[]);
        assert!(ran.status == Some(1) && !ran.stderr.contains("internal error"), "{text}: {ran:?}");
    });
}

#[test]
fn nothing_that_a_server_says_makes_the_program_panic() {
    let stage = Stage::new();
    let answers: [&[u8]; 14] = [
        b"",
        b"\r\n",
        b"\0",
        b"HTTP/1.1",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 99999 X\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 401 \xff\xfe\r\nDate: \xff\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: \xff\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    ];
    for answer in answers {
        let closing = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = closing.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for mut stream in closing.incoming().map_while(Result::ok) {
                let mut part = [0; 4096];
                drop(std::io::Read::read(&mut stream, &mut part));
                drop(std::io::Write::write_all(&mut stream, answer));
            }
        });
        for scheme in ["http", "https"] {
            stage.kubeconfig(&format!("{scheme}://127.0.0.1:{port}"), "", "");
            for args in
                [&["--fetch-cert", "-v", "10"][..], &["--fetch-cert", "--request-timeout", "9s"], &["keys", "list"]]
            {
                let ran = stage.run(args, &[]);
                assert!(
                    ran.status == Some(1) && !ran.stderr.contains("internal error"),
                    "{answer:?} {args:?}: {ran:?}"
                );
            }
        }
    }
}

#[test]
fn empty_texts_are_absent_and_data_wins() {
    let (stage, api) = (Stage::new(), Server::api(None));
    let server = format!("http://127.0.0.1:{}", api.port);
    let cluster =
        r#""certificate-authority": "", "certificate-authority-data": "", "tls-server-name": "", "proxy-url": """#;
    let user = r#""client-certificate": "", "client-certificate-data": "", "client-key": "", "client-key-data": "", "token": "",
        "tokenFile": "", "username": "", "password": "", "as": "", "as-uid": "", "as-groups": null, "exec": null"#;
    stage.kubeconfig(&server, cluster, user);
    let ran = stage.fetch();
    assert!(ran.is_served() && ran.stderr.is_empty(), "{ran:?}");
    assert!(api.asked().iter().all(|asked| asked.header("authorization").is_empty()));
    stage.put("sub/token", "of-file\n");
    stage.kubeconfig(&server, "", r#""token": "of-field", "tokenFile": "sub/token""#);
    assert!(stage.fetch().is_served());
    assert_eq!(api.asked().last().unwrap().header("authorization"), "Bearer of-file");
    stage.kubeconfig(
        &server,
        "",
        r#""as": "alice", "as-uid": "7", "as-groups": ["g", "h"], "as-user-extra": {"a/B%": ["1", "2"]}"#,
    );
    assert!(stage.fetch().is_served());
    let asked = api.asked().last().unwrap().clone();
    let told = ["impersonate-user", "impersonate-uid", "impersonate-group", "impersonate-extra-a%2fb%25"]
        .map(|name| asked.header(name).to_owned());
    assert_eq!(told, ["alice", "7", "g\nh", "1\n2"]);
    let wrong = Server::start(None, |_, _| server::reply(200, "text/plain", "x"));
    stage.kubeconfig(&format!("http://127.0.0.1:{}", wrong.port), "", "\"as-groups\": [\"g\"]");
    stage.fetch().says(&["without impersonating a user"]);
}
