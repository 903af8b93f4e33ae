//! `sealer keys VERB` on the command line.

use std::time::Duration;

use sealer_core::api;
use sealer_core::flags::{Flag, Kind, Values};

use super::{Parsed, parsed};
use crate::diagnostics::CliError;
use crate::key_files::KeySources;
use crate::request::Request;
use crate::request::keys::{Backup, Check, Keys, List, Protection, Restore, Retire, Rotate};
use crate::{key_flags, kubernetes_flags, record};

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
    let names: Vec<&str> = VERBS.iter().map(|verb| verb.name).collect();
    let there_is = format!("there is `sealer keys` with {}", names.join(", "));
    let Some((word, rest)) = args.split_first().filter(|(word, _)| !word.starts_with('-')) else {
        return Err(CliError::command_line(format!("`sealer keys` needs a command; {there_is}")).hint(MOST_WANTED));
    };
    let Some(verb) = VERBS.iter().find(|verb| verb.name == word) else {
        return Err(CliError::command_line(format!("unknown command `keys {word}`; {there_is}")).hint(MOST_WANTED));
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
        paths: [values.list("in"), values.positionals()].concat(),
        period: Some(values.nanoseconds("renew-period")).filter(|period| *period > 0).map(nanoseconds),
        json: json(values),
    }))
}

fn rotate(values: &Values) -> Result<Keys, CliError> {
    let reseal = values.list("reseal");
    if let Some(word) = values.positionals().first().filter(|_| reseal.is_empty()) {
        return Err(wrong(format!("`sealer keys rotate` takes no argument `{word}`")));
    }
    Ok(Keys::Rotate(Rotate {
        cluster: kubernetes_flags::choice(values),
        prefix: values.text("key-prefix").to_owned(),
        bits: bits(values)?,
        validity: length(values, "key-ttl")?,
        patience: length(values, "timeout")?,
        backup_check: !values.is_on("no-backup-check"),
        reseal: [reseal, values.positionals()].concat(),
        diff: values.is_on("diff"),
        record: None,
        dry_run: values.is_on("dry-run"),
        json: json(values),
    }))
}

fn backup(values: &Values) -> Result<Keys, CliError> {
    if let Some(word) = values.positionals().first() {
        return Err(wrong(format!("`sealer keys backup` takes no argument `{word}`; name the file with -o {word}")));
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
        paths,
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
        paths: values.list("in").to_vec(),
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

const HELP: Flag = Flag::new("help", Kind::Switch, "", "Print this text and exit.").without_variable();
const DRY_RUN: Flag =
    Flag::new("dry-run", Kind::Switch, "", "Change nothing; say what would be done.").without_variable();
const JSON: Flag = Flag::new("output", Kind::Words(&["text", "json"]), "text", "Form of the answer: text or json.")
    .short('o')
    .without_variable();
const IN: Flag =
    Flag::new("in", Kind::Repeated, "", "File or folder with SealedSecrets to look at; may be given again.")
        .without_variable();

/// All verbs, in the order of a key's life.
pub(crate) const VERBS: &[KeysVerb] = &[
    KeysVerb {
        name: "list",
        argument: "",
        about: "Show the sealing keys of a cluster, and what still needs each",
        text: "Shows fingerprint, Secret, age, state and recorded backup of every sealing key, and how many sealed items of the cluster and of\n\
`--in PATH` only that key opens. For that it reads the private keys with your own rights; nothing of them or of a value is shown.\n\
Without that right it shows the certificate that the controller serves, and says so.\n",
        own: &[
            HELP,
            IN,
            JSON,
            Flag::new(
                "renew-period",
                Kind::Duration,
                "720h",
                "Age at which the controller makes a new key, as its --key-renew-period says; 0 is never.",
            )
            .without_variable(),
        ],
        read: list,
    },
    KeysVerb {
        name: "rotate",
        argument: "",
        about: "Make a new active sealing key, and wait until the controller serves it",
        text: "Makes a new active sealing key with your own rights, waits until the controller serves its certificate, and prints both\n\
fingerprints. What was sealed before still opens; `--reseal PATH` has files follow at once. It refuses while the newest key has no\n\
recorded backup. A run that was interrupted is gone on with by the next one: no second key is made. In JSON the\n\
rotation is one line and what was sealed anew another.\n",
        own: &[
            Flag::new("diff", Kind::Switch, "", "Print the lines of --reseal that change.").without_variable(),
            DRY_RUN,
            HELP,
            Flag::new("key-prefix", Kind::Text, api::DEFAULT_KEY_PREFIX, "Prefix of the new key Secret's name.")
                .without_variable(),
            Flag::new("key-size", Kind::Integer, "4096", "Bits of the new key.").without_variable(),
            Flag::new("key-ttl", Kind::Duration, "87600h", "Validity of the new certificate.").without_variable(),
            Flag::new("no-backup-check", Kind::Switch, "", "Rotate even if the newest key has no recorded backup.")
                .without_variable(),
            JSON,
            Flag::new(
                "reseal",
                Kind::Repeated,
                "",
                "File or folder to seal anew for the new key afterwards; may be given again.",
            )
            .without_variable(),
            Flag::new(
                "timeout",
                Kind::Duration,
                "60s",
                "How long to wait until the controller serves the new certificate.",
            )
            .without_variable(),
        ],
        read: rotate,
    },
    KeysVerb {
        name: "backup",
        argument: "",
        about: "Write all sealing keys of a cluster into a file that a passphrase protects",
        text: "Writes all sealing keys, retired ones among them, into a new file of mode 0600 (docs/format.md, \"Backup\"), opens it again to prove\n\
it, and only then records the backup on the key Secrets. No file is ever overwritten. `--plain` writes a Secret List without\n\
protection, as `kubectl get -o yaml` does, after a confirmation.\n",
        own: &[
            DRY_RUN,
            Flag::new("format", Kind::Words(&["text", "json"]), "text", "Form of the answer: text or json.")
                .without_variable(),
            HELP,
            Flag::new("no-record", Kind::Switch, "", "Do not mark the key Secrets as backed up.").without_variable(),
            Flag::new("output", Kind::Text, "", "File to write.").short('o').without_variable(),
            key_flags::PASSPHRASE_FILE,
            Flag::new("plain", Kind::Switch, "", "Write a List of Secrets that nothing protects.").without_variable(),
            Flag::new("yes", Kind::Switch, "", "Confirm --plain where no terminal asks.").without_variable(),
        ],
        read: backup,
    },
    KeysVerb {
        name: "restore",
        argument: "FILE...",
        about: "Put the keys of a backup into a cluster",
        text: "Stores the keys of backups (or of key Secrets and Lists of them) in the controller's namespace, before or after the controller's first\n\
start. Keys that are there already stay as they are; a name that another key has is left to it. The newest certificate is the one\n\
that is sealed for.\n",
        own: &[DRY_RUN, HELP, JSON, key_flags::PASSPHRASE_FILE],
        read: restore,
    },
    KeysVerb {
        name: "check",
        argument: "FILE...",
        about: "Prove that the keys of a backup open what is sealed",
        text: "Opens every sealed item of the cluster, or of `--in PATH`, with the keys of the files alone, shows nothing of them, and lists exactly\n\
those that none of the keys opens; then the status is 1. (`--cluster`, here as everywhere, names a cluster of the kubeconfig.)\n",
        own: &[
            HELP,
            IN,
            Flag::new(
                "in-cluster",
                Kind::Switch,
                "",
                "Look at the cluster's SealedSecrets beside those of --in; without --in it does so anyway.",
            )
            .without_variable(),
            JSON,
            key_flags::PASSPHRASE_FILE,
        ],
        read: check,
    },
    KeysVerb {
        name: "retire",
        argument: "FINGERPRINT",
        about: "Take a key out of use that nothing needs any longer",
        text: "Relabels a key Secret so that the controller stops using the key; the Secret stays, for `--undo`. It refuses while an item of the\n\
cluster or of `--in PATH` needs the key, or may need it, and lists them; and for the active key.\n",
        own: &[
            DRY_RUN,
            HELP,
            IN,
            JSON,
            Flag::new("undo", Kind::Switch, "", "Take a retired key into use again.").without_variable(),
        ],
        read: retire,
    },
];
