//! Words and files that a verb is given.

use crate::diagnostics::CliError;
use crate::names;

/// Refuses a command line with an argument that is empty.
pub(crate) fn refuse_empty(words: &[String]) -> Result<(), CliError> {
    if words.iter().any(String::is_empty) { Err(CliError::command_line(EMPTY).hint(UNSET)) } else { Ok(()) }
}

/// The files that are named: with `-f`, as kubectl names them, and by themselves.
pub(crate) fn all(named: Vec<String>, words: Vec<String>) -> Result<Vec<String>, CliError> {
    let all = [named, words].concat();
    refuse_empty(&all)?;
    Ok(all)
}

/// Exactly so many words, files first.
pub(crate) fn exactly<const COUNT: usize>(
    named: Vec<String>,
    words: Vec<String>,
    verb: &str,
    wanted: &str,
    example: &str,
) -> Result<[String; COUNT], CliError> {
    all(named, words)?.try_into().map_err(|words: Vec<String>| {
        let more = words.get(COUNT).map(|word| format!(", and {}", names::surplus(word))).unwrap_or_default();
        CliError::command_line(format!("`sealer {verb}` needs {wanted}{more}")).hint(example)
    })
}

pub(crate) const EMPTY: &str = "an argument is empty";
pub(crate) const UNSET: &str = "a variable in the command line may be unset";
