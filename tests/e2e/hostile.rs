//! Bad input, on purpose or not: keys, objects, request bodies. It fails alone, is named, and stalls nothing.

use std::time::Duration;

use anyhow::{Result, ensure};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, PostParams};
use sealer_core::{Certificate, Label, Plaintext, Scope, UnsealingKey, seal};
use sealer_encoding::base64;
use sealer_resource::key_secret::{self, KEY_LABEL, KEY_LABEL_ACTIVE, Naming};
use serde_json::{Map, Value, json};

use crate::scene::Scene;
use crate::stage::{Stage, key};

const V: &[(&str, &str)] = &[("k", "v")];

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../sealer-cli/tests/golden/fixtures/", $name))
    };
}

/// A private key as PKCS#1 has it, whose numbers are what they are.
fn pretended_key(bits: usize) -> Vec<u8> {
    let integer = |bytes: Vec<u8>| der(0x02, &bytes);
    let odd = |bits: usize| [vec![0x00, 0x81], vec![0x55; bits / 8 - 2], vec![0x01]].concat();
    let half = bits / 2;
    let numbers = [vec![0], odd(bits), vec![1, 0, 1], odd(bits), odd(half), odd(half), odd(half), odd(half), odd(half)];
    let body: Vec<u8> = numbers.into_iter().flat_map(integer).collect();
    pem("RSA PRIVATE KEY", &der(0x30, &body))
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[tag, 0x84][..], &length, content].concat()
}

fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    let text = base64::encode(der);
    let lines: Vec<String> =
        text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n")).into_bytes()
}

/// A name, a private key and a certificate.
type KeyItems = (&'static str, Option<Vec<u8>>, Option<Vec<u8>>);

/// What cannot be used.
fn broken_keys() -> Vec<KeyItems> {
    let (good_key, good_certificate) = (fixture!("key2048.pem").to_vec(), fixture!("cert2048.pem").to_vec());
    let half = |bytes: &[u8]| bytes.get(..bytes.len() / 2).unwrap_or_default().to_vec();
    let damaged: Vec<u8> = good_key.iter().map(|byte| if *byte == b'A' { b'B' } else { *byte }).collect();
    let relabelled = String::from_utf8_lossy(&good_key).replace("PRIVATE KEY", "SECRET KEY").into_bytes();
    let wide: Vec<u8> = good_key.iter().flat_map(|byte| [*byte, 0]).collect();
    let with = |key: &[u8]| (Some(key.to_vec()), Some(good_certificate.clone()));
    let under = |certificate: &[u8]| (Some(good_key.clone()), Some(certificate.to_vec()));
    let kinds = [
        ("without-items", (None, None)),
        ("empty", (Some(Vec::new()), Some(Vec::new()))),
        ("key-alone", (Some(good_key.clone()), None)),
        ("certificate-alone", (None, Some(good_certificate.clone()))),
        ("exchanged", (Some(good_certificate.clone()), Some(good_key.clone()))),
        ("text", with(b"garbage")),
        ("bytes", with(&[0xff, 0x00, 0x80, 0x7f])),
        ("large", with(&[b'A'; 300_000])),
        ("cut-off", with(&half(&good_key))),
        ("damaged", with(&damaged)),
        ("relabelled", with(&relabelled)),
        ("wide-characters", with(&wide)),
        ("public", with(fixture!("public4096.pem"))),
        ("encrypted", with(fixture!("key4096-encrypted.pem"))),
        ("elliptic", with(fixture!("key-ec.pem"))),
        ("inconsistent", with(&pretended_key(2048))),
        ("of-16384-bits", with(&pretended_key(16_384))),
        ("certificate-text", under(b"garbage")),
        ("certificate-cut-off", under(&half(&good_certificate))),
        ("certificate-elliptic", under(fixture!("cert-ec.pem"))),
    ];
    kinds.into_iter().map(|(name, (key, certificate))| (name, key, certificate)).collect()
}

fn key_secret(name: &str, key: Option<&[u8]>, certificate: Option<&[u8]>) -> Result<Secret> {
    let mut data = Map::new();
    data.extend(key.map(|key| ("tls.key".to_owned(), json!(base64::encode(key)))));
    data.extend(certificate.map(|certificate| ("tls.crt".to_owned(), json!(base64::encode(certificate)))));
    let labels = json!({ KEY_LABEL: KEY_LABEL_ACTIVE });
    Ok(serde_json::from_value(json!({ "metadata": { "name": name, "labels": labels }, "data": data }))?)
}

pub(crate) async fn broken_key_secrets_of_every_kind_stall_nothing(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let controller = stage.start().await?;
    let certificate = controller.certificate()?;
    let broken = broken_keys();
    for (name, key, certificate) in &broken {
        let secret = key_secret(name, key.as_deref(), certificate.as_deref())?;
        scene.secrets().create(&PostParams::default(), &secret).await?;
    }
    // These open values, but nobody is given them to seal with.
    let stranger = key_secret("mismatch", Some(fixture!("key2048.pem")), Some(fixture!("cert4096.pem")))?;
    let small = key_secret("small", Some(fixture!("key1024.pem")), Some(fixture!("cert1024.pem")))?;
    let tiny = key_secret("tiny", Some(fixture!("key512.pem")), Some(fixture!("cert512.pem")))?;
    for secret in [stranger, small, tiny] {
        scene.secrets().create(&PostParams::default(), &secret).await?;
    }
    let counts = [
        format!("sealed_secrets_controller_broken_keys {}\n", broken.len()),
        "sealed_secrets_controller_keys 4\n".to_owned(),
    ];
    let counted = async || {
        let metrics = controller.metrics()?;
        Ok(counts.iter().all(|line| metrics.contains(line)).then_some(()))
    };
    scene.eventually("every broken key in the metrics", counted).await?;
    let log = controller.log()?;
    for (name, ..) in &broken {
        let told = |line: &str| line.contains("Error reading key") && line.contains(&format!("secret={name} "));
        ensure!(log.lines().any(told), "nothing is said of {name}");
    }
    ensure!(controller.certificate()? == certificate, "another certificate is served");
    stage.apply("a", V).await?;
    stage.converges("a", V).await?;
    // The same after a start with all of them there.
    controller.kill();
    let again = stage.start().await?;
    ensure!(again.certificate()? == certificate, "another certificate is served after a restart");
    ensure!(again.metrics()?.contains(&counts[0]), "{}", again.metrics()?);
    stage.apply("b", V).await?;
    stage.converges("b", V).await
}

pub(crate) async fn malformed_objects_fail_alone_and_are_named(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let controller = stage.start().await?;
    let value = stage.sealed("a", V)?["spec"]["encryptedData"]["k"].clone();
    let specs = [
        ("numbers", json!({ "encryptedData": { "k": 5, "l": value } })),
        ("objects", json!({ "encryptedData": { "k": { "deep": [1, 2] } } })),
        ("list", json!({ "encryptedData": ["a", "b"] })),
        ("nothing", json!({})),
        (
            "generation",
            json!({ "encryptedData": { "k": value }, "template": { "metadata": { "generation": "seven" } } }),
        ),
        ("labels", json!({ "encryptedData": { "k": value }, "template": { "metadata": { "labels": { "a": 5 } } } })),
        ("type", json!({ "encryptedData": { "k": value }, "template": { "type": ["x"] } })),
        ("no-base64", json!({ "encryptedData": { "k": "not base64!" } })),
        ("cut-off", json!({ "encryptedData": { "k": "AQ==" } })),
        ("no-key-name", json!({ "encryptedData": { "../../etc": value, "": value } })),
        ("megabyte", json!({ "encryptedData": { ("x".repeat(1 << 20)): "AAAA" } })),
    ];
    let mut taken = Vec::new();
    for (name, spec) in specs {
        let object = json!({ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": { "name": name, "namespace": scene.namespace }, "spec": spec });
        // The resource definition refuses some of them; others stand in clusters whose definition is older.
        let made = scene.sealed_secrets().create(&PostParams::default(), &serde_json::from_value(object)?).await;
        taken.extend(made.is_ok().then_some(name));
    }
    // The API server drops what is null: these are empty, and so is their Secret.
    for (name, items) in [("no-items", json!({})), ("nulls", json!({ "k": null }))] {
        let mut object = stage.sealed(name, &[])?;
        object["spec"]["encryptedData"] = items;
        scene.sealed_secrets().create(&PostParams::default(), &serde_json::from_value(object)?).await?;
        stage.converges(name, &[]).await?;
    }
    stage.apply("good", V).await?;
    stage.converges("good", V).await?;
    for name in &taken {
        let message = scene.synced(name, "False").await?;
        ensure!(!message.is_empty() && message.len() < 100_000, "{name}: {} bytes of message", message.len());
        ensure!(scene.secret(name).await?.is_none(), "{name} has a Secret");
        let named = |line: &str| line.contains("Error updating") && line.contains(&format!("/{name} "));
        let log = controller.log()?;
        ensure!(log.lines().any(named), "nothing is logged of {name}");
        ensure!(log.lines().all(|line| line.len() < 100_000), "a line without end for {name}");
    }
    ensure!(taken.len() >= 5, "only {taken:?} were taken");
    Ok(())
}

/// A template can name an owner that is not there, and Kubernetes deletes the Secret each time; so may anybody else.
pub(crate) async fn a_secret_that_is_deleted_again_and_again_is_made_ever_more_slowly(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let controller = stage.start().await?;
    stage.apply("a", V).await?;
    scene
        .eventually("the warning", async || {
            // It is there only from time to time.
            let _ = scene.secrets().delete("a", &DeleteParams::default()).await;
            Ok(controller.log()?.contains("something undoes each write to the Secret").then_some(()))
        })
        .await?;
    stage.apply("b", V).await?;
    stage.converges("b", V).await?;
    let name = format!("{}/a", scene.namespace);
    let is_look = |line: &&str| line.contains("Updating") && line.contains(&name);
    let looks = controller.log()?.lines().filter(is_look).count();
    ensure!((6..=9).contains(&looks), "{looks} looks at the object");
    stage.converges("a", V).await
}

pub(crate) async fn whatever_is_posted_the_next_request_is_answered(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?.with_args(&["--rate-limit=1000", "--rate-limit-burst=1000"]);
    let controller = stage.start().await?;
    let good = stage.sealed("a", V)?;
    let mut numbers = good.clone();
    numbers["spec"]["encryptedData"]["k"] = json!(5);
    let bombs = (0..9).fold("a: &a0 [x]\n".to_owned(), |text, at| {
        let aliases = vec![format!("*a{at}"); 9].join(",");
        format!("{text}b{at}: &a{} [{aliases}]\n", at + 1)
    });
    let bodies: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"garbage".to_vec(),
        vec![0xff; 4096],
        vec![0; 4096],
        b"{".repeat(100_000),
        [b"[".repeat(10_000), b"]".repeat(10_000)].concat(),
        b"null".to_vec(),
        b"{\"kind\":\"Secret\"}".to_vec(),
        b"{\"kind\":\"SealedSecret\",\"metadata\":5}".to_vec(),
        numbers.to_string().into_bytes(),
        bombs.into_bytes(),
        [good.to_string().into_bytes(), b"trailing".to_vec()].concat(),
        vec![b' '; (2 << 20) + 1],
    ];
    for path in ["/v1/verify", "/v1/rotate"] {
        for body in &bodies {
            let start = String::from_utf8_lossy(body.get(..20.min(body.len())).unwrap_or_default()).into_owned();
            let code = controller.post(path, body)?;
            ensure!(code.is_some_and(|code| (400..600).contains(&code)), "{path} {start:?}: {code:?}");
            let good = controller.post(path, good.to_string().as_bytes())?;
            ensure!(good == Some(200), "after {start:?} {path} answers {good:?}");
        }
    }
    stage.apply("a", V).await?;
    stage.converges("a", V).await
}

/// Many keys that open nothing here.
async fn other_keys(scene: &Scene, count: usize) -> Result<()> {
    let naming = Naming { prefix: "sealed-secrets-key".to_owned(), ..Naming::default() };
    let make = |_| {
        tokio::task::spawn_blocking(|| -> Result<(UnsealingKey, Certificate)> {
            let key = UnsealingKey::generate(2048)?;
            let long_ago = Timestamp::from_second(1_600_000_000)?;
            let certificate = Certificate::self_signed(&key, "", long_ago, Duration::from_secs(86_400))?;
            Ok((key, certificate))
        })
    };
    for made in futures::future::try_join_all((0..count).map(make)).await? {
        let (key, certificate) = made?;
        scene.secrets().create(&PostParams::default(), &key_secret::new(&key, &certificate, &naming)).await?;
    }
    Ok(())
}

pub(crate) async fn fifty_honest_objects_come_before_one_that_keeps_all_keys_busy(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    other_keys(&scene, 23).await?;
    let controller = stage.start().await?;
    let label = Label::new_unchecked(Scope::Strict, "nowhere", "nothing");
    let value = seal(&Plaintext::new(b"v".to_vec()), &label, key()?.sealing_key())?.to_base64();
    let items: Map<String, Value> = (0..2000).map(|at| (format!("i{at}"), json!(value))).collect();
    let hostile = json!({ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": { "name": "hostile", "namespace": scene.namespace }, "spec": { "encryptedData": items } });
    scene.sealed_secrets().create(&PostParams::default(), &serde_json::from_value(hostile)?).await?;
    let operations = || -> Result<u64> {
        let metrics = controller.metrics()?;
        let line =
            metrics.lines().find_map(|l| l.strip_prefix("sealed_secrets_controller_private_key_operations_total "));
        Ok(line.and_then(|count| count.parse().ok()).unwrap_or_default())
    };
    scene.eventually("its first operation", async || Ok((operations()? > 0).then_some(()))).await?;
    let honest: Vec<String> = (0..50).map(|at| format!("honest{at}")).collect();
    for name in &honest {
        stage.apply(name, V).await?;
    }
    for name in &honest {
        stage.converges(name, V).await?;
    }
    let (spent, all) = (operations()?, 2000 * 24);
    let status = scene.sealed_secrets().get("hostile").await?.data["status"].clone();
    ensure!(status.is_null() && spent < all, "the hostile object was done first: {spent} operations, {status}");
    scene.delete("hostile").await?;
    Ok(())
}
