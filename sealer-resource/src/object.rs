//! The paved path: a Secret is sealed, a SealedSecret is opened and made a Secret again, or sealed anew for another key. Pure.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use sealer_core::error::{NameError, SealError};
use sealer_core::unseal::KeyTrials;
use sealer_core::{Keyring, Label, Plaintext, Scope, SealingKey, seal};
use serde_json::{Map, Value};

use crate::annotations::SKIP_OWNER_ANNOTATION;
use crate::failure::{ItemFailure, OpenError, shown};
use crate::partial_unseal::open_item;
use crate::render::Rendering;
use crate::sealed_secret::{API_VERSION, KIND, SealedSecret, SealedSecretSpec, SecretTemplate, is_sealed_secret_kind};
use crate::template_metadata::template_metadata;
use crate::unseal::{OpenOptions, UnsealedSecret, open};

/// A Secret that is about to be sealed.
#[derive(Debug)]
pub struct SecretContent<'a> {
    /// Its metadata; name and namespace are what values are bound to.
    pub metadata: &'a Map<String, Value>,
    /// Its type.
    pub type_: Option<&'a str>,
    /// Whether it may not be changed.
    pub immutable: Option<bool>,
    /// Item name to value.
    pub items: &'a BTreeMap<String, Plaintext>,
}

impl SecretContent<'_> {
    /// Makes the SealedSecret, whatever its names are; `seal_item` seals each item for the label of all of them, or knows its
    /// sealed form already.
    ///
    /// # Errors
    /// The first of `seal_item`.
    pub fn seal_with<E>(
        &self,
        scope: Scope,
        mut seal_item: impl FnMut(&Label, &str, &Plaintext) -> Result<String, E>,
    ) -> Result<SealedSecret, E> {
        let text = |field: &str| self.metadata.get(field).and_then(Value::as_str).unwrap_or_default();
        let label = Label::new_unchecked(scope, text("namespace"), text("name"));
        let sealed = self.items.iter().map(|(item, value)| Ok((item.clone(), seal_item(&label, item, value)?)));
        let template = SecretTemplate {
            metadata: Some(template_metadata(self.metadata, scope)),
            type_: self.type_.map(ToOwned::to_owned),
            immutable: self.immutable,
            data: None,
        };
        Ok(SealedSecret::of_items(sealed.collect::<Result<_, E>>()?, template, scope))
    }
}

impl SealedSecret {
    /// Seals a Secret: every item of `data` and `stringData` (which wins, as in a cluster) for its namespace and name, as far
    /// as the scope binds them. Labels, annotations and type go into the template in clear.
    ///
    /// # Errors
    /// A namespace or name that Kubernetes would refuse, or a key that nothing can be sealed with.
    pub fn seal(secret: &Secret, scope: Scope, key: &SealingKey) -> Result<Self, SealObjectError> {
        let part = |text: &Option<String>| text.clone().unwrap_or_default();
        Label::new(scope, &part(&secret.metadata.namespace), &part(&secret.metadata.name))?;
        let value = |item: &String, value: &[u8]| (item.clone(), Plaintext::new(value.to_vec()));
        let mut items: BTreeMap<String, Plaintext> = BTreeMap::new();
        items.extend(secret.data.iter().flatten().map(|(item, bytes)| value(item, &bytes.0)));
        items.extend(secret.string_data.iter().flatten().map(|(item, text)| value(item, text.as_bytes())));
        // Writing fields of text into memory does not fail.
        let metadata = serde_json::to_value(&secret.metadata).unwrap_or_default();
        let metadata = metadata.as_object().cloned().unwrap_or_default();
        let (type_, immutable) = (secret.type_.as_deref(), secret.immutable);
        let content = SecretContent { metadata: &metadata, type_, immutable, items: &items };
        content.seal_with(scope, |label, item, value| {
            let sealed = seal(value, label, key);
            let sealed = sealed.map_err(|cause| SealObjectError::Item { item: shown(item), cause })?;
            Ok(sealed.to_base64())
        })
    }

    /// A SealedSecret of values that are sealed already. Its own metadata is what its label is made of and nothing else: name
    /// and namespace as the template has them, and the annotation of the scope.
    pub fn of_items(items: BTreeMap<String, String>, template: SecretTemplate, scope: Scope) -> Self {
        let own = |field: &str| {
            let text = template.metadata.as_ref()?.get(field)?.as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        let annotation = scope.annotation().map(|name| BTreeMap::from([(name.to_owned(), "true".to_owned())]));
        let metadata = ObjectMeta {
            name: own("name"),
            namespace: own("namespace"),
            annotations: annotation,
            ..ObjectMeta::default()
        };
        Self { metadata, spec: SealedSecretSpec { template, data: None, encrypted_data: items }, status: None }
    }

    /// How its Secret names it as the owner. Without `blockOwnerDeletion`: with it, some clusters demand a right on finalizers
    /// that no installation has.
    pub fn owner_reference(&self) -> OwnerReference {
        OwnerReference {
            api_version: API_VERSION.to_owned(),
            kind: KIND.to_owned(),
            name: self.metadata.name.clone().unwrap_or_default(),
            uid: self.metadata.uid.clone().unwrap_or_default(),
            controller: Some(true),
            block_owner_deletion: None,
        }
    }

    /// Opens every item and renders the templates over them. Deprecated blobs in `spec.data` are refused.
    ///
    /// # Errors
    /// A namespace or name that Kubernetes would refuse, or every item that failed.
    pub fn unseal(&self, keyring: &Keyring, rendering: Rendering<'_>) -> Result<UnsealedSecret, UnsealObjectError> {
        let options = OpenOptions { accept_v1_data: false, rendering: Some(rendering) };
        Ok(open(&self.label()?, &self.spec, keyring, &options)?)
    }

    /// The same object with every item sealed anew for `key`. Templates do not run, and nothing else changes.
    ///
    /// # Errors
    /// A namespace or name that Kubernetes would refuse, every item that no key of the ring opens, or a key that nothing can
    /// be sealed with. A deprecated blob in `spec.data` is refused.
    pub fn reseal(&self, keyring: &Keyring, key: &SealingKey) -> Result<Self, ResealError> {
        if self.spec.data.is_some() {
            return Err(OpenError::V1Refused.into());
        }
        let (label, mut trials) = (self.label()?, KeyTrials::default());
        let (mut items, mut failures) = (BTreeMap::new(), Vec::new());
        for (item, text) in &self.spec.encrypted_data {
            match open_item(&label, text, keyring, &mut trials) {
                Ok((value, _)) => {
                    let sealed = seal(&value, &label, key);
                    let sealed = sealed.map_err(|cause| SealObjectError::Item { item: shown(item), cause })?;
                    items.insert(item.clone(), sealed.to_base64());
                }
                Err(cause) => failures.push(ItemFailure { item: item.clone(), cause }),
            }
        }
        if !failures.is_empty() {
            return Err(OpenError::Items(failures).into());
        }
        let spec = SealedSecretSpec { encrypted_data: items, ..self.spec.clone() };
        Ok(Self { metadata: self.metadata.clone(), spec, status: self.status.clone() })
    }
}

impl UnsealedSecret {
    /// The Secret as it may reach a cluster. Of the template's metadata labels and annotations are taken, and owner references
    /// where the template asks for no owner of its own (or the SealedSecret has no uid yet): uid, resourceVersion, finalizers and the like are the server's.
    ///
    /// # Errors
    /// Metadata of the template that Kubernetes cannot read, or that names an owner which only a controller may set.
    pub fn into_secret(self, of: &SealedSecret) -> Result<Secret, MetadataError> {
        let skip_owner = of.spec.template.has_true_annotation(SKIP_OWNER_ANNOTATION);
        // An owner without a uid is one that no cluster takes.
        let own =
            || Some(vec![of.owner_reference()]).filter(|_| of.metadata.uid.as_ref().is_some_and(|uid| !uid.is_empty()));
        let owners = if skip_owner { template_owners(&self.metadata)? } else { own() };
        let metadata = ObjectMeta {
            name: of.metadata.name.clone(),
            namespace: of.metadata.namespace.clone(),
            labels: texts(&self.metadata, "labels")?,
            annotations: texts(&self.metadata, "annotations")?,
            owner_references: owners,
            ..ObjectMeta::default()
        };
        let bytes = |(item, value): (String, Plaintext)| (item, ByteString(value.expose().to_vec()));
        let data: BTreeMap<_, _> = self.data.into_iter().map(bytes).collect();
        Ok(Secret {
            metadata,
            type_: self.type_.filter(|type_| !type_.is_empty()),
            immutable: self.immutable,
            data: (!data.is_empty()).then_some(data),
            string_data: None,
        })
    }
}

/// Whether an owner is a SealedSecret, of whatever version.
pub fn is_sealed_secret(owner: &OwnerReference) -> bool {
    is_sealed_secret_kind(&owner.api_version, &owner.kind)
}

fn template_owners(metadata: &Map<String, Value>) -> Result<Option<Vec<OwnerReference>>, MetadataError> {
    let Some(owners) = metadata.get("ownerReferences").filter(|owners| !owners.is_null()) else { return Ok(None) };
    let mut owners: Vec<OwnerReference> =
        serde_json::from_value(owners.clone()).map_err(|_| MetadataError::MalformedOwners)?;
    // Such an owner is a controller's to set: one that does not exist has the Secret deleted and made again for ever.
    if owners.iter().any(is_sealed_secret) {
        return Err(MetadataError::SealedSecretOwner);
    }
    for owner in &mut owners {
        // Neither does a template say who may change the Secret, nor does it hold up the deletion of others' objects.
        (owner.controller, owner.block_owner_deletion) = (None, None);
    }
    Ok(Some(owners))
}

fn texts(
    metadata: &Map<String, Value>,
    field: &'static str,
) -> Result<Option<BTreeMap<String, String>>, MetadataError> {
    let Some(map) = metadata.get(field).filter(|map| !map.is_null()) else { return Ok(None) };
    let parsed: BTreeMap<String, String> =
        serde_json::from_value(map.clone()).map_err(|_| MetadataError::NotTexts(field))?;
    Ok((!parsed.is_empty()).then_some(parsed))
}

/// A Secret that cannot be sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealObjectError {
    /// Its namespace or name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// One of its items; the cause is the key's or the machine's.
    #[error("item `{item}`: {cause}")]
    Item {
        /// Name of the item.
        item: String,
        /// Why.
        #[source]
        cause: SealError,
    },
}

/// A SealedSecret that does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsealObjectError {
    /// Its namespace or name: no value can be sealed for it.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Its items or templates.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// A SealedSecret that is not sealed anew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResealError {
    /// It does not open.
    #[error(transparent)]
    Unseal(UnsealObjectError),
    /// It opens, and nothing can be sealed with the new key.
    #[error(transparent)]
    Seal(#[from] SealObjectError),
}

impl From<NameError> for ResealError {
    fn from(error: NameError) -> Self {
        Self::Unseal(error.into())
    }
}

impl From<OpenError> for ResealError {
    fn from(error: OpenError) -> Self {
        Self::Unseal(error.into())
    }
}

/// Metadata of a template that no Secret can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// Owner references that Kubernetes cannot read.
    #[error("spec.template.metadata.ownerReferences is malformed")]
    MalformedOwners,
    /// An owner that only a controller may set.
    #[error("spec.template.metadata.ownerReferences names a SealedSecret; leave that to the controller")]
    SealedSecretOwner,
    /// Labels or annotations that are no map of texts; the word is the field.
    #[error("spec.template.metadata.{0} must map text to text")]
    NotTexts(&'static str),
}

#[cfg(test)]
mod tests;
