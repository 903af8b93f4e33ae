//! Sealed values outside of SealedSecrets: opened under the names that are known, and sealed anew for the same ones.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use sealer_core::SealedValue;

use super::{Outcome, Sealer};
use crate::request::Reseal;
use crate::tree::loose::{self, LooseValue};
use crate::tree::{Binding, Given, KnownNames, SealedItem, SealedObject};

/// What is known around all files of a run.
pub(super) struct Names<'a> {
    request: &'a Reseal,
    files: &'a [PathBuf],
    known: OnceLock<KnownNames>,
    /// Trials that may still be spent on values that do not open at once.
    left: AtomicUsize,
}

impl<'a> Names<'a> {
    pub(super) fn new(request: &'a Reseal, files: &'a [PathBuf]) -> Self {
        Self { request, files, known: OnceLock::new(), left: AtomicUsize::new(MOST_IN_ALL) }
    }

    /// Files are read for names once one is wanted.
    fn bindings(&self, file: &Path) -> Vec<Binding> {
        let given = Given { namespace: self.request.cluster.namespace.clone(), names: self.request.names.clone() };
        self.known.get_or_init(|| KnownNames::read(self.files, given)).bindings(file)
    }

    fn spend(&self, trials: usize) {
        let spent = |left: usize| Some(left.saturating_sub(trials));
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent);
    }
}

/// What comes of each value of a file. Nothing for what looks like one and is none.
pub(super) fn outcomes(
    values: &[LooseValue],
    file: &Path,
    sealer: &impl Sealer,
    names: &Names<'_>,
) -> Vec<Option<Outcome>> {
    let mut outcomes: Vec<Option<Outcome>> = values.iter().map(|_| None).collect();
    if values.is_empty() {
        return outcomes;
    }
    let is_whole = |at: &usize| values.get(*at).is_some_and(|value| !value.is_in_part());
    let mut reason = UNOPENED.to_owned();
    for (at, binding) in names.bindings(file).iter().take(sealer.most_bindings()).enumerate() {
        if at >= LIKELIEST && names.left.load(Ordering::Relaxed) == 0 {
            break;
        }
        let closed: Vec<usize> =
            (0..values.len()).filter(|at| is_whole(at) && outcomes.get(*at).is_some_and(Option::is_none)).collect();
        if closed.is_empty() {
            break;
        }
        names.spend(closed.len());
        for (at, outcome) in closed.iter().zip(tried(&closed, values, binding, sealer)) {
            match outcome {
                Ok(new) => set(&mut outcomes, *at, Ok(new)),
                Err(told) if !sealer.is_refusal(&told) => reason = told,
                Err(_) => {}
            }
        }
    }
    for (at, value) in values.iter().enumerate() {
        let is_likely = SealedValue::from_base64(&value.value).is_ok_and(|sealed| loose::is_likely(&sealed));
        if is_likely && outcomes.get(at).is_some_and(Option::is_none) {
            set(&mut outcomes, at, Err(reason.clone()));
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

fn set(outcomes: &mut [Option<Outcome>], at: usize, outcome: Outcome) {
    if let Some(place) = outcomes.get_mut(at) {
        *place = Some(outcome);
    }
}

/// What comes of some values under one name: of all at once, or else, where one refusal is for all of them, of each.
fn tried(some: &[usize], values: &[LooseValue], binding: &Binding, sealer: &impl Sealer) -> Vec<Outcome> {
    let object = |some: &[usize]| {
        let item = |at: &usize| {
            let value = values.get(*at).map(|found| found.value.clone()).unwrap_or_default();
            SealedItem { name: format!("value-{at}"), value, path: Vec::new(), templated: false }
        };
        SealedObject {
            document: 0,
            // Controllers want names also where nothing is bound to them.
            name: if binding.name.is_empty() { "value".to_owned() } else { binding.name.clone() },
            namespace: if binding.namespace.is_empty() { "default".to_owned() } else { binding.namespace.clone() },
            scope: binding.scope,
            templated: false,
            name_is_templated: false,
            items: some.iter().map(item).collect(),
            path: Vec::new(),
        }
    };
    let outcomes = sealer.object(&object(some));
    if some.len() < 2 || !sealer.refuses_together() || outcomes.iter().any(Result::is_ok) {
        return outcomes;
    }
    some.iter().flat_map(|at| sealer.object(&object(std::slice::from_ref(at)))).collect()
}

const UNOPENED: &str = "no name that is known opens it; say what it is sealed for with --namespace and --name (of the Secret, or of the release)";
/// Names that are tried however much was tried before.
const LIKELIEST: usize = 8;
/// Half a minute of one core for RSA-4096.
const MOST_IN_ALL: usize = 5000;
