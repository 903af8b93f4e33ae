//! How the verbs of `sealer` read a command line: clap, with the forms of flags that every Kubernetes client takes
//! (`--x=false`, variables), and with messages that repeat no value.

pub(crate) mod cluster;
pub(crate) mod files;
pub(crate) mod flags;
pub(crate) mod keys;
pub(crate) mod meant;
pub(crate) mod output;
pub(crate) mod search;
mod wrong;

use clap::builder::ValueParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command, FromArgMatches};
use sealer_go::pflag;

use crate::diagnostics::CliError;

pub(crate) use wrong::{UNFIT, unfit};

/// What a command line asks for.
#[derive(Debug)]
pub(crate) enum Parsed<V> {
    Verb(V),
    /// The help of a verb.
    Help(String),
}

/// The value of a variable of the environment.
pub(crate) type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads the words of a command line that begins with a verb.
pub(crate) fn parse<V: FromArgMatches>(
    command: &Command,
    words: &[String],
    variable: Variable<'_>,
) -> Result<Parsed<V>, CliError> {
    let mut settled = settle(command.clone(), variable);
    let line = std::iter::once(command.get_name()).chain(words.iter().map(String::as_str));
    let matches = match settled.try_get_matches_from_mut(line) {
        Ok(matches) => matches,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => return Ok(Parsed::Help(help(command, words))),
        Err(error) => return Err(wrong::told(&error, command, words)),
    };
    wrong::refuse_behind_a_switch(command, words)?;
    V::from_arg_matches(&matches).map(Parsed::Verb).map_err(|error| wrong::told(&error, command, words))
}

/// The command that the first words name, with the names of those above it, and how many words these are.
fn named<'a>(command: &'a Command, words: &[String]) -> (&'a Command, String) {
    let mut found = command;
    let mut path = command.get_name().to_owned();
    for word in words {
        let Some(next) = found.find_subcommand(word) else { break };
        found = next;
        path = format!("{path} {word}");
    }
    (found, path)
}

/// The help of the command that words name; long with `--help`.
fn help(command: &Command, words: &[String]) -> String {
    let (found, path) = named(command, words);
    let mut shown = found.clone().bin_name(path).disable_help_subcommand(true);
    let is_long = words.iter().any(|word| word == "--help");
    let text = if is_long { shown.render_long_help() } else { shown.render_help() };
    text.to_string()
}

/// The same command, reading flags as pflag does.
fn settle(command: Command, variable: Variable<'_>) -> Command {
    command
        .args_override_self(true)
        .disable_help_subcommand(true)
        .mut_args(|arg| preset(as_in_pflag(arg), variable))
        .mut_subcommands(|verb| settle(verb, variable))
}

/// A switch takes a value behind `=`, and any other flag whatever word comes next.
fn as_in_pflag(arg: Arg) -> Arg {
    if arg.is_positional() {
        return arg;
    }
    if !matches!(arg.get_action(), ArgAction::SetTrue) {
        return arg.allow_hyphen_values(true);
    }
    arg.action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .default_value("false")
        .value_parser(ValueParser::new(pflag::boolean))
}

/// A variable stands for a flag that is not given. An empty one says nothing.
fn preset(arg: Arg, variable: Variable<'_>) -> Arg {
    let name = arg.get_env().and_then(|name| name.to_str()).map(str::to_owned);
    let arg = arg.env(None::<&'static str>);
    match name.and_then(|name| variable(&name)).filter(|value| !value.is_empty()) {
        Some(value) => arg.default_value(value),
        None => arg,
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    use super::cluster::ClusterArgs;
    use super::output::Output;
    use super::*;

    #[derive(Debug, Parser)]
    #[command(name = "verb")]
    struct Verb {
        #[arg(long)]
        dry_run: bool,
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
        #[arg(long, env = "SEALED_SECRETS_CERT")]
        cert: Option<String>,
        #[command(flatten)]
        cluster: ClusterArgs,
        words: Vec<String>,
    }

    fn read(line: &str, variables: &[(&str, &str)]) -> String {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        match parse::<Verb>(&Verb::command(), &words, &variable) {
            Ok(Parsed::Verb(Verb { dry_run, output, cert, cluster, words })) => {
                let ClusterArgs { choice, namespace } = cluster;
                let (all, named) = (choice.namespace.unwrap_or_default(), namespace.unwrap_or_default());
                let (cert, words) = (cert.unwrap_or_default(), words.join(" "));
                format!("{dry_run} {output:?} {cert} {all}/{named} {} {words}", choice.verbosity)
            }
            Ok(Parsed::Help(_)) => "help".to_owned(),
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn flags_are_read_as_pflag_reads_them() {
        for (line, read_as) in [
            ("a b", "false Text  / 0 a b"),
            ("a --dry-run b", "true Text  / 0 a b"),
            ("--dry-run=false a", "false Text  / 0 a"),
            ("--dry-run --dry-run=f a", "false Text  / 0 a"),
            ("-ojson a", "false Json  / 0 a"),
            ("-o=json a", "false Json  / 0 a"),
            ("--output json a", "false Json  / 0 a"),
            ("--cert -odd a", "false Text -odd / 0 a"),
            ("--cert a --cert b", "false Text b / 0 "),
            ("-n shop -v 0x6 a", "false Text  shop/shop 6 a"),
            ("a -- --dry-run", "false Text  / 0 a --dry-run"),
            ("-", "false Text  / 0 -"),
            ("--help", "help"),
            ("-h", "help"),
            (
                "--dry-run=maybe",
                "invalid argument \"maybe\" for \"--dry-run\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax",
            ),
            ("--dry-run no", "a switch takes no word `no`"),
            ("-o yaml", "invalid argument \"yaml\" for \"-o, --output\" flag: must be one of: text, json"),
            ("-o p@ssw0rd", "invalid argument \"…\" for \"-o, --output\" flag: must be one of: text, json"),
            (
                "-v six",
                "invalid argument \"six\" for \"-v, --v\" flag: strconv.ParseInt: parsing \"six\": invalid syntax",
            ),
            ("--cert", "flag needs an argument: --cert"),
            ("--crt a", "unknown flag: --crt"),
            ("--crt=hunter2", "unknown flag: --crt"),
            ("-x", "unknown shorthand flag: 'x' in -x"),
            ("---cert", "bad flag syntax: ---cert"),
        ] {
            assert_eq!(read(line, &[]), read_as, "{line}");
        }
    }

    #[test]
    fn variables_stand_for_flags_that_are_not_given() {
        let cert = |value| [("SEALED_SECRETS_CERT", value)];
        assert_eq!(read("a", &cert("c.pem")), "false Text c.pem / 0 a");
        assert_eq!(read("a --cert d.pem", &cert("c.pem")), "false Text d.pem / 0 a");
        assert_eq!(read("a", &cert("")), "false Text  / 0 a");
        // It says where to seal for, and not which object is meant.
        assert_eq!(read("a", &[("SEALED_SECRETS_NAMESPACE", "shop")]), "false Text  shop/ 0 a");
        assert_eq!(
            read("a", &[("SEALED_SECRETS_INSECURE_SKIP_TLS_VERIFY", "hunter2")]),
            "environment variable SEALED_SECRETS_INSECURE_SKIP_TLS_VERIFY does not fit --insecure-skip-tls-verify: \
             strconv.ParseBool: parsing its value: invalid syntax"
        );
    }
}
