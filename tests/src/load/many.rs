//! Very many objects: put in by server-side apply in parts beside a controller that runs, then restarts of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use sealer_core::{Label, Plaintext, Scope, UnsealingKey, seal};
use sealer_resource::key_record::KEY_RECORD_SECRET;
use serde_json::json;

use super::calls::Calls;
use super::cluster::{Cluster, sealed_secrets};
use super::controller::Controller;
use super::{Options, figure};
use crate::report::say;

pub(super) async fn run(options: &Options) -> Result<()> {
    let count = options.number("objects", 100_000);
    let parts = options.number("parts", 10).max(1);
    let mut cluster = Cluster::start(options).await?;
    let key = cluster.key(now()).await?;
    let values = values(&key)?;
    for at in 0..count.div_ceil(IN_A_NAMESPACE) {
        cluster.namespace(&namespace(at)).await?;
    }
    cluster.namespace(NEWS).await?;
    say(&format!("{count} objects of one value by server-side apply, in {parts} parts, beside a controller that runs"));
    let mut news = News { value: values.first().cloned().unwrap_or_default(), made: 0 };
    applied(&mut cluster, &values, &mut news, count, parts).await?;
    checkpoint(&cluster).await?;
    for (title, flags) in [
        ("a restart, without labels of objects in the metrics", &["--metrics-omit-secret-labels=true"][..]),
        ("a restart, with labels of objects in the metrics", &[]),
    ] {
        say(title);
        let counted = restarted(&mut cluster, flags, &mut news, count).await?;
        let writes: Vec<_> = counted.keys().filter(|call| is_write(call)).collect();
        ensure!(writes.is_empty(), "a restart wrote for objects: {writes:?}");
    }
    say("a start without a checkpoint");
    let secrets: Api<Secret> = Api::namespaced(cluster.client.clone(), "kube-system");
    for (name, _) in pieces(&cluster).await? {
        secrets.delete(&name, &DeleteParams::default()).await?;
    }
    restarted(&mut cluster, &["--metrics-omit-secret-labels=true"], &mut news, count).await?;
    Ok(())
}

/// Applies all objects part by part, and shows after each what that took.
async fn applied(cluster: &mut Cluster, values: &[String], news: &mut News, count: usize, parts: usize) -> Result<()> {
    let mut controller = cluster.controller(&[])?;
    controller.serves().await?;
    let mut all = cluster.calls()?;
    let (mut made, mut counts) = (0, BTreeMap::new());
    for part in 1..=parts {
        let begun = Instant::now();
        let upto = count * part / parts;
        let served = AtomicBool::new(false);
        controller.may_take(PART_TIMEOUT);
        let fill = async {
            apply(cluster, (made..upto).map(|at| object(values, at))).await?;
            let applied = begun.elapsed();
            controller.reaches(upto + news.made).await?;
            served.store(true, Ordering::Relaxed);
            anyhow::Ok(applied)
        };
        let (applied, waits) = tokio::join!(fill, news.clone().waits(cluster, &served));
        let (applied, (waits, next)) = (applied?, waits?);
        *news = next;
        made = upto;
        controller.settles(made + news.made).await?;
        let took = begun.elapsed();
        for (call, number) in all.count()? {
            *counts.entry(call).or_insert(0) += number;
        }
        all = cluster.calls()?;
        let (memory, peak) = controller.memory()?;
        say(&format!(
            "  {made:>6}: applied after {:>5.1} s, in sync after {:>5.1} s; memory {memory:>5.1} MiB, at most {peak:>5.1}; \
             new ones: {}",
            applied.as_secs_f64(),
            took.as_secs_f64(),
            told_waits(&waits)
        ));
    }
    figure("RSA operations", controller.operations());
    figure("CPU, s", format!("{:.1}", controller.cpu()?));
    figure("calls", told(&counts));
    metrics(&controller, "with labels");
    let stopped = Instant::now();
    controller.stop();
    figure("stopped after, s", format!("{:.2}", stopped.elapsed().as_secs_f64()));
    figure("  writes of the checkpoint after the last part", told(&checkpoint_writes(&all)?));
    Ok(())
}

/// Starts the controller, with new objects one after the other until all are known to be in sync.
async fn restarted(
    cluster: &mut Cluster,
    flags: &[&str],
    news: &mut News,
    count: usize,
) -> Result<BTreeMap<String, usize>> {
    let calls = cluster.calls()?;
    let mut controller = cluster.controller_with(&[], flags)?;
    let before = news.made;
    let served = AtomicBool::new(false);
    let start = async {
        let ready = controller.ready().await?;
        controller.reaches(count + before).await?;
        let synced = controller.age();
        let (memory, peak) = controller.memory()?;
        figure("ready after, s", format!("{:.2}", ready.as_secs_f64()));
        figure("all in sync after, s", format!("{:.2}", synced.as_secs_f64()));
        figure("  CPU by then, s", format!("{:.2}", controller.cpu()?));
        figure("  memory then, and at most, MiB", format!("{memory:.1}, {peak:.1}"));
        while controller.age() < synced + AFTERWARDS {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        served.store(true, Ordering::Relaxed);
        anyhow::Ok(())
    };
    let (started, waits) = tokio::join!(start, news.clone().waits(cluster, &served));
    started?;
    let (waits, next) = waits?;
    *news = next;
    controller.settles(count + news.made).await?;
    figure("new ones from the start, one after the other", told_waits(&waits));
    figure("RSA operations, but for those", controller.operations().saturating_sub(as_u64(waits.len())));
    let (memory, peak) = controller.memory()?;
    figure("memory, and at most, MiB", format!("{memory:.1}, {peak:.1}"));
    let counted = calls.count_outside(NEWS)?;
    figure("calls, but for those", told(&counted));
    metrics(&controller, if flags.is_empty() { "with labels" } else { "without labels" });
    controller.stop();
    Ok(counted)
}

fn metrics(controller: &Controller, which: &str) {
    let begun = Instant::now();
    let size = controller.text().len();
    let took = begun.elapsed().as_secs_f64() * 1000.0;
    figure(&format!("/metrics {which}: kB, ms"), format!("{}, {took:.0}", size / 1000));
}

/// Shows how many pieces the checkpoint has, and of what size.
async fn checkpoint(cluster: &Cluster) -> Result<()> {
    let sizes: Vec<usize> = pieces(cluster).await?.into_iter().map(|(_, size)| size).collect();
    let (all, most) = (sizes.iter().sum::<usize>(), sizes.iter().max().copied().unwrap_or_default());
    figure("checkpoint: pieces, kB together, kB at most", format!("{}, {}, {}", sizes.len(), all / 1000, most / 1000));
    Ok(())
}

async fn pieces(cluster: &Cluster) -> Result<Vec<(String, usize)>> {
    let secrets: Api<Secret> = Api::namespaced(cluster.client.clone(), "kube-system");
    let of_type = ListParams::default().fields("type=sealedsecrets.bitnami.com/checkpoint");
    let size = |secret: Secret| {
        let size = secret.data.iter().flatten().map(|(_, bytes)| bytes.0.len()).sum();
        (secret.metadata.name.unwrap_or_default(), size)
    };
    let pieces = secrets.list(&of_type).await?.items.into_iter().map(size);
    Ok(pieces.filter(|(name, _)| name != KEY_RECORD_SECRET).collect())
}

fn checkpoint_writes(calls: &Calls) -> Result<BTreeMap<String, usize>> {
    Ok(calls.count()?.into_iter().filter(|(call, _)| call.ends_with(" of its own")).collect())
}

/// Whether a call changes something for an object. The questions about its rights are stored nowhere.
fn is_write(call: &str) -> bool {
    !["get", "list", "watch"].iter().any(|verb| call.starts_with(verb))
        && !call.contains("selfsubjectaccessreviews")
        && !call.ends_with(" of its own")
}

async fn apply(cluster: &Cluster, objects: impl Iterator<Item = DynamicObject>) -> Result<()> {
    let as_gitops = PatchParams::apply("scene").force();
    let one = |object: DynamicObject| {
        let as_gitops = &as_gitops;
        async move {
            let name = object.metadata.name.clone().unwrap_or_default();
            let api = sealed_secrets(&cluster.client, object.metadata.namespace.as_deref().unwrap_or_default());
            api.patch(&name, as_gitops, &Patch::Apply(&object)).await.map(drop)
        }
    };
    futures::stream::iter(objects).map(one).buffer_unordered(WRITERS).try_collect::<Vec<()>>().await?;
    Ok(())
}

/// Values that open under every name in every namespace: sealing one for each object would take longer than all else.
fn values(key: &UnsealingKey) -> Result<Vec<String>> {
    let label = Label::new_unchecked(Scope::ClusterWide, "", "");
    let one = |at: usize| {
        let value = Plaintext::new(format!("a password of some length, the {at}th").into_bytes());
        Ok(seal(&value, &label, key.sealing_key())?.to_base64())
    };
    (0..VALUES).map(one).collect()
}

fn namespace(number: usize) -> String {
    format!("team-{number:03}")
}

fn object(values: &[String], at: usize) -> DynamicObject {
    let value = values.get(at % values.len().max(1)).map(String::as_str).unwrap_or_default();
    cluster_wide(&namespace(at / IN_A_NAMESPACE), &format!("service-{at:06}-credentials"), value)
}

fn cluster_wide(namespace: &str, name: &str, value: &str) -> DynamicObject {
    let annotations = json!({ "sealedsecrets.bitnami.com/cluster-wide": "true" });
    let object = json!({ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": { "name": name, "namespace": namespace, "annotations": annotations },
        "spec": { "encryptedData": { "password": value },
            "template": { "metadata": { "name": name, "namespace": namespace, "annotations": annotations } } } });
    serde_json::from_value(object).unwrap_or_else(|error| unreachable!("a literal object: {error}"))
}

/// Objects of somebody who waits for each.
#[derive(Clone, Debug)]
struct News {
    value: String,
    made: usize,
}

impl News {
    /// Makes one after the other until everything else is served; returns how long each waited for its Secret.
    async fn waits(mut self, cluster: &Cluster, served: &AtomicBool) -> Result<(Vec<Duration>, Self)> {
        let secrets: Api<Secret> = Api::namespaced(cluster.client.clone(), NEWS);
        let mut waits = Vec::new();
        while !served.load(Ordering::Relaxed) {
            let name = format!("new-{:05}", self.made);
            self.made += 1;
            cluster.create(vec![cluster_wide(NEWS, &name, &self.value)]).await?;
            let begun = Instant::now();
            while secrets.get_metadata_opt(&name).await?.is_none() {
                ensure!(begun.elapsed() < PART_TIMEOUT, "{name} has no Secret");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            waits.push(begun.elapsed());
            tokio::time::sleep(BETWEEN_NEWS).await;
        }
        Ok((waits, self))
    }
}

fn told_waits(waits: &[Duration]) -> String {
    let mut sorted = waits.to_vec();
    sorted.sort();
    let at = |hundredths: usize| {
        let place = (sorted.len() * hundredths).div_ceil(100).saturating_sub(1);
        sorted.get(place).copied().unwrap_or_default().as_millis()
    };
    format!("{} of them, median {} ms, p99 {} ms, worst {} ms", sorted.len(), at(50), at(99), at(100))
}

fn told(calls: &BTreeMap<String, usize>) -> String {
    calls.iter().map(|(call, count)| format!("{count} {call}")).collect::<Vec<_>>().join(", ")
}

fn as_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[expect(clippy::disallowed_methods, reason = "a scene plays in real time")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// Different ciphertexts, each of many objects.
const VALUES: usize = 500;
const IN_A_NAMESPACE: usize = 1000;
const NEWS: &str = "news";
/// Requests of the scene's own at a time.
const WRITERS: usize = 24;
const BETWEEN_NEWS: Duration = Duration::from_millis(250);
/// How long new objects go on to come after all others are in sync.
const AFTERWARDS: Duration = Duration::from_secs(5);
/// How long a part may take, and a new object may wait.
const PART_TIMEOUT: Duration = Duration::from_secs(1200);
