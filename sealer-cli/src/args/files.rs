//! Words and files that a verb is given.

use crate::diagnostics::CliError;
use crate::names;

/// Refuses a command line with an argument that is empty.
pub(crate) fn refuse_empty(words: &[String]) -> Result<(), CliError> {
    if words.iter().any(String::is_empty) { Err(CliError::command_line(EMPTY).hint(UNSET)) } else { Ok(()) }
}

/// The files that a verb is given, and the words behind them.
#[derive(Debug, clap::Args)]
pub(crate) struct FileArgs {
    /// File to read; the same as the file by itself.
    #[arg(short, long, value_name = "FILE")]
    filename: Vec<String>,
    #[arg(hide = true)]
    words: Vec<String>,
}

impl FileArgs {
    /// All of them: those of `-f`, as kubectl names them, first.
    pub(crate) fn all(self) -> Result<Vec<String>, CliError> {
        let all = [self.filename, self.words].concat();
        refuse_empty(&all)?;
        Ok(all)
    }

    /// Exactly so many.
    pub(crate) fn exactly<const COUNT: usize>(
        self,
        verb: &str,
        wanted: &str,
        example: &str,
    ) -> Result<[String; COUNT], CliError> {
        self.all()?.try_into().map_err(|words: Vec<String>| {
            let more = words.get(COUNT).map(|word| format!(", and {}", names::surplus(word))).unwrap_or_default();
            CliError::command_line(format!("`sealer {verb}` needs {wanted}{more}")).hint(example)
        })
    }
}

/// A text that was given. An empty one counts as none, as those of unset variables of scripts are.
pub(crate) fn non_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

pub(crate) const EMPTY: &str = "an argument is empty";
pub(crate) const UNSET: &str = "a variable in the command line may be unset";
