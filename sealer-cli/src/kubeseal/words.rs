//! Words that no command takes: each is answered with what it looks like.

use std::fs;
use std::path::Path;

use sealer_go::pflag::{Flag, Kind, Values};

use crate::args::files::{EMPTY, UNSET};
use crate::args::meant::{is_truth, truth};
use crate::commands;
use crate::names;
use crate::request::Word;
use crate::spelling::nearest;

/// What the command line is about besides the word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around<'a> {
    /// All of it.
    pub(crate) args: &'a [String],
    /// Whether one value is sealed, not Secrets.
    pub(crate) is_raw: bool,
    /// Whether a certificate is named.
    pub(crate) has_certificate: bool,
    /// Whether a file to read is named.
    pub(crate) has_input: bool,
}

/// What a word looks like. Standard input, which `-` names, is what is read anyway.
pub(crate) fn answer(word: &str, around: Around<'_>) -> Option<Word> {
    if word == "-" {
        return None;
    }
    if word.is_empty() {
        return Some(Word { message: EMPTY.to_owned(), hint: UNSET.to_owned() });
    }
    let shown = word.escape_debug();
    let stray = || format!("no command takes the word `{shown}`");
    let (message, hint) = if let Some(meant) = behind_a_flag(word, around.args) {
        (format!("no command takes the word `{}`", names::name(word)), format!("did you mean {meant}?"))
    } else if let Some(meant) = of_a_file(word, around) {
        (stray(), meant)
    } else if let Some(meant) = command(word) {
        (format!("there is no command `{shown}`"), meant)
    } else if names::is_file_name(word) {
        (stray(), format!("there is no file of that name; a file is read with -f {shown}"))
    } else {
        // It may be a value, and what is said here goes into logs.
        let place = around.args.iter().position(|arg| arg == word).map_or(0, |at| at + 1);
        let hint = "a value is piped in, never written there; `sealer --help` lists the commands and flags";
        (format!("no command takes word {place} of the command line, which is not shown"), hint.to_owned())
    };
    Some(Word { message, hint })
}

/// The flags that were given an empty text, which counts as none.
pub(crate) fn empty_flags(values: &Values, table: &[Flag]) -> Vec<Word> {
    let takes_text = |flag: &&Flag| matches!(flag.kind, Kind::Text | Kind::Words(_));
    let is_empty = |flag: &&Flag| values.was_given(flag.name) && values.text(flag.name).is_empty();
    let told =
        |flag: &Flag| Word { message: format!("--{} was given an empty text", flag.name), hint: UNSET.to_owned() };
    table.iter().filter(takes_text).filter(is_empty).map(told).collect()
}

/// The flags for one file that were given several: all but the last would be passed over.
pub(crate) fn repeated_files(values: &Values) -> Vec<Word> {
    let told = |(flag, hint): &(&str, &str)| Word {
        message: format!("--{flag} was given several times, and only the last one would count"),
        hint: (*hint).to_owned(),
    };
    ONE_FILE.iter().filter(|(flag, _)| values.times(flag) > 1).map(told).collect()
}

/// `--raw false`, where Go wants `--raw=false`, and `-format yaml`, where a name has two dashes.
fn behind_a_flag(word: &str, args: &[String]) -> Option<String> {
    let mut pairs = args.iter().zip(args.iter().skip(1)).filter(|(_, next)| *next == word);
    pairs.find_map(|(flag, _)| {
        if let Some(name) = flag.strip_prefix("--").filter(|name| !name.is_empty() && !name.contains('=')) {
            return is_truth(word).then(|| format!("--{name}={}", truth(word)));
        }
        let name = flag.strip_prefix('-').filter(|name| name.len() > 2 && !name.contains('='))?;
        LONG_NAMES.contains(&name).then(|| format!("--{name} {}", names::name(word)))
    })
}

fn of_a_file(word: &str, around: Around<'_>) -> Option<String> {
    let shown = word.escape_debug();
    let found = fs::metadata(word).ok()?;
    // A folder may have the name of a command.
    if found.is_dir() {
        let is_command = command(word).is_some() && !word.contains('/');
        return (!is_command).then(|| format!("it is a folder; did you mean `sealer reseal {shown}`?"));
    }
    let ending = Path::new(word).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if CERTIFICATES.iter().any(|known| ending.eq_ignore_ascii_case(known)) && !around.has_certificate {
        return Some(format!("it is a file; did you mean --cert {shown}?"));
    }
    if around.has_input {
        return Some(
            "it is a file, and one is read already; documents of several are joined with `---` between them".to_owned(),
        );
    }
    let flag = if around.is_raw { "--from-file" } else { "-f" };
    Some(format!("it is a file; did you mean {flag} {shown}?"))
}

/// The command that a word is near to, or the flag that does what commands do elsewhere.
fn command(word: &str) -> Option<String> {
    let lower = word.to_lowercase();
    if commands::names().any(|name| name == word) {
        return Some(format!("commands stand before all flags; did you mean `sealer {word} …`?"));
    }
    if SEALING.contains(&lower.as_str()) {
        return Some("did you mean `sealer -f secret.yaml -w sealed.yaml`? sealing needs no command".to_owned());
    }
    if OPENING.contains(&lower.as_str()) {
        return Some(
            "did you mean `sealer --recovery-unseal --recovery-private-key FILE`, or for one value `sealer unseal --raw`?"
                .to_owned(),
        );
    }
    let of_others = OF_OTHERS.iter().find(|(known, _)| *known == lower).map(|(_, meant)| (*meant).to_owned());
    let of_keys = || commands::keys_names().find(|name| *name == lower).map(|name| format!("keys {name}"));
    let near = || nearest(&lower, commands::names()).map(str::to_owned);
    let flag = || nearest(&lower, MODES).map(|flag| format!("--{flag}"));
    let meant = of_others.or_else(of_keys).or_else(near).or_else(flag)?;
    Some(format!("did you mean `sealer {meant}`?"))
}

/// Flags that name one file.
const ONE_FILE: [(&str, &str); 3] = [
    ("secret-file", "documents of several files are joined with `---` between them and piped in"),
    ("sealed-secret-file", "one file is written; copy it"),
    ("merge-into", "one file is merged into at a time"),
];
/// Commands that other tools have for what this program does without one.
const SEALING: [&str; 5] = ["encrypt", "create", "convert", "apply", "secret"];
const OPENING: [&str; 3] = ["decrypt", "open", "recover"];
/// Commands of other tools for what one does here.
const OF_OTHERS: [(&str, &str); 15] = [
    ("get", "view"),
    ("show", "view"),
    ("cat", "view"),
    ("inspect", "view"),
    ("describe", "view"),
    ("list", "keys list"),
    ("ls", "keys list"),
    ("add", "set"),
    ("update", "set"),
    ("delete", "unset"),
    ("remove", "unset"),
    ("rm", "unset"),
    ("diagnose", "explain"),
    ("debug", "explain"),
    ("why", "explain"),
];
/// Flags that others have as commands.
const MODES: [&str; 8] =
    ["help", "version", "validate", "fetch-cert", "re-encrypt", "merge-into", "recovery-unseal", "raw"];
/// Names that are written with one dash by mistake.
const LONG_NAMES: [&str; 11] = [
    "format",
    "cert",
    "name",
    "namespace",
    "scope",
    "raw",
    "from-file",
    "kubeconfig",
    "context",
    "secret-file",
    "sealed-secret-file",
];
const CERTIFICATES: [&str; 4] = ["pem", "crt", "cer", "cert"];

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    fn told(line: &str, word: &str) -> String {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let has = |flag: &str| args.iter().any(|arg| arg == flag);
        let around = Around { args: &args, is_raw: has("--raw"), has_certificate: has("--cert"), has_input: has("-f") };
        answer(word, around).map(|word| word.told()).unwrap_or_default()
    }

    #[test]
    fn a_word_is_answered_with_what_it_looks_like() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.yaml");
        fs::write(&file, "kind: Secret\n").unwrap();
        let certificate = folder.path().join("cert.pem");
        fs::write(&certificate, "").unwrap();
        let (file, folder) = (file.to_str().unwrap(), folder.path().to_str().unwrap());
        let certificate = certificate.to_str().unwrap();
        for (line, word, wanted) in [
            (file, file, format!("did you mean -f {file}?")),
            ("--raw", file, format!("did you mean --from-file {file}?")),
            ("-f a", file, "one is read already".to_owned()),
            ("", certificate, format!("did you mean --cert {certificate}?")),
            ("--cert a", certificate, format!("did you mean -f {certificate}?")),
            ("", folder, format!("did you mean `sealer reseal {folder}`?")),
            ("reseel x", "reseel", "there is no command `reseel`; did you mean `sealer reseal`?".to_owned()),
            ("Keys list", "Keys", "there is no command `Keys`; did you mean `sealer keys`?".to_owned()),
            ("get", "get", "did you mean `sealer view`?".to_owned()),
            ("backup -o x", "backup", "did you mean `sealer keys backup`?".to_owned()),
            ("--cert c view", "view", "commands stand before all flags".to_owned()),
            ("help", "help", "did you mean `sealer --help`?".to_owned()),
            ("validat", "validat", "did you mean `sealer --validate`?".to_owned()),
            ("encrypt", "encrypt", "did you mean `sealer -f secret.yaml".to_owned()),
            ("--raw false", "false", "did you mean --raw=false?".to_owned()),
            ("--raw no", "no", "did you mean --raw=false?".to_owned()),
            ("--raw off", "off", "did you mean --raw=false?".to_owned()),
            ("", "", "an argument is empty; a variable in the command line may be unset".to_owned()),
            ("-format yaml", "yaml", "did you mean --format yaml?".to_owned()),
            ("", "missing.yaml", "there is no file of that name".to_owned()),
            ("", "thing", "`sealer --help` lists".to_owned()),
            (
                "--raw hunter2",
                "hunter2",
                "no command takes word 2 of the command line, which is not shown; a value is piped in".to_owned(),
            ),
            ("", "-", String::new()),
        ] {
            let told = told(line, word);
            assert!(!told.contains("hunter2") && !told.contains("thing"), "{told}");
            assert!(told.contains(&wanted) && told.is_empty() == wanted.is_empty(), "{line} {word}: {told}");
        }
    }
}
