//! The public port under load: connections that are slow on purpose, bodies that are costly to read, and endpoints for those
//! alone who may use them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{Api, PostParams};
use sealer_tests::attack::{HALF_A_BODY, HALF_A_HEAD, costly_bodies};
use sealer_tests::controller::Controller;
use sealer_tests::report::say;
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::stage::Stage;

const V: &[(&str, &str)] = &[("k", "v")];
const UNLIMITED: &[&str] = &["--rate-limit=100000", "--rate-limit-burst=100000"];

/// What honest clients and probes do.
fn is_answered(controller: &Controller, good: &Value) -> Result<()> {
    controller.healthz()?;
    let code = controller.post("/v1/verify", good.to_string().as_bytes())?;
    ensure!(code == Some(200), "verify answers {code:?}");
    Ok(())
}

fn connect(controller: &Controller, first: &[u8]) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", controller.http_port()))?;
    // The controller may have closed it already.
    let _ = stream.write_all(first);
    Ok(stream)
}

pub(crate) async fn slow_connections_keep_no_probe_and_no_verify_waiting(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?.with_args(UNLIMITED);
    let controller = stage.start().await?;
    let good = stage.sealed("a", V)?;
    is_answered(&controller, &good)?;
    let mut open = Vec::new();
    for at in 0..513 {
        open.push(connect(&controller, HALF_A_HEAD)?);
        if at % 64 == 0 {
            is_answered(&controller, &good)?;
        }
    }
    is_answered(&controller, &good)?;
    for at in 0..200 {
        open.push(connect(&controller, HALF_A_BODY)?);
        if at % 20 == 4 {
            is_answered(&controller, &good)?;
        }
    }
    let requests = b"GET /v1/cert.pem HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20_000);
    for _ in 0..20 {
        let mut stream = connect(&controller, b"")?;
        stream.set_write_timeout(Some(Duration::from_millis(200)))?;
        while stream.write(&requests).is_ok_and(|written| written > 0) {}
        open.push(stream);
        is_answered(&controller, &good)?;
    }
    let metrics = controller.metrics()?;
    let evicted =
        metrics.lines().find(|line| line.contains("http_connections_closed_total{port=\"http\",reason=\"evicted\"}"));
    say(&format!("with {} connections open at the peers' side: {}", open.len(), evicted.unwrap_or("none evicted")));
    ensure!(evicted.is_some(), "{metrics}");
    // Each slow body is told so in the end, or was closed for others.
    scene
        .eventually("the end of every slow body", async || {
            let metrics = controller.metrics()?;
            Ok(metrics.contains("http_requests_refused_total{reason=\"too_slow\"}").then_some(()))
        })
        .await?;
    drop(open);
    is_answered(&controller, &good)?;
    stage.apply("a", V).await?;
    stage.converges("a", V).await
}

pub(crate) async fn posts_of_every_costly_shape_cost_little_memory(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?.with_args(UNLIMITED);
    let controller = stage.start().await?;
    let good = stage.sealed("a", V)?;
    is_answered(&controller, &good)?;
    let (_, idle) = controller.memory()?;
    let mut worst = (0, "");
    for (shape, body) in costly_bodies(&good) {
        controller.forget_peak()?;
        for path in ["/v1/verify", "/v1/rotate"] {
            // Twelve at a time, each to its end.
            let codes: Vec<Result<Option<u16>>> = std::thread::scope(|threads| {
                let posts: Vec<_> = (0..12).map(|_| threads.spawn(|| controller.post(path, &body))).collect();
                posts.into_iter().filter_map(|post| post.join().ok()).collect()
            });
            let answered = codes.iter().flatten().flatten().count();
            ensure!(answered > 0, "{shape}: {path} answers nobody: {codes:?}");
            is_answered(&controller, &good)?;
        }
        let (peak, now) = controller.memory()?;
        let over = peak.saturating_sub(idle);
        say(&format!(
            "{shape}: {} KiB over idle at most, {} KiB afterwards",
            over / 1024,
            now.saturating_sub(idle) / 1024
        ));
        worst = worst.max((over, shape));
    }
    let (_, after) = controller.memory()?;
    say(&format!("idle {} KiB, afterwards {} KiB, worst {worst:?}", idle / 1024, after / 1024));
    ensure!(worst.0 <= MOST_MEMORY, "{} costs {} bytes", worst.1, worst.0);
    ensure!(after.saturating_sub(idle) <= MOST_MEMORY / 2, "{} bytes are not given back", after - idle);
    stage.apply("a", V).await?;
    stage.converges("a", V).await
}

/// An account of the scene's namespace, and a token of it.
async fn token(scene: &Scene, name: &str) -> Result<String> {
    let accounts: Api<ServiceAccount> = Api::namespaced(scene.client(), &scene.namespace);
    let account: ServiceAccount = serde_json::from_value(json!({ "metadata": { "name": name } }))?;
    accounts.create(&PostParams::default(), &account).await?;
    let path = format!("/api/v1/namespaces/{}/serviceaccounts/{name}/token", scene.namespace);
    let body = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {} });
    let request = http::Request::post(path).header("Content-Type", "application/json");
    let answer: Value = scene.client().request(request.body(body.to_string().into_bytes())?).await?;
    Ok(answer.pointer("/status/token").and_then(Value::as_str).context("there is no token")?.to_owned())
}

pub(crate) async fn authorized_endpoints_ask_the_api_server(scene: Scene) -> Result<()> {
    let args = [UNLIMITED, &["--verify-api=authorized", "--rotate-api=authorized"]].concat();
    let stage = Stage::new(&scene).await?.with_args(&args);
    let controller = stage.start().await?;
    let good = stage.sealed("a", V)?.to_string();
    let (allowed, other) = (token(&scene, "allowed").await?, token(&scene, "other").await?);
    let role = format!(
        "kubectl -n {0} create role updater --verb=update --resource=sealedsecrets.bitnami.com && \
         kubectl -n {0} create rolebinding updater --role=updater --serviceaccount={0}:allowed",
        scene.namespace
    );
    scene.shell().must(&role).await?;
    // The controller may not ask yet.
    let (code, text) = controller.post_as(&allowed, "/v1/verify", good.as_bytes())?;
    ensure!(code == 503 && text.contains("log says why"), "{code} {text}");
    let log = controller.log()?;
    ensure!(log.contains("tokenreviews.authentication.k8s.io"), "the log does not name the right: {log}");
    let binding: ClusterRoleBinding = serde_json::from_value(json!({
        "metadata": { "name": scene.namespace },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:auth-delegator" },
        "subjects": [{ "kind": "ServiceAccount", "name": "controller", "namespace": scene.namespace }],
    }))?;
    Api::<ClusterRoleBinding>::all(scene.client()).create(&PostParams::default(), &binding).await?;
    for path in ["/v1/verify", "/v1/rotate"] {
        scene
            .eventually("an answer to who may", async || {
                Ok((controller.post_as(&allowed, path, good.as_bytes())?.0 == 200).then_some(()))
            })
            .await?;
        for (token, expected) in [(other.as_str(), 403), ("nonsense", 401)] {
            let (code, text) = controller.post_as(token, path, good.as_bytes())?;
            ensure!(code == expected && !text.contains(token), "{path}: {code} {text}");
        }
        ensure!(controller.post(path, good.as_bytes())? == Some(401), "{path} answers without a token");
    }
    let log = controller.log()?;
    ensure!(!log.contains(&allowed) && !log.contains(&other) && !log.contains("nonsense"), "a token is in the log");
    let mut rest = String::new();
    connect(&controller, b"GET /healthz HTTP/1.0\r\n\r\n")?.read_to_string(&mut rest)?;
    ensure!(rest.ends_with("ok\n"), "{rest}");
    Ok(())
}

/// What posts may cost over an idle controller.
const MOST_MEMORY: u64 = 100 << 20;
