//! Certificates of clients and of servers.

use std::path::Path;

use rcgen::{BasicConstraints, GeneralSubtree, IsCa, NameConstraints, date_time_ymd};

use crate::server::Server;
use crate::stage::{Authority, Stage};

fn fixture(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/network/fixtures").join(name)).unwrap()
}

/// A client certificate as fields of a user.
fn identity(certificate: &str, key: &str) -> String {
    let encode = |text: &str| sealer_encoding::base64::encode(text);
    format!("\"client-certificate-data\": \"{}\", \"client-key-data\": \"{}\"", encode(certificate), encode(key))
}

#[test]
fn client_certificates_of_every_form_are_sent() {
    let (stage, authority) = (Stage::new(), Authority::new());
    let api = Server::api(Some(authority.pair(&["127.0.0.1"], |_| ()).server()));
    let server = format!("https://127.0.0.1:{}", api.port);
    let modern = authority.pair(&["alice"], |_| ());
    let (old, old_key, old_pkcs1) = (fixture("v1.pem"), fixture("v1.key"), fixture("v1-pkcs1.key"));
    let noise = |pem: &str| format!("Bag Attributes\r\n    x: y\r\n{}\r\n", pem.replace('\n', "\r\n"));
    for (certificate, key) in [
        // `openssl x509 -req` without extensions makes version 1.
        (old.clone(), old_key.clone()),
        (old.clone(), old_pkcs1.clone()),
        (old.clone(), old_pkcs1.replace("RSA PRIVATE", "PRIVATE")),
        (noise(&old), noise(&old_key)),
        (format!("{old_key}{old}"), format!("{old}{old_key}")),
        (modern.pem.clone(), modern.key.clone()),
        (
            format!("{}{}", modern.pem, authority.pem),
            format!("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{}", modern.key),
        ),
    ] {
        stage.kubeconfig(&server, &authority.field(), &identity(&certificate, &key));
        let before = api.asked().len();
        let ran = stage.fetch();
        assert!(ran.is_served(), "{certificate}: {ran:?}");
        assert!(api.asked()[before..].iter().all(|asked| asked.certificate.is_some()), "{certificate}");
    }
    // Beside the kubeconfig, and by flags; data wins over a file that is not there.
    stage.put("pki/v1.pem", &old);
    stage.put("pki/v1.key", &old_key);
    let files = r#""client-certificate": "pki/v1.pem", "client-key": "pki/v1.key""#;
    let both = format!("{}, \"client-certificate\": \"none\", \"client-key\": \"none\"", identity(&old, &old_key));
    for user in [files, both.as_str(), ""] {
        stage.kubeconfig(&server, &authority.field(), user);
        let args = ["--fetch-cert", "--client-certificate", "pki/v1.pem", "--client-key", "pki/v1.key"];
        let ran = if user.is_empty() { stage.run(&args, &[]) } else { stage.fetch() };
        assert!(ran.is_served() && api.asked().last().unwrap().certificate.is_some(), "{user}: {ran:?}");
    }
    for (user, says) in [
        (identity(&old, &modern.key), "tls: private key does not match public key"),
        (identity(&old_key, &old_key), "tls: failed to find any PEM data in certificate input"),
        (identity(&old, &old), "tls: failed to find any PEM data in key input"),
        (
            identity(&old, "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"),
            "tls: failed to parse private key",
        ),
        (
            identity(&old, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"),
            "the private key is encrypted",
        ),
        (
            "\"client-certificate-data\": \"*\", \"client-key-data\": \"*\"".to_owned(),
            "client-certificate-data is no base64",
        ),
    ] {
        stage.kubeconfig(&server, &authority.field(), &user);
        stage.fetch().says(&[says]);
    }
}

#[test]
fn servers_are_trusted_as_go_trusts_them() {
    let (stage, authority) = (Stage::new(), Authority::new());
    let other = Authority::new();
    let start = |names: &[&str]| Server::api(Some(authority.pair(names, |_| ()).server()));
    for (names, host, fields, says) in [
        (&["127.0.0.1"][..], "127.0.0.1", authority.field(), ""),
        (&["localhost"], "localhost", authority.field(), ""),
        (
            &["a.example", "b.example"],
            "127.0.0.1",
            format!("{}, \"tls-server-name\": \"b.example\"", authority.field()),
            "",
        ),
        (&["*.example"], "127.0.0.1", format!("{}, \"tls-server-name\": \"b.example\"", authority.field()), ""),
        (&["x"], "127.0.0.1", "\"insecure-skip-tls-verify\": true".to_owned(), ""),
        (
            &["a.example", "b.example"],
            "localhost",
            authority.field(),
            "x509: certificate is valid for a.example, b.example, not localhost",
        ),
        (
            &["a.example"],
            "127.0.0.1",
            authority.field(),
            "x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs",
        ),
        (&["10.0.0.1"], "127.0.0.1", authority.field(), "x509: certificate is valid for 10.0.0.1, not 127.0.0.1"),
        (&[], "localhost", authority.field(), "x509: certificate relies on legacy Common Name field, use SANs instead"),
        (&["127.0.0.1"], "127.0.0.1", other.field(), "x509: certificate signed by unknown authority"),
        (&["127.0.0.1"], "127.0.0.1", String::new(), "x509: certificate signed by unknown authority"),
        (
            &["127.0.0.1"],
            "127.0.0.1",
            format!("{}, \"insecure-skip-tls-verify\": true", authority.field()),
            "specifying a root certificates file with the insecure flag is not allowed",
        ),
        (
            &["127.0.0.1"],
            "127.0.0.1",
            "\"certificate-authority-data\": \"YQ==\"".to_owned(),
            "unable to load root certificates",
        ),
    ] {
        let api = start(names);
        stage.kubeconfig(&format!("https://{host}:{}", api.port), &fields, "");
        let ran = stage.fetch();
        if says.is_empty() { assert!(ran.is_served(), "{names:?}: {ran:?}") } else { ran.says(&[says]) }
    }
    // Among others in one file, some of them broken; and a flag takes the place of both.
    let api = start(&["127.0.0.1"]);
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    stage.put("ca.pem", &format!("# two\n{broken}{}{}", other.pem, authority.pem));
    stage.kubeconfig(&format!("127.0.0.1:{}", api.port), r#""certificate-authority": "ca.pem""#, "");
    let ran = stage.fetch();
    assert!(ran.is_served(), "{ran:?}");
    stage.kubeconfig(&format!("https://127.0.0.1:{}", api.port), &other.field(), "");
    assert!(stage.run(&["--fetch-cert", "--certificate-authority", "ca.pem"], &[]).is_served());
    assert!(stage.run(&["--fetch-cert", "--insecure-skip-tls-verify"], &[]).is_served());
    assert!(stage.run(&["--fetch-cert"], &[("SSL_CERT_FILE", "ca.pem")]).status == Some(1));
    stage.kubeconfig(&format!("https://127.0.0.1:{}", api.port), "", "");
    assert!(stage.run(&["--fetch-cert"], &[("SSL_CERT_FILE", "ca.pem")]).is_served());
}

/// `openssl x509 -req -signkey` makes authorities of version 1, without a word of what they may sign.
#[test]
fn an_authority_of_version_1_signs_for_servers() {
    let stage = Stage::new();
    let authority = Authority::of("old authority", fixture("v1-authority.pem"), &fixture("v1-authority.key"));
    let api = Server::api(Some(authority.pair(&["127.0.0.1"], |_| ()).server()));
    stage.kubeconfig(&format!("https://127.0.0.1:{}", api.port), &authority.field(), "");
    let ran = stage.fetch();
    assert!(ran.is_served(), "{ran:?}");
}

#[test]
fn an_authority_signs_for_the_names_that_it_may() {
    let stage = Stage::new();
    let limited = Authority::with(|params| {
        let permitted = vec![GeneralSubtree::DnsName("cluster.example".to_owned())];
        params.name_constraints =
            Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: Vec::new() });
    });
    for (name, says) in [("api.cluster.example", ""), ("api.other.example", "x509: ")] {
        let api = Server::api(Some(limited.pair(&[name], |_| ()).server()));
        let fields = format!("{}, \"tls-server-name\": \"{name}\"", limited.field());
        stage.kubeconfig(&format!("https://127.0.0.1:{}", api.port), &fields, "");
        let ran = stage.fetch();
        if says.is_empty() { assert!(ran.is_served(), "{ran:?}") } else { ran.says(&[says, "not permitted"]) }
    }
}

#[test]
fn server_certificate_that_is_an_authority_is_trusted_if_signed() {
    let (stage, authority) = (Stage::new(), Authority::new());
    let is_ca = |params: &mut rcgen::CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let api = Server::api(Some(authority.pair(&["127.0.0.1"], is_ca).server()));
    stage.kubeconfig(&format!("https://127.0.0.1:{}", api.port), &authority.field(), "");
    let ran = stage.fetch();
    assert!(ran.is_served(), "{ran:?}");
    let wrong_name = Server::api(Some(authority.pair(&["a.example"], is_ca).server()));
    stage.kubeconfig(&format!("https://127.0.0.1:{}", wrong_name.port), &authority.field(), "");
    stage.fetch().says(&["127.0.0.1 because it doesn't contain any IP SANs"]);
    let expired = Server::api(Some(
        authority
            .pair(&["127.0.0.1"], |params| {
                is_ca(params);
                params.not_after = date_time_ymd(2024, 1, 1);
            })
            .server(),
    ));
    stage.kubeconfig(&format!("https://127.0.0.1:{}", expired.port), &authority.field(), "");
    stage.fetch().says(&["x509: certificate has expired or is not yet valid"]);
    let foreign = Server::api(Some(Authority::new().pair(&["127.0.0.1"], is_ca).server()));
    stage.kubeconfig(&format!("https://127.0.0.1:{}", foreign.port), &authority.field(), "");
    stage.fetch().says(&["x509: certificate signed by unknown authority"]);
}

#[test]
fn dates_and_clocks_are_told() {
    let (stage, authority) = (Stage::new(), Authority::new());
    let expired = Server::api(Some(
        authority.pair(&["127.0.0.1"], |params| params.not_after = date_time_ymd(2024, 1, 1)).server(),
    ));
    stage.kubeconfig(&format!("https://127.0.0.1:{}", expired.port), &authority.field(), "");
    stage.fetch().says(&[
        "certificate has expired or is not yet valid: current time ",
        " is after 2024-01-01T00:00:00Z",
        "to be renewed",
    ]);
    let early = Server::api(Some(
        authority.pair(&["127.0.0.1"], |params| params.not_before = date_time_ymd(2099, 1, 1)).server(),
    ));
    stage.kubeconfig(&format!("https://127.0.0.1:{}", early.port), &authority.field(), "");
    stage.fetch().says(&[" is before 2099-01-01T00:00:00Z", "clock of this machine"]);
    let old = authority.pair(&["alice"], |params| params.not_after = date_time_ymd(2024, 1, 1));
    let refusing = Server::start(Some(authority.pair(&["127.0.0.1"], |_| ()).server()), |_, _| {
        b"HTTP/1.1 401 Unauthorized\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: 12\r\n\r\nUnauthorized"
            .to_vec()
    });
    stage.kubeconfig(
        &format!("https://127.0.0.1:{}", refusing.port),
        &authority.field(),
        &identity(&old.pem, &old.key),
    );
    stage.fetch().says(&[
        "provide credentials",
        "the client certificate expired on 2024-01-01",
        "minutes ahead of the server's",
    ]);
}
