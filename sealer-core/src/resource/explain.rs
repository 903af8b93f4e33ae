//! Why does no key open a value? Found, where it can be known, by trying labels it may have been sealed for: a bounded
//! number of private-key operations, and no object of another namespace is ever named. Pure.

use std::fmt;

use crate::base64;
use crate::envelope::SealedValue;
use crate::key::keyring::Keyring;
use crate::key::private::UnsealingKey;
use crate::resource::SealedSecret;
use crate::resource::assemble::{ItemCause, OpenError};
use crate::scope::{Label, Scope};
use crate::seal::{Trials, open_with};

/// Says why an object did not open, if that can be found within [`BUDGET`] operations. `neighbours` are names of other
/// SealedSecrets in its namespace.
pub fn explain(
    error: &OpenError,
    sealed: &SealedSecret,
    neighbours: &[String],
    keyring: &Keyring,
    trials: &mut Trials,
) -> Option<Explanation> {
    let values: Vec<(&str, Judged)> =
        failed(error, sealed).into_iter().map(|(item, text)| (item, judge(text, keyring))).collect();
    let end = trials.operations().saturating_add(BUDGET);
    let searched = values.iter().find_map(|(item, judged)| Some((*item, judged.searchable()?)));
    let (item, cause, holds_for_all) = match searched {
        Some((item, value)) => {
            let found = search(value, sealed, neighbours, keyring, trials, end);
            let holds = |judged: &Judged, trials: &mut Trials| match &found {
                Some(found) => found.fits(judged, trials, end),
                None => judged.searchable().is_some(),
            };
            let others = values.iter().all(|(other, judged)| *other == item || holds(judged, trials));
            (item, found.map_or(Cause::Elsewhere, |found| found.cause), others)
        }
        None => {
            let (item, Judged::Known(cause)) = values.first()? else { return None };
            let is_same = |(_, judged): &(&str, Judged)| matches!(judged, Judged::Known(other) if other == cause);
            (*item, cause.clone(), values.iter().all(is_same))
        }
    };
    let item = (!holds_for_all).then(|| item.to_owned());
    Some(Explanation { item, cause })
}

/// Why values did not open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The item it was found for, where it does not hold for all that failed.
    item: Option<String>,
    cause: Cause,
}

impl Explanation {
    /// Whether nothing was found, and only what is likeliest then is said.
    pub fn is_guess(&self) -> bool {
        self.cause == Cause::Elsewhere
    }

    /// The message of the failure with the cause behind the known text.
    pub fn added_to(&self, message: &str) -> String {
        let (mut said, known) = (false, crate::error::UnsealError.to_string());
        let line = |line: &str| {
            if line.starts_with(&known) && !std::mem::replace(&mut said, true) {
                format!("{line}: {self}")
            } else {
                line.to_owned()
            }
        };
        message.split('\n').map(line).collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.item {
            Some(item) => write!(f, "`{item}` {}", self.cause),
            None => self.cause.fmt(f),
        }
    }
}

/// What can be known of a value that does not open.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cause {
    /// Sealed with the first scope, read with the second.
    Scope(Scope, Scope),
    /// Sealed for another name in the same namespace.
    Name(String),
    /// Sealed for the namespace that the template names.
    TemplateNamespace,
    /// Sealed for the namespace of clients that were told none.
    DefaultNamespace,
    /// Neither size nor range fits a key of the ring.
    Key,
    /// Too short for any sealed value.
    Damaged,
    /// No key opens it under any likely label.
    Elsewhere,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope(sealed, read) => {
                write!(f, "is sealed with scope {sealed}, not {read}; ")?;
                match (sealed.annotation(), read.annotation()) {
                    (Some(missing), None) => write!(f, "the annotation {missing}: \"true\" is missing"),
                    (None, Some(wrong)) => write!(f, "the annotation {wrong} must go"),
                    (Some(missing), Some(wrong)) => {
                        write!(f, "the annotation {missing}: \"true\" is missing, and {wrong} must go")
                    }
                    (None, None) => Ok(()),
                }
            }
            Self::Name(name) => write!(f, "is sealed for the name `{name}`; rename the object or seal it again"),
            Self::TemplateNamespace => {
                f.write_str("is sealed for another namespace, the one in spec.template; seal it again for this one")
            }
            Self::DefaultNamespace => {
                f.write_str("is sealed for namespace `default`; seal it again with --namespace for this one")
            }
            Self::Key => f.write_str(
                "is sealed with a key this cluster does not have; seal it again with the certificate of this cluster, \
                 or restore the key",
            ),
            Self::Elsewhere => f.write_str(
                "opens with no key of this cluster for any likely name, namespace or scope: most likely it is sealed for \
                 another cluster; seal it again with the certificate of this one, or restore the key",
            ),
            Self::Damaged => f.write_str("is cut off or was never a sealed value; seal it again"),
        }
    }
}

/// A value that did not open, at first sight.
enum Judged {
    Known(Cause),
    Searchable(SealedValue),
}

impl Judged {
    fn searchable(&self) -> Option<&SealedValue> {
        match self {
            Self::Searchable(value) => Some(value),
            Self::Known(_) => None,
        }
    }
}

/// The items that no key opened, and their sealed form.
fn failed<'a>(error: &'a OpenError, sealed: &'a SealedSecret) -> Vec<(&'a str, &'a str)> {
    match error {
        OpenError::Items(failures) => {
            let no_key = failures.iter().filter(|failure| matches!(failure.cause, ItemCause::NoKey(_)));
            no_key
                .filter_map(|failure| {
                    Some((failure.item.as_str(), sealed.spec.encrypted_data.get(&failure.item)?.as_str()))
                })
                .collect()
        }
        OpenError::V1(ItemCause::NoKey(_)) => {
            sealed.spec.data.iter().map(|blob| ("spec.data", blob.as_str())).collect()
        }
        _ => Vec::new(),
    }
}

fn judge(text: &str, keyring: &Keyring) -> Judged {
    let length = base64::decode(text).map(|bytes| bytes.len()).unwrap_or_default();
    match SealedValue::from_base64(text) {
        Ok(value) if length >= SHORTEST && value.wrapped_key().len() >= SHORTEST_KEY => {
            if keyring.may_have_sealed(&value) { Judged::Searchable(value) } else { Judged::Known(Cause::Key) }
        }
        _ => Judged::Known(Cause::Damaged),
    }
}

/// A label that opened, and what it says.
struct Found<'a> {
    label: Label,
    key: &'a UnsealingKey,
    cause: Cause,
}

impl Found<'_> {
    fn fits(&self, judged: &Judged, trials: &mut Trials, end: u32) -> bool {
        let Some(value) = judged.searchable() else { return false };
        trials.operations() < end && open_with(value, &self.label, self.key, trials.operations_mut()).is_some()
    }
}

/// The likeliest keys meet the likely labels first; the other names of the namespace get what is left.
fn search<'a>(
    value: &SealedValue,
    sealed: &SealedSecret,
    neighbours: &[String],
    keyring: &'a Keyring,
    trials: &mut Trials,
    end: u32,
) -> Option<Found<'a>> {
    let order = trials.clone();
    let keys: Vec<&UnsealingKey> = keyring.in_trial_order(order.first()).collect();
    let (likely, names) = (likely_labels(sealed), neighbour_labels(sealed, neighbours));
    let share = if names.is_empty() { end } else { end.saturating_sub(BUDGET / 2).max(trials.operations() + 1) };
    let mut try_one = |candidate: &(Label, Cause), key: &'a UnsealingKey, end: u32| {
        let within = trials.operations() < end;
        let opened = within && open_with(value, &candidate.0, key, trials.operations_mut()).is_some();
        opened.then(|| Found { label: candidate.0.clone(), key, cause: candidate.1.clone() })
    };
    for &key in &keys {
        if let Some(found) = likely.iter().find_map(|candidate| try_one(candidate, key, share)) {
            return Some(found);
        }
    }
    keys.iter().take(KEYS_FOR_NAMES).find_map(|&key| names.iter().find_map(|candidate| try_one(candidate, key, end)))
}

/// Labels that mistakes are made of: another scope, the template's own name and namespace, the namespace of clients
/// that were told none.
fn likely_labels(sealed: &SealedSecret) -> Vec<(Label, Cause)> {
    let (namespace, name, scope) = own(sealed);
    let template = |field: &str| {
        let metadata = sealed.spec.template.metadata.as_ref();
        metadata
            .and_then(|metadata| metadata.get(field))
            .and_then(|value| value.as_str())
            .filter(|text| !text.is_empty())
    };
    let template_name = template("name").unwrap_or(name);
    let mut candidates = Vec::new();
    let mut add = |scope, namespace: &str, name: &str, cause: Cause| {
        candidates.extend(Label::new(scope, namespace, name).ok().map(|label| (label, cause)));
    };
    for other in Scope::ALL.into_iter().filter(|other| *other != scope) {
        add(other, namespace, name, Cause::Scope(other, scope));
    }
    add(Scope::Strict, namespace, template_name, Cause::Name(template_name.to_owned()));
    for (other, cause) in template("namespace")
        .map(|other| (other, Cause::TemplateNamespace))
        .into_iter()
        .chain([("default", Cause::DefaultNamespace)])
    {
        if other != namespace {
            add(Scope::Strict, other, name, cause.clone());
            add(Scope::Strict, other, template_name, cause.clone());
            add(Scope::NamespaceWide, other, name, cause);
        }
    }
    let own_label = sealed.label().ok();
    let mut seen: Vec<Label> = own_label.into_iter().collect();
    candidates.retain(|(label, _)| {
        !seen.contains(label) && {
            seen.push(label.clone());
            true
        }
    });
    candidates
}

/// Other names in the namespace, those that resemble the object's first.
fn neighbour_labels(sealed: &SealedSecret, neighbours: &[String]) -> Vec<(Label, Cause)> {
    let (namespace, name, _) = own(sealed);
    let shared = |other: &str| other.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
    let mut names: Vec<&String> = neighbours.iter().filter(|other| *other != name).collect();
    names.sort_by_key(|other| (std::cmp::Reverse(shared(other)), other.len()));
    let label = |other: &String| Some((Label::new(Scope::Strict, namespace, other).ok()?, Cause::Name(other.clone())));
    names.into_iter().filter_map(label).take(BUDGET as usize).collect()
}

fn own(sealed: &SealedSecret) -> (&str, &str, Scope) {
    (
        sealed.metadata.namespace.as_deref().unwrap_or_default(),
        sealed.metadata.name.as_deref().unwrap_or_default(),
        sealed.scope(),
    )
}

/// Private-key operations that an explanation may cost.
pub const BUDGET: u32 = 32;
/// Keys that are tried on other names: those are many.
const KEYS_FOR_NAMES: usize = 2;
/// The smallest RSA block that any known key makes, behind its length field and ahead of a tag.
const SHORTEST_KEY: usize = 112;
const SHORTEST: usize = 2 + SHORTEST_KEY + 16;

#[cfg(test)]
mod tests;
