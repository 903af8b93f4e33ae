//! `sealer reseal PATH...` on the command line.

use sealer_core::flags::{Flag, Kind};

use super::{Parsed, parsed};
use crate::diagnostics::CliError;
use crate::request::{Request, Reseal};
use crate::{key_flags, kubernetes_flags, record};

pub(super) fn read(args: &[String], variable: &dyn Fn(&str) -> Option<String>) -> Result<Request, CliError> {
    let values = match parsed("sealer reseal", &table(), args, variable, wrong)? {
        Parsed::Values(values) => values,
        Parsed::Help(text) => return Ok(Request::Print(text)),
    };
    if values.positionals().is_empty() {
        return Err(wrong("`sealer reseal` needs at least one file or folder".to_owned()));
    }
    let non_empty = |flag: &str| Some(values.text(flag).to_owned()).filter(|text| !text.is_empty());
    Ok(Request::Reseal(Box::new(Reseal {
        paths: values.positionals().to_vec(),
        certificate: non_empty("cert"),
        keys: key_flags::sources(&values),
        check: values.is_on("check"),
        dry_run: values.is_on("dry-run"),
        diff: values.is_on("diff"),
        json: values.text("output") == "json",
        record: record::place(variable).filter(|_| !values.is_on("no-cache")),
        cluster: kubernetes_flags::choice(&values),
    })))
}

/// The flags of `sealer reseal`.
pub(crate) fn table() -> Vec<Flag> {
    OWN.iter().chain(key_flags::TABLE).chain(kubernetes_flags::TABLE).copied().collect()
}

fn wrong(message: String) -> CliError {
    CliError::command_line(message).hint("sealer reseal --private-key keys.yaml --cert cert.pem deploy/")
}

const OWN: &[Flag] = &[
    Flag::new("cert", Kind::Text, "", "Certificate to seal for, a file or a URL, instead of the cluster's newest."),
    Flag::new("check", Kind::Switch, "", "Change nothing; fail if a value is not sealed for that certificate.")
        .without_variable(),
    Flag::new("diff", Kind::Switch, "", "Print the lines that change.").without_variable(),
    Flag::new("dry-run", Kind::Switch, "", "Change nothing; say what would change.").without_variable(),
    Flag::new("help", Kind::Switch, "", "Print this text and exit.").without_variable(),
    Flag::new(
        "no-cache",
        Kind::Switch,
        "",
        "Open every value, also those that earlier runs found to be sealed for that certificate.",
    )
    .without_variable(),
    Flag::new("output", Kind::Words(&["text", "json"]), "text", "Form of the summary: text or json.")
        .short('o')
        .without_variable(),
];
