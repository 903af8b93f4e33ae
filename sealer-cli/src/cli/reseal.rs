//! `sealer reseal PATH...` on the command line.

use sealer_go::pflag::{Flag, Kind, Values};

use super::{DIFF, DRY_RUN, EXCLUDE, FILE, HELP, MAX_TRIES, Parsed, SEALED_FOR, files, given, parsed, search};
use crate::cluster::Choice;
use crate::diagnostics::CliError;
use crate::request::{Request, Reseal};
use crate::{key_flags, kubernetes_flags, record};

pub(super) fn read(args: &[String], variable: &dyn Fn(&str) -> Option<String>) -> Result<Request, CliError> {
    let values = match parsed("sealer reseal", &table(), args, variable, wrong)? {
        Parsed::Values(values) => values,
        Parsed::Help(text) => return Ok(Request::Print(text)),
    };
    if files(&values).is_empty() {
        return Err(wrong("`sealer reseal` needs at least one file or folder".to_owned()));
    }
    let cluster = kubernetes_flags::choice(&values);
    let keys_in = values.is_on("keys-from-cluster").then(|| cluster.clone());
    let reseal = Reseal { keys_in, check: values.is_on("check"), ..request(&values, cluster, variable)? };
    if reseal.check && !reseal.is_offline() {
        return Err(CliError::command_line(
            "`--check` needs private keys: without them nobody can tell which key a value is sealed for",
        )
        .hint("give them with --backup or --private-key, or with --keys-from-cluster where you may read them"));
    }
    Ok(Request::Reseal(Box::new(reseal)))
}

/// What `sealer reseal` and `sealer move` ask for alike.
pub(super) fn request(
    values: &Values,
    cluster: Choice,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Reseal, CliError> {
    Ok(Reseal {
        search: search(values, files(values))?,
        certificate: given(values, "cert"),
        keys: key_flags::sources(values),
        keys_in: None,
        check: false,
        dry_run: values.is_on("dry-run"),
        diff: values.is_on("diff"),
        json: values.text("output") == "json",
        record: record::place(variable).filter(|_| !values.is_on("no-cache")),
        cluster,
    })
}

/// The flags of `sealer reseal`.
pub(crate) fn table() -> Vec<Flag> {
    OWN.iter().chain(SHARED).chain(key_flags::TABLE).chain(kubernetes_flags::TABLE).copied().collect()
}

fn wrong(message: String) -> CliError {
    CliError::command_line(message).hint("sealer reseal --private-key keys.yaml --cert cert.pem deploy/")
}

const OWN: &[Flag] = &[
    Flag::new("check", Kind::Switch, "", "Change nothing; fail if a value is not sealed for that certificate.")
        .without_variable(),
    Flag::new(
        "keys-from-cluster",
        Kind::Switch,
        "",
        "Open values with the cluster's own keys, read with your rights, instead of asking the controller.",
    )
    .without_variable(),
];

/// The rows that both have.
pub(super) const SHARED: &[Flag] = &[
    Flag::new("cert", Kind::Text, "", "Certificate to seal for, a file or a URL, instead of the cluster's newest."),
    DIFF,
    DRY_RUN,
    EXCLUDE,
    FILE,
    HELP,
    MAX_TRIES,
    SEALED_FOR,
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
