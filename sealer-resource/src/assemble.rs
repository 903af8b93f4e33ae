//! From a SealedSecret to the Secret it stands for: open every item, then render the templates over them. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::progress::Progress;
use crate::render::{ParseFailure, Rendering, RunFailure, Unrendered};
use crate::sealed_secret::{SealedSecretSpec, SecretTemplate};
use sealer_core::envelope::SealedValue;
use sealer_core::error::{EnvelopeError, UnsealError};
use sealer_core::key::fingerprint::Fingerprint;
use sealer_core::key::keyring::Keyring;
use sealer_core::plaintext::Plaintext;
use sealer_core::scope::Label;
use sealer_core::unseal::{Trials, unseal_counted};
use sealer_encoding::base64::{self, Base64Error};

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
    let (mut progress, mut trials) = (Progress::default(), Trials::default());
    progress.advance(label, spec, keyring, &mut trials, u32::MAX);
    finish(progress, label, spec, keyring, options, &mut trials)
}

/// Makes the Secret of items that were opened in turns; a deprecated blob is opened here.
///
/// # Errors
/// As [`open`].
pub fn finish(
    progress: Progress,
    label: &Label,
    spec: &SealedSecretSpec,
    keyring: &Keyring,
    options: &OpenOptions<'_>,
    trials: &mut Trials,
) -> Result<UnsealedSecret, OpenError> {
    if let Some(blob) = &spec.data {
        return open_v1(label, blob, spec, keyring, options, trials);
    }
    let opened = progress.into_items(&spec.encrypted_data);
    let (data, keys) = match &options.rendering {
        Some(rendering) => with_templates(opened, &spec.template, rendering)?,
        None => opened.map_err(OpenError::Items)?,
    };
    let SecretTemplate { metadata, type_, immutable, .. } = spec.template.clone();
    Ok(UnsealedSecret { metadata: metadata.unwrap_or_default(), type_, immutable, data, keys })
}

pub(crate) type Items = (BTreeMap<String, Plaintext>, BTreeSet<Fingerprint>);

pub(crate) fn open_item(
    label: &Label,
    sealed: &str,
    keyring: &Keyring,
    trials: &mut Trials,
) -> Result<(Plaintext, Fingerprint), ItemCause> {
    let value = SealedValue::from_base64(sealed)?;
    let opened = unseal_counted(&value, label, keyring, trials)?;
    Ok((opened.plaintext, opened.fingerprint))
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
    trials: &mut Trials,
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

/// A SealedSecret that does not become a Secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Some items failed; the text groups them by cause.
    #[error("{}", grouped(.0, ItemCause::to_string))]
    Items(Vec<ItemFailure>),
    /// Templates failed while they ran.
    #[error(transparent)]
    Templates(Unrendered),
    /// The deprecated blob did not open.
    #[error(transparent)]
    V1(ItemCause),
    /// The deprecated blob is not accepted here.
    #[error("using deprecated 'data' field, use 'encryptedData' or flip the feature flag")]
    V1Refused,
    /// Both forms at once.
    #[error("cannot use the field 'encryptedData' and the deprecated field 'data' at the same time")]
    V1AndItems,
    /// The blob opened but holds no Secret.
    #[error("the deprecated 'data' field does not hold a Secret")]
    V1Malformed,
}

/// One item that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemFailure {
    /// Its name.
    pub item: String,
    /// Why.
    pub cause: ItemCause,
}

/// Why an item failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ItemCause {
    /// The text is no base64.
    #[error(transparent)]
    Base64(#[from] Base64Error),
    /// No key opens it, for whatever reason.
    #[error(transparent)]
    NoKey(#[from] UnsealError),
    /// Its template does not parse.
    #[error(transparent)]
    Parse(ParseFailure),
    /// Its template failed while it ran.
    #[error(transparent)]
    Template(RunFailure),
}

impl From<(String, ParseFailure)> for ItemFailure {
    fn from((item, failure): (String, ParseFailure)) -> Self {
        Self { item, cause: ItemCause::Parse(failure) }
    }
}

impl From<EnvelopeError> for ItemCause {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::Base64(error) => Self::Base64(error),
            _ => Self::NoKey(UnsealError),
        }
    }
}

/// A name as long as Kubernetes takes one, without what a terminal would obey: control characters and those that turn the
/// direction of a line. What is longer would only fill logs and status.
pub(crate) fn shown(item: &str) -> String {
    let is_obeyed = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
    };
    item.chars().take(LONGEST_ITEM).map(|c| if is_obeyed(c) { '?' } else { c }).collect()
}

impl OpenError {
    /// The text that Go's engine gives for templates. It may hold values: only for whoever holds the keys anyway.
    pub fn go_text(&self) -> String {
        self.told(ItemCause::go_text)
    }

    /// The same for whoever reads what a command says, which may be a log: our own words stand for what may come of a value.
    /// Where a template failed may depend on one.
    pub fn public_text(&self) -> String {
        self.told(ItemCause::public_text)
    }

    fn told(&self, text: fn(&ItemCause) -> String) -> String {
        match self {
            Self::Items(failures) => grouped(failures, text),
            Self::Templates(unrendered) if !unrendered.failures().is_empty() => grouped(unrendered.failures(), text),
            other => other.to_string(),
        }
    }
}

impl ItemCause {
    fn go_text(&self) -> String {
        match self {
            Self::Parse(failure) => failure.go_text(),
            Self::Template(failure) => failure.go_text().to_owned(),
            other => other.to_string(),
        }
    }

    fn public_text(&self) -> String {
        match self {
            Self::Template(failure) => failure.public_text().to_owned(),
            other => other.go_text(),
        }
    }
}

/// Causes of equal text share a line, with the items in parentheses: `no key could decrypt secret (a, b)`.
fn grouped(failures: &[ItemFailure], text: fn(&ItemCause) -> String) -> String {
    let mut items_by_text: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for failure in failures {
        items_by_text.entry(text(&failure.cause)).or_default().push(shown(&failure.item));
    }
    let line = |(text, items): (String, Vec<String>)| format!("{text} ({})", items.join(", "));
    items_by_text.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Kubernetes' limit on the name of an item.
const LONGEST_ITEM: usize = 253;

#[cfg(test)]
mod tests;
