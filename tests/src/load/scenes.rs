//! The scenes.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use sealer_core::{Keyring, Label, Plaintext, Scope, UnsealingKey, seal};
use serde_json::json;

use super::cluster::{Cluster, names, object, objects, sealed_secrets};
use super::controller::Controller;
use super::{Options, bare, figure};
use crate::report::say;

pub(super) async fn cold_start(options: &Options) -> Result<()> {
    let count = options.number("objects", 1000);
    let mut cluster = Cluster::start(options).await?;
    let key = cluster.key(now()).await?;
    for (namespace, count) in [("warm", 100), ("bare", count), ("ours", count)] {
        cluster.namespace(namespace).await?;
        cluster.create(objects(&key, namespace, &names("object", count))?).await?;
    }
    let ring = Keyring::from_keys(vec![key]);
    let client = cluster.as_controller().await?;
    bare::run(&client, "warm", &ring).await?;
    let calls = cluster.calls()?;
    let bare = bare::run(&client, "bare", &ring).await?;
    say(&format!("{count} new objects of one value, one key of 4096 bits"));
    figure("bare program, s", format!("{:.2}", bare.as_secs_f64()));
    figure("  calls", told(&calls.count()?));
    let calls = cluster.calls()?;
    let mut controller = cluster.controller(&["ours"])?;
    let ours = controller.synced(count).await?;
    figure("controller from its start, s", format!("{:.2}", ours.as_secs_f64()));
    figure("  beside the bare program", format!("{:.2}x", ours.as_secs_f64() / bare.as_secs_f64()));
    figure("  calls", told(&calls.count()?));
    figure("  RSA operations a value", per(controller.operations(), count));
    figure("  CPU, s", format!("{:.2}", controller.cpu()?));
    controller.stop();
    Ok(())
}

pub(super) async fn keys(options: &Options) -> Result<()> {
    let count = options.number("objects", 960);
    let mut cluster = Cluster::start(options).await?;
    cluster.namespace("written").await?;
    say("making 24 keys, and objects in the time of each …");
    let mut keys = Vec::new();
    for number in 0..KEYS {
        let key = cluster.key(now()).await?;
        // Certificates and objects know whole seconds.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        cluster.create(objects(&key, "written", &names(&format!("o{number}"), count / KEYS))?).await?;
        tokio::time::sleep(Duration::from_millis(1100)).await;
        keys.push(key);
    }
    let namespaces: Vec<String> = (0..KEYS).map(|number| format!("restored-{number}")).collect();
    for (key, namespace) in keys.iter().zip(&namespaces) {
        cluster.namespace(namespace).await?;
        cluster.create(objects(key, namespace, &names("o", count / KEYS))?).await?;
    }
    let mixed = mixed(&cluster, &keys, count).await?;
    cluster.create(mixed.clone()).await?;
    let restored: Vec<&str> = namespaces.iter().map(String::as_str).collect();
    for (title, watched) in [
        ("written while each of 24 keys was the newest", &["written"][..]),
        ("restored: 24 keys, each of another namespace", &restored),
        ("restored: 24 keys, in any order in one namespace", &["mixed"]),
    ] {
        say(title);
        let mut controller = cluster.controller(watched)?;
        opened(&mut controller, count / KEYS * KEYS).await?;
        controller.stop();
    }
    say("the same, deleted and restored once the controller runs, with the checkpoint that it kept before");
    for kind in ["sealedsecrets", "secrets"] {
        cluster.must(&format!("kubectl delete -n mixed {kind} --all")).await?;
    }
    let mut controller = cluster.controller(&["mixed"])?;
    controller.serves().await?;
    cluster.create(mixed).await?;
    opened(&mut controller, count / KEYS * KEYS).await?;
    controller.stop();
    Ok(())
}

/// Objects of all keys in one namespace. Names decide the order of lists: these have nothing to do with the keys.
async fn mixed(cluster: &Cluster, keys: &[UnsealingKey], count: usize) -> Result<Vec<DynamicObject>> {
    cluster.namespace("mixed").await?;
    let mut mixed = Vec::new();
    for (key, number) in keys.iter().zip(0..) {
        mixed.extend(objects(key, "mixed", &names(&format!("o{number}"), count / KEYS))?);
    }
    for object in &mut mixed {
        let mut hasher = DefaultHasher::new();
        object.metadata.name.hash(&mut hasher);
        object.metadata.name = Some(format!("o{:016x}", hasher.finish()));
    }
    mixed.sort_by(|one, other| one.metadata.name.cmp(&other.metadata.name));
    Ok(mixed)
}

/// Waits until so many objects are in sync, and shows what that cost, beside the same number of bare operations.
async fn opened(controller: &mut Controller, total: usize) -> Result<()> {
    let took = controller.synced(total).await?;
    let operations = controller.operations();
    let bare = bare::operations(operations).await?;
    figure("RSA operations a value", per(operations, total));
    figure("wall, s", format!("{:.2}", took.as_secs_f64()));
    figure("  beside the bare operations on all cores", format!("{:.2}x", took.as_secs_f64() / bare.as_secs_f64()));
    figure("CPU, s", format!("{:.2}", controller.cpu()?));
    Ok(())
}

pub(super) async fn restart(options: &Options) -> Result<()> {
    let count = options.number("objects", 1000);
    let (mut cluster, _) = filled(options, count).await?;
    let mut controller = cluster.controller(&[])?;
    controller.synced(count).await?;
    figure("first start: CPU, s", format!("{:.2}", controller.cpu()?));
    controller.stop();
    let calls = cluster.calls()?;
    let mut controller = cluster.controller(&[])?;
    let took = controller.synced(count).await?;
    say(&format!("a restart with {count} objects in sync"));
    figure("until all are known to be in sync, s", format!("{:.2}", took.as_secs_f64()));
    figure("RSA operations", controller.operations());
    figure("CPU, s", format!("{:.2}", controller.cpu()?));
    controller.stop();
    let counted = calls.count()?;
    figure("calls", told(&counted));
    let writes = counted.keys().filter(|call| !["get", "list", "watch"].iter().any(|verb| call.starts_with(verb)));
    // The questions about its rights are stored nowhere.
    let writes: Vec<_> = writes.filter(|call| !call.contains("selfsubjectaccessreviews")).collect();
    ensure!(writes.is_empty(), "a restart wrote: {writes:?}");
    Ok(())
}

pub(super) async fn backlog(options: &Options) -> Result<()> {
    let count = options.number("objects", 10_000);
    let (mut cluster, key) = filled(options, count).await?;
    cluster.namespace("news").await?;
    let mut controller = cluster.controller(&[])?;
    let ready = controller.serves().await?;
    let secrets: Api<Secret> = Api::namespaced(cluster.client.clone(), "news");
    let mut waits = Vec::new();
    for object in objects(&key, "news", &names("new", NEWS))? {
        let name = object.metadata.name.clone().unwrap_or_default();
        cluster.create(vec![object]).await?;
        let begun = Instant::now();
        while secrets.get_opt(&name).await?.is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        waits.push(begun.elapsed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (busy, during) = (controller.age(), controller.operations());
    let done = controller.synced(count + NEWS).await?;
    waits.sort();
    let at = |part: f64| waits.get(place(part, waits.len())).copied().unwrap_or_default().as_millis();
    say(&format!("{count} objects waiting, and {NEWS} new ones one after the other"));
    figure("certificate served after, s", format!("{:.2}", ready.as_secs_f64()));
    figure("a new object's Secret after, ms: median", at(0.5));
    figure("  p99", at(0.99));
    figure("  the first, after the list, worst", at(1.0));
    figure("new objects came during the first, s", format!("{:.1}", busy.as_secs_f64()));
    figure("  by when objects were opened", during);
    figure("all in sync after, s", format!("{:.1}", done.as_secs_f64()));
    figure("peak memory, MiB", format!("{:.1}", controller.memory()?.1));
    controller.stop();
    Ok(())
}

pub(super) async fn memory(options: &Options) -> Result<()> {
    let (count, foreign) = (options.number("objects", 10_000), options.number("foreign", 10_000));
    let changes = options.number("changes", 18_000);
    let mut cluster = Cluster::start(options).await?;
    let key = cluster.key(now()).await?;
    let mut controller = cluster.controller(&[])?;
    controller.serves().await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (idle, _) = controller.memory()?;
    figure("idle, nothing in the cluster, MiB", format!("{idle:.1}"));
    controller.stop();
    cluster.namespace("foreign").await?;
    cluster.foreign("foreign", foreign).await?;
    cluster.namespace("ours").await?;
    cluster.create(objects(&key, "ours", &names("object", count))?).await?;
    let mut controller = cluster.controller(&[])?;
    let ready = controller.serves().await?;
    controller.synced(count).await?;
    let (now_, peak) = controller.memory()?;
    say(&format!("{count} SealedSecrets of one value beside {foreign} foreign Secrets of 4 KiB"));
    figure("certificate served after, s", format!("{:.2}", ready.as_secs_f64()));
    figure("all opened: memory now and at most, MiB", format!("{now_:.1}, {peak:.1}"));
    let api = sealed_secrets(&cluster.client, "ours");
    let mut sizes = Vec::new();
    for part in 0..CHANGE_ROUNDS {
        let values = objects(&key, "ours", &names("object", count))?;
        let share = values.into_iter().skip(part * changes / CHANGE_ROUNDS % count).take(changes / CHANGE_ROUNDS);
        let change = |object: DynamicObject| {
            let api = &api;
            async move {
                let patch = Patch::Merge(json!({ "spec": object.data.get("spec") }));
                api.patch(object.metadata.name.as_deref().unwrap_or_default(), &PatchParams::default(), &patch).await
            }
        };
        futures::stream::iter(share).map(change).buffer_unordered(8).try_collect::<Vec<_>>().await?;
        controller.quiet().await?;
        sizes.push(format!("{:.1}", controller.memory()?.0));
    }
    figure(&format!("after each of {CHANGE_ROUNDS} parts of {changes} changes, MiB"), sizes.join(", "));
    controller.stop();
    let mut controller = cluster.controller(&[])?;
    controller.synced(count).await?;
    let (now_, peak) = controller.memory()?;
    figure("restarted: memory now and at most, MiB", format!("{now_:.1}, {peak:.1}"));
    figure("restarted: RSA operations", controller.operations());
    controller.stop();
    Ok(())
}

pub(super) async fn hostile(options: &Options) -> Result<()> {
    let honest = options.number("objects", 50);
    let mut cluster = Cluster::start(options).await?;
    let mut last = cluster.key(days_ago(KEYS)).await?;
    for number in 1..KEYS {
        last = cluster.key(days_ago(KEYS - number)).await?;
    }
    cluster.namespace("hostile").await?;
    cluster.namespace("honest").await?;
    let label = Label::new_unchecked(Scope::NamespaceWide, "elsewhere", "");
    let value = seal(&Plaintext::new(b"v".to_vec()), &label, last.sealing_key())?.to_base64();
    let items: BTreeMap<String, String> = (0..BAD_VALUES).map(|at| (format!("k{at}"), value.clone())).collect();
    // The API server takes objects of up to 1.5 MB: four of a quarter of the values each.
    let items: Vec<_> = items.into_iter().collect();
    for (at, part) in items.chunks(BAD_VALUES / 4).enumerate() {
        cluster.create(vec![object("hostile", &format!("bad-{at}"), &part.iter().cloned().collect())]).await?;
    }
    let mut controller = cluster.controller(&[])?;
    while controller.operations() < 100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (before, _) = controller.memory()?;
    let begun = Instant::now();
    cluster.create(objects(&last, "honest", &names("good", honest))?).await?;
    let created = begun.elapsed();
    controller.synced(honest).await?;
    say(&format!(
        "four objects, together of {BAD_VALUES} values that no key opens, {KEYS} keys, and {honest} honest objects meanwhile"
    ));
    figure("honest objects created within, s", format!("{:.2}", created.as_secs_f64()));
    figure("  all in sync after, s", format!("{:.2}", begun.elapsed().as_secs_f64()));
    figure("  RSA operations by then", controller.operations());
    cluster.must("until [ $(kubectl get -n hostile sealedsecrets -o jsonpath='{.items[*].status.conditions[0].status}' | wc -w) = 4 ]; do sleep 1; done").await?;
    figure("the others told that they do not open, s", format!("{:.1}", begun.elapsed().as_secs_f64()));
    figure("  RSA operations in all", controller.operations());
    figure("memory: before, at most, MiB", format!("{before:.1}, {:.1}", controller.memory()?.1));
    controller.stop();
    Ok(())
}

/// A cluster with one key and so many objects.
async fn filled(options: &Options, count: usize) -> Result<(Cluster, UnsealingKey)> {
    let cluster = Cluster::start(options).await?;
    let key = cluster.key(now()).await?;
    cluster.namespace("ours").await?;
    say(&format!("creating {count} objects …"));
    cluster.create(objects(&key, "ours", &names("object", count))?).await?;
    Ok((cluster, key))
}

#[expect(clippy::disallowed_methods, reason = "a scene plays in real time")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn days_ago(days: usize) -> Timestamp {
    let days = i64::try_from(days).unwrap_or_default();
    now().checked_sub(SignedDuration::from_hours(24 * days)).unwrap_or_default()
}

fn per(operations: u64, values: usize) -> String {
    format!("{:.3}", operations as f64 / values as f64)
}

/// Where that part of so many sorted values ends.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a small number")]
fn place(part: f64, count: usize) -> usize {
    ((count as f64 * part).ceil() as usize).saturating_sub(1)
}

fn told(calls: &BTreeMap<String, usize>) -> String {
    calls.iter().map(|(call, count)| format!("{count} {call}")).collect::<Vec<_>>().join(", ")
}

const KEYS: usize = 24;
const BAD_VALUES: usize = 2000;
const NEWS: usize = 60;
const CHANGE_ROUNDS: usize = 6;
