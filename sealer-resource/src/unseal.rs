//! From a SealedSecret to the Secret it stands for: open every item, then render the templates over them. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::failure::{ItemCause, ItemFailure, OpenError, Unrendered};
use crate::partial_unseal::{Items, PartialUnseal, open_item};
use crate::render::Rendering;
use crate::sealed_secret::{SealedSecretSpec, SecretTemplate};
use sealer_core::key::fingerprint::Fingerprint;
use sealer_core::key::keyring::Keyring;
use sealer_core::plaintext::Plaintext;
use sealer_core::scope::Label;
use sealer_core::unseal::KeyTrials;
use sealer_encoding::base64;

/// What may be opened.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions<'a> {
    /// Whether the deprecated single blob in `spec.data` is accepted.
    pub accept_v1_data: bool,
    /// How templates are rendered; the endpoints that anybody can reach leave them alone.
    pub rendering: Option<Rendering<'a>>,
}

/// The content of a Secret, opened. Names, ownership and what may reach a cluster are the caller's to add.
#[derive(Debug, Default)]
pub struct UnsealedSecret {
    /// Metadata as the template has it, unfiltered.
    pub metadata: Map<String, Value>,
    /// Type of the Secret.
    pub type_: Option<String>,
    /// Whether the Secret may not be changed.
    pub immutable: Option<bool>,
    /// Item name to value.
    pub data: BTreeMap<String, Plaintext>,
    /// The keys that opened its items.
    pub keys: BTreeSet<Fingerprint>,
}

/// Opens every item of a SealedSecret and renders its templates.
///
/// # Errors
/// Every item that failed, none of them with a byte of a value. When one fails no template runs.
pub fn open(
    label: &Label,
    spec: &SealedSecretSpec,
    keyring: &Keyring,
    options: &OpenOptions<'_>,
) -> Result<UnsealedSecret, OpenError> {
    let (mut partial, mut trials) = (PartialUnseal::default(), KeyTrials::default());
    partial.advance(label, spec, keyring, &mut trials, u32::MAX);
    finish(partial, label, spec, keyring, options, &mut trials)
}

/// Makes the Secret of items that were opened in turns; a deprecated blob is opened here.
///
/// # Errors
/// As [`open`].
pub fn finish(
    partial: PartialUnseal,
    label: &Label,
    spec: &SealedSecretSpec,
    keyring: &Keyring,
    options: &OpenOptions<'_>,
    trials: &mut KeyTrials,
) -> Result<UnsealedSecret, OpenError> {
    if let Some(blob) = &spec.data {
        return open_v1(label, blob, spec, keyring, options, trials);
    }
    let opened = partial.into_items(&spec.encrypted_data);
    let (data, keys) = match &options.rendering {
        Some(rendering) => with_templates(opened, &spec.template, rendering)?,
        None => opened.map_err(OpenError::Items)?,
    };
    let SecretTemplate { metadata, type_, immutable, .. } = spec.template.clone();
    Ok(UnsealedSecret { metadata: metadata.unwrap_or_default(), type_, immutable, data, keys })
}

/// Renders the templates. When an item failed none of them runs, but those that do not parse are still named.
fn with_templates(
    opened: Result<Items, Vec<ItemFailure>>,
    template: &SecretTemplate,
    rendering: &Rendering<'_>,
) -> Result<Items, OpenError> {
    let Some(templates) = template.data.as_ref().filter(|templates| !templates.is_empty()) else {
        return opened.map_err(OpenError::Items);
    };
    let (mut data, keys) = opened.map_err(|failures| {
        let unparsed = rendering.check(templates).into_iter();
        OpenError::Items(failures.into_iter().chain(unparsed.map(ItemFailure::from)).collect())
    })?;
    let failures = rendering.add(templates, &mut data);
    if failures.is_empty() {
        return Ok((data, keys));
    }
    if failures.iter().all(|failure| matches!(failure.cause, ItemCause::Parse(_))) {
        return Err(OpenError::Items(failures));
    }
    let unrendered = Unrendered::new(templates, rendering.environment.functions);
    Err(OpenError::Templates(unrendered.with_failures(failures)))
}

/// The whole Secret that a v1 blob holds, as far as it is used.
#[derive(Deserialize)]
struct V1Secret {
    #[serde(default)]
    metadata: Map<String, Value>,
    #[serde(default, rename = "type")]
    type_: Option<String>,
    #[serde(default)]
    immutable: Option<bool>,
    #[serde(default)]
    data: Option<BTreeMap<String, Option<String>>>,
}

fn open_v1(
    label: &Label,
    blob: &str,
    spec: &SealedSecretSpec,
    keyring: &Keyring,
    options: &OpenOptions<'_>,
    trials: &mut KeyTrials,
) -> Result<UnsealedSecret, OpenError> {
    if !options.accept_v1_data {
        return Err(OpenError::V1Refused);
    }
    if !spec.encrypted_data.is_empty() {
        return Err(OpenError::V1AndItems);
    }
    let (plaintext, fingerprint) = open_item(label, blob, keyring, trials).map_err(OpenError::V1)?;
    let secret: V1Secret = serde_json::from_slice(plaintext.expose()).map_err(|_| OpenError::V1Malformed)?;
    let decoded = secret.data.unwrap_or_default().into_iter().map(|(item, value)| {
        let bytes = base64::decode(value.unwrap_or_default()).map_err(|_| OpenError::V1Malformed)?;
        Ok((item, Plaintext::new(bytes)))
    });
    let data = decoded.collect::<Result<_, OpenError>>()?;
    let V1Secret { metadata, type_, immutable, .. } = secret;
    Ok(UnsealedSecret { metadata, type_, immutable, data, keys: BTreeSet::from([fingerprint]) })
}

#[cfg(test)]
mod tests;
