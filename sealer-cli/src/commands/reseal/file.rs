//! One file sealed anew: read in its turn, edited byte for byte, and put in place as one step.

use std::path::{Path, PathBuf};

use super::attempts::{Attempts, LIMITED, Names};
use super::{Outcome, Run, Sealer, loose};
use crate::in_place::InPlace;
use crate::manifest::diff::diff;
use crate::manifest::patch::{EditableText, Replacement};
use crate::tree::loose::LooseValue;
use crate::tree::{self, Content, SealedItem, SealedObject};

/// What became of a file.
#[derive(Default)]
pub(super) struct Report {
    pub(super) path: PathBuf,
    /// Items sealed anew, as `document 1, namespace/name, item a`.
    pub(super) changed: Vec<String>,
    pub(super) unchanged: usize,
    pub(super) failed: Vec<Failure>,
    /// Items that templates write, which have their values elsewhere.
    pub(super) templated: Vec<String>,
    /// It was not looked at.
    pub(super) passed_over: Option<Content>,
    pub(super) diff: String,
}

impl Report {
    /// Takes out what a template writes: the sealed value stands elsewhere.
    fn leave_to_template(&mut self, object: &mut SealedObject) {
        let (templated, own) = std::mem::take(&mut object.items).into_iter().partition(|item| item.templated);
        object.items = own;
        self.templated.extend(templated.iter().map(|item: &SealedItem| place(object, item)));
    }
}

pub(super) struct Failure {
    /// The object and item, or nothing for the whole file.
    pub(super) place: String,
    pub(super) reason: String,
}

pub(super) fn reseal(path: &Path, sealer: &dyn Sealer, run: &Run<'_>) -> Report {
    let mut report = Report { path: path.to_owned(), ..Report::default() };
    if let Err(reason) = edit(&mut report, sealer, run) {
        report.changed.clear();
        report.diff.clear();
        report.failed.push(Failure { place: String::new(), reason });
    }
    report
}

fn edit(report: &mut Report, sealer: &dyn Sealer, run: &Run<'_>) -> Result<(), String> {
    let is_named = run.found.is_named(&report.path);
    let bytes = match tree::content(&report.path)? {
        Content::Text(bytes) => bytes,
        content if is_named => return Err(content.reason()),
        content => {
            report.passed_over = Some(content);
            return Ok(());
        }
    };
    if !is_named && !tree::may_hold_sealed(&bytes) {
        return Ok(());
    }
    if !run.request.writes() {
        return edited(&bytes, report, sealer, run).map(drop);
    }
    let file = InPlace::open(&report.path).map_err(|error| error.to_string())?;
    match edited(file.bytes(), report, sealer, run)? {
        Some(new) => file.replace(new.as_slice()).map_err(|error| error.to_string()),
        None => Ok(()),
    }
}

/// The new text, if anything of it changes.
fn edited(bytes: &[u8], report: &mut Report, sealer: &dyn Sealer, run: &Run<'_>) -> Result<Option<Vec<u8>>, String> {
    let path = report.path.clone();
    let sealed = tree::sealed(&path, bytes)?;
    if sealed.is_empty() && run.found.is_named(&path) {
        return Err("holds no sealed value".to_owned());
    }
    let mut values = Vec::new();
    for mut object in sealed.objects {
        report.leave_to_template(&mut object);
        let results = results(&object, &path, sealer, &run.attempts);
        collect(&object, results, report, &mut values);
    }
    let loose = loose::outcomes(&sealed.loose, &path, sealer, &run.attempts);
    let new = match &sealed.edited {
        Some(edited) => with(edited, values, report)?.map(String::into_bytes),
        None => None,
    };
    let new = with_loose(bytes, new, &sealed.loose, loose, report);
    if let (Some(new), true) = (&new, run.request.diff) {
        let text = String::from_utf8_lossy;
        report.diff = diff(&path.to_string_lossy(), &text(bytes), &text(new));
    }
    Ok(new)
}

/// The text with new values outside of SealedSecrets, too.
fn with_loose(
    old: &[u8],
    edited: Option<Vec<u8>>,
    values: &[LooseValue],
    outcomes: Vec<Option<Outcome>>,
    report: &mut Report,
) -> Option<Vec<u8>> {
    let mut new = Vec::new();
    for (at, (value, outcome)) in values.iter().zip(outcomes).enumerate() {
        let place = format!("line {}", value.line);
        match outcome {
            None => {}
            Some(Ok(None)) => report.unchanged += 1,
            Some(Ok(Some(sealed))) => new.push((at, place, sealed)),
            Some(Err(reason)) => report.failed.push(Failure { place, reason }),
        }
    }
    if new.is_empty() {
        return edited;
    }
    // What was edited may have moved them.
    let text = edited.as_deref().unwrap_or(old);
    let moved = tree::sealed(&report.path, text).map(|sealed| sealed.loose).unwrap_or_default();
    let pairs: Vec<(&LooseValue, &str)> =
        new.iter().filter_map(|(at, _, sealed)| Some((moved.get(*at)?, sealed.as_str()))).collect();
    let is_whole = pairs.len() == new.len() && moved.len() == values.len();
    match tree::loose::rewritten(text, &pairs).filter(|_| is_whole) {
        Some(text) => {
            report.changed.extend(new.into_iter().map(|(_, place, _)| place));
            Some(text)
        }
        None => {
            let failed = |place| Failure { place, reason: UNSURE.to_owned() };
            report.failed.extend(new.into_iter().map(|(_, place, _)| failed(place)));
            edited
        }
    }
}

/// The text with the new values. One that cannot be put in is told, and does not keep the others out.
fn with(
    edited: &EditableText<'_>,
    new: Vec<(String, Replacement)>,
    report: &mut Report,
) -> Result<Option<String>, String> {
    let (places, replacements): (Vec<String>, Vec<Replacement>) = new.into_iter().unzip();
    if replacements.is_empty() {
        return Ok(None);
    }
    if let Ok(text) = edited.with(&replacements) {
        report.changed = places;
        return Ok(Some(text));
    }
    let mut fit = Vec::new();
    for (place, replacement) in places.into_iter().zip(replacements) {
        match edited.with(std::slice::from_ref(&replacement)) {
            Ok(_) => {
                report.changed.push(place);
                fit.push(replacement);
            }
            Err(refusal) => report.failed.push(Failure { place, reason: refusal.to_string() }),
        }
    }
    if fit.is_empty() { Ok(None) } else { edited.with(&fit).map(Some).map_err(|error| error.to_string()) }
}

/// What comes of each item, under the name that the object has or one that it may be applied under.
fn results(object: &SealedObject, path: &Path, sealer: &dyn Sealer, attempts: &Attempts<'_>) -> Vec<Outcome> {
    let mut results = match unnamed(object) {
        Some(reason) => object.items.iter().map(|_| Err(reason.to_owned())).collect(),
        None => as_written(object, sealer),
    };
    let is_closed =
        |result: &Outcome| matches!(result, Err(told) if sealer.is_refusal(told) || unnamed(object).is_some());
    let mut said = attempts.said(object, path);
    said.retain(|binding| unnamed(object).is_some() || binding.label() != object.label());
    for names in [Names::Said(&said), Names::Guessed(object)] {
        let closed: Vec<usize> =
            results.iter().enumerate().filter(|(_, result)| is_closed(result)).map(|(at, _)| at).collect();
        let items: Vec<SealedItem> = closed.iter().filter_map(|at| object.items.get(*at).cloned()).collect();
        let tried = attempts.open(&items, &names, path, sealer);
        for (at, outcome) in closed.into_iter().zip(tried.outcomes) {
            let Some(result) = results.get_mut(at) else { continue };
            // What was tried tells more than that nothing could be.
            let is_named = matches!(&names, Names::Said(said) if !said.is_empty());
            let reason = match (&tried.trouble, tried.is_limited) {
                (Some(trouble), _) => Some(trouble.clone()),
                (None, true) => Some(LIMITED.to_owned()),
                (None, false) => is_named.then(|| sealer.refusal().to_owned()),
            };
            match (outcome, reason) {
                (Some(outcome), _) => *result = outcome,
                (None, Some(reason)) => *result = Err(reason),
                (None, None) => {}
            }
        }
    }
    results
}

/// What comes of an object as it is written; where one refusal is for all of its items, of each.
fn as_written(object: &SealedObject, sealer: &dyn Sealer) -> Vec<Outcome> {
    let outcomes = sealer.object(object);
    let is_refused = |outcome: &Outcome| matches!(outcome, Err(told) if sealer.is_refusal(told));
    if object.items.len() < 2 || !sealer.refuses_together() || !outcomes.iter().any(is_refused) {
        return outcomes;
    }
    let alone = |(item, outcome): (&SealedItem, Outcome)| match outcome {
        outcome if is_refused(&outcome) => sealer.object(&SealedObject { items: vec![item.clone()], ..object.clone() }),
        outcome => vec![outcome],
    };
    object.items.iter().zip(outcomes).flat_map(alone).collect()
}

/// Why an object cannot be tried as it is written.
fn unnamed(object: &SealedObject) -> Option<&'static str> {
    if object.templated { Some(TEMPLATED) } else { object.lacks_namespace().then_some(NO_NAMESPACE) }
}

fn collect(object: &SealedObject, results: Vec<Outcome>, report: &mut Report, new: &mut Vec<(String, Replacement)>) {
    for (item, result) in object.items.iter().zip(results) {
        match result {
            Ok(Some(value)) => {
                new.push((place(object, item), Replacement { path: item.path.clone(), value }));
            }
            Ok(None) => report.unchanged += 1,
            Err(reason) => report.failed.push(Failure { place: place(object, item), reason }),
        }
    }
}

fn place(object: &SealedObject, item: &SealedItem) -> String {
    format!("document {}, {}/{}, item {}", object.document, object.namespace, object.name, item.name)
}

const UNSURE: &str = "an edit would change more than its value";
const NO_NAMESPACE: &str = "it has no namespace, and the value is bound to one; name it with --namespace";
const TEMPLATED: &str = "its name or namespace is a template, and the value is bound to them";
