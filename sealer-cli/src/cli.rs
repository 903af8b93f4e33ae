//! The verbs of `sealer`. They stand before all flags: `sealer keys rotate --context staging`.

pub(crate) mod items;
pub(crate) mod keys;
pub(crate) mod moving;
pub(crate) mod reseal;
pub(crate) mod template;
pub(crate) mod words;

use sealer_go::pflag::{self, Flag, FlagError, Kind, Values};

use crate::diagnostics::CliError;
use crate::names;
use crate::request::Request;
use crate::tree::{self, Given, Search};

/// A verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Keys,
    Template,
    Reseal,
    Move,
    Set,
    Unset,
    Edit,
    Unseal,
    View,
    Explain,
    Completions,
    Man,
}

/// The verb of a command line, and what follows it. Under the name `kubeseal` there are none: that program passes
/// over every word.
pub(crate) fn verb<'a>(program: &str, args: &'a [String]) -> Option<(Verb, &'a [String])> {
    let (first, rest) = args.split_first()?;
    has_verbs(program).then_some((named(first)?, rest))
}

/// The verb of that name.
fn named(word: &str) -> Option<Verb> {
    NAMES.iter().find(|(name, _)| *name == word).map(|(_, verb)| *verb)
}

/// The names of all verbs.
pub(crate) fn verbs() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

/// Whether a program of that name has verbs.
pub(crate) fn has_verbs(program: &str) -> bool {
    !program.starts_with("kubeseal")
}

/// Reads what follows a verb.
pub(crate) fn read(
    verb: Verb,
    args: &[String],
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Request, CliError> {
    match verb {
        Verb::Keys => keys::read(args, variable),
        Verb::Template => template::read(args),
        Verb::Reseal => reseal::read(args, variable),
        Verb::Move => moving::read(args, variable),
        Verb::Set => items::set(args, variable),
        Verb::Unset => items::unset(args, variable),
        Verb::Edit => items::edit(args, variable),
        Verb::Unseal => items::unseal(args, variable),
        Verb::View => items::view(args, variable),
        Verb::Explain => items::explain(args, variable),
        Verb::Completions => completions(args),
        Verb::Man => man(args),
    }
}

fn completions(args: &[String]) -> Result<Request, CliError> {
    let wrong = |message: String| {
        CliError::command_line(message).hint("sealer completions bash > /etc/bash_completion.d/sealer")
    };
    match args {
        [shell] if SHELLS.contains(&shell.as_str()) => Ok(Request::Completions { shell: shell.clone() }),
        [shell, other, ..] if SHELLS.contains(&shell.as_str()) => {
            Err(wrong(format!("`sealer completions` takes the name of one shell, and {}", names::surplus(other))))
        }
        _ => Err(wrong(format!("`sealer completions` needs the name of a shell: {}", SHELLS.join(", ")))),
    }
}

fn man(args: &[String]) -> Result<Request, CliError> {
    match args.iter().find(|word| !word.starts_with('-')) {
        None => Ok(Request::Man),
        Some(_) => Err(CliError::command_line("`sealer man` takes no argument")
            .hint("sealer man | man -l -; sealer COMMAND --help lists the flags of one command")),
    }
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
    let (preset, _) = pflag::from_environment(table, variable);
    let values = pflag::parse(table, preset, args).map_err(|error| match error {
        FlagError::Help => CliError::help(verb, usage()),
        error => {
            let told = names::flag_error(error.clone(), table).to_string();
            match words::meant_flag(&error, table) {
                Some(meant) => CliError::command_line(told).hint(meant),
                None => wrong(told),
            }
        }
    })?;
    if let Some((word, meant)) = words::behind_a_switch(values.positionals(), args, table) {
        return Err(CliError::command_line(format!("a switch takes no word `{word}`")).hint(meant));
    }
    words::refuse_empty(values.positionals().iter().chain(values.list("filename")))?;
    Ok(if values.is_on("help") {
        Parsed::Help(format!("Usage of {verb}:\n{}", usage()))
    } else {
        Parsed::Values(values)
    })
}

/// The files that are named: by words, and with `-f`, as kubectl names them.
fn files(values: &Values) -> Vec<String> {
    [values.list("filename"), values.positionals()].concat()
}

/// A text, if it was given and is not empty.
fn given(values: &Values, flag: &str) -> Option<String> {
    Some(values.text(flag).to_owned()).filter(|text| !text.is_empty())
}

/// Where sealed values are looked for, and what is known of them.
fn search(values: &Values, paths: Vec<String>) -> Result<Search, CliError> {
    let given_names = Given { namespace: given(values, "namespace"), names: values.list("name").to_vec() };
    let tries = values.integer("max-tries");
    let most_tries = u32::try_from(tries).map_err(|_| {
        CliError::command_line(format!(
            "--max-tries {tries} is out of range; use a number above zero, or 0 for the usual one"
        ))
    })?;
    let most_tries = Some(most_tries).filter(|most| *most > 0);
    let search = Search { paths, exclude: values.list("exclude").to_vec(), given: given_names, most_tries };
    tree::check_globs(&search)?;
    Ok(search)
}

const EXCLUDE: Flag = Flag::new(
    "exclude",
    Kind::Repeated,
    "",
    "Leave out the files and folders that match a glob, as in a .gitignore; may be given again.",
)
.without_variable();
const MAX_TRIES: Flag = Flag::new(
    "max-tries",
    Kind::Integer,
    "0",
    "Tries that may be spent on names which are guessed: private-key operations, or requests where the controller opens; 0 is 10000 of the one, 500 of the other.",
)
.without_variable();
const SEALED_FOR: Flag = Flag::new(
    "name",
    Kind::Repeated,
    "",
    "Name that sealed values outside of SealedSecrets are sealed for, or of their release; may be given again.",
)
.without_variable();
const DIFF: Flag = Flag::new("diff", Kind::Switch, "", "Print the lines that change.").without_variable();
const DRY_RUN: Flag =
    Flag::new("dry-run", Kind::Switch, "", "Change nothing; say what would change.").without_variable();
const FILE: Flag = Flag::new("filename", Kind::Repeated, "", "File to read; the same as the file by itself.")
    .short('f')
    .without_variable();
const HELP: Flag = Flag::new("help", Kind::Switch, "", "Print this text and exit.").without_variable();
const OUTPUT: Flag = Flag::new("output", Kind::Words(&["text", "json"]), "text", "Form of the answer: text or json.")
    .short('o')
    .without_variable();

const NAMES: [(&str, Verb); 12] = [
    ("keys", Verb::Keys),
    ("template", Verb::Template),
    ("reseal", Verb::Reseal),
    ("move", Verb::Move),
    ("set", Verb::Set),
    ("unset", Verb::Unset),
    ("edit", Verb::Edit),
    ("unseal", Verb::Unseal),
    ("view", Verb::View),
    ("explain", Verb::Explain),
    ("completions", Verb::Completions),
    ("man", Verb::Man),
];

/// Shells that completion scripts are made for.
pub(crate) const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "powershell"];
