//! Why does no key open a value? Found, where it can be known, by trying labels it may have been sealed for: a bounded
//! number of private-key operations, and no object of another namespace is ever named. Pure.

use std::fmt;

use crate::failure::{ItemCause, OpenError, shown};
use crate::sealed_secret::SealedSecret;
use sealer_core::envelope::SealedValue;
use sealer_core::key::keyring::Keyring;
use sealer_core::key::private::UnsealingKey;
use sealer_core::scope::{Label, Scope};
use sealer_core::unseal::{KeyTrials, open_with};
use sealer_encoding::base64;

/// How far to search for a cause.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Private-key operations at most.
    pub operations: u32,
    /// Keys that are tried on other names: those are many.
    pub keys_for_names: usize,
}

impl Effort {
    /// For a controller, which looks after many objects: 32 operations.
    pub const BRIEF: Self = Self { operations: 32, keys_for_names: 2 };
    /// For somebody who waits for the answer: every key on every name, up to 4,096 operations.
    pub const THOROUGH: Self = Self { operations: 4096, keys_for_names: usize::MAX };
}

/// Says why an object did not open, if that can be found within an effort. `neighbours` are names of other SealedSecrets in its
/// namespace.
pub fn explain(
    error: &OpenError,
    sealed: &SealedSecret,
    neighbours: &[String],
    keyring: &Keyring,
    trials: &mut KeyTrials,
    effort: Effort,
) -> Option<Explanation> {
    let values: Vec<(&str, Judged)> =
        failed(error, sealed).into_iter().map(|(item, text)| (item, judge(text, keyring))).collect();
    let end = trials.operations().saturating_add(effort.operations);
    let searched = values.iter().find_map(|(item, judged)| Some((*item, judged.searchable()?)));
    let (item, cause, holds_for_all) = match searched {
        Some((item, value)) => {
            let mut search = Search { sealed, neighbours, keyring, trials, end, effort, was_cut_off: false };
            let found = search.run(value);
            let was_cut_off = search.was_cut_off;
            // What was not found is said of the item that was searched alone.
            let mut fits = |judged: &Judged| found.as_ref().is_some_and(|found| found.fits(judged, trials, end));
            let others = values.iter().all(|(other, judged)| *other == item || fits(judged));
            let unfound = if was_cut_off { Cause::NotFound } else { Cause::Elsewhere };
            (item, found.map_or(unfound, |found| found.cause), others)
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
        matches!(self.cause, Cause::Elsewhere | Cause::NotFound)
    }

    /// The message of the failure with the cause behind the known text.
    pub fn added_to(&self, message: &str) -> String {
        let (mut said, known) = (false, sealer_core::error::UnsealError.to_string());
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
            Some(item) => write!(f, "`{}` {}", shown(item), self.cause),
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
    /// The search ended before all of them were tried.
    NotFound,
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
            Self::NotFound => f.write_str(
                "is sealed for another cluster, or for a name, namespace or scope that a short search did not find; \
                 `sealer explain` on the file searches on",
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
    fn fits(&self, judged: &Judged, trials: &mut KeyTrials, end: u32) -> bool {
        let Some(value) = judged.searchable() else { return false };
        trials.operations() < end && open_with(value, &self.label, self.key, trials.operations_mut()).is_some()
    }
}

/// A search for the label that a value was sealed for.
struct Search<'a, 't> {
    sealed: &'a SealedSecret,
    neighbours: &'a [String],
    keyring: &'a Keyring,
    trials: &'t mut KeyTrials,
    end: u32,
    effort: Effort,
    was_cut_off: bool,
}

impl<'a> Search<'a, '_> {
    /// Another scope is the likeliest mistake, and meets every key first; then the other likely labels; the other names of the
    /// namespace get what is left.
    fn run(&mut self, value: &SealedValue) -> Option<Found<'a>> {
        let order = self.trials.clone();
        let keys: Vec<&'a UnsealingKey> = self.keyring.in_trial_order(order.first()).collect();
        let (scopes, likely): (Vec<_>, Vec<_>) =
            likely_labels(self.sealed).into_iter().partition(|(_, cause)| matches!(cause, Cause::Scope(..)));
        let names = neighbour_labels(self.sealed, self.neighbours, self.effort);
        let half = self.end.saturating_sub(self.effort.operations / 2).max(self.trials.operations() + 1);
        let share = if names.is_empty() { self.end } else { half };
        let few = keys.get(..self.effort.keys_for_names).unwrap_or(&keys);
        self.was_cut_off = few.len() < keys.len() && !names.is_empty();
        self.try_all(value, &keys, &scopes, self.end)
            .or_else(|| self.try_all(value, &keys, &likely, share))
            .or_else(|| self.try_all(value, few, &names, self.end))
    }

    fn try_all(
        &mut self,
        value: &SealedValue,
        keys: &[&'a UnsealingKey],
        candidates: &[(Label, Cause)],
        end: u32,
    ) -> Option<Found<'a>> {
        for &key in keys {
            for (label, cause) in candidates {
                if self.trials.operations() >= end {
                    self.was_cut_off = true;
                    return None;
                }
                if open_with(value, label, key, self.trials.operations_mut()).is_some() {
                    return Some(Found { label: label.clone(), key, cause: cause.clone() });
                }
            }
        }
        None
    }
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
fn neighbour_labels(sealed: &SealedSecret, neighbours: &[String], effort: Effort) -> Vec<(Label, Cause)> {
    let (namespace, name, _) = own(sealed);
    let shared = |other: &str| other.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
    let mut names: Vec<&String> = neighbours.iter().filter(|other| *other != name).collect();
    names.sort_by_key(|other| (std::cmp::Reverse(shared(other)), other.len()));
    let label = |other: &String| Some((Label::new(Scope::Strict, namespace, other).ok()?, Cause::Name(other.clone())));
    names.into_iter().filter_map(label).take(effort.operations as usize).collect()
}

fn own(sealed: &SealedSecret) -> (&str, &str, Scope) {
    (
        sealed.metadata.namespace.as_deref().unwrap_or_default(),
        sealed.metadata.name.as_deref().unwrap_or_default(),
        sealed.scope(),
    )
}

/// The smallest RSA block that any known key makes, behind its length field and ahead of a tag.
const SHORTEST_KEY: usize = 112;
const SHORTEST: usize = 2 + SHORTEST_KEY + 16;

#[cfg(test)]
mod tests;
