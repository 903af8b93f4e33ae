//! Command lines as existing scripts write them: GNU flags with the rules of Go's pflag, from a table. Pure.
//!
//! Both programs read their flags through this, so that every form that worked keeps working: `--x=false`, `-oyaml`,
//! comma lists, words between flags, and a variable for every flag.

use std::collections::BTreeMap;
use std::fmt;

pub mod duration;
mod list;
mod redacted;

pub use list::split_list;

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// On or off; takes a value only behind `=`.
    Switch,
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A length of time such as `720h` or `1m30s`.
    Duration,
    /// Values separated by commas; given again, it adds to them.
    List,
    /// One value an occurrence.
    Repeated,
    /// One of these words, or nothing.
    Words(&'static [&'static str]),
    /// A place in a source file such as `a.go:12`, for flags of Go's logging.
    SourceLine,
    /// Numbers by file name such as `a=1,b=2`, for flags of Go's logging.
    Levels,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// Long name, without dashes.
    pub name: &'static str,
    /// One-letter name.
    pub short: Option<char>,
    /// What it takes.
    pub kind: Kind,
    /// Value when it is not given.
    pub default: &'static str,
    /// One sentence; empty hides the flag from the usage.
    pub help: &'static str,
    /// Whether a variable can preset it.
    pub variable: bool,
}

impl Flag {
    /// A flag with a variable and no short name.
    pub const fn new(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Self {
        Self { name, short: None, kind, default, help, variable: true }
    }

    /// The same with a one-letter name.
    #[must_use]
    pub const fn short(mut self, letter: char) -> Self {
        self.short = Some(letter);
        self
    }

    /// The same without a variable.
    #[must_use]
    pub const fn without_variable(mut self) -> Self {
        self.variable = false;
        self
    }

    /// How messages name the flag: `--format` or `-o, --format`.
    fn shown(&self) -> String {
        self.short.map_or_else(|| format!("--{}", self.name), |short| format!("-{short}, --{}", self.name))
    }
}

/// The values of all flags.
#[derive(Clone, Default)]
pub struct Values {
    given: BTreeMap<&'static str, Vec<String>>,
    on_command_line: BTreeMap<&'static str, usize>,
    positionals: Vec<String>,
}

impl Values {
    /// The last value of a flag, from the command line, the environment or the table.
    pub fn text(&self, name: &str) -> &str {
        self.given.get(name).and_then(|values| values.last()).map_or("", String::as_str)
    }

    /// Whether a switch is on.
    pub fn is_on(&self, name: &str) -> bool {
        parse_bool(self.text(name)) == Some(true)
    }

    /// A whole number.
    pub fn integer(&self, name: &str) -> i64 {
        parse_integer(self.text(name)).unwrap_or_default()
    }

    /// A number.
    pub fn number(&self, name: &str) -> f64 {
        self.text(name).parse().unwrap_or_default()
    }

    /// A length of time in nanoseconds; it may be negative.
    pub fn nanoseconds(&self, name: &str) -> i64 {
        duration::parse(self.text(name)).unwrap_or_default()
    }

    /// All values of a list.
    pub fn list(&self, name: &str) -> &[String] {
        self.given.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether the flag stood on the command line.
    pub fn was_given(&self, name: &str) -> bool {
        self.times(name) > 0
    }

    /// How often the flag stood on the command line.
    pub fn times(&self, name: &str) -> usize {
        self.on_command_line.get(name).copied().unwrap_or_default()
    }

    /// Words that belong to no flag.
    pub fn positionals(&self) -> &[String] {
        &self.positionals
    }

    fn set(&mut self, flag: &Flag, value: &str) -> Result<(), String> {
        check(flag.kind, value)?;
        let values = self.given.entry(flag.name).or_default();
        match flag.kind {
            Kind::List => values.extend(split_list(value)?),
            Kind::Repeated => values.push(value.to_owned()),
            _ => *values = vec![value.to_owned()],
        }
        Ok(())
    }
}

/// A command line that cannot be read. The texts are those that scripts know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlagError {
    /// No flag of that name.
    #[error("unknown flag: --{0}")]
    Unknown(String),
    /// No flag of that letter.
    #[error("unknown shorthand flag: '{0}' in -{1}")]
    UnknownShort(char, String),
    /// The value is missing.
    #[error("flag needs an argument: {0}")]
    NeedsArgument(String),
    /// The value does not fit.
    #[error("invalid argument {value:?} for \"{flag}\" flag: {reason}")]
    Invalid {
        /// How the flag is written.
        flag: String,
        /// What was given.
        value: String,
        /// Why it does not fit.
        reason: String,
    },
    /// Nothing behind the dashes, or a third one.
    #[error("bad flag syntax: {0}")]
    Syntax(String),
    /// `-h`, which no table defines: a request for help.
    #[error("help requested")]
    Help,
}

/// A variable whose value does not fit its flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadVariable {
    /// The variable.
    pub variable: String,
    /// The flag it presets.
    pub flag: &'static str,
    /// Why the value does not fit.
    pub reason: String,
}

impl fmt::Display for BadVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "environment variable {} does not fit --{}: {}", self.variable, self.flag, self.reason)
    }
}

/// The variable that presets a flag.
pub fn variable_of(flag: &str) -> String {
    format!("SEALED_SECRETS_{}", flag.to_ascii_uppercase().replace('-', "_"))
}

/// The table's defaults, overlaid by the environment. A variable that does not fit is returned beside, for the
/// caller to judge.
pub fn from_environment(table: &[Flag], variable: impl Fn(&str) -> Option<String>) -> (Values, Vec<BadVariable>) {
    let mut values = Values::default();
    let mut bad = Vec::new();
    for flag in table {
        if !flag.default.is_empty() {
            values.given.insert(flag.name, vec![flag.default.to_owned()]);
        }
        let name = variable_of(flag.name);
        let Some(value) = flag.variable.then(|| variable(&name)).flatten() else { continue };
        if let Err(reason) = values.set(flag, &value) {
            bad.push(BadVariable { variable: name, flag: flag.name, reason });
        }
    }
    (values, bad)
}

/// Overlays values with a command line (without the program's name).
///
/// # Errors
/// The first word that cannot be read.
pub fn parse(table: &[Flag], mut values: Values, args: &[String]) -> Result<Values, FlagError> {
    let mut words = args.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            values.positionals.extend(words.by_ref().cloned());
        } else if let Some(long) = word.strip_prefix("--") {
            parse_long(table, &mut values, word, long, &mut words)?;
        } else if word.len() > 1 && word.starts_with('-') {
            parse_short(table, &mut values, word, &mut words)?;
        } else {
            values.positionals.push(word.clone());
        }
    }
    Ok(values)
}

type Words<'a> = std::slice::Iter<'a, String>;

fn parse_long(
    table: &[Flag],
    values: &mut Values,
    word: &str,
    long: &str,
    words: &mut Words<'_>,
) -> Result<(), FlagError> {
    if long.starts_with(['-', '=']) {
        return Err(FlagError::Syntax(word.to_owned()));
    }
    let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
    let flag = table.iter().find(|flag| flag.name == name).ok_or_else(|| FlagError::Unknown(name.to_owned()))?;
    let value = match (value, flag.kind) {
        (Some(value), _) => value.to_owned(),
        (None, Kind::Switch) => "true".to_owned(),
        (None, _) => words.next().cloned().ok_or_else(|| FlagError::NeedsArgument(word.to_owned()))?,
    };
    assign(values, flag, &value)
}

/// A cluster of letters: switches, and at most one flag with a value at its end.
fn parse_short(table: &[Flag], values: &mut Values, word: &str, words: &mut Words<'_>) -> Result<(), FlagError> {
    let cluster = word.trim_start_matches('-');
    for (at, letter) in cluster.char_indices() {
        let rest = cluster.get(at + letter.len_utf8()..).unwrap_or_default();
        let Some(flag) = table.iter().find(|flag| flag.short == Some(letter)) else {
            let shown = cluster.get(at..).unwrap_or_default().to_owned();
            return Err(if letter == 'h' { FlagError::Help } else { FlagError::UnknownShort(letter, shown) });
        };
        match (rest.strip_prefix('='), flag.kind) {
            (Some(value), _) => return assign(values, flag, value),
            (None, Kind::Switch) => assign(values, flag, "true")?,
            (None, _) if !rest.is_empty() => return assign(values, flag, rest),
            (None, _) => {
                let shown = || format!("{letter:?} in -{}", cluster.get(at..).unwrap_or_default());
                let value = words.next().ok_or_else(|| FlagError::NeedsArgument(shown()))?;
                return assign(values, flag, value);
            }
        }
    }
    Ok(())
}

fn assign(values: &mut Values, flag: &Flag, value: &str) -> Result<(), FlagError> {
    values.set(flag, value).map_err(|reason| FlagError::Invalid {
        flag: flag.shown(),
        value: value.to_owned(),
        reason,
    })?;
    *values.on_command_line.entry(flag.name).or_default() += 1;
    Ok(())
}

/// The value of a switch, as `strconv.ParseBool` reads it.
///
/// # Errors
/// What that function says of any other text.
pub fn boolean(text: &str) -> Result<bool, String> {
    parse_bool(text).ok_or_else(|| format!("strconv.ParseBool: parsing {text:?}: invalid syntax"))
}

/// A whole number, as `strconv.ParseInt` reads it with base 0.
///
/// # Errors
/// What that function says of any other text.
pub fn integer(text: &str) -> Result<i64, String> {
    parse_integer(text).ok_or_else(|| format!("strconv.ParseInt: parsing {text:?}: invalid syntax"))
}

fn check(kind: Kind, value: &str) -> Result<(), String> {
    let syntax = |function: &str| Err(format!("strconv.{function}: parsing {value:?}: invalid syntax"));
    match kind {
        Kind::Switch => boolean(value).map(drop),
        Kind::Integer => integer(value).map(drop),
        Kind::Number if value.parse::<f64>().is_err() => syntax("ParseFloat"),
        Kind::Duration => duration::parse(value).map(drop),
        Kind::Words(words) if !value.is_empty() && !words.contains(&value) => {
            Err(format!("must be one of: {}", words.join(", ")))
        }
        Kind::SourceLine => source_line(value),
        Kind::Levels => value.split(',').filter(|element| !element.is_empty()).try_for_each(level),
        _ => Ok(()),
    }
}

/// Nothing, or a file and a line in it.
fn source_line(value: &str) -> Result<(), String> {
    let number = |line: &str| line.parse::<i64>().ok();
    match value.split_once(':').map(|(file, line)| (file.contains('.'), number(line))) {
        _ if value.is_empty() => Ok(()),
        Some((true, Some(1..))) => Ok(()),
        Some((true, Some(_))) => Err("negative or zero value for level".to_owned()),
        _ => Err("syntax error: expect file.go:234".to_owned()),
    }
}

fn level(element: &str) -> Result<(), String> {
    match element.split_once('=').map(|(file, level)| (file, level.parse::<i32>())) {
        Some((file, Ok(0..))) if !file.is_empty() => Ok(()),
        Some((file, Ok(_))) if !file.is_empty() => Err("negative value for vmodule level".to_owned()),
        _ => Err("syntax error: expect comma-separated list of filename=N".to_owned()),
    }
}

fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// Go's base prefixes and underscores.
fn parse_integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.to_ascii_lowercase();
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, digits.get(2..)?),
        Some("0b") => (2, digits.get(2..)?),
        Some("0o") => (8, digits.get(2..)?),
        _ if digits.len() > 1 && digits.starts_with('0') => (8, digits.get(1..)?),
        _ => (10, digits.as_str()),
    };
    let value = i64::from_str_radix(&digits.replace('_', ""), radix).ok()?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests;
