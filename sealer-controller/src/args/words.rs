//! Words that belong to no flag: a switch takes its value behind `=` alone, and `--all-namespaces false` would leave it on.

use sealer_go::pflag::{Flag, Kind};

use crate::error::ArgsError;

/// Refuses the first of them, and says what it was meant as.
pub(super) fn refuse(table: &[Flag], args: &[String], words: &[String]) -> Result<(), ArgsError> {
    // The image's entry point is this program, which some manifests name again as the first argument.
    let own = usize::from(words.first().is_some_and(|word| word == PROGRAM));
    let Some(word) = words.get(own) else { return Ok(()) };
    let before = args.iter().zip(args.iter().skip(1)).find(|(_, next)| *next == word).map(|(flag, _)| flag.as_str());
    let is_switch = |flag: &Flag, name: &str| flag.kind == Kind::Switch && name.strip_prefix("--") == Some(flag.name);
    let meant = match before.filter(|name| table.iter().any(|flag| is_switch(flag, name))) {
        Some(name) => format!("write {name}={word}"),
        None => "every argument is a flag: --name=value".to_owned(),
    };
    Err(ArgsError::Word { word: word.clone(), meant })
}

/// What this program is called in its image.
const PROGRAM: &str = "controller";
