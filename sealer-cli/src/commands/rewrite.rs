//! A file that one command changes: read, edited as a text, and put in place if it is still what was read.

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::Path;

use super::target::UNTOUCHED;
use crate::diagnostics::{CliError, notice};
use crate::encrypted;
use crate::in_place::InPlace;
use crate::input::encoding::{Form, NO_UTF_8};
use crate::input::{self, Input};
use crate::manifest::diff::diff;
use crate::names;
use crate::ui::{self, Ui};

/// What becomes of a changed text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Writing {
    pub(crate) dry_run: bool,
    pub(crate) diff: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WritingArgs {
    /// Print the lines that change.
    #[arg(long)]
    pub(crate) diff: bool,
    /// Change nothing; say what would change.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

impl From<WritingArgs> for Writing {
    fn from(args: WritingArgs) -> Self {
        Self { dry_run: args.dry_run, diff: args.diff }
    }
}

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
        // A terminal or a pipe is waited for, and could not be written back.
        if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            return Err(CliError::new(format!("{} is no file, and cannot be changed in place", names::path(path)))
                .hint("name the file that holds the SealedSecret"));
        }
        let bytes = input::read(Some(path), Input::Manifests)?;
        Ok(Self { path: path.to_owned(), text: decoded(&bytes, path)? })
    }

    /// One that is only looked at: a file of any form of Unicode, or standard input under the name `-`.
    pub(crate) fn look(path: &str) -> Result<Self, CliError> {
        let is_stream = path == ui::STREAM;
        if is_stream && io::stdin().is_terminal() {
            notice("(tty detected: expecting SealedSecrets in stdin)");
        }
        let bytes = input::read(Some(path).filter(|_| !is_stream), Input::Manifests)?;
        let name = if is_stream { "stdin" } else { path };
        let text = decoded(&bytes, name)?;
        Ok(Self { path: name.to_owned(), text })
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
        let text = decoded(file.bytes(), &self.path)?;
        let new = edit(&text)?;
        if new == text {
            return Ok(());
        }
        // What cannot be shown is not done.
        self.show(&text, &new, writing, ui);
        ui.flush().map_err(|error| error.hint(UNTOUCHED))?;
        // What is put back has the form that it had.
        let new = Form::of(file.bytes()).encoded(&new);
        file.replace(new.as_ref()).map_err(|error| told(error.to_string()))
    }

    fn show(&self, old: &str, new: &str, writing: Writing, ui: &mut Ui) {
        if writing.diff && new != old {
            ui.write(diff(&self.path, old, new));
        }
    }
}

/// The text of a file, of whatever form of Unicode its mark says.
fn decoded(bytes: &[u8], name: &str) -> Result<String, CliError> {
    if let Some(tool) = encrypted::file(bytes) {
        return Err(CliError::new(format!("{name} {}", tool.told())));
    }
    let text = Form::of(bytes).decoded(bytes);
    let text = text.map_err(|error| CliError::new(format!("{name} {error}")).hint(error.remedy()))?;
    text.ok_or_else(|| CliError::new(format!("{name} is no UTF-8")).hint(NO_UTF_8))
}
