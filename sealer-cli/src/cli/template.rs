//! `sealer template check FILE...` on the command line.

use sealer_go::pflag::{Flag, Kind};

use super::{FILE, HELP, Parsed, files, parsed};
use crate::diagnostics::CliError;
use crate::request::{Request, TemplateCheck};
use crate::spelling::nearest;

pub(super) fn read(args: &[String]) -> Result<Request, CliError> {
    let rest = match args.split_first() {
        Some((word, rest)) if word == "check" => rest,
        Some((word, _)) if nearest(word, ["check", "lint"]).is_some() => {
            return Err(wrong(format!("unknown command `template {word}`; there is `sealer template check`")));
        }
        _ => return Err(wrong("`sealer template` needs a command; there is `sealer template check`".to_owned())),
    };
    let values = match parsed("sealer template check", TABLE, rest, &|_| None, wrong)? {
        Parsed::Values(values) => values,
        Parsed::Help(text) => return Ok(Request::Print(text)),
    };
    let files = files(&values);
    if files.is_empty() {
        return Err(wrong("`sealer template check` needs at least one file, or `-` for standard input".to_owned()));
    }
    Ok(Request::TemplateCheck(TemplateCheck {
        files,
        strict: values.is_on("strict"),
        expensive: values.is_on("allow-expensive-template-functions"),
    }))
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
    FILE,
    HELP,
    Flag::new("strict", Kind::Switch, "", "Count warnings as errors.").without_variable(),
];
