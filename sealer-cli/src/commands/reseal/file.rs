//! One file sealed anew: read in its turn, edited byte for byte, and put in place as one step.

use std::path::{Path, PathBuf};

use super::{Outcome, Sealer};
use crate::in_place::InPlace;
use crate::manifest;
use crate::manifest::diff::diff;
use crate::manifest::patch::{Edited, Replacement};
use crate::request::Reseal;
use crate::tree::{self, SealedItem, SealedObject};

/// What became of a file.
pub(super) struct Report {
    pub(super) path: PathBuf,
    /// Items sealed anew, as `document 1, namespace/name, item a`.
    pub(super) changed: Vec<String>,
    pub(super) unchanged: usize,
    pub(super) failed: Vec<Failure>,
    pub(super) diff: String,
}

pub(super) struct Failure {
    /// The object and item, or nothing for the whole file.
    pub(super) place: String,
    pub(super) reason: String,
}

pub(super) fn reseal(path: &Path, sealer: &impl Sealer, request: &Reseal) -> Report {
    let path = path.to_owned();
    let mut report = Report { path, changed: Vec::new(), unchanged: 0, failed: Vec::new(), diff: String::new() };
    if let Err(reason) = edit(&mut report, sealer, request) {
        report.changed.clear();
        report.diff.clear();
        report.failed.push(Failure { place: String::new(), reason });
    }
    report
}

fn edit(report: &mut Report, sealer: &impl Sealer, request: &Reseal) -> Result<(), String> {
    let bytes = tree::read(&report.path)?;
    if !manifest::may_hold_sealed(&bytes) {
        return Ok(());
    }
    if !request.writes() {
        return edited(&bytes, report, sealer, request).map(drop);
    }
    let file = InPlace::open(&report.path).map_err(|error| error.to_string())?;
    match edited(file.bytes(), report, sealer, request)? {
        Some(new) => file.replace(new.as_bytes()).map_err(|error| error.to_string()),
        None => Ok(()),
    }
}

/// The new text, if anything of it changes.
fn edited(bytes: &[u8], report: &mut Report, sealer: &impl Sealer, request: &Reseal) -> Result<Option<String>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "is no UTF-8".to_owned())?;
    let edited = Edited::read(text).map_err(|error| error.to_string())?;
    let mut values = Vec::new();
    for object in tree::objects(&edited) {
        let results = results(&object, &report.path, sealer, request);
        collect(&object, results, report, &mut values);
    }
    let Some(new) = with(&edited, values, report)? else { return Ok(None) };
    if request.diff {
        report.diff = diff(&report.path.to_string_lossy(), text, &new);
    }
    Ok(Some(new))
}

/// The text with the new values. One that cannot be put in is told, and does not keep the others out.
fn with(edited: &Edited<'_>, new: Vec<(String, Replacement)>, report: &mut Report) -> Result<Option<String>, String> {
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
fn results(object: &SealedObject, path: &Path, sealer: &impl Sealer, request: &Reseal) -> Vec<Outcome> {
    let mut results = match unnamed(object) {
        Some(reason) => object.items.iter().map(|_| Err(reason.to_owned())).collect(),
        None => sealer.object(object),
    };
    if results.iter().all(Result::is_ok) {
        return results;
    }
    for mut other in tree::otherwise(object, path, request.cluster.namespace.as_deref()) {
        let mut failed: Vec<(&mut Outcome, &SealedItem)> =
            results.iter_mut().zip(&object.items).filter(|(result, _)| result.is_err()).collect();
        other.items = failed.iter().map(|(_, item)| (*item).clone()).collect();
        for ((result, _), again) in failed.iter_mut().zip(sealer.object(&other)) {
            // What was tried tells more than that nothing could be.
            if again.is_ok() || unnamed(object).is_some() {
                **result = again;
            }
        }
    }
    results
}

/// Why an object cannot be tried as it is written.
fn unnamed(object: &SealedObject) -> Option<&'static str> {
    if object.templated { Some(TEMPLATED) } else { object.lacks_namespace().then_some(NO_NAMESPACE) }
}

fn collect(object: &SealedObject, results: Vec<Outcome>, report: &mut Report, new: &mut Vec<(String, Replacement)>) {
    let place = |item: &SealedItem| {
        format!("document {}, {}/{}, item {}", object.document, object.namespace, object.name, item.name)
    };
    for (item, result) in object.items.iter().zip(results) {
        match result {
            Ok(Some(value)) => {
                new.push((place(item), Replacement { path: item.path.clone(), value }));
            }
            Ok(None) => report.unchanged += 1,
            Err(reason) => report.failed.push(Failure { place: place(item), reason }),
        }
    }
}

const NO_NAMESPACE: &str = "it has no namespace, and the value is bound to one; name it with --namespace";
const TEMPLATED: &str = "its name or namespace is a template, and the value is bound to them";
