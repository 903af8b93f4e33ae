//! The verbs of `sealer`. They stand before all flags: `sealer keys rotate --context staging`.

pub(crate) mod reseal;
pub(crate) mod template;

use std::time::Duration;

use sealer_core::api;
use sealer_core::flags::{self, Flag, FlagError, Kind, Values};

use crate::diagnostics::CliError;
use crate::kubernetes_flags;
use crate::request::{KeysRotate, Request};

/// A verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Keys,
    Template,
    Reseal,
    Completions,
    Man,
}

/// The verb of a command line, and what follows it. Under the name `kubeseal` there are none: that program passes
/// over every word.
pub(crate) fn verb<'a>(program: &str, args: &'a [String]) -> Option<(Verb, &'a [String])> {
    let (first, rest) = args.split_first()?;
    let verb = match first.as_str() {
        "keys" => Verb::Keys,
        "template" => Verb::Template,
        "reseal" => Verb::Reseal,
        "completions" => Verb::Completions,
        "man" => Verb::Man,
        _ => return None,
    };
    (!program.starts_with("kubeseal")).then_some((verb, rest))
}

/// Reads what follows a verb.
pub(crate) fn read(
    verb: Verb,
    args: &[String],
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Request, CliError> {
    match verb {
        Verb::Keys => keys(args, variable),
        Verb::Template => template::read(args),
        Verb::Reseal => reseal::read(args, variable),
        Verb::Completions => completions(args),
        Verb::Man => Ok(Request::Man),
    }
}

fn completions(args: &[String]) -> Result<Request, CliError> {
    let shell = args.first().filter(|shell| SHELLS.contains(&shell.as_str()));
    shell.map(|shell| Request::Completions { shell: shell.clone() }).ok_or_else(|| {
        CliError::command_line(format!("`sealer completions` needs the name of a shell: {}", SHELLS.join(", ")))
            .hint("sealer completions bash > /etc/bash_completion.d/sealer")
    })
}

fn keys(args: &[String], variable: &dyn Fn(&str) -> Option<String>) -> Result<Request, CliError> {
    match args.split_first() {
        Some((word, rest)) if word == "rotate" => rotate(rest, variable),
        Some((word, _)) if !word.starts_with('-') => {
            Err(usage_error(format!("unknown command `keys {word}`; there is `sealer keys rotate`")))
        }
        _ => Err(usage_error("`sealer keys` needs a command; there is `sealer keys rotate`".to_owned())),
    }
}

fn rotate(args: &[String], variable: &dyn Fn(&str) -> Option<String>) -> Result<Request, CliError> {
    let values = match parsed("sealer keys rotate", &rotate_table(), args, variable, usage_error)? {
        Parsed::Values(values) => values,
        Parsed::Help(text) => return Ok(Request::Print(text)),
    };
    if let Some(word) = values.positionals().first() {
        return Err(usage_error(format!("`sealer keys rotate` takes no argument `{word}`")));
    }
    Ok(Request::KeysRotate(Box::new(KeysRotate {
        cluster: kubernetes_flags::choice(&values),
        prefix: values.text("key-prefix").to_owned(),
        bits: bits(&values)?,
        validity: length(&values, "key-ttl")?,
        patience: length(&values, "timeout")?,
    })))
}

/// The flags of `sealer keys rotate`.
pub(crate) fn rotate_table() -> Vec<Flag> {
    ROTATE.iter().chain(kubernetes_flags::TABLE).copied().collect()
}

fn bits(values: &Values) -> Result<usize, CliError> {
    let bits = usize::try_from(values.integer("key-size")).unwrap_or_default();
    if (2048..=8192).contains(&bits) {
        return Ok(bits);
    }
    Err(usage_error(format!("--key-size {} is out of range; use 2048 to 8192 bits", values.text("key-size"))))
}

fn length(values: &Values, flag: &str) -> Result<Duration, CliError> {
    let nanoseconds = values.nanoseconds(flag);
    if nanoseconds > 0 {
        return Ok(Duration::from_nanos(nanoseconds.unsigned_abs()));
    }
    Err(usage_error(format!("--{flag} {} is no length of time above zero, such as 30s", values.text(flag))))
}

/// The flags of a verb, or its usage where that was asked for.
enum Parsed {
    Values(Values),
    Help(String),
}

/// Reads the flags of a verb; `wrong` makes an error of its command line.
fn parsed(
    verb: &str,
    table: &[Flag],
    args: &[String],
    variable: &dyn Fn(&str) -> Option<String>,
    wrong: fn(String) -> CliError,
) -> Result<Parsed, CliError> {
    let usage = || -> String {
        let width = table.iter().map(|flag| flag.name.len()).max().unwrap_or_default().max(26);
        table.iter().map(|flag| format!("      --{:<width$} {}\n", flag.name, flag.help)).collect()
    };
    let (preset, _) = flags::from_environment(table, variable);
    let values = flags::parse(table, preset, args).map_err(|error| match error {
        FlagError::Help => CliError::help(verb, usage()),
        error => wrong(error.to_string()),
    })?;
    Ok(if values.is_on("help") {
        Parsed::Help(format!("Usage of {verb}:\n{}", usage()))
    } else {
        Parsed::Values(values)
    })
}

fn usage_error(message: String) -> CliError {
    CliError::command_line(message).hint("sealer keys rotate --help")
}

/// Shells that completion scripts are made for.
pub(crate) const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "powershell"];

const ROTATE: &[Flag] = &[
    Flag::new("help", Kind::Switch, "", "Print this text and exit."),
    Flag::new("key-prefix", Kind::Text, api::DEFAULT_KEY_PREFIX, "Prefix of the new key Secret's name.")
        .without_variable(),
    Flag::new("key-size", Kind::Integer, "4096", "Bits of the new key.").without_variable(),
    Flag::new("key-ttl", Kind::Duration, "87600h", "Validity of the new certificate.").without_variable(),
    Flag::new("timeout", Kind::Duration, "60s", "How long to wait until the controller serves the new certificate.")
        .without_variable(),
];
