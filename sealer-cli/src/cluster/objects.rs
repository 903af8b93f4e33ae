//! Key Secrets and SealedSecrets in the cluster, with the user's own rights.

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use sealer_resource::SealedSecret;
use sealer_resource::key_secret::{DEFAULT_KEY_PREFIX, KEY_LABEL};
use serde_json::Value;

use super::Cluster;
use crate::diagnostics::CliError;

/// Whether something may be seen.
pub(crate) enum Access<T> {
    Granted(T),
    /// The user lacks the right to look.
    Forbidden(CliError),
}

impl Cluster {
    /// Namespace of the controller and its keys.
    pub(crate) fn controller_namespace(&self) -> &str {
        &self.namespace
    }

    /// All key Secrets, whether in use or not, and the one that controllers find by its name.
    pub(crate) fn key_secrets(&self) -> Result<Access<Vec<Secret>>, CliError> {
        let listed = self.runtime.block_on(async {
            let mut secrets = self.secrets().list(&ListParams::default().labels(KEY_LABEL)).await?.items;
            if !secrets.iter().any(|secret| secret.metadata.name.as_deref() == Some(DEFAULT_KEY_PREFIX)) {
                secrets.extend(self.secrets().get_opt(DEFAULT_KEY_PREFIX).await?);
            }
            Ok(secrets)
        });
        self.seen(listed, "secrets", &format!(" --namespace {}", self.namespace))
    }

    /// A Secret of the controller's namespace.
    pub(crate) fn secret(&self, name: &str) -> Result<Option<Secret>, CliError> {
        self.runtime.block_on(self.secrets().get_opt(name)).map_err(|error| {
            self.cause("get", "/secrets", &error).beneath(&format!("cannot read Secret `{name}`")).into_error()
        })
    }

    /// Stores a Secret in the controller's namespace; nothing if the name is taken.
    pub(crate) fn store_secret(&self, secret: &Secret) -> Result<Option<String>, CliError> {
        let created = self.runtime.block_on(self.secrets().create(&PostParams::default(), secret));
        match created {
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
            created => self.created(created).map(Some),
        }
    }

    /// Changes labels and annotations of a Secret, if it still has the version that was seen. Its data is not sent.
    pub(crate) fn mark_secret(&self, seen: &Secret, metadata: &Value) -> Result<(), CliError> {
        let name = seen.metadata.name.clone().unwrap_or_default();
        let mut metadata = metadata.clone();
        if let (Some(metadata), Some(version)) = (metadata.as_object_mut(), &seen.metadata.resource_version) {
            metadata.insert("resourceVersion".to_owned(), Value::String(version.clone()));
        }
        let change = Patch::Merge(serde_json::json!({ "metadata": metadata }));
        let done = self.runtime.block_on(self.secrets().patch(&name, &PatchParams::default(), &change));
        done.map(drop).map_err(|error| {
            let namespace = &self.namespace;
            let failure = self.cause("patch", "/secrets", &error).beneath(&format!("cannot mark Secret `{name}`"));
            failure
                .into_error()
                .hint(format!("you need the right to: kubectl auth can-i patch secrets --namespace {namespace}"))
        })
    }

    /// All SealedSecrets of all namespaces, as they are: what does not parse is the caller's to judge.
    pub(crate) fn sealed_secrets(&self) -> Result<Access<Vec<DynamicObject>>, CliError> {
        let resource = ApiResource::erase::<SealedSecret>(&());
        let objects: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource);
        let listed = self.runtime.block_on(async {
            let mut found = Vec::new();
            let mut page = ListParams::default().limit(PAGE);
            loop {
                let part = objects.list(&page).await?;
                found.extend(part.items);
                match part.metadata.continue_.filter(|token| !token.is_empty()) {
                    Some(token) => page = page.continue_token(&token),
                    None => return Ok(found),
                }
            }
        });
        self.seen(listed, "sealedsecrets.bitnami.com", " --all-namespaces")
    }

    fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    fn seen<T>(&self, listed: Result<T, kube::Error>, what: &str, place: &str) -> Result<Access<T>, CliError> {
        let error = match listed {
            Ok(found) => return Ok(Access::Granted(found)),
            Err(error) => error,
        };
        let failed =
            self.cause("list", &format!("/{what}"), &error).beneath(&format!("cannot list {what}")).into_error();
        match error {
            kube::Error::Api(status) if status.code == 403 => Ok(Access::Forbidden(
                failed.hint(format!("you need the right to: kubectl auth can-i list {what}{place}")),
            )),
            _ => Err(failed),
        }
    }
}

impl<T> Access<T> {
    /// For commands that can do nothing without.
    pub(crate) fn required(self) -> Result<T, CliError> {
        match self {
            Self::Granted(found) => Ok(found),
            Self::Forbidden(error) => Err(error),
        }
    }
}

/// Objects of one answer of the API server, as kubectl asks for.
const PAGE: u32 = 500;
