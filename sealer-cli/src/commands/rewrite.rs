//! A file that one command changes: read, edited as a text, and put in place if it is still what was read.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _};
use std::path::Path;

use super::chosen::UNTOUCHED;
use crate::diagnostics::CliError;
use crate::in_place::InPlace;
use crate::input::{self, Input, encoding};
use crate::manifest::diff::diff;
use crate::request::items::Writing;
use crate::ui::{self, Ui};

/// A file as it was read.
pub(crate) struct Rewrite {
    path: String,
    text: String,
}

impl Rewrite {
    /// One that is going to be changed.
    pub(crate) fn read(path: &str) -> Result<Self, CliError> {
        if path == ui::STREAM {
            return Err(CliError::new("standard input cannot be changed in place")
                .hint("name the file; `sealer view -` and `sealer explain -` read standard input"));
        }
        let bytes = input::read(Some(path), Input::Manifests)?;
        let no_utf8 = || CliError::new(format!("{path} is no UTF-8")).hint("save it as UTF-8 first");
        // What is put back has the form that it had, and only UTF-8 is written.
        if !matches!(encoding::document(&bytes), Ok(Cow::Borrowed(_))) {
            return Err(no_utf8());
        }
        let text = String::from_utf8(bytes).map_err(|_| no_utf8())?;
        Ok(Self { path: path.to_owned(), text })
    }

    /// One that is only looked at: a file of any form of Unicode, or standard input under the name `-`.
    pub(crate) fn look(path: &str) -> Result<Self, CliError> {
        let is_stream = path == ui::STREAM;
        if is_stream && io::stdin().is_terminal() {
            ui::notice("(tty detected: expecting SealedSecrets in stdin)");
        }
        let bytes = input::read(Some(path).filter(|_| !is_stream), Input::Manifests)?;
        let name = if is_stream { "stdin" } else { path };
        let unreadable = |reason: &str, remedy: &str| CliError::new(format!("{name} {reason}")).hint(remedy);
        let text = encoding::document(&bytes).map_err(|error| unreadable(&error.to_string(), error.remedy()))?;
        let text = std::str::from_utf8(&text).map_err(|_| unreadable("is no UTF-8", encoding::NO_UTF_8))?;
        Ok(Self { path: name.to_owned(), text: text.to_owned() })
    }

    /// How messages call it.
    pub(crate) fn name(&self) -> &str {
        &self.path
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
