//! What is said of a command line that cannot be read: the words of pflag, which scripts know, and never a value.

use std::fs;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, Error};
use sealer_go::pflag::FlagError;

use super::{meant, named};
use crate::diagnostics::CliError;
use crate::names;
use crate::spelling::nearest;

pub(super) fn told(error: &Error, command: &Command, line: &[String]) -> CliError {
    let (verb, path) = named(command, line);
    let text = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    match error.kind() {
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            command_missing(verb, &path)
        }
        ErrorKind::InvalidSubcommand => command_unknown(verb, &path, &text(ContextKind::InvalidSubcommand)),
        ErrorKind::UnknownArgument if verb.has_subcommands() => command_missing(verb, &path),
        ErrorKind::UnknownArgument => unknown(verb, &path, &text(ContextKind::InvalidArg)),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let (arg, value) = (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue));
            let error = invalid(error, verb, &arg, value);
            of_a_variable(&error, verb, line).unwrap_or_else(|| flag_error(verb, &path, error))
        }
        _ => hinted(verb, &path, CliError::command_line(format!("`{path}` cannot read its command line"))),
    }
}

/// `--dry-run false`: a switch takes its value behind `=`.
pub(super) fn refuse_behind_a_switch(command: &Command, line: &[String]) -> Result<(), CliError> {
    let (verb, _) = named(command, line);
    let is_switch = |name: &str| {
        verb.get_arguments().any(|arg| arg.get_long() == Some(name) && matches!(arg.get_action(), ArgAction::SetTrue))
    };
    let mut pairs = line.iter().zip(line.iter().skip(1)).take_while(|(flag, _)| *flag != "--");
    let found = pairs.find(|(flag, word)| {
        meant::is_truth(word) && fs::metadata(word).is_err() && flag.strip_prefix("--").is_some_and(is_switch)
    });
    found.map_or(Ok(()), |(flag, word)| {
        Err(CliError::command_line(format!("a switch takes no word `{word}`"))
            .hint(format!("did you mean {flag}={}?", meant::truth(word))))
    })
}

fn command_missing(verb: &Command, path: &str) -> CliError {
    let error = CliError::command_line(format!("`{path}` needs a command; {}", there_is(verb, path)));
    hinted(verb, path, error)
}

fn command_unknown(verb: &Command, path: &str, word: &str) -> CliError {
    let near = nearest(word, names_of(verb));
    // A word that is near to none may be anything.
    let family = path.split_once(' ').map_or(path, |(_, family)| family);
    let shown = near.map(|_| format!(" `{family} {word}`")).unwrap_or_default();
    let error = CliError::command_line(format!("unknown command{shown}; {}", there_is(verb, path)));
    // What is wanted most is named anyway.
    match near.filter(|meant| example(verb) != Some(format!("{path} {meant}"))) {
        Some(meant) if names_of(verb).count() > 1 => error.hint(format!("did you mean `{path} {meant}`?")),
        _ => hinted(verb, path, error),
    }
}

fn names_of(verb: &Command) -> impl Iterator<Item = &str> {
    verb.get_subcommands().map(Command::get_name)
}

fn there_is(verb: &Command, path: &str) -> String {
    let names: Vec<&str> = names_of(verb).collect();
    match names.as_slice() {
        [one] => format!("there is `{path} {one}`"),
        several => format!("there is `{path}` with {}", several.join(", ")),
    }
}

/// A flag that does not exist, or a word where none belongs.
fn unknown(verb: &Command, path: &str, word: &str) -> CliError {
    let error = if let Some(name) = word.strip_prefix("--") {
        if name.starts_with(['-', '=']) {
            FlagError::Syntax(word.to_owned())
        } else {
            FlagError::Unknown(name.to_owned())
        }
    } else if let Some((letter, rest)) = word.strip_prefix('-').and_then(first_letter) {
        FlagError::UnknownShort(letter, format!("{letter}{rest}"))
    } else {
        let error = CliError::command_line(format!("`{path}` takes {}", names::surplus(word)));
        return hinted(verb, path, error);
    };
    flag_error(verb, path, error)
}

fn first_letter(word: &str) -> Option<(char, &str)> {
    let letter = word.chars().next()?;
    Some((letter, word.get(letter.len_utf8()..)?))
}

/// A value that does not fit, or none where one has to be.
fn invalid(error: &Error, verb: &Command, arg: &str, value: String) -> FlagError {
    let long = arg.split([' ', '=', '[']).next().unwrap_or_default();
    let known = verb.get_arguments().find(|known| long.strip_prefix("--") == known.get_long());
    let flag = known.map_or_else(|| long.to_owned(), shown);
    let wanted = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(words)) => Some(format!("must be one of: {}", words.join(", "))),
        _ => None,
    };
    let source = std::error::Error::source(error).map(ToString::to_string);
    match wanted.or(source) {
        Some(reason) if !value.is_empty() || known.is_some_and(is_given_empty) => {
            FlagError::Invalid { flag, value, reason }
        }
        _ => FlagError::NeedsArgument(long.to_owned()),
    }
}

/// A variable that does not fit its flag, without its value.
pub(crate) fn unfit(variable: &str, flag: &str, reason: &str, value: &str) -> String {
    let quoted = format!("{value:?}");
    let reason = reason.replace(quoted.as_str(), "its value");
    format!("environment variable {variable} does not fit {flag}: {reason}")
}

/// What is said where no flag but the variable that stands for it has the value.
fn of_a_variable(error: &FlagError, verb: &Command, line: &[String]) -> Option<CliError> {
    let FlagError::Invalid { flag, reason, value } = error else { return None };
    let arg = verb.get_arguments().find(|arg| shown(arg) == *flag)?;
    let variable = arg.get_env()?.to_str()?.to_owned();
    let long = format!("--{}", arg.get_long()?);
    let short = arg.get_short().map(|short| format!("-{short}"));
    let begins = |word: &String| word.starts_with(&long) || short.as_ref().is_some_and(|short| word.starts_with(short));
    if line.iter().any(begins) {
        return None;
    }
    Some(CliError::command_line(unfit(&variable, &long, reason, value)).hint(UNFIT))
}

/// Whether an empty value of the flag is one that was given, and none that is missing: only these have a value that may lack.
fn is_given_empty(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

/// As pflag names a flag.
fn shown(arg: &Arg) -> String {
    let long = arg.get_long().unwrap_or_default();
    arg.get_short().map_or_else(|| format!("--{long}"), |short| format!("-{short}, --{long}"))
}

fn flag_error(verb: &Command, path: &str, error: FlagError) -> CliError {
    let flags = || verb.get_arguments().filter_map(Arg::get_long);
    let is_switch = |flag: &str| {
        let mut switches = verb.get_arguments().filter(|arg| matches!(arg.get_action(), ArgAction::SetTrue));
        switches.any(|arg| shown(arg) == flag)
    };
    let meant = meant::meant_flag(&error, flags());
    let told = CliError::command_line(names::flag_error(error, is_switch).to_string());
    match meant {
        Some(meant) => told.hint(meant),
        None => hinted(verb, path, told),
    }
}

/// With what to try: the first example of a verb, or the help of one that has many forms.
fn hinted(verb: &Command, path: &str, error: CliError) -> CliError {
    let is_of_keys = !verb.has_subcommands() && path.contains(" keys ");
    match example(verb).filter(|_| !is_of_keys) {
        Some(example) => error.hint(example),
        None => error.hint(format!("{path} --help")),
    }
}

fn example(verb: &Command) -> Option<String> {
    let text = verb.get_after_help()?.to_string();
    text.lines().map(str::trim).find(|line| line.contains("sealer ")).map(str::to_owned)
}

/// What to do about a variable that does not fit.
pub(crate) const UNFIT: &str = "correct or unset it";
