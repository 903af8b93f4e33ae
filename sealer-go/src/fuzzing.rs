//! What must hold of each reader whatever it reads: one function a fuzz target (`fuzz/`), which panics where it does not.
//! The tests replay what fuzzers start from and what they found.

use crate::pflag::{self, Flag, Kind, duration};

#[cfg(test)]
mod tests;

/// A value that a flag accepts is one that its kind can have. One word a line; `NAME=value` is a variable as well.
pub fn command_line(text: &str) {
    let words: Vec<String> = text.split('\n').map(str::to_owned).collect();
    for word in &words {
        let length = duration::parse(word).unwrap_or_default();
        assert!(length == 0 || (length < 0) == word.starts_with('-'), "the sign is the text's");
    }
    let variable =
        |name: &str| words.iter().find_map(|word| Some(word.strip_prefix(name)?.strip_prefix('=')?.to_owned()));
    let (preset, _) = pflag::from_environment(TABLE, variable);
    let Ok(values) = pflag::parse(TABLE, preset, &words) else { return };
    assert!(matches!(values.text("words"), "" | "one" | "two"));
    let _ = (values.integer("integer"), values.number("number"), values.nanoseconds("duration"));
    let _ = (values.is_on("switch"), values.list("list"), values.list("repeated"), values.positionals());
}

const TABLE: &[Flag] = &[
    Flag::new("switch", Kind::Switch, "", "x").short('s'),
    Flag::new("text", Kind::Text, "a", "x").short('t'),
    Flag::new("integer", Kind::Integer, "3", "x").short('i'),
    Flag::new("number", Kind::Number, "0.5", "x"),
    Flag::new("duration", Kind::Duration, "1h", "x").short('d'),
    Flag::new("list", Kind::List, "", "x").short('l'),
    Flag::new("repeated", Kind::Repeated, "", "x"),
    Flag::new("words", Kind::Words(&["one", "two"]), "one", "x"),
    Flag::new("source", Kind::SourceLine, "", "x"),
    Flag::new("levels", Kind::Levels, "", "x"),
];
