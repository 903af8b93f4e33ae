//! `sealer template check FILE...` on the command line.

use sealer_core::flags::{self, Flag, FlagError, Kind};

use crate::diagnostics::CliError;
use crate::request::{Request, TemplateCheck};

pub(super) fn read(args: &[String]) -> Result<Request, CliError> {
    let rest = match args.split_first() {
        Some((word, rest)) if word == "check" => rest,
        Some((word, _)) if !word.starts_with('-') => {
            return Err(wrong(format!("unknown command `template {word}`; there is `sealer template check`")));
        }
        _ => return Err(wrong("`sealer template` needs a command; there is `sealer template check`".to_owned())),
    };
    let (preset, _) = flags::from_environment(TABLE, |_| None);
    let values = flags::parse(TABLE, preset, rest).map_err(|error| match error {
        FlagError::Help => CliError::help("sealer template check", usage()),
        error => wrong(error.to_string()),
    })?;
    if values.is_on("help") {
        return Ok(Request::Print(format!("Usage of sealer template check:\n{}", usage())));
    }
    if values.positionals().is_empty() {
        return Err(wrong("`sealer template check` needs at least one file, or `-` for standard input".to_owned()));
    }
    Ok(Request::TemplateCheck(TemplateCheck {
        files: values.positionals().to_vec(),
        strict: values.is_on("strict"),
        expensive: values.is_on("allow-expensive-template-functions"),
    }))
}

fn usage() -> String {
    TABLE.iter().map(|flag| format!("      --{:<36} {}\n", flag.name, flag.help)).collect()
}

fn wrong(message: String) -> CliError {
    CliError::command_line(message).hint("sealer template check deploy/*.yaml")
}

/// The flags of `sealer template check`.
pub(crate) const TABLE: &[Flag] = &[
    Flag::new(
        "allow-expensive-template-functions",
        Kind::Switch,
        "",
        "Accept functions that make keys or are slow on purpose, as the controller's flag of this name does.",
    )
    .without_variable(),
    Flag::new("help", Kind::Switch, "", "Print this text and exit.").without_variable(),
    Flag::new("strict", Kind::Switch, "", "Count warnings as errors.").without_variable(),
];
