//! Single SealedSecrets of a cluster and the Secrets that were made of them, read with the user's own rights.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::ListParams;
use sealer_core::Plaintext;
use sealer_resource::SealedSecret;

use super::Cluster;
use crate::diagnostics::CliError;

/// A SealedSecret in the cluster, and the Secret that was made of it.
pub(crate) struct Live {
    sealed: SealedSecret,
    values: BTreeMap<String, Plaintext>,
}

impl Live {
    /// Whether the sealed text is known to be of this value. Only what the controller has opened counts, and no item
    /// that a template may have written.
    pub(crate) fn is_value_of(&self, item: &str, text: &str, value: &Plaintext) -> bool {
        let spec = &self.sealed.spec;
        let templated = spec.template.data.as_ref().is_some_and(|data| data.contains_key(item));
        spec.encrypted_data.get(item).is_some_and(|live| live == text)
            && !templated
            && is_synced(&self.sealed)
            && self.values.get(item).is_some_and(|live| live.expose() == value.expose())
    }
}

/// Whether the controller has opened this generation of it.
pub(crate) fn is_synced(sealed: &SealedSecret) -> bool {
    let Some(status) = &sealed.status else { return false };
    status.observed_generation == sealed.metadata.generation
        && status.conditions.iter().any(|condition| condition.type_ == "Synced" && condition.status == "True")
}

impl Cluster {
    /// A SealedSecret, if it is there.
    pub(crate) fn sealed_secret(&self, namespace: &str, name: &str) -> Result<Option<SealedSecret>, CliError> {
        let all: Api<SealedSecret> = Api::namespaced(self.client.clone(), namespace);
        self.runtime
            .block_on(all.get_opt(name))
            .map_err(|error| self.unread(&format!("SealedSecret {namespace}/{name}"), &error))
    }

    /// Names of the SealedSecrets of a namespace.
    pub(crate) fn sealed_secret_names(&self, namespace: &str) -> Result<Vec<String>, CliError> {
        let all: Api<SealedSecret> = Api::namespaced(self.client.clone(), namespace);
        let listed = self.runtime.block_on(all.list_metadata(&ListParams::default()));
        let listed =
            listed.map_err(|error| self.unread(&format!("SealedSecrets of namespace `{namespace}`"), &error))?;
        Ok(listed.items.into_iter().filter_map(|object| object.metadata.name).collect())
    }

    /// A SealedSecret and its Secret, if both are there.
    pub(crate) fn live(&self, namespace: &str, name: &str) -> Result<Option<Live>, CliError> {
        let Some(sealed) = self.sealed_secret(namespace, name)? else { return Ok(None) };
        let all: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let secret = self.runtime.block_on(all.get_opt(name));
        let secret = secret.map_err(|error| self.unread(&format!("Secret {namespace}/{name}"), &error))?;
        let Some(secret) = secret else { return Ok(None) };
        let values = secret.data.unwrap_or_default().into_iter();
        Ok(Some(Live { sealed, values: values.map(|(item, value)| (item, Plaintext::new(value.0))).collect() }))
    }

    fn unread(&self, what: &str, error: &kube::Error) -> CliError {
        self.cause("get", "", error).beneath(&format!("cannot read {what}")).into_error()
    }
}
