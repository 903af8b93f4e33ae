//! Opening values that do not open as they are written: under the names that the user, kustomizations and the tree give,
//! each text under each name once, and no more in all than somebody waits for.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};

use super::{Outcome, Sealer};
use crate::commands::reseal::Reseal;
use crate::tree::loose::LooseValue;
use crate::tree::{Binding, Bindings, Effort, SealedItem, SealedObject};
use parking_lot::Mutex;

/// What is known around all files of a run, and what may still be tried.
pub(super) struct Attempts<'a> {
    bindings: Bindings<'a>,
    effort: Effort,
    /// Texts, each with the names that do not open it.
    in_vain: Mutex<HashMap<u64, HashSet<u64>>>,
}

/// Names that come in question, likeliest first.
pub(super) enum Names<'a> {
    /// What an object or the user says.
    Said(&'a [Binding]),
    /// What the files of a tree say of an object.
    Guessed(&'a SealedObject),
    /// What comes in question for a value that stands by itself.
    Loose(&'a LooseValue),
}

/// What came of items under names that are not their own.
pub(super) struct Tried {
    pub(super) outcomes: Vec<Option<Outcome>>,
    /// Not every name that is known was tried.
    pub(super) is_limited: bool,
    /// The last trouble that is no refusal.
    pub(super) trouble: Option<String>,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(request: &Reseal, files: &'a [PathBuf], most: u32) -> Self {
        let bindings = Bindings::new(request.search.given.clone(), files);
        Self { bindings, effort: Effort::new(most), in_vain: Mutex::default() }
    }

    /// What an object is bound to by what is said of it, likeliest first.
    pub(super) fn said(&self, object: &SealedObject, file: &Path) -> Vec<Binding> {
        self.bindings.said(object, file)
    }

    /// Tries names on items until each is open, or as many are tried as may be.
    pub(super) fn open(&self, items: &[SealedItem], names: &Names<'_>, file: &Path, sealer: &dyn Sealer) -> Tried {
        let mut tried = Tried { outcomes: items.iter().map(|_| None).collect(), is_limited: false, trouble: None };
        if items.is_empty() {
            return tried;
        }
        let most = sealer.most_bindings();
        let bindings = match names {
            Names::Said(bindings) => bindings.to_vec(),
            Names::Guessed(object) => self.bindings.guessed(object, file, most + 1),
            Names::Loose(value) => self.bindings.of_loose(value, file, most + 1),
        };
        let is_said = matches!(names, Names::Said(_));
        let most_spent = if is_said { u32::MAX } else { self.share(items.len()) };
        let mut spent: u32 = 0;
        for (number, binding) in bindings.iter().enumerate() {
            let closed: Vec<usize> = (0..items.len())
                .filter(|at| tried.outcomes.get(*at).is_some_and(Option::is_none))
                .filter(|at| items.get(*at).is_some_and(|item| !self.is_in_vain(&item.value, binding)))
                .collect();
            if closed.is_empty() {
                continue;
            }
            if !is_said && closed.iter().all(|at| items.get(*at).is_some_and(|item| self.is_given_up(&item.value))) {
                tried.is_limited = true;
                break;
            }
            let some: Vec<SealedItem> = closed.iter().filter_map(|at| items.get(*at).cloned()).collect();
            let cost = sealer.tries(&some);
            let is_enough = spent > 0 && spent.saturating_add(cost) > most_spent;
            let is_too_far = !is_said && number >= most;
            if is_enough || is_too_far || !self.effort.take(cost) {
                tried.is_limited = true;
                break;
            }
            let outcomes = under(binding, &some, sealer);
            // What opens has to be tried; what does not is what is limited.
            let is_wasted = outcomes.iter().any(Result::is_err);
            let given_back = if is_wasted { 0 } else { cost };
            self.effort.give_back(given_back);
            spent += cost - given_back;
            self.note(&mut tried, &closed, items, binding, outcomes, sealer);
        }
        tried
    }

    /// What so many values may spend, if none of the tree is to go without.
    fn share(&self, values: usize) -> u32 {
        let one = self.effort.share(self.bindings.loose_values().max(values));
        one.saturating_mul(u32::try_from(values).unwrap_or(u32::MAX))
    }

    fn note(
        &self,
        tried: &mut Tried,
        closed: &[usize],
        items: &[SealedItem],
        binding: &Binding,
        outcomes: Vec<Outcome>,
        sealer: &dyn Sealer,
    ) {
        for (at, outcome) in closed.iter().zip(outcomes) {
            match outcome {
                Ok(new) => {
                    if let Some(place) = tried.outcomes.get_mut(*at) {
                        *place = Some(Ok(new));
                    }
                }
                Err(told) if sealer.is_refusal(&told) => {
                    let value = items.get(*at).map_or("", |item| item.value.as_str());
                    self.in_vain.lock().entry(hashed(value)).or_default().insert(hashed(binding));
                }
                Err(told) => tried.trouble = Some(told),
            }
        }
    }

    fn is_in_vain(&self, value: &str, binding: &Binding) -> bool {
        let in_vain = self.in_vain.lock();
        in_vain.get(&hashed(value)).is_some_and(|names| names.contains(&hashed(binding)))
    }

    /// Whether one text has had its share, wherever it stands.
    fn is_given_up(&self, value: &str) -> bool {
        let in_vain = self.in_vain.lock();
        in_vain.get(&hashed(value)).is_some_and(|names| names.len() >= self.effort.for_one() as usize)
    }
}

/// What comes of some items under one name: of all at once, or else, where one refusal is for all of them, of each.
pub(super) fn under(binding: &Binding, items: &[SealedItem], sealer: &dyn Sealer) -> Vec<Outcome> {
    let object = |some: &[SealedItem]| SealedObject {
        document: 0,
        // Controllers want names also where nothing is bound to them.
        name: if binding.name.is_empty() { "value".to_owned() } else { binding.name.clone() },
        namespace: if binding.namespace.is_empty() { "default".to_owned() } else { binding.namespace.clone() },
        scope: binding.scope,
        templated: false,
        name_is_templated: false,
        // Two items of one object have names of their own.
        items: some
            .iter()
            .enumerate()
            .map(|(at, item)| SealedItem { name: format!("value-{at}"), ..item.clone() })
            .collect(),
        path: Vec::new(),
    };
    let outcomes = sealer.object(&object(items));
    if items.len() < 2 || !sealer.refuses_together() || !outcomes.iter().all(|outcome| is_refused(outcome, sealer)) {
        return outcomes;
    }
    items.iter().flat_map(|item| sealer.object(&object(std::slice::from_ref(item)))).collect()
}

fn is_refused(outcome: &Outcome, sealer: &dyn Sealer) -> bool {
    matches!(outcome, Err(told) if sealer.is_refusal(told))
}

fn hashed(value: impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What is told of a value on which not every name was tried.
pub(super) const LIMITED: &str = "not every name that is known was tried on it; say what it is sealed for with --namespace and --name, leave files of others out with --exclude, or allow more with --max-tries";
