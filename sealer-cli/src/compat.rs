//! The surface without verbs: every flag, variable and precedence rule that existing scripts rely on.

use std::fs;

use sealer_core::Scope;
use sealer_go::pflag::{self, Flag, FlagError, Kind, Values};

use crate::cli::words::{self, Around, Word};
use crate::cluster::Choice;
use crate::diagnostics::CliError;
use crate::key_files::KeySources;
use crate::request::{Compat, Mode, RawValue, Request, ScopeChoice};
use crate::{cli, key_flags, kubernetes_flags, names, ui};

/// Reads flags and environment.
pub(crate) fn read(
    program: &str,
    args: &[String],
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Request, CliError> {
    let table = table();
    let (preset, bad) = pflag::from_environment(&table, variable);
    let values = pflag::parse(&table, preset, args).map_err(|error| match error {
        FlagError::Help => CliError::help(program, usage(&table)),
        error => {
            let told = names::flag_error(error.clone(), &table).to_string();
            let usage = CliError::usage(program, usage(&table), told);
            words::meant_flag(&error, &table).into_iter().fold(usage, CliError::hint)
        }
    })?;
    if values.is_on("version") {
        return Ok(Request::Print(format!("{program} version: {}\n", env!("CARGO_PKG_VERSION"))));
    }
    if values.is_on("help") {
        let text = format!("Usage of {program}:\n{}", usage(&table));
        return Ok(Request::Usage { text, verbs: cli::has_verbs(program) });
    }
    // A scope that is silently another one seals for the wrong reader.
    if let Some(bad) = bad.iter().find(|bad| bad.flag == "scope" && !values.was_given("scope")) {
        return Err(CliError::new(bad.to_string()));
    }
    let has_old_name = !cli::has_verbs(program);
    let words = words(&values, args);
    // Scripts that call the program by the old name were never refused for a word.
    if let Some(word) = words.first().filter(|_| !has_old_name) {
        return Err(word.refused());
    }
    let words = [words, words::empty_flags(&values, &table)].concat();
    compat(&values, has_old_name, words, variable)
}

/// The words that belong to no flag, with what they look like.
fn words(values: &Values, args: &[String]) -> Vec<Word> {
    let has = |flag: &str| !values.text(flag).is_empty();
    let around = Around {
        args,
        is_raw: values.is_on("raw"),
        has_certificate: has("cert"),
        has_input: has("secret-file") || !values.list("from-file").is_empty(),
    };
    values.positionals().iter().filter_map(|word| words::answer(word, around)).collect()
}

fn compat(
    values: &Values,
    has_old_name: bool,
    words: Vec<Word>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Request, CliError> {
    let text = |name: &str| Some(values.text(name).to_owned()).filter(|text| !text.is_empty());
    let input = text("secret-file").filter(|path| !is_stream(path));
    let mode = mode(values, input.as_deref(), has_old_name)?;
    let in_place = matches!(mode, Mode::ReEncrypt) && text("sealed-secret-file").is_none();
    let output = if in_place { input.clone() } else { text("sealed-secret-file") };
    let kept = kept(values, &mode, output.as_deref())?;
    let ignores_keys = !values.list("recovery-private-key").is_empty() && !matches!(mode, Mode::Unseal { .. });
    let deprecated = values.was_given("rotate");
    let warnings = deprecated.then(|| "Flag --rotate has been deprecated, please use --re-encrypt instead".to_owned());
    let reads_stdin = match &mode {
        Mode::FetchCertificate => false,
        Mode::Raw { value } => !matches!(value, RawValue::File(_) | RawValue::Given { .. }),
        _ => input.is_none(),
    };
    Ok(Request::Compat(Box::new(Compat {
        mode,
        cluster: Choice { reads_stdin, ..kubernetes_flags::choice(values) },
        certificate: text("cert"),
        input,
        output,
        format: values.text("format").to_owned(),
        is_format_named: values.was_given("format") || variable("SEALED_SECRETS_FORMAT").is_some(),
        name: values.text("name").to_owned(),
        scope: scope(values, variable),
        allow_empty_data: values.is_on("allow-empty-data"),
        allow_encrypted_values: values.is_on("allow-encrypted-values") || has_old_name,
        kept,
        allow_plaintext_annotations: values.is_on("allow-plaintext-annotations"),
        // Nor were they for a field.
        allow_unknown_fields: values.is_on("allow-unknown-fields") || has_old_name,
        trim: values.is_on("trim"),
        has_old_name,
        warnings: warnings.into_iter().collect(),
        ignores_keys,
        words,
    })))
}

/// The empty text names no scope.
fn scope(values: &Values, variable: &dyn Fn(&str) -> Option<String>) -> ScopeChoice {
    let is_named = values.was_given("scope") || variable("SEALED_SECRETS_SCOPE").is_some();
    match values.text("scope").parse() {
        Ok(scope) if is_named => ScopeChoice::Named(scope),
        _ => ScopeChoice::Annotations,
    }
}

/// What tells which values are unchanged, if that is asked for. There has to be a file that was sealed before.
fn kept(values: &Values, mode: &Mode, output: Option<&str>) -> Result<Option<KeySources>, CliError> {
    if !values.is_on("keep-unchanged") {
        return Ok(None);
    }
    if matches!((mode, output), (Mode::MergeInto { .. }, _) | (Mode::Seal, Some(_))) {
        return Ok(Some(key_flags::sources(values)));
    }
    Err(CliError::new("--keep-unchanged needs the file that was sealed before")
        .hint("name it with -w FILE, which is written anew, or with --merge-into FILE"))
}

/// The first mode in this order wins; the others are passed over.
fn mode(values: &Values, input: Option<&str>, has_old_name: bool) -> Result<Mode, CliError> {
    let files = values.list("from-file");
    if !files.is_empty() && !values.is_on("raw") {
        return Err(CliError::new("--from-file requires --raw"));
    }
    if values.is_on("trim") && !values.is_on("raw") {
        return Err(CliError::new("--trim requires --raw").hint("the items of a Secret are sealed as they stand there"));
    }
    if values.is_on("recovery-unseal") {
        return Ok(Mode::Unseal { key_files: values.list("recovery-private-key").to_vec() });
    }
    if values.is_on("validate") {
        return Ok(Mode::Validate);
    }
    if values.is_on("re-encrypt") || values.is_on("rotate") {
        return Ok(Mode::ReEncrypt);
    }
    if values.is_on("fetch-cert") {
        return Ok(Mode::FetchCertificate);
    }
    if !values.text("merge-into").is_empty() {
        return Ok(Mode::MergeInto { path: values.text("merge-into").to_owned() });
    }
    if !values.is_on("raw") {
        return Ok(Mode::Seal);
    }
    match (files, input.map(str::to_owned)) {
        ([], None) => Ok(Mode::Raw { value: RawValue::Stdin }),
        ([], Some(path)) if has_old_name => Ok(Mode::Raw { value: RawValue::PipedOr(path) }),
        ([], Some(path)) => Ok(Mode::Raw { value: RawValue::File(path) }),
        ([one], _) if is_stream(&path_of(one)) => Ok(Mode::Raw { value: RawValue::Stdin }),
        ([one], _) => Ok(Mode::Raw { value: RawValue::Given { path: path_of(one), is_pair: one.contains('=') } }),
        _ => Err(CliError::new("must provide only one --from-file when encrypting a single item with --raw")),
    }
}

/// `-`, as everywhere else, unless a file has that name.
fn is_stream(path: &str) -> bool {
    path == ui::STREAM && fs::metadata(path).is_err()
}

/// `key=path`: the key is passed over, since raw output names none.
fn path_of(value: &str) -> String {
    value.split_once('=').map_or(value, |(_, path)| path).to_owned()
}

/// All flags of the surface without verbs, by name.
pub(crate) fn table() -> Vec<Flag> {
    let mut table: Vec<Flag> =
        OWN.iter().chain(key_flags::TABLE).chain(kubernetes_flags::TABLE).chain(KLOG).copied().collect();
    table.sort_by_key(|flag| flag.name);
    table
}

/// One line a flag, in the layout of pflag.
fn usage(table: &[Flag]) -> String {
    let head = |flag: &Flag| {
        let short = flag.short.map_or_else(|| "      ".to_owned(), |short| format!("  -{short}, "));
        format!("{short}--{}{}", flag.name, type_word(flag.kind))
    };
    let shown: Vec<&Flag> = table.iter().filter(|flag| !flag.help.is_empty()).collect();
    let width = shown.iter().map(|flag| head(flag).len()).max().unwrap_or_default() + 3;
    let line = |flag: &&Flag| format!("{:<width$}{}{}\n", head(flag), flag.help, default_note(flag));
    shown.iter().map(line).collect()
}

fn type_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Switch => "",
        Kind::Text | Kind::Words(_) | Kind::SourceLine | Kind::Levels => " string",
        Kind::Integer => " int",
        Kind::Number => " float",
        Kind::Duration => " duration",
        Kind::List => " strings",
        Kind::Repeated => " stringArray",
    }
}

fn default_note(flag: &Flag) -> String {
    match flag.kind {
        _ if flag.default.is_empty() || flag.default == "false" => String::new(),
        Kind::Text | Kind::Words(_) | Kind::SourceLine | Kind::Levels => format!(" (default {:?})", flag.default),
        Kind::Integer if flag.default == "0" => String::new(),
        _ => format!(" (default {})", flag.default),
    }
}

/// The row of commands that take one value.
pub(crate) const TRIM: Flag = Flag::new(
    "trim",
    Kind::Switch,
    "",
    "Of the value, leave out a byte order mark at its beginning and line ends at its end; UTF-16 becomes UTF-8.",
)
.without_variable();

const OWN: &[Flag] = &[
    Flag::new("allow-empty-data", Kind::Switch, "", "Seal Secrets without any item."),
    Flag::new(
        "allow-encrypted-values",
        Kind::Switch,
        "",
        "Seal although another tool, such as SOPS, encrypted a value; it is sealed as it stands.",
    ),
    Flag::new(
        "allow-plaintext-annotations",
        Kind::Switch,
        "",
        "Seal although a value stands in clear text in an annotation.",
    ),
    Flag::new(
        "allow-unknown-fields",
        Kind::Switch,
        "",
        "Seal although the input has fields that no Secret has, or two values of one name; they are left out.",
    ),
    Flag::new("cert", Kind::Text, "", "File or URL of the certificate to seal with, instead of the cluster's."),
    Flag::new("fetch-cert", Kind::Switch, "", "Write the certificate that would be sealed with, and stop."),
    Flag::new("format", Kind::Text, "json", "Format of the output: json or yaml.").short('o'),
    Flag::new("from-file", Kind::List, "", "With --raw: the file with the value, as path or key=path."),
    Flag::new("help", Kind::Switch, "", "Print this text and exit."),
    Flag::new(
        "keep-unchanged",
        Kind::Switch,
        "",
        "With -w or --merge-into: leave sealed values of that file that are of the same value, as private keys at hand say, or the \
         Secret in the cluster.",
    )
    .without_variable(),
    Flag::new("merge-into", Kind::Text, "", "Add the sealed items to this file."),
    Flag::new("name", Kind::Text, "", "Name of the Secret."),
    Flag::new("raw", Kind::Switch, "", "Seal one value and write nothing but the sealed value."),
    Flag::new("re-encrypt", Kind::Switch, "", "Have the controller seal the input anew under its newest key."),
    Flag::new("recovery-private-key", Kind::List, "", "With --recovery-unseal: files with private keys."),
    Flag::new("recovery-unseal", Kind::Switch, "", "Open a SealedSecret with private keys at hand."),
    Flag::new("rotate", Kind::Switch, "", ""),
    Flag::new(
        "scope",
        Kind::Words(&Scope::WORDS),
        "strict",
        "Who may open the values: strict, namespace-wide or cluster-wide.",
    ),
    Flag::new("sealed-secret-file", Kind::Text, "", "File to write instead of standard output.").short('w'),
    Flag::new("secret-file", Kind::Text, "", "File to read instead of standard input.").short('f'),
    TRIM,
    Flag::new("validate", Kind::Switch, "", "Ask the controller whether the input opens."),
    Flag::new("version", Kind::Switch, "", "Print the version and exit."),
];

/// Flags of a logging library that existing scripts pass; they change nothing here.
const KLOG: &[Flag] = &[
    Flag::new("add_dir_header", Kind::Switch, "", "Accepted for compatibility.").without_variable(),
    Flag::new("alsologtostderr", Kind::Switch, "", "Accepted for compatibility.").without_variable(),
    Flag::new("alsologtostderrthreshold", Kind::Text, "", "Accepted for compatibility.").without_variable(),
    Flag::new("legacy_stderr_threshold_behavior", Kind::Switch, "true", "Accepted for compatibility.")
        .without_variable(),
    Flag::new("log_backtrace_at", Kind::SourceLine, ":0", "Accepted for compatibility.").without_variable(),
    Flag::new("log_dir", Kind::Text, "", "Accepted for compatibility.").without_variable(),
    Flag::new("log_file", Kind::Text, "", "Accepted for compatibility.").without_variable(),
    Flag::new("log_file_max_size", Kind::Integer, "1800", "Accepted for compatibility.").without_variable(),
    Flag::new("logtostderr", Kind::Switch, "true", "Accepted for compatibility.").without_variable(),
    Flag::new("one_output", Kind::Switch, "", "Accepted for compatibility.").without_variable(),
    Flag::new("skip_headers", Kind::Switch, "", "Accepted for compatibility.").without_variable(),
    Flag::new("skip_log_headers", Kind::Switch, "", "Accepted for compatibility.").without_variable(),
    Flag::new("stderrthreshold", Kind::Text, "2", "Accepted for compatibility.").without_variable(),
    Flag::new("vmodule", Kind::Levels, "", "Accepted for compatibility.").without_variable(),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_of_a_command_line_shows_when_it_is_debugged() {
        let flags = ["--token", "--password", "--client-key", "--as"];
        let words: Vec<String> = flags.iter().map(|flag| format!("{flag}=correct-horse")).collect();
        let request = read("sealer", &words, &|_| None).map(|request| format!("{request:?}"));
        let shown = request.unwrap_or_else(|error| format!("correct-horse {error:?}"));
        assert!(shown.contains("Choice(") && !shown.contains("correct-horse"), "{shown}");
    }
}
