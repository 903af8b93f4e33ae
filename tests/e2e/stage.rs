//! A controller of a test's own behind a proxy that breaks calls, in the test's namespace, with a key that is there already.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use anyhow::{Context as _, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::{Api, ListParams, ObjectMeta, PostParams};
use sealer_core::{Certificate, Label, Plaintext, Scope, SealingKey, UnsealingKey, seal};
use sealer_resource::key_secret::{self, KEY_LABEL, KEY_LABEL_ACTIVE, Naming};
use sealer_tests::controller::{Controller, Start};
use sealer_tests::faults::Proxy;
use sealer_tests::product::repository;
use serde_json::{Value, json};

use crate::scene::Scene;

/// One key for all stages: making one takes a while.
static KEY: LazyLock<Option<UnsealingKey>> = LazyLock::new(|| UnsealingKey::generate(2048).ok());

/// Everything around one controller.
pub(crate) struct Stage {
    pub(crate) scene: Scene,
    pub(crate) proxy: Proxy,
    args: Vec<&'static str>,
}

impl Stage {
    /// Account, rights, key and proxy; no controller runs yet.
    pub(crate) async fn new(scene: &Scene) -> Result<Self> {
        let stage = Self::without_key(scene).await?;
        let key = key()?;
        #[expect(clippy::disallowed_methods, reason = "a key of another month would be renewed at once")]
        let now = Timestamp::now();
        // Days begin at whole seconds, and of two keys of one second the first stays the active one.
        let certificate = Certificate::self_signed(key, "", now - SignedDuration::from_mins(1), VALIDITY)?;
        let naming = Naming { prefix: "sealed-secrets-key".to_owned(), ..Naming::default() };
        scene.secrets().create(&PostParams::default(), &key_secret::new(key, &certificate, &naming)).await?;
        Ok(stage)
    }

    /// The same for a controller that makes its first key.
    pub(crate) async fn without_key(scene: &Scene) -> Result<Self> {
        let proxy = Proxy::start(scene.suite.plane.anonymous().await?).await?;
        account(scene, &scene.namespace).await?;
        grant(scene, &scene.namespace).await?;
        Ok(Self { scene: scene.clone(), proxy, args: Vec::new() })
    }

    pub(crate) fn with_args(mut self, args: &[&'static str]) -> Self {
        self.args.extend(args);
        self
    }

    /// Starts the controller and waits until it serves.
    pub(crate) async fn start(&self) -> Result<Controller> {
        let controller = self.begin().await?;
        self.ready(&controller).await?;
        Ok(controller)
    }

    /// Starts the controller.
    pub(crate) async fn begin(&self) -> Result<Controller> {
        let start = Start {
            program: &self.scene.suite.program,
            namespace: &self.scene.namespace,
            server: &self.proxy.address(),
            args: &self.args,
        };
        Controller::start(&self.scene.suite.plane, &start).await
    }

    pub(crate) async fn ready(&self, controller: &Controller) -> Result<()> {
        self.scene.eventually("the controller", async || Ok(controller.is_ready().then_some(()))).await
    }

    /// A SealedSecret for the key that was there at the beginning.
    pub(crate) fn sealed(&self, name: &str, items: &[(&str, &str)]) -> Result<Value> {
        self.sealed_with(key()?.sealing_key(), &self.scene.namespace, name, items)
    }

    /// A SealedSecret for any key and namespace.
    pub(crate) fn sealed_with(
        &self,
        key: &SealingKey,
        namespace: &str,
        name: &str,
        items: &[(&str, &str)],
    ) -> Result<Value> {
        let label = Label::new_unchecked(Scope::Strict, namespace, name);
        let mut values = BTreeMap::new();
        for (item, value) in items {
            let sealed = seal(&Plaintext::new(value.as_bytes().to_vec()), &label, key)?;
            values.insert((*item).to_owned(), sealed.to_base64());
        }
        Ok(json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": { "name": name, "namespace": namespace }, "spec": { "encryptedData": values },
        }))
    }

    /// Seals and applies.
    pub(crate) async fn apply(&self, name: &str, items: &[(&str, &str)]) -> Result<()> {
        self.scene.apply(&self.sealed(name, items)?).await.map(drop)
    }

    /// Waits until the Secret holds the items and the status says so.
    pub(crate) async fn converges(&self, name: &str, items: &[(&str, &str)]) -> Result<()> {
        self.scene.holds(name, items).await?;
        let message = self.scene.synced(name, "True").await?;
        ensure!(message.is_empty(), "{name} is in sync and says {message}");
        Ok(())
    }

    /// Active key Secrets.
    pub(crate) async fn keys(&self) -> Result<Vec<Secret>> {
        let active = ListParams::default().labels(&format!("{KEY_LABEL}={KEY_LABEL_ACTIVE}"));
        Ok(self.scene.secrets().list(&active).await?.items)
    }
}

pub(crate) fn key() -> Result<&'static UnsealingKey> {
    KEY.as_ref().context("no key could be generated")
}

async fn account(scene: &Scene, namespace: &str) -> Result<()> {
    let accounts: Api<ServiceAccount> = Api::namespaced(scene.client(), namespace);
    let account = ServiceAccount { metadata: named("controller"), ..ServiceAccount::default() };
    accounts.create(&PostParams::default(), &account).await?;
    Ok(())
}

/// Gives the stage's controller in one namespace what `deploy/` gives it everywhere.
pub(crate) async fn grant(scene: &Scene, namespace: &str) -> Result<()> {
    let roles: Api<Role> = Api::namespaced(scene.client(), namespace);
    let role = json!({ "metadata": { "name": "controller" }, "rules": rules()? });
    roles.create(&PostParams::default(), &serde_json::from_value(role)?).await?;
    let bindings: Api<RoleBinding> = Api::namespaced(scene.client(), namespace);
    let binding = json!({
        "metadata": { "name": "controller" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "controller" },
        "subjects": [{ "kind": "ServiceAccount", "name": "controller", "namespace": scene.namespace }],
    });
    bindings.create(&PostParams::default(), &serde_json::from_value(binding)?).await?;
    Ok(())
}

/// The rights in `deploy/controller.yaml`.
pub(crate) fn rules() -> Result<Value> {
    let text = std::fs::read_to_string(repository().join("deploy/controller.yaml"))?;
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text)?;
    let role = objects.into_iter().find(|object| object["kind"] == "ClusterRole").context("there is no role")?;
    Ok(role["rules"].clone())
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() }
}

const VALIDITY: std::time::Duration = std::time::Duration::from_secs(86_400);
