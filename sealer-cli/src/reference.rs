//! What a user can look up: the list of verbs, completion scripts, the manual page and docs/cli.md, all from the definitions that
//! command lines are read with.

use clap::{Arg, Command};
use clap_complete::Shell;

use crate::args::flags::argument;
use crate::diagnostics::CliError;
use crate::{commands, kubeseal, names};

/// The completion script of the shell that the words name.
pub(crate) fn completions(words: &[String]) -> Result<String, CliError> {
    let wrong = |message: String| {
        Err(CliError::command_line(message).hint("sealer completions bash > /etc/bash_completion.d/sealer"))
    };
    match words {
        [shell] if SHELLS.contains(&shell.as_str()) => Ok(script(shell)),
        [shell, other, ..] if SHELLS.contains(&shell.as_str()) => {
            wrong(format!("`sealer completions` takes the name of one shell, and {}", names::surplus(other)))
        }
        _ => wrong(format!("`sealer completions` needs the name of a shell: {}", SHELLS.join(", "))),
    }
}

fn script(shell: &str) -> String {
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
pub(crate) fn man(words: &[String]) -> Result<String, CliError> {
    if !words.is_empty() {
        return Err(CliError::command_line("`sealer man` takes no argument")
            .hint("sealer man | man -l -; sealer COMMAND --help lists the flags of one command"));
    }
    let mut page = Vec::new();
    // Writing into memory does not fail.
    let _ = clap_mangen::Man::new(command()).render(&mut page);
    Ok(String::from_utf8(page).unwrap_or_default())
}

/// The verbs by task, one a line, as `--help` lists them.
pub(crate) fn verbs() -> String {
    let all = command();
    let line = |name: &&str| {
        let about = all.find_subcommand(name).and_then(Command::get_about).map(ToString::to_string).unwrap_or_default();
        format!("  {name:<12} {about}\n")
    };
    let task = |(task, names): &(&str, &[&str])| {
        let lines: String = names.iter().map(line).collect();
        format!("\n{task}:\n{lines}")
    };
    let tasks: String = commands::TASKS.iter().map(task).collect();
    format!("\nCommands stand before all flags; `sealer COMMAND --help` tells of one.\n{tasks}")
}

/// The verbs, and the surface without one, which `seal` names.
fn command() -> Command {
    let flags = || kubeseal::table().iter().filter_map(argument).collect::<Vec<Arg>>();
    let seal =
        Command::new("seal").about("Seal a Secret; the same as no command").args(flags()).disable_help_flag(true);
    commands::command().disable_help_flag(true).disable_help_subcommand(true).args(flags()).subcommand(seal)
}

/// Shells that completion scripts are made for.
const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "powershell"];

#[cfg(test)]
mod page;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_gets_a_script_that_knows_flags_and_verbs() {
        for shell in SHELLS {
            let script = script(shell);
            assert!(
                ["sealed-secret-file", "namespace-wide", "rotate"].iter().all(|word| script.contains(word)),
                "{shell}"
            );
        }
        assert!(man(&[]).is_ok_and(|page| page.contains("controller\\-namespace")));
    }

    #[test]
    fn every_verb_is_listed_and_has_help_with_an_example() {
        let all = command();
        let names: Vec<&str> = all.get_subcommands().map(Command::get_name).collect();
        let listed: Vec<&str> = commands::names().collect();
        assert!(names.iter().all(|name| listed.contains(name)) && names.len() == listed.len(), "{names:?} {listed:?}");
        let keys: Vec<&str> =
            all.find_subcommand("keys").into_iter().flat_map(Command::get_subcommands).map(Command::get_name).collect();
        assert_eq!(keys, commands::keys_names().collect::<Vec<_>>());
        let verbs = all.get_subcommands().flat_map(|verb| std::iter::once(verb).chain(verb.get_subcommands()));
        for verb in verbs.filter(|verb| verb.get_name() != "seal") {
            let example = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(example.contains("sealer "), "{}", verb.get_name());
            assert!(verb.get_about().is_some(), "{}", verb.get_name());
        }
    }
}
