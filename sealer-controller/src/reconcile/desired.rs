//! The Secret that a SealedSecret stands for, with everything that may reach the API server and nothing else. Pure.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Resource as _;
use kube::api::ObjectMeta;
use sealer_core::scope::SKIP_OWNER_ANNOTATION;
use sealer_resource::SealedSecret;
use sealer_resource::assemble::UnsealedSecret;
use serde_json::{Map, Value};

use crate::error::Failure;
use crate::reserved::is_sealed_secret;

/// Builds the Secret. Of the template's metadata only labels and annotations are taken, and owner references where
/// the template asks for no owner of its own: uid, resourceVersion, finalizers and the like are the server's.
pub(crate) fn secret(sealed: &SealedSecret, unsealed: UnsealedSecret) -> Result<Secret, Failure> {
    let skip_owner = sealed.spec.template.has_true_annotation(SKIP_OWNER_ANNOTATION);
    let owners = if skip_owner { template_owners(&unsealed.metadata)? } else { Some(vec![owner(sealed)]) };
    let metadata = ObjectMeta {
        name: sealed.metadata.name.clone(),
        namespace: sealed.metadata.namespace.clone(),
        labels: texts(&unsealed.metadata, "labels")?,
        annotations: texts(&unsealed.metadata, "annotations")?,
        owner_references: owners,
        ..ObjectMeta::default()
    };
    let data: BTreeMap<_, _> =
        unsealed.data.into_iter().map(|(item, value)| (item, ByteString(value.expose().to_vec()))).collect();
    let type_ = unsealed.type_.filter(|type_| !type_.is_empty());
    Ok(Secret {
        metadata,
        type_,
        immutable: unsealed.immutable,
        data: (!data.is_empty()).then_some(data),
        string_data: None,
    })
}

/// Without `blockOwnerDeletion`: with it, some clusters demand a right on finalizers that no installation has.
fn owner(sealed: &SealedSecret) -> OwnerReference {
    OwnerReference {
        api_version: SealedSecret::api_version(&()).into_owned(),
        kind: SealedSecret::kind(&()).into_owned(),
        name: sealed.metadata.name.clone().unwrap_or_default(),
        uid: sealed.metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}

fn template_owners(metadata: &Map<String, Value>) -> Result<Option<Vec<OwnerReference>>, Failure> {
    let Some(owners) = metadata.get("ownerReferences").filter(|owners| !owners.is_null()) else { return Ok(None) };
    let mut owners: Vec<OwnerReference> = serde_json::from_value(owners.clone())
        .map_err(|_| Failure::unseal("spec.template.metadata.ownerReferences is malformed"))?;
    // Such an owner is this program's to set: one that does not exist has the Secret deleted and made again for ever.
    if owners.iter().any(is_sealed_secret) {
        return Err(Failure::unseal(
            "spec.template.metadata.ownerReferences names a SealedSecret; leave that to the controller",
        ));
    }
    for owner in &mut owners {
        // Neither does a template say who may change the Secret, nor does it hold up the deletion of others' objects.
        (owner.controller, owner.block_owner_deletion) = (None, None);
    }
    Ok(Some(owners))
}

fn texts(metadata: &Map<String, Value>, field: &str) -> Result<Option<BTreeMap<String, String>>, Failure> {
    let Some(map) = metadata.get(field).filter(|map| !map.is_null()) else { return Ok(None) };
    let parsed: BTreeMap<String, String> = serde_json::from_value(map.clone())
        .map_err(|_| Failure::unseal(format!("spec.template.metadata.{field} must map text to text")))?;
    Ok((!parsed.is_empty()).then_some(parsed))
}
