//! The bare program: the private-key operations and API calls that a new object costs, with nothing between.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{Event, Secret};
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams, PostParams};
use sealer_core::{Keyring, Label, Plaintext, Scope, SealedValue, UnsealingKey, seal, unseal};
use sealer_encoding::base64;
use serde_json::json;
use tokio::sync::Semaphore;

use super::cluster::sealed_secrets;

/// Opens every object of a namespace, and creates its Secret and event and writes its status; returns how long that took.
pub(super) async fn run(client: &Client, namespace: &str, ring: &Keyring) -> Result<Duration> {
    let started = Instant::now();
    let threads = Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)));
    let listed = sealed_secrets(client, namespace).list(&ListParams::default()).await?;
    let label = Label::new_unchecked(Scope::NamespaceWide, namespace, "");
    let one = |object: DynamicObject| {
        let (threads, ring, label) = (threads.clone(), ring.clone(), label.clone());
        async move {
            let value = object.data.pointer("/spec/encryptedData/k").and_then(|value| value.as_str());
            let value = SealedValue::from_base64(value.context("no value")?)?;
            let permit = threads.acquire_owned().await?;
            let opened = tokio::task::spawn_blocking(move || (unseal(&value, &label, &ring), permit).0).await??;
            write(client, namespace, object, base64::encode(opened.plaintext.expose())).await
        }
    };
    futures::stream::iter(listed.items).map(one).buffer_unordered(IN_FLIGHT).try_collect::<Vec<()>>().await?;
    Ok(started.elapsed())
}

/// Makes so many private-key operations on all cores, none of which opens anything; returns how long that took.
pub(super) async fn operations(count: u64) -> Result<Duration> {
    let key = tokio::task::spawn_blocking(|| UnsealingKey::generate(4096)).await??;
    let label = Label::new_unchecked(Scope::ClusterWide, "", "");
    // What another label sealed costs as much as what another key did.
    let value = seal(&Plaintext::new(Vec::new()), &label, key.sealing_key())?;
    let key = Keyring::from_keys(vec![key]);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let each = count / u64::try_from(cores).unwrap_or(1);
    let started = Instant::now();
    let run = |_| {
        let (value, key) = (value.clone(), key.clone());
        tokio::task::spawn_blocking(move || {
            let wrong = Label::new_unchecked(Scope::Strict, "no", "name");
            (0..each).filter(|_| unseal(&value, &wrong, &key).is_ok()).count()
        })
    };
    futures::future::try_join_all((0..cores).map(run)).await?;
    Ok(started.elapsed())
}

async fn write(client: &Client, namespace: &str, mut object: DynamicObject, value: String) -> Result<()> {
    let name = object.metadata.name.clone().unwrap_or_default();
    let owner = json!([{ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": name,
        "uid": object.metadata.uid, "controller": true }]);
    let secret =
        json!({ "metadata": { "name": name, "ownerReferences": owner }, "type": "Opaque", "data": { "k": value } });
    let secret: Secret = serde_json::from_value(secret)?;
    Api::namespaced(client.clone(), namespace).create(&PostParams::default(), &secret).await?;
    let event = json!({ "metadata": { "generateName": "bare-" }, "type": "Normal", "reason": "Unsealed",
        "message": "SealedSecret unsealed successfully", "source": { "component": "bare" },
        "involvedObject": { "kind": "SealedSecret", "name": name, "namespace": namespace } });
    let event: Event = serde_json::from_value(event)?;
    Api::namespaced(client.clone(), namespace).create(&PostParams::default(), &event).await?;
    let status = json!({ "observedGeneration": 1, "conditions": [{ "type": "Synced", "status": "True",
        "lastUpdateTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z" }] });
    if let Some(fields) = object.data.as_object_mut() {
        fields.insert("status".to_owned(), status);
    }
    sealed_secrets(client, namespace).replace_status(&name, &PostParams::default(), &object).await?;
    Ok(())
}

/// As many as the controller has under way.
const IN_FLIGHT: usize = 16;
