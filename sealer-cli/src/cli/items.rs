//! `sealer set`, `unset`, `edit`, `view` and `explain` on the command line.

pub(crate) mod manual;

use sealer_core::Scope;
use sealer_go::pflag::{Flag, Kind, Values};

use super::{DIFF, DRY_RUN, FILE, HELP, OUTPUT, Parsed, files, given, parsed};
use crate::compat::TRIM;
use crate::diagnostics::CliError;
use crate::request::Request;
use crate::request::items::{Edit, Explain, Set, Target, Unseal, Unset, View, Writing};
use crate::{key_flags, kubernetes_flags, names, ui};

type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

pub(super) fn set(args: &[String], variable: Variable<'_>) -> Result<Request, CliError> {
    let wrong =
        |message| CliError::command_line(message).hint("printf %s \"$VALUE\" | sealer set sealed.yaml password");
    let values = match parsed("sealer set FILE ITEM", &set_table(), args, variable, wrong)? {
        Parsed::Values(values) => values,
        Parsed::Help(text) => return Ok(Request::Print(text)),
    };
    let [file, item] = words(&values, "set", "a file and the name of an item").map_err(wrong)?;
    Ok(Request::Set(Box::new(Set {
        target: target(file, &values).map_err(wrong)?,
        item,
        from_file: given(&values, "from-file").filter(|path| path != ui::STREAM),
        trim: values.is_on("trim"),
        keep_unchanged: values.is_on("keep-unchanged"),
        allow_in_clear: values.is_on("allow-plaintext-annotations"),
        allow_encrypted: values.is_on("allow-encrypted-values"),
        keys: key_flags::sources(&values),
        certificate: given(&values, "cert"),
        writing: writing(&values),
        cluster: kubernetes_flags::choice(&values),
    })))
}

pub(super) fn unset(args: &[String], variable: Variable<'_>) -> Result<Request, CliError> {
    let wrong = |message| CliError::command_line(message).hint("sealer unset sealed.yaml password");
    let values = match parsed("sealer unset FILE ITEM", &unset_table(), args, variable, wrong)? {
        Parsed::Values(values) => values,
        Parsed::Help(text) => return Ok(Request::Print(text)),
    };
    let [file, item] = words(&values, "unset", "a file and the name of an item").map_err(wrong)?;
    Ok(Request::Unset(Unset { target: target(file, &values).map_err(wrong)?, item, writing: writing(&values) }))
}

pub(super) fn edit(args: &[String], variable: Variable<'_>) -> Result<Request, CliError> {
    let wrong = |message| CliError::command_line(message).hint("sealer edit sealed.yaml");
    let values = match parsed("sealer edit FILE", &edit_table(), args, variable, wrong)? {
        Parsed::Values(values) => values,
        Parsed::Help(text) => return Ok(Request::Print(text)),
    };
    let [file] = words(&values, "edit", "a file").map_err(wrong)?;
    let set = |name: &str| variable(name).filter(|text| !text.trim().is_empty());
    let folders =
        [Some("/dev/shm".to_owned()), set("XDG_RUNTIME_DIR"), Some(set("TMPDIR").unwrap_or_else(|| "/tmp".to_owned()))];
    Ok(Request::Edit(Box::new(Edit {
        target: target(file, &values).map_err(wrong)?,
        keys: key_flags::sources(&values),
        certificate: given(&values, "cert"),
        writing: writing(&values),
        cluster: kubernetes_flags::choice(&values),
        editor: set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".to_owned()),
        folders: folders.into_iter().flatten().collect(),
    })))
}

pub(super) fn unseal(args: &[String], variable: Variable<'_>) -> Result<Request, CliError> {
    let wrong = |message| CliError::command_line(message).hint(UNSEAL_EXAMPLE);
    let values = match parsed("sealer unseal", &unseal_table(), args, variable, wrong)? {
        Parsed::Values(values) => values,
        Parsed::Help(text) => return Ok(Request::Print(text)),
    };
    if !values.is_on("raw") {
        return Err(wrong("`sealer unseal` opens one sealed value, and --raw says so".to_owned())
            .hint("a whole SealedSecret: sealer --recovery-unseal --recovery-private-key key.pem -f sealed.yaml"));
    }
    let file = match files(&values).as_slice() {
        [] => None,
        [file] => Some(file.clone()).filter(|file| file != ui::STREAM),
        [_, more, ..] => {
            return Err(wrong(format!(
                "`sealer unseal` reads one file, or standard input, and {}",
                names::surplus(more)
            )));
        }
    };
    let keys = key_flags::sources(&values);
    if keys.is_empty() {
        return Err(wrong("`sealer unseal` needs a private key: --private-key FILE, or --backup FILE".to_owned()));
    }
    if file.is_none() && keys.files.iter().any(|key| key == ui::STREAM) {
        return Err(wrong("standard input is the sealed value; the private key is to be a file".to_owned()));
    }
    let scope = values.text("scope").parse().unwrap_or(Scope::Strict);
    let text = |flag: &str, is_needed: bool| match values.text(flag) {
        "" if is_needed => Err(wrong(format!("must provide the --{flag} flag with --raw and --scope {scope}"))),
        text => Ok(text.to_owned()),
    };
    let namespace = text("namespace", scope.binds_namespace())?;
    let name = text("name", scope.binds_name())?;
    Ok(Request::Unseal(Unseal { file, keys, scope, namespace, name }))
}

pub(super) fn view(args: &[String], variable: Variable<'_>) -> Result<Request, CliError> {
    let wrong = |message| CliError::command_line(message).hint("sealer view sealed.yaml");
    let values = match parsed("sealer view FILE", &view_table(), args, variable, wrong)? {
        Parsed::Values(values) => values,
        Parsed::Help(text) => return Ok(Request::Print(text)),
    };
    let [file] = words(&values, "view", "a file").map_err(wrong)?;
    Ok(Request::View(View { file, keys: key_flags::sources(&values), json: values.text("output") == "json" }))
}

pub(super) fn explain(args: &[String], variable: Variable<'_>) -> Result<Request, CliError> {
    let wrong = |message| CliError::command_line(message).hint("sealer explain --private-key keys.yaml sealed.yaml");
    let values = match parsed("sealer explain FILE", &explain_table(), args, variable, wrong)? {
        Parsed::Values(values) => values,
        Parsed::Help(text) => return Ok(Request::Print(text)),
    };
    let [file] = words(&values, "explain", "a file").map_err(wrong)?;
    Ok(Request::Explain(Box::new(Explain {
        file,
        keys: key_flags::sources(&values),
        certificate: given(&values, "cert"),
        json: values.text("output") == "json",
        cluster: kubernetes_flags::choice(&values),
    })))
}

/// Exactly so many words.
fn words<const COUNT: usize>(values: &Values, verb: &str, wanted: &str) -> Result<[String; COUNT], String> {
    let words = files(values);
    words.try_into().map_err(|words: Vec<String>| {
        let more = words.get(COUNT).map(|word| format!(", and {}", names::surplus(word))).unwrap_or_default();
        format!("`sealer {verb}` needs {wanted}{more}")
    })
}

fn target(file: String, values: &Values) -> Result<Target, String> {
    let document = match given(values, "document") {
        None => None,
        Some(number) => Some(
            usize::try_from(values.integer("document"))
                .ok()
                .filter(|number| *number > 0)
                .ok_or_else(|| format!("--document {number} is no document; they are counted from 1"))?,
        ),
    };
    // A variable says where to seal for, not which one is meant.
    let namespace = given(values, "namespace").filter(|_| values.was_given("namespace"));
    Ok(Target { file, document, name: given(values, "name"), namespace })
}

fn writing(values: &Values) -> Writing {
    Writing { dry_run: values.is_on("dry-run"), diff: values.is_on("diff") }
}

/// The flags of `sealer set`.
pub(crate) fn set_table() -> Vec<Flag> {
    table(&[
        &[
            ALLOW_ENCRYPTED,
            ALLOW_IN_CLEAR,
            CERTIFICATE,
            DIFF,
            DOCUMENT,
            DRY_RUN,
            FILE,
            FROM_FILE,
            HELP,
            KEEP,
            NAME,
            TRIM,
        ],
        key_flags::TABLE,
        kubernetes_flags::TABLE,
    ])
}

/// The flags of `sealer unset`.
pub(crate) fn unset_table() -> Vec<Flag> {
    table(&[&[DIFF, DOCUMENT, DRY_RUN, FILE, HELP, NAME, NAMESPACE]])
}

/// The flags of `sealer edit`.
pub(crate) fn edit_table() -> Vec<Flag> {
    table(&[&[CERTIFICATE, DIFF, DOCUMENT, DRY_RUN, FILE, HELP, NAME], key_flags::TABLE, kubernetes_flags::TABLE])
}

/// The flags of `sealer unseal`.
pub(crate) fn unseal_table() -> Vec<Flag> {
    table(&[&[FILE, HELP, BOUND_NAME, BOUND_NAMESPACE, RAW, BOUND_SCOPE], key_flags::TABLE])
}

/// The flags of `sealer view`.
pub(crate) fn view_table() -> Vec<Flag> {
    table(&[&[FILE, HELP, OUTPUT], key_flags::TABLE])
}

/// The flags of `sealer explain`.
pub(crate) fn explain_table() -> Vec<Flag> {
    table(&[&[SEALED_WITH, FILE, HELP, OUTPUT], key_flags::TABLE, kubernetes_flags::TABLE])
}

fn table(parts: &[&[Flag]]) -> Vec<Flag> {
    parts.concat()
}

const ALLOW_ENCRYPTED: Flag =
    Flag::new("allow-encrypted-values", Kind::Switch, "", "Seal the value although another tool encrypted it.")
        .without_variable();
const ALLOW_IN_CLEAR: Flag = Flag::new(
    "allow-plaintext-annotations",
    Kind::Switch,
    "",
    "Seal the value although it stands in an annotation of the file in clear text.",
)
.without_variable();
const CERTIFICATE: Flag =
    Flag::new("cert", Kind::Text, "", "Certificate to seal with, a file or a URL, instead of the cluster's.");
const DOCUMENT: Flag = Flag::new(
    "document",
    Kind::Integer,
    "",
    "Which document of the file, counted from 1, if it holds several SealedSecrets.",
)
.without_variable();
const FROM_FILE: Flag =
    Flag::new("from-file", Kind::Text, "", "File with the value, byte for byte, instead of standard input.")
        .without_variable();
const KEEP: Flag = Flag::new(
    "keep-unchanged",
    Kind::Switch,
    "",
    "Leave the sealed value if it is of the same value: as private keys at hand say, or the Secret in the cluster.",
)
.without_variable();
const NAME: Flag =
    Flag::new("name", Kind::Text, "", "Name of the SealedSecret, if the file holds several.").without_variable();
const NAMESPACE: Flag =
    Flag::new("namespace", Kind::Text, "", "Namespace of the SealedSecret, if the file holds several.")
        .short('n')
        .without_variable();
const BOUND_NAME: Flag =
    Flag::new("name", Kind::Text, "", "Name of the Secret that the value was sealed for.").without_variable();
const BOUND_NAMESPACE: Flag =
    Flag::new("namespace", Kind::Text, "", "Namespace that the value was sealed for.").short('n');
const BOUND_SCOPE: Flag = Flag::new(
    "scope",
    Kind::Words(&Scope::WORDS),
    "strict",
    "Scope that the value was sealed for: strict, namespace-wide or cluster-wide.",
);
const RAW: Flag = Flag::new("raw", Kind::Switch, "", "The input is one sealed value, and the output is the value.")
    .without_variable();
const UNSEAL_EXAMPLE: &str = "sealer unseal --raw --private-key key.pem --namespace shop --name db < sealed-value";
const SEALED_WITH: Flag = Flag::new(
    "cert",
    Kind::Text,
    "",
    "Certificate that the values were sealed with, to see whether it is the right one.",
)
.without_variable();
