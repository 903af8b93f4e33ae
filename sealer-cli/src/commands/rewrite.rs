//! A file that one command changes: read, edited as a text, and put in place if it is still what was read.

use std::path::Path;

use super::chosen::UNTOUCHED;
use crate::diagnostics::CliError;
use crate::in_place::InPlace;
use crate::input::{self, Input};
use crate::manifest::diff::diff;
use crate::request::items::Writing;
use crate::ui::Ui;

/// A file as it was read.
pub(crate) struct Rewrite {
    path: String,
    text: String,
}

impl Rewrite {
    pub(crate) fn read(path: &str) -> Result<Self, CliError> {
        let bytes = input::read(Some(path), Input::Manifests)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| CliError::new(format!("{path} is no UTF-8")).hint("save it as UTF-8 first"))?;
        Ok(Self { path: path.to_owned(), text })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Puts a new text in place as one step, or shows what would change. Another one that came meanwhile stays.
    pub(crate) fn finish(self, new: &str, writing: Writing, ui: &mut Ui) -> Result<(), CliError> {
        self.finish_in_turn(writing, ui, |text| {
            if text == self.text {
                return Ok(new.to_owned());
            }
            Err(CliError::new(format!("{} was changed by somebody else meanwhile", self.path))
                .hint("their change stays; nothing of this one was written"))
        })
    }

    /// Edits what is there when the turn has come, which may be what another command has written.
    pub(crate) fn finish_in_turn(
        &self,
        writing: Writing,
        ui: &mut Ui,
        edit: impl FnOnce(&str) -> Result<String, CliError>,
    ) -> Result<(), CliError> {
        if writing.dry_run {
            let new = edit(&self.text)?;
            self.show(&self.text, &new, writing, ui);
            return Ok(());
        }
        let told = |reason: String| CliError::new(format!("{} {reason}", self.path)).hint(UNTOUCHED);
        let file = InPlace::open(Path::new(&self.path)).map_err(|error| told(error.to_string()))?;
        let text = std::str::from_utf8(file.bytes()).map_err(|_| told("is no UTF-8".to_owned()))?;
        let new = edit(text)?;
        self.show(text, &new, writing, ui);
        if new == text {
            return Ok(());
        }
        file.replace(new.as_bytes()).map_err(|error| told(error.to_string()))
    }

    fn show(&self, old: &str, new: &str, writing: Writing, ui: &mut Ui) {
        if writing.diff && new != old {
            ui.write(diff(&self.path, old, new));
        }
    }
}
