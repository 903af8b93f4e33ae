//! docs/cli.md, held against the definitions it is made of.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::fs;

use clap::{Arg, ArgAction, Command};
use sealer_go::pflag::{Flag, variable_of};

use crate::args::cluster;
use crate::{commands, kubeseal};

#[test]
fn the_committed_page_is_current() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md");
    if std::env::var_os("SEALER_REGENERATE").is_some() {
        fs::write(file, page()).unwrap();
    }
    assert_eq!(
        fs::read_to_string(file).unwrap_or_default(),
        page(),
        "docs/cli.md is stale: run with SEALER_REGENERATE=1"
    );
}

fn page() -> String {
    let all = commands::command();
    let sections: String = commands::names().filter_map(|name| all.find_subcommand(name)).map(sections).collect();
    let compat: Vec<Row> = kubeseal::table().iter().filter(|flag| !flag.help.is_empty()).map(Row::of_flag).collect();
    format!("{HEAD}\n{}\n{sections}", rows(&compat)).trim_end().to_owned() + "\n"
}

/// A verb, or each of the verbs below it.
fn sections(verb: &Command) -> String {
    if verb.has_subcommands() {
        return verb.get_subcommands().map(sections).collect();
    }
    let usage = verb.clone().render_usage().to_string();
    let heading = usage.trim_start_matches("Usage: ").replace(" [FLAGS]", "");
    let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
    let text = verb.get_long_about().map_or_else(|| about.clone(), ToString::to_string);
    let text = text.strip_prefix(&about).map_or(text.as_str(), |rest| rest.trim_start_matches('.').trim());
    let text = if text.is_empty() { format!("{about}.") } else { folded(text) };
    let mut own: Vec<Row> = verb
        .get_arguments()
        .filter(|arg| arg.get_long().is_some() && arg.get_help_heading() != Some(cluster::HEADING))
        .map(Row::of_arg)
        .collect();
    own.sort_by(|one, other| one.flag.cmp(&other.flag));
    let has_cluster = verb.get_arguments().any(|arg| arg.get_help_heading() == Some(cluster::HEADING));
    let cluster = if has_cluster { format!("\n{CLUSTER}") } else { String::new() };
    let flags = if own.is_empty() { String::new() } else { format!("\n{}", rows(&own)) };
    format!("## {}\n\n{text}\n{flags}{cluster}\n", heading.trim())
}

/// Its paragraphs in lines that fit.
fn folded(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.split("\n\n") {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if line.len() + word.len() >= WIDTH {
                lines.push(std::mem::take(&mut line));
            }
            line = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        }
        lines.extend([line, String::new()]);
    }
    lines.join("\n").trim_end().to_owned()
}

/// One flag in a table.
struct Row {
    flag: String,
    name: String,
    default: String,
    variable: String,
    help: String,
}

impl Row {
    fn of_flag(flag: &Flag) -> Self {
        let short = flag.short.map(|short| format!("`-{short}`, ")).unwrap_or_default();
        Self {
            flag: flag.name.to_owned(),
            name: format!("{short}`--{}`", flag.name),
            default: flag.default.to_owned(),
            variable: if flag.variable { variable_of(flag.name) } else { String::new() },
            help: flag.help.to_owned(),
        }
    }

    fn of_arg(arg: &Arg) -> Self {
        let short = arg.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
        let words: Vec<String> = arg.get_possible_values().iter().map(|word| word.get_name().to_owned()).collect();
        let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let choice =
            if words.is_empty() || is_switch { String::new() } else { format!(" One of {}.", words.join(", ")) };
        let default = arg.get_default_values().first().and_then(|value| value.to_str()).unwrap_or_default();
        Self {
            flag: arg.get_long().unwrap_or_default().to_owned(),
            name: format!("{short}`--{}`", arg.get_long().unwrap_or_default()),
            default: if is_switch { String::new() } else { default.to_owned() },
            variable: arg.get_env().and_then(|name| name.to_str()).unwrap_or_default().to_owned(),
            help: format!("{}.{choice}", help.trim_end_matches('.')),
        }
    }
}

fn rows(table: &[Row]) -> String {
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{text}`") };
    let row =
        |row: &Row| format!("| {} | {} | {} | {} |\n", row.name, code(&row.default), code(&row.variable), row.help);
    format!("| flag | default | variable | |\n|---|---|---|---|\n{}", table.iter().map(row).collect::<String>())
}

const HEAD: &str = "# Command line\n\n<!-- Generated from the definitions of flags: SEALER_REGENERATE=1 cargo test --package sealer-cli --lib -->\n\n\
`sealer` reads a Secret from standard input (or `--secret-file`) and writes a SealedSecret. Linked or copied under the name\n\
`kubeseal` it speaks that name, and passes over words that are neither flags nor commands, which are refused otherwise. The command line beats the variable, which beats the\n\
default. Exit status: 0 done, 1 failed, 2 the command line cannot be read.\n";
const WIDTH: usize = 130;
const CLUSTER: &str = "The cluster is chosen with the flags and variables above, from `--as` to `--username`.\n";
