//! `sealer keys VERB` on the command line.

pub(crate) mod manual;

use std::time::Duration;

use sealer_go::pflag::{Flag, Values};

use super::{Parsed, parsed, search};
use crate::diagnostics::CliError;
use crate::key_files::KeySources;
use crate::request::Request;
use crate::request::keys::{Backup, Check, Keys, List, Protection, Restore, Retire, Rotate};
use crate::spelling::nearest;
use crate::{key_flags, kubernetes_flags, names, record};

use manual::VERBS;

/// A verb as the command line, the reference and the completions know it.
pub(crate) struct KeysVerb {
    pub(crate) name: &'static str,
    /// What stands behind it besides flags.
    pub(crate) argument: &'static str,
    /// One sentence.
    pub(crate) about: &'static str,
    /// A paragraph.
    pub(crate) text: &'static str,
    /// Its own flags, beside those that choose a cluster.
    pub(crate) own: &'static [Flag],
    read: fn(&Values) -> Result<Keys, CliError>,
}

impl KeysVerb {
    /// The flags of the verb.
    pub(crate) fn table(&self) -> Vec<Flag> {
        self.own.iter().chain(kubernetes_flags::TABLE).copied().collect()
    }
}

pub(super) fn read(args: &[String], variable: &dyn Fn(&str) -> Option<String>) -> Result<Request, CliError> {
    let verbs: Vec<&str> = VERBS.iter().map(|verb| verb.name).collect();
    let there_is = format!("there is `sealer keys` with {}", verbs.join(", "));
    let Some((word, rest)) = args.split_first().filter(|(word, _)| !word.starts_with('-')) else {
        return Err(CliError::command_line(format!("`sealer keys` needs a command; {there_is}")).hint(MOST_WANTED));
    };
    let Some(verb) = VERBS.iter().find(|verb| verb.name == word) else {
        let near = nearest(word, verbs);
        // A word that is near to none may be anything.
        let shown = near.map(|_| format!(" `keys {word}`")).unwrap_or_default();
        let error = CliError::command_line(format!("unknown command{shown}; {there_is}"));
        // What is wanted most is named anyway.
        let meant = near.map(|meant| format!("sealer keys {meant}"));
        return Err(match meant.filter(|meant| meant != MOST_WANTED) {
            Some(meant) => error.hint(format!("did you mean `{meant}`?")),
            None => error.hint(MOST_WANTED),
        });
    };
    let name = format!("sealer keys {word}");
    let hinted = |error: CliError| error.hint(format!("{name} --help"));
    match parsed(&name, &verb.table(), rest, variable, CliError::command_line).map_err(hinted)? {
        Parsed::Values(values) => {
            let mut keys = (verb.read)(&values).map_err(hinted)?;
            if let Keys::Rotate(rotate) = &mut keys {
                rotate.record = record::place(variable);
            }
            Ok(Request::Keys(Box::new(keys)))
        }
        Parsed::Help(text) => Ok(Request::Print(text)),
    }
}

fn list(values: &Values) -> Result<Keys, CliError> {
    Ok(Keys::List(List {
        cluster: kubernetes_flags::choice(values),
        search: search(values, [values.list("in"), values.positionals()].concat())?,
        period: Some(values.nanoseconds("renew-period")).filter(|period| *period > 0).map(nanoseconds),
        json: json(values),
    }))
}

fn rotate(values: &Values) -> Result<Keys, CliError> {
    let reseal = values.list("reseal");
    if reseal.is_empty() && !values.positionals().is_empty() {
        return Err(wrong(
            "`sealer keys rotate` takes no argument; files that follow are named with --reseal".to_owned(),
        ));
    }
    Ok(Keys::Rotate(Rotate {
        cluster: kubernetes_flags::choice(values),
        prefix: values.text("key-prefix").to_owned(),
        bits: bits(values)?,
        validity: length(values, "key-ttl")?,
        patience: length(values, "timeout")?,
        backup_check: !values.is_on("no-backup-check"),
        reseal: search(values, [reseal, values.positionals()].concat())?,
        diff: values.is_on("diff"),
        record: None,
        dry_run: values.is_on("dry-run"),
        json: json(values),
    }))
}

fn backup(values: &Values) -> Result<Keys, CliError> {
    if let Some(word) = values.positionals().first() {
        // It may be the passphrase.
        let file = names::file(word).unwrap_or_else(|| "FILE".to_owned());
        return Err(wrong(format!("`sealer keys backup` takes no argument; name the file with -o {file}")));
    }
    let file = values.text("output").to_owned();
    if file.is_empty() {
        return Err(wrong("`sealer keys backup` needs the name of the file to write: -o FILE".to_owned()));
    }
    // Of every other verb it is the form of the answer.
    if matches!(file.as_str(), "json" | "text") {
        return Err(wrong(format!(
            "-o {file} would name the backup `{file}`; for the form of the answer there is --format {file}, and -o ./{file} names that file"
        )));
    }
    let passphrase_file = key_flags::passphrase_file(values);
    let protection = match (values.is_on("plain"), passphrase_file) {
        (true, Some(_)) => {
            return Err(wrong("--plain writes without a passphrase; it does not go with --passphrase-file".to_owned()));
        }
        (true, None) => Protection::Nothing { confirmed: values.is_on("yes") },
        (false, file) => Protection::Passphrase { file },
    };
    Ok(Keys::Backup(Backup {
        cluster: kubernetes_flags::choice(values),
        file,
        protection,
        record: !values.is_on("no-record"),
        dry_run: values.is_on("dry-run"),
        json: values.text("format") == "json",
    }))
}

fn restore(values: &Values) -> Result<Keys, CliError> {
    Ok(Keys::Restore(Restore {
        cluster: kubernetes_flags::choice(values),
        keys: files(values, "restore")?,
        dry_run: values.is_on("dry-run"),
        json: json(values),
    }))
}

fn check(values: &Values) -> Result<Keys, CliError> {
    let paths = values.list("in").to_vec();
    Ok(Keys::Check(Check {
        cluster: kubernetes_flags::choice(values),
        keys: files(values, "check")?,
        in_cluster: values.is_on("in-cluster") || paths.is_empty(),
        search: search(values, paths)?,
        json: json(values),
    }))
}

fn retire(values: &Values) -> Result<Keys, CliError> {
    let [key] = values.positionals() else {
        return Err(wrong("`sealer keys retire` needs one fingerprint, as `sealer keys list` shows it".to_owned()));
    };
    if key.strip_prefix("SHA256:").unwrap_or(key).len() < SHORTEST_PREFIX {
        return Err(wrong(format!(
            "`{key}` is too short for a fingerprint; give at least {SHORTEST_PREFIX} characters behind SHA256:"
        )));
    }
    Ok(Keys::Retire(Retire {
        cluster: kubernetes_flags::choice(values),
        key: key.clone(),
        search: search(values, values.list("in").to_vec())?,
        allow_unopened: values.is_on("allow-unopened"),
        undo: values.is_on("undo"),
        dry_run: values.is_on("dry-run"),
        json: json(values),
    }))
}

fn files(values: &Values, verb: &str) -> Result<KeySources, CliError> {
    let files = values.positionals().to_vec();
    if files.is_empty() {
        return Err(wrong(format!("`sealer keys {verb}` needs a file that `sealer keys backup` wrote")));
    }
    Ok(KeySources { files, passphrase_file: key_flags::passphrase_file(values) })
}

fn json(values: &Values) -> bool {
    values.text("output") == "json"
}

fn bits(values: &Values) -> Result<usize, CliError> {
    let bits = usize::try_from(values.integer("key-size")).unwrap_or_default();
    if (2048..=8192).contains(&bits) {
        return Ok(bits);
    }
    Err(wrong(format!("--key-size {} is out of range; use 2048 to 8192 bits", values.text("key-size"))))
}

fn length(values: &Values, flag: &str) -> Result<Duration, CliError> {
    let length = values.nanoseconds(flag);
    if length > 0 {
        return Ok(nanoseconds(length));
    }
    Err(wrong(format!("--{flag} {} is no length of time above zero, such as 30s", values.text(flag))))
}

fn nanoseconds(length: i64) -> Duration {
    Duration::from_nanos(length.unsigned_abs())
}

fn wrong(message: String) -> CliError {
    CliError::command_line(message)
}

/// Shorter beginnings of a fingerprint are typed by mistake too easily.
const SHORTEST_PREFIX: usize = 8;
const MOST_WANTED: &str = "sealer keys list";
