//! Sealed values outside of SealedSecrets: opened under the names that are known, and sealed anew for the same ones.

use std::path::Path;

use sealer_core::SealedValue;

use super::attempts::{Attempts, LIMITED, Names};
use super::{Outcome, Sealer};
use crate::tree::SealedItem;
use crate::tree::loose::{self, LooseValue};

/// What comes of each value of a file. Nothing for what looks like one and is none.
pub(super) fn outcomes(
    values: &[LooseValue],
    file: &Path,
    sealer: &dyn Sealer,
    attempts: &Attempts<'_>,
) -> Vec<Option<Outcome>> {
    let mut outcomes: Vec<Option<Outcome>> = values.iter().map(|_| None).collect();
    for some in groups(values) {
        let items: Vec<SealedItem> = some.iter().filter_map(|at| values.get(*at)).map(item).collect();
        let Some(first) = some.first().and_then(|at| values.get(*at)) else { continue };
        let tried = attempts.open(&items, &Names::Loose(first), file, sealer);
        let reason = match tried.trouble {
            Some(trouble) => trouble,
            None if tried.is_limited => LIMITED.to_owned(),
            None => UNOPENED.to_owned(),
        };
        for (at, outcome) in some.into_iter().zip(tried.outcomes) {
            if let Some((place, value)) = outcomes.get_mut(at).zip(values.get(at)) {
                *place = outcome.or_else(|| is_likely(value).then(|| Err(reason.clone())));
            }
        }
    }
    for (outcome, value) in outcomes.iter_mut().zip(values) {
        let is_for_it = matches!(outcome, Some(Ok(Some(_)))) || value.is_in_part();
        if let Some(obstacle) = value.obstacle().filter(|_| is_for_it) {
            *outcome = Some(Err(obstacle.to_owned()));
        }
    }
    outcomes
}

/// Values that the same names come in question for: those that stand beside each other. Of a controller, they are asked
/// about at once.
fn groups(values: &[LooseValue]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(Vec<String>, Vec<usize>)> = Vec::new();
    for (at, value) in values.iter().enumerate().filter(|(_, value)| !value.is_in_part()) {
        let parent = value.place.parent();
        match groups.iter_mut().find(|(known, _)| *known == parent) {
            Some((_, group)) => group.push(at),
            None => groups.push((parent, vec![at])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn item(value: &LooseValue) -> SealedItem {
    SealedItem { name: "value".to_owned(), value: value.value.clone(), path: Vec::new(), templated: false }
}

fn is_likely(value: &LooseValue) -> bool {
    SealedValue::from_base64(&value.value).is_ok_and(|sealed| loose::is_likely(&sealed))
}

const UNOPENED: &str = "no name that is known opens it; say what it is sealed for with --namespace and --name (of the Secret, or of the release)";
