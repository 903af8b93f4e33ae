//! A control plane with the controller's rights, keys made here, and objects by the thousand.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, PostParams};
use sealer_core::{Certificate, Label, Plaintext, Scope, UnsealingKey, seal};
use sealer_resource::key_secret::{self, Naming};
use serde_json::json;

use super::Options;
use super::calls::Calls;
use super::controller::{Controller, program};
use crate::control_plane::{ControlPlane, client};
use crate::product::{Product, repository};
use crate::shell::Shell;

/// Everything a scene needs.
pub(super) struct Cluster {
    pub(super) plane: ControlPlane,
    pub(super) client: Client,
    shell: Shell,
    program: PathBuf,
    kubeconfig: PathBuf,
    runs: usize,
}

impl Cluster {
    pub(super) async fn start(options: &Options) -> Result<Self> {
        let program = program(options.controller.as_deref())?;
        let plane = ControlPlane::start().await?;
        let product = Product { folder: program.parent().context("the program has no folder")?.to_owned() };
        let shell = product.shell(&plane)?;
        let deploy = repository().join("deploy");
        shell.must(&format!("kubectl apply -f {}", deploy.join("crd.yaml").display())).await?;
        shell.must("kubectl wait --for=condition=Established crd/sealedsecrets.bitnami.com --timeout=30s").await?;
        shell.must(&format!("kubectl apply -f {}", deploy.join("controller.yaml").display())).await?;
        // Its rights stay; the process is started here, where it can be measured.
        shell.must("kubectl delete -n kube-system deployment sealed-secrets-controller").await?;
        let kubeconfig = account(&plane, &shell).await?;
        let client = client(&plane.kubeconfig()).await?;
        Ok(Self { plane, client, shell, program, kubeconfig, runs: 0 })
    }

    /// A client with the controller's own rights.
    pub(super) async fn as_controller(&self) -> Result<Client> {
        client(&self.kubeconfig).await
    }

    /// Starts the controller on some namespaces, or on all.
    pub(super) fn controller(&mut self, namespaces: &[&str]) -> Result<Controller> {
        self.controller_with(namespaces, &[])
    }

    /// The same with further flags.
    pub(super) fn controller_with(&mut self, namespaces: &[&str], flags: &[&str]) -> Result<Controller> {
        self.runs += 1;
        let log = self.plane.folder.path().join(format!("controller-{}.log", self.runs));
        Controller::start(&self.program, &self.kubeconfig, &log, namespaces, flags)
    }

    pub(super) fn calls(&self) -> Result<Calls> {
        Calls::from_here(self.plane.folder.path().join("audit.log"))
    }

    pub(super) async fn namespace(&self, name: &str) -> Result<()> {
        let namespace: Namespace = serde_json::from_value(json!({ "metadata": { "name": name } }))?;
        Api::all(self.client.clone()).create(&PostParams::default(), &namespace).await?;
        Ok(())
    }

    /// Makes a sealing key whose certificate begins then, and stores it.
    pub(super) async fn key(&self, not_before: Timestamp) -> Result<UnsealingKey> {
        let made = tokio::task::spawn_blocking(move || -> Result<_> {
            let key = UnsealingKey::generate(4096)?;
            let certificate = Certificate::self_signed(&key, "", not_before, Duration::from_secs(3600 * 24 * 3650))?;
            Ok((key, certificate))
        });
        let (key, certificate) = made.await??;
        let naming = Naming { prefix: key_secret::DEFAULT_KEY_PREFIX.to_owned(), ..Naming::default() };
        let secret = key_secret::new(&key, &certificate, &naming);
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), "kube-system");
        secrets.create(&PostParams::default(), &secret).await?;
        Ok(key)
    }

    /// Creates objects of one value each, some at a time.
    pub(super) async fn create(&self, objects: Vec<DynamicObject>) -> Result<()> {
        let make = |object: DynamicObject| async move {
            let api = sealed_secrets(&self.client, object.metadata.namespace.as_deref().unwrap_or_default());
            api.create(&PostParams::default(), &object).await.map(drop)
        };
        futures::stream::iter(objects).map(make).buffer_unordered(WRITERS).try_collect::<Vec<()>>().await?;
        Ok(())
    }

    /// Creates Secrets of 4 KiB that belong to somebody else.
    pub(super) async fn foreign(&self, namespace: &str, count: usize) -> Result<()> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let make = |at: usize| {
            let secrets = secrets.clone();
            async move {
                let secret =
                    json!({ "metadata": { "name": format!("foreign-{at}") }, "stringData": { "a": "x".repeat(4096) } });
                secrets.create(&PostParams::default(), &serde_json::from_value(secret)?).await?;
                anyhow::Ok(())
            }
        };
        futures::stream::iter(0..count).map(make).buffer_unordered(WRITERS).try_collect::<Vec<()>>().await?;
        Ok(())
    }

    /// Runs a shell line with kubectl at hand.
    pub(super) async fn must(&self, line: &str) -> Result<String> {
        self.shell.must(line).await
    }
}

/// A kubeconfig with the rights of the controller's own account.
async fn account(plane: &ControlPlane, shell: &Shell) -> Result<PathBuf> {
    let token = shell.must("kubectl create token -n kube-system sealed-secrets-controller --duration=8h").await?;
    let path = plane.folder.path().join("account.kubeconfig");
    let config = json!({ "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{ "name": "c", "cluster": { "server": plane.server,
            "certificate-authority": plane.folder.path().join("ca.crt").display().to_string() } }],
        "users": [{ "name": "u", "user": { "token": token.trim() } }],
        "contexts": [{ "name": "c", "context": { "cluster": "c", "user": "u" } }] });
    std::fs::write(&path, config.to_string())?;
    Ok(path)
}

/// SealedSecrets of a namespace, or of all.
pub(super) fn sealed_secrets(client: &Client, namespace: &str) -> Api<DynamicObject> {
    let resource = ApiResource {
        group: "bitnami.com".to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: "bitnami.com/v1alpha1".to_owned(),
        kind: "SealedSecret".to_owned(),
        plural: "sealedsecrets".to_owned(),
    };
    match namespace {
        "" => Api::all_with(client.clone(), &resource),
        namespace => Api::namespaced_with(client.clone(), namespace, &resource),
    }
}

/// Objects of one value, sealed for a namespace under a key: the same value again, since that is what costs nothing here.
pub(super) fn objects(key: &UnsealingKey, namespace: &str, names: &[String]) -> Result<Vec<DynamicObject>> {
    let label = Label::new_unchecked(Scope::NamespaceWide, namespace, "");
    let value = seal(&Plaintext::new(b"a password of some length".to_vec()), &label, key.sealing_key())?.to_base64();
    Ok(names.iter().map(|name| object(namespace, name, &BTreeMap::from([("k".to_owned(), value.clone())]))).collect())
}

/// A SealedSecret for its whole namespace.
pub(super) fn object(namespace: &str, name: &str, items: &BTreeMap<String, String>) -> DynamicObject {
    let annotations = json!({ "sealedsecrets.bitnami.com/namespace-wide": "true" });
    let object = json!({ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": { "name": name, "namespace": namespace, "annotations": annotations },
        "spec": { "encryptedData": items, "template": { "metadata": { "name": name, "namespace": namespace, "annotations": annotations } } } });
    serde_json::from_value(object).unwrap_or_else(|error| unreachable!("a literal object: {error}"))
}

/// `count` names that begin alike.
pub(super) fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|at| format!("{prefix}-{at:05}")).collect()
}

/// Requests of the scene's own at a time.
const WRITERS: usize = 24;
