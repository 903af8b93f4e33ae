//! The node: binds Pods to itself, runs their first container as a local process, probes it and tells the cluster.
//!
//! It stands in for scheduler and kubelet, and takes from a Pod what the product's charts use: command, arguments,
//! environment, service account, ports, HTTP probes. Images are looked up in one table of local programs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::core::v1::{Node as NodeObject, Pod};
use kube::api::{Api, ListParams, ObjectMeta, PostParams};
use kube::{Client, ResourceExt as _};
use parking_lot::Mutex;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::control_plane::pod_network::PodNetwork;
use crate::node::pod::Running;
use crate::report::say;

mod container;
mod pod;
mod status;

/// A running node. Dropping it kills its Pods' processes.
#[derive(Debug)]
pub struct Node {
    images: Images,
    connection: Connection,
    task: JoinHandle<()>,
}

/// Which local program stands for an image.
#[derive(Clone, Debug, Default)]
pub(crate) struct Images(Arc<Mutex<BTreeMap<String, PathBuf>>>);

impl Images {
    fn find(&self, image: &str) -> Option<PathBuf> {
        let images = self.0.lock();
        images.iter().find(|(name, _)| image.contains(name.as_str())).map(|(_, program)| program.clone())
    }
}

/// How Pods find the API server, and what else their environment says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection(Arc<Mutex<Detour>>);

#[derive(Clone, Debug, Default)]
struct Detour {
    server: Option<String>,
    environment: Vec<(String, String)>,
}

impl Connection {
    pub(crate) fn server(&self) -> Option<String> {
        self.0.lock().server.clone()
    }

    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        self.0.lock().environment.clone()
    }
}

/// What every Pod of the node needs.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) client: Client,
    pub(crate) network: Arc<PodNetwork>,
    pub(crate) images: Images,
    pub(crate) folder: PathBuf,
    pub(crate) server: String,
    pub(crate) connection: Connection,
}

impl Node {
    /// Registers the node and starts to look for Pods.
    ///
    /// # Errors
    /// The API server refuses the node.
    pub(crate) async fn start(client: Client, network: PodNetwork, folder: &Path, server: &str) -> Result<Self> {
        let (images, connection) = (Images::default(), Connection::default());
        let host = Host {
            client,
            network: Arc::new(network),
            images: images.clone(),
            folder: folder.to_owned(),
            server: server.to_owned(),
            connection: connection.clone(),
        };
        register(&host.client).await?;
        let task = tokio::spawn(run(host));
        Ok(Self { images, connection, task })
    }

    /// Says which program runs for images whose name contains `image`.
    pub fn provide(&self, image: &str, program: &Path) {
        let mut images = self.images.0.lock();
        images.insert(image.to_owned(), program.to_owned());
    }

    /// Gives Pods that start from now on another way to the API server, and more environment.
    pub fn connect_through(&self, server: String, environment: Vec<(String, String)>) {
        let detour = Detour { server: Some(server), environment };
        *self.connection.0.lock() = detour;
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn register(client: &Client) -> Result<()> {
    let nodes: Api<NodeObject> = Api::all(client.clone());
    let metadata = ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() };
    nodes.create(&PostParams::default(), &NodeObject { metadata, ..NodeObject::default() }).await?;
    Ok(())
}

/// Looks at all Pods a few times a second: at this size a list is cheaper to reason about than a watch.
async fn run(host: Host) {
    let mut running: BTreeMap<String, Running> = BTreeMap::new();
    let mut addresses = 10_u8;
    loop {
        tokio::time::sleep(POLL).await;
        let pods: Api<Pod> = Api::all(host.client.clone());
        let Ok(listed) = pods.list(&ListParams::default()).await else { continue };
        let present: Vec<String> = listed.items.iter().map(|pod| pod.uid().unwrap_or_default()).collect();
        running.retain(|uid, _| present.contains(uid));
        for pod in listed.items {
            let uid = pod.uid().unwrap_or_default();
            let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone());
            if node.is_none() {
                bind(&host.client, &pod).await;
            } else if pod.metadata.deletion_timestamp.is_some() {
                stop(&mut running, &uid, &pod);
            } else if node.as_deref() == Some(NAME) && !running.contains_key(&uid) {
                addresses = addresses.checked_add(1).unwrap_or(10);
                running.insert(uid, Running::start(host.clone(), pod, format!("10.99.0.{addresses}")));
            }
        }
    }
}

fn stop(running: &mut BTreeMap<String, Running>, uid: &str, pod: &Pod) {
    if let Some(running) = running.get(uid) {
        let grace = pod.metadata.deletion_grace_period_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        running.stop(Duration::from_secs(grace.unwrap_or(30)));
    }
}

async fn bind(client: &Client, pod: &Pod) {
    let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
    let binding = json!({
        "apiVersion": "v1", "kind": "Binding",
        "metadata": { "name": name, "namespace": namespace },
        "target": { "apiVersion": "v1", "kind": "Node", "name": NAME },
    });
    let path = format!("/api/v1/namespaces/{namespace}/pods/{name}/binding");
    let request = http::Request::post(path).header("Content-Type", "application/json");
    let Ok(request) = request.body(binding.to_string().into_bytes()) else { return };
    if let Err(error) = client.request_text(request).await {
        say(&format!("node: cannot bind {namespace}/{name}: {error}"));
    }
}

const NAME: &str = "node-0";
const POLL: Duration = Duration::from_millis(150);
