//! What a user can look up: completion scripts, the manual page and docs/cli.md, all from the tables of flags.

use clap::{Arg, ArgAction, Command};
use clap_complete::Shell;
use sealer_go::pflag::{Flag, Kind, variable_of};

use crate::cli::items::manual::{self, ItemsVerb};
use crate::cli::keys::KeysVerb;
use crate::{cli, compat, kubernetes_flags};

/// The completion script of a shell.
pub(crate) fn completions(shell: &str) -> String {
    let shell = match shell {
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        "powershell" => Shell::PowerShell,
        _ => Shell::Bash,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "sealer", &mut script);
    String::from_utf8(script).unwrap_or_default()
}

/// The manual page, in roff.
pub(crate) fn man() -> String {
    let mut page = Vec::new();
    // Writing into memory does not fail.
    let _ = clap_mangen::Man::new(command()).render(&mut page);
    String::from_utf8(page).unwrap_or_default()
}

/// The verbs, one a line, as `--help` lists them.
pub(crate) fn verbs() -> String {
    let line = |verb: &Command| {
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        format!("  {:<12} {about}\n", verb.get_name())
    };
    let lines: String = command().get_subcommands().map(line).collect();
    format!("\nCommands:\n{lines}")
}

/// The tables in clap's terms. Nothing is parsed with it: the rules of existing scripts are not clap's.
fn command() -> Command {
    let keys = cli::keys::manual::VERBS.iter().map(keys_verb);
    let keys = Command::new("keys").about("Sealing keys of a cluster").subcommands(keys);
    let files = Arg::new("FILE").required(true).num_args(1..).help("Files with SealedSecrets, or `-`");
    let check = Command::new("check")
        .about("Parse and render the templates of SealedSecrets with placeholders, without any key")
        .args(cli::template::TABLE.iter().filter_map(argument))
        .arg(files);
    let template = Command::new("template").about("Templates in SealedSecrets").subcommand(check);
    let paths = Arg::new("PATH").required(true).num_args(1..).help("Files, or folders of them");
    let reseal = Command::new("reseal")
        .about("Seal the values of files anew for another key; nothing else in them changes")
        .args(cli::reseal::table().iter().filter_map(argument))
        .arg(paths);
    let paths = Arg::new("PATH").required(true).num_args(1..).help("Files, or folders of them");
    let moving = Command::new("move")
        .about("Seal the values of files for another cluster; nothing else in them changes")
        .args(cli::moving::table().iter().filter_map(argument))
        .arg(paths);
    let shells = Arg::new("shell").required(true).value_parser(cli::SHELLS);
    Command::new("sealer")
        .about("Turns Kubernetes Secrets into SealedSecrets that are safe to keep in Git")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .args(compat::table().iter().filter_map(argument))
        .subcommand(keys)
        .subcommand(reseal)
        .subcommand(moving)
        .subcommands(manual::VERBS.iter().map(items_verb))
        .subcommand(template)
        .subcommand(Command::new("completions").about("Print a completion script").arg(shells))
        .subcommand(Command::new("man").about("Print the manual page"))
}

fn items_verb(verb: &ItemsVerb) -> Command {
    let arguments = verb.arguments.iter().map(|name| Arg::new(*name).required(true));
    Command::new(verb.name).about(verb.about).args((verb.table)().iter().filter_map(argument)).args(arguments)
}

fn keys_verb(verb: &KeysVerb) -> Command {
    let command = Command::new(verb.name).about(verb.about).args(verb.table().iter().filter_map(argument));
    match verb.argument.strip_suffix("...") {
        Some(name) => command.arg(Arg::new(name).required(true).num_args(1..)),
        None if verb.argument.is_empty() => command,
        None => command.arg(Arg::new(verb.argument).required(true)),
    }
}

fn argument(flag: &Flag) -> Option<Arg> {
    if flag.help.is_empty() || flag.help == ACCEPTED {
        return None;
    }
    let argument = Arg::new(flag.name).long(flag.name).help(flag.help);
    let argument = if let Some(short) = flag.short { argument.short(short) } else { argument };
    Some(match flag.kind {
        Kind::Switch => argument.action(ArgAction::SetTrue),
        Kind::Words(words) => argument.value_parser(words.to_vec()),
        _ => argument.value_name("VALUE"),
    })
}

/// docs/cli.md.
#[cfg_attr(not(test), expect(dead_code, reason = "a test writes the page and holds it against the tables"))]
fn markdown() -> String {
    let (compat, check) = (rows(&compat::table()), rows(cli::template::TABLE));
    let keys: String = cli::keys::manual::VERBS.iter().map(keys_section).collect();
    let items: String = manual::VERBS.iter().map(items_section).collect();
    let (reseal, moving) = (rows(&cli::reseal::table()), rows(&cli::moving::table()));
    format!("{HEAD}\n{compat}\n{keys}{RESEAL}\n{reseal}\n{MOVE}\n{moving}\n{items}{CHECK}\n{check}\n{TAIL}")
}

fn items_section(verb: &ItemsVerb) -> String {
    let table = (verb.table)();
    // What chooses a cluster stands in the first table.
    let common =
        |flag: &Flag| flag.name != "help" && kubernetes_flags::TABLE.iter().any(|known| known.name == flag.name);
    let cluster = if table.iter().any(|flag| flag.name == "context") { format!("{CLUSTER}\n") } else { String::new() };
    let own: Vec<Flag> = table.into_iter().filter(|flag| cluster.is_empty() || !common(flag)).collect();
    let heading = format!("sealer {} {}", verb.name, verb.arguments.join(" "));
    format!("## {heading}\n\n{}\n{}\n{cluster}", verb.text, rows(&own))
}

fn keys_section(verb: &KeysVerb) -> String {
    let heading = format!("sealer keys {} {}", verb.name, verb.argument);
    format!("## {}\n\n{}\n{}\n{CLUSTER}\n", heading.trim_end(), verb.text, rows(verb.own))
}

fn rows(table: &[Flag]) -> String {
    let shown = table.iter().filter(|flag| !flag.help.is_empty());
    let row = |flag: &Flag| {
        let short = flag.short.map(|short| format!("`-{short}`, ")).unwrap_or_default();
        let variable = if flag.variable { format!("`{}`", variable_of(flag.name)) } else { String::new() };
        let default = if flag.default.is_empty() { String::new() } else { format!("`{}`", flag.default) };
        format!("| {short}`--{}` | {default} | {variable} | {} |\n", flag.name, flag.help)
    };
    format!("| flag | default | variable | |\n|---|---|---|---|\n{}", shown.map(row).collect::<String>())
}

/// What the usage says of flags that change nothing.
const ACCEPTED: &str = "Accepted for compatibility.";

const HEAD: &str = "# Command line\n\n<!-- Generated from the tables of flags: SEALER_REGENERATE=1 cargo test --package sealer-cli --lib -->\n\n\
`sealer` reads a Secret from standard input (or `--secret-file`) and writes a SealedSecret. Linked or copied under the name\n\
`kubeseal` it speaks that name, and passes over words that are neither flags nor commands, which are refused otherwise. The command line beats the variable, which beats the\n\
default. Exit status: 0 done, 1 failed, 2 the command line cannot be read.\n";
const CLUSTER: &str = "The cluster is chosen with the flags and variables above, from `--as` to `--username`.\n";
const RESEAL: &str = "## sealer reseal PATH...\n\nSeals every value of the files' SealedSecrets anew: for the cluster's newest key, or for `--cert` of another one. Only the bytes of\n\
the sealed values change; what does not parse, what no key opens and what a template holds stays as it is and is reported. Values\n\
that are sealed for that key already stay, as far as that can be known: a private key at hand tells, or the record of earlier runs.\n\n\
Sealed values outside of SealedSecrets (of `--raw`, in values of charts, templates, settings, of any ending or none) are found by\n\
their form, and sealed anew where they stand for the names that they open under: those of `--namespace` and `--name`, those that the\n\
files of the tree name, and all scopes. What none of them opens is named by file and line. A file that was named itself has to hold a\n\
sealed value; files that are no text or larger than 16 MiB (manifests: 64 MiB) are counted, and so are those that ignore files such\n\
as `.gitignore` hide and those that `--exclude GLOB` leaves out. Which names are tried is the same for `sealer keys list`, `check` and\n\
`retire`: what an object says, what a kustomization makes of it, in whatever folder of the tree it lies, `--namespace` and `--name`,\n\
the names of templates that use a value, and those of near files. Values of others must not keep a command busy: `--max-tries` limits\n\
what is spent on guesses, the same text is tried once, and a value on which not every name was tried is told.\n\n\
Without keys, the controller opens and seals, and the record is all that is known. With `--backup`, `--private-key` or\n\
`--keys-from-cluster` values are opened here; name the target's key, too, where somebody else may have sealed for it already. `--check` changes nothing and fails if a value is not sealed for that certificate.\n\n\
The record is `sealer/sealed-for` in the user's cache folder (`XDG_CACHE_HOME`, `~/.cache`): SHA-256 hashes of sealed values with their\n\
label and key, at most 8 MB. It holds no value, no key and no name, may be deleted at any time, and `--no-cache` does without.\n\n\
Links are followed inside the folders that were named, and a file that was named itself is followed anywhere. Two commands on one\n\
file take turns. Exit status 1 if any value or file failed; all others are done.\n";
const MOVE: &str = "## sealer move PATH...\n\nSeals every value of the files' SealedSecrets for the new cluster's certificate, opened with the old cluster's keys: of a backup, or read\n\
from the old cluster. Otherwise as `sealer reseal`. The other flags that choose a cluster hold for both.\n";
const CHECK: &str = "## sealer template check FILE...\n\nParses the templates of all SealedSecrets in the files and renders them with a placeholder for every value, without any\n\
key: for a pre-commit hook. What is no template, calls a function that does not exist or that controllers refuse, or goes\n\
beyond a bound is an error with its place; what fails with placeholders only, or renders `<no value>`, is a warning.\n";
const TAIL: &str = "## sealer completions SHELL, sealer man\n\nPrint a completion script for bash, zsh, fish or powershell, and the manual page.\n";

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::fs;

    use super::*;

    #[test]
    fn the_committed_page_is_current() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md");
        if std::env::var_os("SEALER_REGENERATE").is_some() {
            fs::write(file, markdown()).unwrap();
        }
        assert_eq!(
            fs::read_to_string(file).unwrap_or_default(),
            markdown(),
            "docs/cli.md is stale: run with SEALER_REGENERATE=1"
        );
    }

    #[test]
    fn every_shell_gets_a_script_that_knows_flags_and_verbs() {
        for shell in cli::SHELLS {
            let script = completions(shell);
            assert!(
                ["sealed-secret-file", "namespace-wide", "rotate"].iter().all(|word| script.contains(word)),
                "{shell}"
            );
        }
        assert!(man().contains("controller\\-namespace"));
    }
}
