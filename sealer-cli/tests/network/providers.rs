//! Credentials without a plugin, and where they go.

use crate::server::{self, Server};
use crate::stage::Stage;

/// A token of OpenID Connect that ends at a second of the epoch.
fn id_token(end: i64) -> String {
    let part = |text: &str| sealer_encoding::base64::encode(text).replace('+', "-").replace('/', "_").replace('=', "");
    format!("{}.{}.c2ln", part(r#"{"alg":"RS256"}"#), part(&format!(r#"{{"iss":"https://idp","exp":{end}}}"#)))
}

#[test]
fn the_token_of_an_openid_provider_is_sent_until_it_ends() {
    let (stage, api) = (Stage::new(), Server::api(None));
    let server = format!("http://127.0.0.1:{}", api.port);
    let user = |token: &str| {
        format!(
            r#""auth-provider": {{"name": "oidc", "config": {{"idp-issuer-url": "https://127.0.0.1:1", "client-id": "c",
                "id-token": "{token}"}}}}"#
        )
    };
    let token = id_token(4_102_444_800);
    stage.kubeconfig(&server, "", &user(&token));
    let ran = stage.fetch();
    assert!(ran.is_served(), "{ran:?}");
    assert!(api.asked().iter().all(|asked| asked.header("authorization") == format!("Bearer {token}")));
    let before = api.asked().len();
    for ended in [id_token(1_000_000_000), "no token".to_owned()] {
        stage.kubeconfig(&server, "", &user(&ended));
        let ran = stage.fetch();
        ran.says(&["oidc: ", "kubectl oidc-login"]);
        assert!(!ran.stderr.contains(&ended), "{ran:?}");
    }
    assert_eq!(api.asked().len(), before, "asked without a token");
}

/// Whoever listens between here and there would have them.
#[test]
fn no_credentials_leave_this_machine_in_clear() {
    let (stage, api) = (Stage::new(), Server::api(None));
    let proxy = server::proxy(api.port, None, None);
    let through = format!("http://127.0.0.1:{}", proxy.port);
    for user in [r#""token": "canary""#, r#""username": "canary", "password": "canary""#] {
        stage.kubeconfig("http://api.cluster.example", "", user);
        let ran = stage.run(&["--fetch-cert"], &[("HTTP_PROXY", &through)]);
        let seen = proxy.asked().into_iter().chain(api.asked());
        assert!(seen.into_iter().all(|asked| asked.header("authorization").is_empty()), "{ran:?}");
    }
    stage.kubeconfig(&format!("http://127.0.0.1:{}", api.port), "", r#""token": "canary""#);
    assert!(stage.fetch().is_served());
    assert_eq!(api.asked().last().unwrap().header("authorization"), "Bearer canary");
}
