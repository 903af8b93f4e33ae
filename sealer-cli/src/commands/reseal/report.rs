//! What is told of all files: what failed as it comes, a summary at the end.

use serde_json::{Value, json};

use super::file::{Failure, Report};
use crate::commands::reseal::Reseal;
use crate::diagnostics::{CliError, visible_name};
use crate::tree::{Found, OUTSIDE, PassedOver};
use crate::ui::{Progress, Ui};

/// Counts, and the lists that JSON is made of where that is wanted.
pub(super) struct Summary<'a> {
    request: &'a Reseal,
    files: usize,
    changed: usize,
    unchanged: usize,
    failed: usize,
    passed_over: PassedOver,
    json: Lists,
}

#[derive(Default)]
struct Lists {
    changed: Vec<Value>,
    failed: Vec<Value>,
    skipped: Vec<Value>,
}

impl<'a> Summary<'a> {
    pub(super) fn new(request: &'a Reseal) -> Self {
        let passed_over = PassedOver::default();
        Self { request, files: 0, changed: 0, unchanged: 0, failed: 0, passed_over, json: Lists::default() }
    }

    /// Takes what became of a file.
    pub(super) fn add(&mut self, report: Report, progress: &Progress, ui: &mut Ui) -> Result<(), CliError> {
        self.files += usize::from(!report.changed.is_empty());
        self.changed += report.changed.len();
        self.unchanged += report.unchanged;
        let path = report.path.display().to_string();
        if !report.diff.is_empty() {
            ui.write(&report.diff);
            progress.aside(|| ui.flush()).map_err(|error| self.changed_all_the_same(error))?;
        }
        for failure in &report.failed {
            progress.aside(|| self.fail(&path, failure, ui));
        }
        for place in &report.templated {
            progress.aside(|| self.skip(&path, place, TEMPLATE, ui));
        }
        if let Some(content) = &report.passed_over {
            self.passed_over.count(content);
        }
        if self.request.json && !report.changed.is_empty() {
            self.json.changed.push(json!({ "file": path, "items": report.changed }));
        }
        Ok(())
    }

    /// What was told to nobody was done nevertheless: files are written before they are told of.
    fn changed_all_the_same(&self, error: CliError) -> CliError {
        if self.changed == 0 || !self.request.writes() {
            return error;
        }
        error.hint("files are changed all the same; the command may be run again, and leaves what is done")
    }

    fn fail(&mut self, path: &str, Failure { place, reason }: &Failure, ui: &Ui) {
        self.failed += 1;
        if self.request.json {
            self.json.failed.push(json!({ "file": path, "place": place, "reason": reason }));
            return;
        }
        let place = if place.is_empty() { String::new() } else { format!("{place}: ") };
        ui.notice(&visible_name(&format!("{path}: {place}{reason}")));
    }

    fn skip(&mut self, path: &str, place: &str, reason: &str, ui: &Ui) {
        if self.request.json {
            self.json.skipped.push(json!({ "file": path, "place": place, "reason": reason }));
            return;
        }
        let place = if place.is_empty() { String::new() } else { format!("{place}: ") };
        ui.notice(&visible_name(&format!("{path}: {place}{reason}")));
    }

    /// Tells the rest; an error if anything failed.
    pub(super) fn finish(mut self, found: &Found, ui: &mut Ui) -> Result<(), CliError> {
        for (path, reason) in found.failed.iter().chain(&found.unreadable) {
            let failure = Failure { place: String::new(), reason: reason.clone() };
            self.fail(&path.display().to_string(), &failure, ui);
        }
        for path in &found.outside {
            self.skip(&path.display().to_string(), "", OUTSIDE, ui);
        }
        let (files, changed, unchanged, failed) = (self.files, self.changed, self.unchanged, self.failed);
        if self.request.json {
            let Lists { changed, failed, skipped } = std::mem::take(&mut self.json);
            let passed_over = &self.passed_over;
            let all = json!({ "changed": changed, "unchanged": unchanged, "failed": failed, "skipped": skipped,
                "notLookedAt": passed_over.binary + passed_over.too_large, "hidden": found.hidden,
                "excluded": found.excluded.unwrap_or_default() });
            ui.write(format!("{all}\n"));
        } else {
            let would = if self.request.writes() { "sealed anew" } else { "to be sealed anew" };
            for told in
                self.passed_over.told().into_iter().chain(found.told_of_hidden()).chain(found.told_of_excluded())
            {
                ui.notice(&told);
            }
            ui.notice(&format!("{changed} values in {files} files {would}, {unchanged} current, {failed} failed"));
        }
        ui.flush().map_err(|error| self.changed_all_the_same(error))?;
        match (failed, self.request.check && changed > 0) {
            (0, false) => Ok(()),
            (0, true) => Err(CliError::new(format!("{changed} values are not sealed for the newest key"))
                .hint("sealer reseal PATH...")),
            (failed, _) => Err(CliError::new(format!("{failed} could not be sealed anew; they are as they were"))),
        }
    }
}

const TEMPLATE: &str = "a template writes it; its value is sealed anew where it stands";
