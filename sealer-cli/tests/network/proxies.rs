//! Proxies, of the environment and of a kubeconfig.

use crate::server::{self, Server};
use crate::stage::{Authority, Stage};

/// A name that only a proxy can know.
const HOST: &str = "api.cluster.example";

#[test]
fn the_environment_names_proxies_and_exempts_from_them() {
    let (stage, authority) = (Stage::new(), Authority::new());
    let api = Server::api(Some(authority.pair(&[HOST, "127.0.0.1", "localhost"], |_| ()).server()));
    let proxy = server::proxy(api.port, None, None);
    let (bare, whole) = (format!("127.0.0.1:{}", proxy.port), format!("http://127.0.0.1:{}", proxy.port));
    stage.kubeconfig(&format!("https://{HOST}:6443"), &authority.field(), "");
    for variables in [
        &[("HTTPS_PROXY", whole.as_str())][..],
        &[("https_proxy", bare.as_str())],
        &[("HTTPS_PROXY", bare.as_str()), ("NO_PROXY", "other.example,cluster.example:8443,10.0.0.0/8")],
        &[("HTTPS_PROXY", ""), ("https_proxy", whole.as_str())],
    ] {
        let before = proxy.asked().len();
        let ran = stage.run(&["--fetch-cert"], variables);
        assert!(ran.is_served(), "{variables:?}: {ran:?}");
        assert_eq!(proxy.asked()[before].line, format!("CONNECT {HOST}:6443 HTTP/1.1"), "{variables:?}");
    }
    let before = proxy.asked().len();
    for no_proxy in ["*", HOST, "cluster.example", ".cluster.example", "CLUSTER.example:6443", "a, *.cluster.example"] {
        for name in ["NO_PROXY", "no_proxy"] {
            let ran = stage.run(&["--fetch-cert"], &[("HTTPS_PROXY", &whole), (name, no_proxy)]);
            ran.says(&["no such host"]);
        }
    }
    for (host, no_proxy) in [("127.0.0.1", ""), ("localhost", "")] {
        stage.kubeconfig(&format!("https://{host}:{}", api.port), &authority.field(), "");
        let ran = stage.run(&["--fetch-cert"], &[("HTTPS_PROXY", &whole), ("NO_PROXY", no_proxy)]);
        assert!(ran.is_served(), "{ran:?}");
    }
    assert_eq!(proxy.asked().len(), before, "{:?}", proxy.asked());
}

#[test]
fn the_proxy_of_a_kubeconfig_is_for_every_address() {
    let (stage, authority) = (Stage::new(), Authority::new());
    let api = Server::api(Some(authority.pair(&[HOST, "127.0.0.1"], |_| ()).server()));
    let proxy = server::proxy(api.port, Some("Basic dUBiOnA6dw=="), None);
    let address = format!("u%40b:p%3Aw@127.0.0.1:{}", proxy.port);
    for scheme in ["http://", ""] {
        let fields = format!("{}, \"proxy-url\": \"{scheme}{address}\"", authority.field());
        for host in [HOST, "127.0.0.1"] {
            stage.kubeconfig(&format!("https://{host}:1"), &fields, "");
            let ran = stage.run(&["--fetch-cert"], &[("HTTPS_PROXY", "http://127.0.0.1:2"), ("NO_PROXY", "*")]);
            assert!(ran.is_served(), "{ran:?}");
        }
    }
    assert_eq!(proxy.asked().len(), 4);
    stage.kubeconfig(
        &format!("https://{HOST}"),
        &format!("{}, \"proxy-url\": \"ftp://u:hunter2@p\"", authority.field()),
        "",
    );
    stage.fetch().says(&["unsupported scheme \"ftp\", must be http, https, or socks5", "proxy-url of cluster \"c\""]);
}

#[test]
fn proxies_of_every_kind_are_spoken_to() {
    let (stage, authority) = (Stage::new(), Authority::new());
    let api = Server::api(Some(authority.pair(&[HOST], |_| ()).server()));
    stage.kubeconfig(&format!("https://{HOST}"), &authority.field(), "");
    let https = server::proxy(api.port, None, Some(authority.pair(&["127.0.0.1"], |_| ()).server()));
    let ran = stage.run(&["--fetch-cert"], &[("HTTPS_PROXY", &format!("https://127.0.0.1:{}", https.port))]);
    assert!(ran.is_served(), "{ran:?}");
    assert_eq!(https.asked()[0].line, format!("CONNECT {HOST}:443 HTTP/1.1"));
    for (scheme, user) in [("socks5", None), ("socks5h", Some(("u", "p")))] {
        let socks = server::socks(api.port, user);
        let user = user.map_or_else(String::new, |(name, password)| format!("{name}:{password}@"));
        let ran =
            stage.run(&["--fetch-cert"], &[("HTTPS_PROXY", &format!("{scheme}://{user}127.0.0.1:{}", socks.port))]);
        assert!(ran.is_served(), "{ran:?}");
        assert_eq!(socks.asked()[0].line, HOST);
    }
    // Without TLS the proxy is asked with the whole address.
    let plain = server::proxy(api.port, Some("Basic dTpw"), None);
    let address = format!("http://u:p@127.0.0.1:{}", plain.port);
    stage.kubeconfig(&format!("http://{HOST}:8080"), "", "");
    let ran = stage.run(&["--fetch-cert"], &[("HTTP_PROXY", &address)]);
    assert!(ran.is_served(), "{ran:?}");
    assert!(plain.asked()[0].line.starts_with(&format!("GET http://{HOST}:8080/api/v1/")), "{:?}", plain.asked());
    // A program of a web server is not led astray.
    let ran = stage.run(&["--fetch-cert"], &[("HTTP_PROXY", &address), ("REQUEST_METHOD", "GET")]);
    ran.says(&["refusing to use HTTP_PROXY value in CGI environment"]);
}

#[test]
fn the_proxy_is_named_where_it_is_to_blame() {
    let (stage, api) = (Stage::new(), Server::api(None));
    let refusing = server::proxy(api.port, Some("Basic dTpw"), None);
    stage.kubeconfig(&format!("https://{HOST}"), "", "");
    let address = format!("http://u:hunter2@127.0.0.1:{}", refusing.port);
    let ran = stage.run(&["--fetch-cert"], &[("HTTPS_PROXY", &address)]);
    ran.says(&[
        "Proxy Authentication Required (407)",
        &format!("http://127.0.0.1:{} (from HTTPS_PROXY)", refusing.port),
        "NO_PROXY",
    ]);
    assert!(!ran.stderr.contains("hunter2"), "{ran:?}");
    let ran = stage.run(&["--fetch-cert"], &[("HTTPS_PROXY", "http://u:hunter2@127.0.0.1:1")]);
    ran.says(&[
        "proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused",
        "http://127.0.0.1:1 (from HTTPS_PROXY)",
    ]);
    assert!(!ran.stderr.contains("hunter2"), "{ran:?}");
    // It does not speak HTTP.
    let silent = Server::start(None, |_, _| b"nonsense\r\n\r\n".to_vec());
    let ran = stage.run(&["--fetch-cert"], &[("HTTPS_PROXY", &format!("127.0.0.1:{}", silent.port))]);
    ran.says(&["proxyconnect tcp", "(from HTTPS_PROXY)"]);
    let ran = stage.run(&["--fetch-cert"], &[("HTTPS_PROXY", &format!("socks5://127.0.0.1:{}", silent.port))]);
    ran.says(&["socks connect tcp", "(from HTTPS_PROXY)"]);
}

#[test]
fn certificates_by_url_follow_the_same_rules() {
    let (stage, api) = (Stage::new(), Server::api(None));
    let proxy = server::proxy(api.port, None, None);
    let address = format!("127.0.0.1:{}", proxy.port);
    let path = "proxy/v1/cert.pem";
    let fetch = |url: &str, variables: &[(&str, &str)]| stage.run(&["--fetch-cert", "--cert", url], variables);
    let far = format!("http://{HOST}:81/x/{path}");
    assert!(fetch(&far, &[("http_proxy", &address)]).is_served());
    assert!(proxy.asked()[0].line.starts_with(&format!("GET {far} ")), "{:?}", proxy.asked());
    fetch(&far, &[("HTTP_PROXY", &address), ("no_proxy", "10.0.0.0/8,CLUSTER.example:81")]).says(&["no such host"]);
    fetch(&far, &[("HTTP_PROXY", "127.0.0.1:1")]).says(&["connection refused", "http://127.0.0.1:1 (from HTTP_PROXY)"]);
    fetch(&far, &[("HTTPS_PROXY", &address), ("ALL_PROXY", &address)]).says(&["no such host"]);
    let near = format!("http://us%40er:hunter2@127.0.0.1:{}/x/{path}", api.port);
    assert!(fetch(&near, &[("HTTP_PROXY", "127.0.0.1:1")]).is_served());
    assert_eq!(api.asked().last().unwrap().header("authorization"), "Basic dXNAZXI6aHVudGVyMg==");
    let ran = fetch("http://u:hunter2@127.0.0.1:1/", &[]);
    ran.says(&["connection refused"]);
    assert!(!ran.stderr.contains("hunter2"), "{ran:?}");
}
