//! What was probably meant by a flag of an unknown name, or by a word behind a switch.

use sealer_go::pflag::FlagError;

use crate::spelling::nearest;

/// The flag that one of an unknown name is near to.
pub(crate) fn meant_flag<'a>(error: &FlagError, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let FlagError::Unknown(name) = error else { return None };
    nearest(name, known).map(|meant| format!("did you mean --{meant}?"))
}

/// Whether a word is one of those that people write for true and false.
pub(crate) fn is_truth(word: &str) -> bool {
    TRUTHS.contains(&word)
}

/// A word for true or false as Go reads it.
pub(crate) fn truth(word: &str) -> &str {
    OTHER_TRUTHS.iter().find(|(other, _)| *other == word).map_or(word, |(_, truth)| truth)
}

/// What people write for true and false; Go reads some of them.
const TRUTHS: [&str; 20] = [
    "true", "false", "True", "False", "TRUE", "FALSE", "1", "0", "t", "f", "T", "F", "yes", "no", "Yes", "No", "y",
    "n", "on", "off",
];
/// Those that Go does not read, with what it reads instead.
const OTHER_TRUTHS: [(&str, &str); 8] = [
    ("yes", "true"),
    ("no", "false"),
    ("Yes", "true"),
    ("No", "false"),
    ("y", "true"),
    ("n", "false"),
    ("on", "true"),
    ("off", "false"),
];
