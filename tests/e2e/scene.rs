//! One test's place: a namespace of its own, and the verbs that tests are written in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ObjectMeta, Patch, PatchParams, PostParams};
use sealer_core::{Certificate, Label, Plaintext, Scope, seal};
use sealer_resource::api;
use sealer_tests::shell::Shell;
use serde_json::{Value, json};

use crate::suite::Suite;

/// A namespace, and everything around it.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) suite: Arc<Suite>,
    pub(crate) namespace: String,
}

impl Scene {
    pub(crate) async fn new(suite: Arc<Suite>, namespace: String) -> Result<Self> {
        let namespaces: Api<Namespace> = Api::all(suite.plane.client.clone());
        let metadata = ObjectMeta { name: Some(namespace.clone()), ..ObjectMeta::default() };
        namespaces.create(&PostParams::default(), &Namespace { metadata, ..Namespace::default() }).await?;
        Ok(Self { suite, namespace })
    }

    pub(crate) fn client(&self) -> Client {
        self.suite.plane.client.clone()
    }

    pub(crate) fn shell(&self) -> &Shell {
        &self.suite.shell
    }

    pub(crate) fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client(), &self.namespace)
    }

    pub(crate) fn sealed_secrets(&self) -> Api<DynamicObject> {
        Api::namespaced_with(self.client(), &self.namespace, &resource())
    }

    /// The certificate that the controller serves now.
    pub(crate) async fn certificate(&self) -> Result<Certificate> {
        let path = api::service_proxy_path(
            "kube-system",
            api::DEFAULT_CONTROLLER_NAME,
            self.suite.installation.ports[0],
            api::CERTIFICATE,
        );
        let pem = self.client().request_text(http::Request::get(path).body(Vec::new())?).await?;
        Ok(Certificate::first_from_pem(pem.as_bytes())?)
    }

    /// A SealedSecret of this namespace.
    pub(crate) async fn sealed(&self, name: &str, items: &[(&str, &str)], scope: Scope) -> Result<Value> {
        self.sealed_for(&Label::new_unchecked(scope, &self.namespace, name), name, items, scope).await
    }

    /// One whose values are bound to any label.
    pub(crate) async fn sealed_for(
        &self,
        label: &Label,
        name: &str,
        items: &[(&str, &str)],
        scope: Scope,
    ) -> Result<Value> {
        let certificate = self.certificate().await?;
        let mut values = BTreeMap::new();
        for (item, value) in items {
            let sealed = seal(&Plaintext::new(value.as_bytes().to_vec()), label, certificate.key())?;
            values.insert((*item).to_owned(), sealed.to_base64());
        }
        let annotations: BTreeMap<&str, &str> =
            scope.annotation().map(|annotation| (annotation, "true")).into_iter().collect();
        Ok(json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": { "name": name, "namespace": self.namespace, "annotations": annotations },
            "spec": { "encryptedData": values, "template": { "metadata": { "name": name, "namespace": self.namespace } } },
        }))
    }

    /// Creates or changes an object as `kubectl apply` would.
    pub(crate) async fn apply(&self, object: &Value) -> Result<DynamicObject> {
        let name = object.pointer("/metadata/name").and_then(Value::as_str).context("the object has no name")?;
        let params = PatchParams::apply("e2e").force();
        Ok(self.sealed_secrets().patch(name, &params, &Patch::Apply(object)).await?)
    }

    pub(crate) async fn delete(&self, name: &str) -> Result<()> {
        self.sealed_secrets().delete(name, &DeleteParams::default()).await?;
        Ok(())
    }

    pub(crate) async fn secret(&self, name: &str) -> Result<Option<Secret>> {
        Ok(self.secrets().get_opt(name).await?)
    }

    /// Waits until the Secret holds exactly these items.
    pub(crate) async fn holds(&self, name: &str, items: &[(&str, &str)]) -> Result<Secret> {
        let wanted: BTreeMap<String, String> = items.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self.eventually(&format!("secret {name} with items {:?}", wanted.keys()), async || {
            let secret = self.secret(name).await?;
            Ok(secret.filter(|secret| texts(secret) == wanted))
        })
        .await
    }

    /// Waits until the SealedSecret's `Synced` condition has a status for its present generation; returns the message.
    pub(crate) async fn synced(&self, name: &str, status: &str) -> Result<String> {
        self.eventually(&format!("{name} with Synced={status}"), async || {
            let Some(object) = self.sealed_secrets().get_opt(name).await? else { return Ok(None) };
            let at = |pointer: &str| object.data.pointer(pointer).cloned().unwrap_or_default();
            let current = at("/status/observedGeneration").as_i64() == object.metadata.generation;
            // Where answers are corrupted, that is the first that an object may say of itself.
            let passes = self.suite.proxy.is_some() && at("/status/conditions/0/message") == UNREADABLE_ANSWER;
            let holds = current
                && !passes
                && at("/status/conditions/0/type") == "Synced"
                && at("/status/conditions/0/status") == status;
            Ok(holds.then(|| at("/status/conditions/0/message").as_str().unwrap_or_default().to_owned()))
        })
        .await
    }

    /// Does something while the shared controller is away. It comes back in any case.
    pub(crate) async fn without_controller<T>(&self, work: impl AsyncFnOnce() -> Result<T>) -> Result<T> {
        let labels = self.suite.installation.pods;
        let scale = "kubectl -n kube-system scale deployment sealed-secrets-controller --replicas";
        let gone = format!("kubectl -n kube-system wait pod -l {labels} --for=delete --timeout=110s");
        self.shell().must(&format!("{scale}=0 && {gone}")).await?;
        let done = work().await;
        let back = "kubectl -n kube-system rollout status deployment sealed-secrets-controller --timeout=110s";
        self.shell().must(&format!("{scale}=1 && {back}")).await?;
        self.eventually("the certificate", async || Ok(self.certificate().await.ok())).await?;
        done
    }

    /// Repeats a look until it finds something.
    pub(crate) async fn eventually<T>(&self, what: &str, look: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            if Instant::now() > deadline {
                bail!("{what} does not come");
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The metrics of the shared controller, found through the API server as Prometheus would find them.
    pub(crate) async fn metrics(&self) -> Result<String> {
        let service = format!("{}-metrics", api::DEFAULT_CONTROLLER_NAME);
        let path = api::service_proxy_path("kube-system", &service, self.suite.installation.ports[1], "/metrics");
        Ok(self.client().request_text(http::Request::get(path).body(Vec::new())?).await?)
    }

    /// Everything in the namespace, for a failed test.
    pub(crate) async fn dump(&self) -> String {
        let command = format!(
            "kubectl get sealedsecrets,events -n {} -o yaml | grep -v '^ *[a-z]*: A[gQ]'; kubectl get secrets -n {}",
            self.namespace, self.namespace
        );
        let objects = self.shell().run(&command).await.map(|output| output.stdout).unwrap_or_default();
        format!("{objects}\n\ncontroller logs:\n{}", self.suite.logs())
    }
}

/// The items of a Secret as text.
pub(crate) fn texts(secret: &Secret) -> BTreeMap<String, String> {
    let items = secret.data.iter().flatten();
    items.map(|(item, value)| (item.clone(), String::from_utf8_lossy(&value.0).into_owned())).collect()
}

pub(crate) fn resource() -> ApiResource {
    ApiResource {
        group: "bitnami.com".to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: "bitnami.com/v1alpha1".to_owned(),
        kind: "SealedSecret".to_owned(),
        plural: "sealedsecrets".to_owned(),
    }
}

const UNREADABLE_ANSWER: &str = "the API server's answer cannot be read";
const PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);
