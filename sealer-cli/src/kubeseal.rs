//! The surface of `kubeseal`, which `sealer` has without a verb: every flag, variable and precedence rule that existing scripts
//! rely on.

mod flags;
mod run;
pub(crate) mod words;

use std::fs;

use sealer_go::pflag::{self, BadVariable, FlagError, Values};

use crate::args::{UNFIT, Variable, cluster, keys, meant, unfit};
use crate::cluster::Choice;
use crate::diagnostics::CliError;
use crate::key_files::KeySources;
use crate::request::{Compat, Mode, RawValue, ScopeChoice, Word};
use crate::{names, ui};

pub(crate) use flags::table;
use flags::{is_switch, shown, usage};
pub(crate) use run::run;
use words::Around;

/// What a command line of this surface asks for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// The version.
    Version(String),
    /// How it is used.
    Usage(String),
    /// Something to be done.
    Command(Box<Compat>),
}

/// Whether a program of that name is called by scripts of the other one: it has no verbs, and passes over every word.
pub(crate) fn is_old_name(program: &str) -> bool {
    program.starts_with("kubeseal")
}

/// Reads flags and environment.
pub(crate) fn read(program: &str, args: &[String], variable: Variable<'_>) -> Result<Asked, CliError> {
    let table = table();
    let (preset, bad) = pflag::from_environment(&table, variable);
    let values = pflag::parse(&table, preset, args).map_err(|error| match error {
        FlagError::Help => CliError::help(program, usage(&table)),
        error => {
            let told = names::flag_error(error.clone(), |flag| is_switch(&table, flag)).to_string();
            let usage = CliError::usage(program, usage(&table), told);
            meant::meant_flag(&error, shown(&table)).into_iter().fold(usage, CliError::hint)
        }
    })?;
    if values.is_on("version") {
        return Ok(Asked::Version(format!("{program} version: {}\n", env!("CARGO_PKG_VERSION"))));
    }
    if values.is_on("help") {
        return Ok(Asked::Usage(format!("Usage of {program}:\n{}", usage(&table))));
    }
    let has_old_name = is_old_name(program);
    // A scope that is silently another one seals for the wrong reader. Under the old name all others were passed over.
    let counts = |bad: &&BadVariable| bad.flag == "scope" || !has_old_name;
    if let Some(bad) = bad.iter().filter(counts).find(|bad| !values.was_given(bad.flag)) {
        let value = variable(&bad.variable).unwrap_or_default();
        return Err(CliError::new(unfit(&bad.variable, &format!("--{}", bad.flag), &bad.reason, &value)).hint(UNFIT));
    }
    let words = words(&values, args);
    // Scripts that call the program by the old name were never refused for a word.
    if let Some(word) = words.first().filter(|_| !has_old_name) {
        return Err(word.refused());
    }
    let repeated = words::repeated_files(&values);
    if let Some(word) = repeated.first().filter(|_| !has_old_name) {
        return Err(word.refused());
    }
    let words = [words, words::empty_flags(&values, &table), repeated].concat();
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

fn compat(values: &Values, has_old_name: bool, words: Vec<Word>, variable: Variable<'_>) -> Result<Asked, CliError> {
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
    Ok(Asked::Command(Box::new(Compat {
        mode,
        cluster: Choice { reads_stdin, ..cluster::chosen(values) },
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
fn scope(values: &Values, variable: Variable<'_>) -> ScopeChoice {
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
        return Ok(Some(keys::sources(values)));
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
