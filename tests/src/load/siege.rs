//! Everything that strangers and tenants can do at once, beside somebody honest: how much memory it takes, and how long
//! the honest one waits.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::{AsyncBufReadExt as _, TryStreamExt as _};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Client;
use kube::api::{Api, DynamicObject, ObjectMeta, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::cluster::{Cluster, names, objects, sealed_secrets};
use super::controller::Controller;
use super::{Options, figure};
use crate::attack::{HALF_A_BODY, HALF_A_HEAD, costly_bodies, templates, very_many_values};
use crate::control_plane::http_answers;
use crate::report::say;

pub(super) async fn run(options: &Options) -> Result<()> {
    let honest = options.number("objects", 60);
    let mut cluster = Cluster::start(options).await?;
    let key = cluster.key(now()).await?;
    for namespace in ["honest", "hostile"] {
        cluster.namespace(namespace).await?;
    }
    let mut objects = objects(&key, "honest", &names("object", 2 * honest))?;
    // Every second one has a template: it waits in the same line as the hostile ones.
    for object in objects.iter_mut().step_by(2) {
        if let Some(spec) = object.data.pointer_mut("/spec").and_then(Value::as_object_mut) {
            spec.insert("template".to_owned(), json!({ "data": { "out": "{{ .k }}" } }));
        }
    }
    let good = serde_json::to_value(objects.first())?;
    let mut controller = cluster.controller_with(&[], &["--rate-limit=100000", "--rate-limit-burst=100000"])?;
    controller.serves().await?;
    let under_siege = objects.split_off(honest);
    let alone = lengths(&waits(&cluster, objects).await?);
    let (_, idle) = controller.memory()?;

    let calls = cluster.calls()?;
    let served = Arc::new(AtomicBool::new(false));
    let watch = tokio::spawn(sightings(cluster.client.clone(), served.clone()));
    let siege = Siege::begin(&controller, &good);
    hostile_objects(&cluster).await?;
    let begun = Instant::now();
    let serve = async {
        let waits = waits(&cluster, under_siege).await;
        served.store(true, Ordering::Relaxed);
        waits
    };
    let (under_siege, edits, writes) = tokio::join!(serve, edits(&cluster, &served), writes(&cluster, &served));
    let (under_siege, edits, writes, seen) = (under_siege?, edits?, writes?, watch.await??);
    let (posts, probes) = siege.end();
    let (_, peak) = controller.memory()?;
    let workers = controller.memory_of_workers()?.into_iter().map(|(_, peak)| peak).fold(0.0, f64::max);

    say(&format!(
        "{honest} honest objects one after the other in {:.0} s, beside {posts} posts of 2 MB, {CONNECTIONS} connections \
         that never end, six objects of 190,000 values and {edits} versions of objects with endless templates",
        begun.elapsed().as_secs_f64()
    ));
    report(&alone, &under_siege, &writes, &seen);
    figure("probes of the public port answered", format!("{} of {}", probes.0, probes.1));
    figure("memory: idle, at most, MiB", format!("{idle:.1}, {peak:.1}"));
    figure("  a process that renders templates, at most, MiB", format!("{workers:.1}"));
    figure("requests of the controller under siege", format!("{:?}", calls.count()?));
    controller.stop();
    ensure!(peak - idle <= MOST_MEMORY, "{:.1} MiB over idle", peak - idle);
    ensure!(probes.0 == probes.1, "the public port leaves probes without an answer");
    Ok(())
}

/// Shows how long the honest objects waited, and how much of that anybody would have waited: the API server shares the
/// processors with all of this.
fn report(alone: &[Duration], under_siege: &[Wait], writes: &[Duration], seen: &HashMap<String, Instant>) {
    let waits = lengths(under_siege);
    let seen = |done: &Wait| seen.get(&done.name).map_or(done.ended, |seen| (*seen).max(done.begun));
    let brought: Vec<Duration> = under_siege.iter().map(|done| seen(done).duration_since(done.begun)).collect();
    let behind: Vec<Duration> =
        under_siege.iter().map(|done| done.ended.saturating_duration_since(seen(done))).collect();
    figure("an honest Secret after, ms: median alone", median(alone).as_millis());
    figure("  median, worst under siege", pair(&waits));
    figure("  later than 2 s", format!("{} of {}", waits.iter().filter(|wait| **wait > PROMISED).count(), waits.len()));
    figure("  a bare ConfigMap meanwhile: median, worst", pair(writes));
    figure("  a bare watch brings the same object after: median, worst", pair(&brought));
    figure("  the Secret behind that: median, worst", pair(&behind));
    figure("  worst, beside the median alone", format!("{:.1}x", ratio(worst(&waits), median(alone))));
}

/// An object and its Secret.
struct Wait {
    name: String,
    /// When the object was stored.
    begun: Instant,
    /// When its Secret was there.
    ended: Instant,
}

/// Creates objects one after the other, each once the one before has its Secret.
async fn waits(cluster: &Cluster, objects: Vec<DynamicObject>) -> Result<Vec<Wait>> {
    let secrets: Api<Secret> = Api::namespaced(cluster.client.clone(), "honest");
    let mut waits = Vec::new();
    for object in objects {
        let name = object.metadata.name.clone().unwrap_or_default();
        cluster.create(vec![object]).await?;
        let begun = Instant::now();
        while secrets.get_opt(&name).await?.is_none() {
            ensure!(begun.elapsed() < SECRET_TIMEOUT, "{name} has no Secret");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        waits.push(Wait { name, begun, ended: Instant::now() });
    }
    Ok(waits)
}

/// Stores ConfigMaps, which nobody else does; returns how long each took.
async fn writes(cluster: &Cluster, served: &AtomicBool) -> Result<Vec<Duration>> {
    let configmaps: Api<ConfigMap> = Api::namespaced(cluster.client.clone(), "honest");
    let mut writes = Vec::new();
    while !served.load(Ordering::Relaxed) {
        let name = Some(format!("bystander-{}", writes.len()));
        let bare = ConfigMap { metadata: ObjectMeta { name, ..ObjectMeta::default() }, ..ConfigMap::default() };
        let begun = Instant::now();
        configmaps.create(&PostParams::default(), &bare).await?;
        writes.push(begun.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(writes)
}

/// Follows all SealedSecrets as the controller does, and reads nothing but the names of small ones; returns when each
/// came.
async fn sightings(client: Client, served: Arc<AtomicBool>) -> Result<HashMap<String, Instant>> {
    let path = "/apis/bitnami.com/v1alpha1/sealedsecrets?watch=1&resourceVersion=0";
    let lines = client.request_stream(http::Request::get(path).body(Vec::new())?).await?;
    let mut lines = pin!(lines.lines());
    let mut seen = HashMap::new();
    while !served.load(Ordering::Relaxed) {
        let Ok(line) = tokio::time::timeout(Duration::from_millis(100), lines.try_next()).await else { continue };
        let Some(line) = line? else { break };
        if line.len() < SMALL {
            let event: Value = serde_json::from_str(&line)?;
            let name = event.pointer("/object/metadata/name").and_then(Value::as_str).unwrap_or_default();
            seen.entry(name.to_owned()).or_insert_with(Instant::now);
        }
    }
    Ok(seen)
}

fn lengths(waits: &[Wait]) -> Vec<Duration> {
    waits.iter().map(|wait| wait.ended.duration_since(wait.begun)).collect()
}

async fn hostile_objects(cluster: &Cluster) -> Result<()> {
    for at in 0..6 {
        cluster.create(vec![hostile(&format!("many-{at}"), very_many_values())?]).await?;
    }
    for (at, template) in templates().into_iter().enumerate() {
        let spec = json!({ "encryptedData": {}, "template": { "data": { "out": template } } });
        cluster.create(vec![hostile(&format!("endless-{at}"), spec)?]).await?;
    }
    Ok(())
}

/// Changes the hostile templates again and again, so that each is tried again, until the honest ones are served.
async fn edits(cluster: &Cluster, served: &AtomicBool) -> Result<u64> {
    let api = sealed_secrets(&cluster.client, "hostile");
    let mut edits = 0;
    while !served.load(Ordering::Relaxed) {
        let name = format!("endless-{}", edits % 6);
        let patch = Patch::Merge(
            json!({ "spec": { "template": { "metadata": { "labels": { "edit": edits.to_string() } } } } }),
        );
        api.patch(&name, &PatchParams::default(), &patch).await?;
        edits += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(edits)
}

fn hostile(name: &str, spec: Value) -> Result<DynamicObject> {
    Ok(serde_json::from_value(json!({ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": { "name": name, "namespace": "hostile" }, "spec": spec }))?)
}

/// Threads that post, hold connections open, and probe.
struct Siege {
    over: Arc<AtomicBool>,
    posts: Arc<AtomicU64>,
    probes: Arc<[AtomicU64; 2]>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Siege {
    fn begin(controller: &Controller, good: &Value) -> Self {
        let port = controller.port();
        let siege = Self { over: Arc::default(), posts: Arc::default(), probes: Arc::default(), threads: Vec::new() };
        let bodies = Arc::new(costly_bodies(good));
        let mut threads = Vec::new();
        for first in 0..POSTERS {
            let (over, posts, bodies) = (siege.over.clone(), siege.posts.clone(), bodies.clone());
            threads.push(std::thread::spawn(move || {
                for at in first.. {
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    if let Some((_, body)) = bodies.get(at % bodies.len()) {
                        post(port, body);
                        posts.fetch_add(1, Ordering::Relaxed);
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
            }));
        }
        let over = siege.over.clone();
        threads.push(std::thread::spawn(move || hold_open(port, &over)));
        let (over, probes) = (siege.over.clone(), siege.probes.clone());
        threads.push(std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let answered = http_answers(port, "/healthz");
                let [good, all] = &*probes;
                good.fetch_add(u64::from(answered), Ordering::Relaxed);
                all.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(200));
            }
        }));
        Self { threads, ..siege }
    }

    /// Ends it; returns how many bodies were posted, and how many probes were answered, of how many.
    fn end(self) -> (u64, (u64, u64)) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            let _ = thread.join();
        }
        let [good, all] = &*self.probes;
        (self.posts.load(Ordering::Relaxed), (good.load(Ordering::Relaxed), all.load(Ordering::Relaxed)))
    }
}

fn post(port: u16, body: &[u8]) {
    use std::io::Read as _;
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let head = format!("POST /v1/verify HTTP/1.0\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    // It may be refused before all of it is read.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    let _ = stream.read(&mut [0; 512]);
}

/// Holds connections open, and opens new ones for those that were closed.
fn hold_open(port: u16, over: &AtomicBool) {
    let mut open = std::collections::VecDeque::new();
    while !over.load(Ordering::Relaxed) {
        let half = if open.len() % 3 == 0 { HALF_A_BODY } else { HALF_A_HEAD };
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
            let _ = stream.write_all(half);
            open.push_back(stream);
        }
        if open.len() > CONNECTIONS {
            open.pop_front();
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn median(waits: &[Duration]) -> Duration {
    let mut sorted = waits.to_vec();
    sorted.sort();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn pair(times: &[Duration]) -> String {
    format!("{}, {}", median(times).as_millis(), worst(times).as_millis())
}

fn worst(waits: &[Duration]) -> Duration {
    waits.iter().max().copied().unwrap_or_default()
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

#[expect(clippy::disallowed_methods, reason = "a scene plays in real time")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// What docs/security.md promises, in MiB over idle.
const MOST_MEMORY: f64 = 100.0;
/// What an honest object is to wait at most.
const PROMISED: Duration = Duration::from_secs(2);
/// No object of the attack is so small.
const SMALL: usize = 64 << 10;
const CONNECTIONS: usize = 700;
const POSTERS: usize = 4;
const SECRET_TIMEOUT: Duration = Duration::from_secs(60);
