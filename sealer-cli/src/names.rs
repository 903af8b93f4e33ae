//! Names and words of users as messages show them: a name up to where a value may begin, and of other words those alone whose
//! form is known. What is told goes into logs, and people write values in the place of names.

use std::fs;
use std::path::Path;

use sealer_core::error::NameError;
use sealer_go::pflag::FlagError;

mod plain;

/// A name up to the first letter that no name of a field or an item has: a value may begin there. Of one that does not read
/// as a name only the first letters are shown. This is the one rule for words that users wrote, wherever they wrote them.
pub(crate) fn name(name: &str) -> String {
    let begun = name.trim_start_matches(|letter: char| letter.is_whitespace() || is_invisible(letter));
    let fits = |letter: &char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.' | '/');
    let plain: String = begun.chars().take_while(fits).collect();
    // Base64 ends like this.
    let is_padded =
        begun.strip_prefix(&plain).is_some_and(|rest| !rest.is_empty() && rest.chars().all(|letter| letter == '='));
    let few = FEW.min(begun.chars().count() / 2);
    let most = if is_padded || !plain::is_plain(&plain) { few } else { LONGEST };
    let mut shown: String = plain.chars().take(most).collect();
    if shown.len() < begun.len() {
        shown.push(GAP);
    }
    shown
}

/// The name of an object: as a cluster takes it, or as a template makes it; every other as far as a name goes.
pub(crate) fn of_object(name: &str) -> String {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let is_whole = name.len() <= LONGEST_OF_OBJECT && name.bytes().all(fits) || name.contains("{{");
    if is_whole { name.to_owned() } else { self::name(name) }
}

/// Whether something stands behind the name, as a value does behind `=`, `:`, a blank and all else that no name has.
pub(crate) fn has_value(name: &str) -> bool {
    let fits =
        |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.' | '/') || is_invisible(letter);
    let says_nothing = |letter: char| letter.is_whitespace() || matches!(letter, '=' | ':') || is_invisible(letter);
    let rest = name.trim_start().trim_start_matches(fits);
    let behind = rest.trim_start_matches(says_nothing);
    !behind.is_empty()
}

/// A letter that takes no room, or that turns the direction of a line.
pub(crate) fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// A word that is a file, or named as one; every other may be a value.
pub(crate) fn file(word: &str) -> Option<String> {
    (fs::metadata(word).is_ok() || is_file_name(word)).then(|| word.escape_debug().to_string())
}

/// Whether a word is named as the files are that are read here.
pub(crate) fn is_file_name(word: &str) -> bool {
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.' | '/' | '~');
    let ending = Path::new(word).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    word.chars().all(fits) && FILES.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// A path that somebody named, unless it is the content of a file or another text that no file has for a name.
pub(crate) fn path(path: &str) -> &str {
    let is_content = path.contains(['\n', '\r', '{']) || path.contains("-----") || path.len() > LONGEST_PATH;
    if is_content { CONTENT } else { path }
}

/// A path that leads to nothing: without a folder and without the ending of a file it may be a word of another kind.
pub(crate) fn missing(path: &str) -> String {
    let is_path = path.contains(std::path::is_separator) || is_file_name(path);
    let shown = self::path(path);
    if is_path || shown == CONTENT { shown.to_owned() } else { name(path) }
}

/// What follows a command and does not belong there: a file by its name, anything else without it.
pub(crate) fn surplus(word: &str) -> String {
    file(word).map_or_else(|| "nothing more".to_owned(), |file| format!("not also `{file}`"))
}

/// Why no cluster takes a name.
pub(crate) fn refused(error: &NameError) -> NameError {
    match error {
        NameError::Namespace(namespace) => NameError::Namespace(name(namespace)),
        NameError::Name(of_object) => NameError::Name(name(of_object)),
        other => other.clone(),
    }
}

/// A command line that cannot be read, without what may be a value in it. Whether a flag is a switch is asked under the name
/// that messages have for it.
pub(crate) fn flag_error(error: FlagError, is_switch: impl Fn(&str) -> bool) -> FlagError {
    match error {
        FlagError::Unknown(flag) => FlagError::Unknown(name(&flag)),
        FlagError::UnknownShort(letter, all) if all.chars().nth(1).is_some() => {
            FlagError::UnknownShort(letter, format!("{letter}{GAP}"))
        }
        FlagError::Syntax(word) => {
            let rest = word.trim_start_matches('-');
            let dashes = word.strip_suffix(rest).unwrap_or_default();
            let shown = if rest.starts_with('=') { format!("={GAP}") } else { name(rest) };
            FlagError::Syntax(format!("{dashes}{shown}"))
        }
        FlagError::Invalid { flag, value, reason } => {
            let (shown, reason) = if is_value_shown(is_switch(&flag), &value) {
                (value, reason)
            } else {
                let quoted = format!("{value:?}");
                (GAP.to_string(), reason.replace(quoted.as_str(), "\"…\""))
            };
            FlagError::Invalid { flag, value: shown, reason }
        }
        other => other,
    }
}

/// The value of a flag that does not fit, if it is as short as those that do.
pub(crate) fn short_word(value: &str) -> &str {
    if is_value_shown(false, value) { value } else { "…" }
}

/// Whether the value of a flag that does not fit may be shown: it is a number, or a word as short as those that fit.
fn is_value_shown(is_switch: bool, value: &str) -> bool {
    let is_number = value.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, '-' | '+' | '.'));
    let is_word = value.chars().all(|letter| letter.is_ascii_alphabetic() || letter == '-');
    let most = if is_switch { 5 } else { 16 };
    value.len() <= 4 || value.len() <= most && (is_word || is_number && !is_switch)
}

const GAP: char = '…';
/// Letters of a name that may be a value, and half of them at most.
const FEW: usize = 4;
/// Letters of other names.
const LONGEST: usize = 60;
/// Kubernetes' limit.
const LONGEST_OF_OBJECT: usize = 253;
/// `PATH_MAX` of Linux, and less: paths that people write are shorter.
const LONGEST_PATH: usize = 1024;
const CONTENT: &str = "(a text that is no name of a file, but perhaps the content of one)";
const FILES: [&str; 12] = ["yaml", "yml", "json", "pem", "crt", "cer", "cert", "key", "txt", "env", "tmpl", "sealed"];

#[cfg(test)]
mod tests {
    use sealer_go::pflag::{Flag, Kind};

    use super::*;

    #[test]
    fn a_name_is_shown_up_to_where_a_value_may_begin() {
        for (written, shown) in [
            ("password", "password"),
            ("tls.crt", "tls.crt"),
            ("a/b", "a/b"),
            ("\u{e4}", "\u{e4}"),
            ("", ""),
            ("...", "..."),
            ("\u{a0}\u{a0}k", "k"),
            ("k\u{200b}", "k…"),
            ("PASSWORD=hunter2", "PASSWORD…"),
            ("PASSWORD: hunter2", "PASSWORD…"),
            ("password hunter2", "password…"),
            ("user:hunter2", "user…"),
            ("\"hunter2\"", "…"),
            ("=hunter2", "…"),
            ("aHVudGVyMg==", "aHVu…"),
            ("hK9+x2/Zq7==", "hK9…"),
            ("q7Zk2mP9xW4vT8nR6bY3cL5d", "q7Zk…"),
            ("hunter2", "hun…"),
            ("Hunter2-Secret", "Hunt…"),
            ("hunter2 is the password", "hunt…"),
            ("1234", "12…"),
        ] {
            assert_eq!(name(written), shown, "{written}");
        }
        assert_eq!(name(&"name.".repeat(50)).chars().count(), LONGEST + 1);
        assert_eq!(name(&"a".repeat(254)), "aaaa…");
    }

    #[test]
    fn a_name_has_a_value_where_something_stands_behind_it() {
        for (name, has) in [
            ("password:hunter2", true),
            ("password: hunter2", true),
            ("PASSWORD=hunter2", true),
            ("postgres://u:hunter2@h/d", true),
            ("pw hunter2", true),
            ("hunter2!x", true),
            ("\"hunter2\"", true),
            ("=hunter2", true),
            ("password", false),
            (" password ", false),
            ("password:", false),
            ("password =", false),
            ("aHVudGVyMg==", false),
            ("tls.crt", false),
            ("a/b", false),
            ("\u{e4}", false),
            ("a\u{200b}b", false),
            ("", false),
        ] {
            assert_eq!(has_value(name), has, "{name}");
        }
    }

    #[test]
    fn words_are_shown_that_are_named_as_files() {
        for (word, shown) in [
            ("missing.yaml", true),
            ("./a/b.json", true),
            ("key.PEM", true),
            ("hunter2", false),
            ("a=b.yaml", false),
            ("p@ss.yaml", false),
            ("s3cret/pass", false),
            ("hunter2.x9", false),
        ] {
            assert_eq!(file(word).is_some(), shown, "{word}");
        }
        assert_eq!(path("dir/x=y.yaml"), "dir/x=y.yaml");
        for content in ["-----BEGIN PRIVATE KEY-----", "a: b\nc: d", "{\"kind\":\"Config\"}"] {
            assert_eq!(path(content), CONTENT);
        }
    }

    #[test]
    fn of_flags_no_value_is_shown_but_short_words() {
        let table = [Flag::new("raw", Kind::Switch, "", ""), Flag::new("scope", Kind::Words(&["strict"]), "", "")];
        for (words, told) in [
            (
                &["--raw=maybe"][..],
                "invalid argument \"maybe\" for \"--raw\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax",
            ),
            (
                &["--raw=hunter2"],
                "invalid argument \"…\" for \"--raw\" flag: strconv.ParseBool: parsing \"…\": invalid syntax",
            ),
            (
                &["--raw=correcthorse"],
                "invalid argument \"…\" for \"--raw\" flag: strconv.ParseBool: parsing \"…\": invalid syntax",
            ),
            (&["--scope=namespace"], "invalid argument \"namespace\" for \"--scope\" flag: must be one of: strict"),
            (&["--scope", "p@ssw0rd"], "invalid argument \"…\" for \"--scope\" flag: must be one of: strict"),
            (&["-x"], "unknown shorthand flag: 'x' in -x"),
            (&["-phunter2"], "unknown shorthand flag: 'p' in -p…"),
            (&["--nope"], "unknown flag: --nope"),
            (&["--nope=hunter2"], "unknown flag: --nope"),
            (&["--namspace"], "unknown flag: --namspace"),
            (&["--hunter2Secret99"], "unknown flag: --hunt…"),
            (&["--pass:hunter2"], "unknown flag: --pass…"),
            (&["--=hunter2"], "bad flag syntax: --=…"),
            (&["---raw"], "bad flag syntax: ---raw"),
            (&["---raw=hunter2"], "bad flag syntax: ---raw…"),
        ] {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let error = sealer_go::pflag::parse(&table, Default::default(), &words).err();
            assert_eq!(
                error.map(|error| flag_error(error, |flag| flag == "--raw").to_string()).as_deref(),
                Some(told),
                "{words:?}"
            );
        }
    }
}
