//! A file that one command changes: read, edited as a text, and put in place if it is still what was read.

use std::path::Path;

use super::chosen::UNTOUCHED;
use super::reseal::diff::diff;
use crate::diagnostics::CliError;
use crate::in_place::InPlace;
use crate::request::items::Writing;
use crate::ui::{self, Ui};

/// A file as it was read.
pub(crate) struct Rewrite {
    path: String,
    text: String,
}

impl Rewrite {
    pub(crate) fn read(path: &str) -> Result<Self, CliError> {
        let bytes = ui::read(Some(path))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| CliError::new(format!("{path} is no UTF-8")).hint("save it as UTF-8 first"))?;
        Ok(Self { path: path.to_owned(), text })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Puts the new text in place as one step, or shows what would change.
    pub(crate) fn finish(self, new: &str, writing: Writing, ui: &mut Ui) -> Result<(), CliError> {
        if writing.diff && new != self.text {
            ui.write(diff(&self.path, &self.text, new));
        }
        if writing.dry_run || new == self.text {
            return Ok(());
        }
        let told = |reason: String| CliError::new(format!("{} {reason}", self.path)).hint(UNTOUCHED);
        let file = InPlace::open(Path::new(&self.path)).map_err(|error| told(error.to_string()))?;
        if file.bytes() != self.text.as_bytes() {
            return Err(CliError::new(format!("{} was changed by somebody else meanwhile", self.path))
                .hint("their change stays; nothing of this one was written"));
        }
        file.replace(new.as_bytes()).map_err(|error| told(error.to_string()))
    }
}
