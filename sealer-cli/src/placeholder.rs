//! Texts that stand for a value: what was meant to fill them in has not run.

use std::sync::LazyLock;

use memchr::memmem;
use regex::bytes::Regex;

/// What kind of placeholder a value is, and whether it is nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placeholder {
    /// It has the form that a tool replaces.
    Form(&'static str),
    /// It has a part of that form, or is a word that people write until they know better.
    Possible(&'static str),
}

impl Placeholder {
    /// What is told of a value.
    pub(crate) fn told(self) -> String {
        let (Self::Form(what) | Self::Possible(what)) = self;
        format!("looks like a placeholder ({what}); it is sealed as it stands")
    }
}

/// The placeholder that a value is. Long values and those of several lines are files, whose readers fill them in.
pub(crate) fn of(value: &[u8]) -> Option<Placeholder> {
    let text = value.trim_ascii();
    if text.is_empty() || text.len() > LONGEST || text.contains(&b'\n') {
        return None;
    }
    if let Some(form) = WHOLE.iter().find(|form| form.is(text)) {
        return Some(Placeholder::Form(form.what));
    }
    PARTS.iter().find(|form| form.is(text)).map(|form| Placeholder::Possible(form.what))
}

/// One form of placeholders.
struct Form {
    sign: Sign,
    pattern: LazyLock<Option<Regex>>,
    what: &'static str,
}

/// What every text of a form has. Building a pattern costs more than sealing a value, and few values need one.
enum Sign {
    /// It begins with one of these.
    Begins(&'static [&'static str]),
    /// It begins with one of these in letters of any case, perhaps behind a bracket.
    Word(&'static [&'static str]),
    /// This stands somewhere in it.
    Holds(&'static str),
}

impl Form {
    fn is(&self, text: &[u8]) -> bool {
        self.sign.is_in(text) && self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
    }
}

impl Sign {
    fn is_in(&self, text: &[u8]) -> bool {
        match self {
            Self::Begins(any) => any.iter().any(|begin| text.starts_with(begin.as_bytes())),
            Self::Word(any) => {
                let text = text.strip_prefix(b"<").or_else(|| text.strip_prefix(b"[")).unwrap_or(text);
                let begins = |word: &&str| {
                    text.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word.as_bytes()))
                };
                any.iter().any(begins)
            }
            Self::Holds(part) => memmem::find(text, part.as_bytes()).is_some(),
        }
    }
}

const fn form(sign: Sign, pattern: fn() -> Option<Regex>, what: &'static str) -> Form {
    Form { sign, pattern: LazyLock::new(pattern), what }
}

/// The patterns are valid, so that the empty case never occurs.
macro_rules! pattern {
    ($text:expr) => {
        || Regex::new($text).ok()
    };
}

/// Forms that are the whole value.
static WHOLE: [Form; 8] = [
    form(
        Sign::Begins(&["${"]),
        pattern!(r"^\$\{[A-Za-z_][A-Za-z0-9_.]*(:?[-?+=][^}]*)?\}$"),
        "`${…}`, as envsubst, a shell or a pipeline fills it in",
    ),
    form(
        Sign::Begins(&["$("]),
        pattern!(r"^\$\([A-Za-z_][A-Za-z0-9_.-]*\)$"),
        "`$(…)`, as Kubernetes or a pipeline fills it in",
    ),
    form(Sign::Begins(&["${{"]), pattern!(r"^\$\{\{.*\}\}$"), "`${{…}}`, as a pipeline fills it in"),
    form(Sign::Begins(&["{{"]), pattern!(r"^\{\{.*\}\}$"), "`{{…}}` of a template that was not rendered"),
    form(Sign::Begins(&["<path:"]), pattern!(r"^<path:[^>]+>$"), "`<path:…>` of argocd-vault-plugin"),
    form(
        Sign::Begins(&["ref+", "vault:"]),
        pattern!(r"^(ref\+[a-z0-9]+://|vault:[A-Za-z0-9_-]+/(data/)?[^ ]+#)"),
        "a reference of vals or of a Vault webhook",
    ),
    form(
        Sign::Begins(&["<no value>"]),
        pattern!(r"^<no value>$"),
        "`<no value>`, which a template writes for what it was not given",
    ),
    form(Sign::Begins(&["op://"]), pattern!(r"^op://[^ ]+/[^ ]+/[^ ]+$"), "a reference of 1Password"),
];
/// Forms that stand in longer values as well, and words.
static PARTS: [Form; 5] = [
    form(Sign::Holds("${"), pattern!(r"\$\{[A-Z_][A-Z0-9_]*\}"), "it has a part `${…}`"),
    form(Sign::Holds("{{"), pattern!(r"\{\{-? *[.$][A-Za-z][^}]*\}\}"), "it has a part `{{…}}`"),
    form(Sign::Holds("<"), pattern!(r"<no value>|<path:[^>]+>"), "it has a part in angle brackets"),
    form(
        Sign::Word(&[
            "change",
            "replace",
            "fill",
            "insert",
            "your",
            "todo",
            "fixme",
            "tbd",
            "placeholder",
            "redacted",
            "dummy",
        ]),
        pattern!(
            r"(?i-u)^[<\[]?(change|replace|fill|insert|your|todo|fixme|tbd|placeholder|redacted|dummy)([-_ ]?(me|this|it|in|here|now|with|your|the|a|password|secret|token|key|value|api|real|actual|before|deploy))*[>\]]?!?$"
        ),
        "a word that people write in the place of a value",
    ),
    form(
        Sign::Begins(&["<", "xxxx", "XXXX", "****", "..."]),
        pattern!(r"^<[A-Za-z][A-Za-z0-9 _-]*>$|^(x{4,}|X{4,}|\*{4,}|\.{3,})$"),
        "a text that people write in the place of a value",
    ),
];
/// A placeholder with a default in it is shorter.
const LONGEST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_known_by_their_form_and_not_repeated() {
        for text in [
            "${DB_PASSWORD}",
            "${DB_PASSWORD:-hunter2}",
            " ${x}\n",
            "$(DB_PASSWORD)",
            "${{ secrets.TOKEN }}",
            "{{ .Values.password }}",
            "{{- .x -}}",
            "{{ password }}",
            "<path:secret/data/db#password>",
            "ref+vault://secret/db#/password",
            "vault:secret/data/db#password",
            "<no value>",
            "op://vault/item/field",
        ] {
            let found = of(text.as_bytes());
            assert!(matches!(found, Some(Placeholder::Form(_))), "{text}: {found:?}");
            assert!(
                found.is_some_and(|found| !found.told().contains("hunter2") && !found.told().contains("DB_PASSWORD"))
            );
        }
    }

    /// A sign that a text of the form lacks would hide the form.
    #[test]
    fn patterns_match_nothing_without_their_sign() {
        let pieces = [
            "$",
            "{",
            "}",
            "(",
            ")",
            "<",
            ">",
            "path:",
            "no value",
            "ref+a://",
            "vault:a/b#",
            "op://a/b/c",
            "A",
            "x",
            "xxxx",
            "XXXX",
            "****",
            "...",
            "change",
            "Fill",
            "TODO",
            "dummy",
            "me",
            "-",
            "[",
            "]",
            "!",
            " ",
            ".",
            "\u{17f}",
            "\u{212a}",
        ];
        let forms = || WHOLE.iter().chain(&PARTS);
        let is_hidden = |text: &str| {
            forms().any(|form| {
                !form.sign.is_in(text.as_bytes())
                    && form.pattern.as_ref().is_none_or(|pattern| pattern.is_match(text.as_bytes()))
            })
        };
        for one in pieces {
            for two in pieces {
                for three in pieces {
                    let text = [one, two, three, two].concat();
                    assert!(!is_hidden(&text) && !is_hidden(&text[..text.len() - two.len()]), "{text}");
                }
            }
        }
    }

    #[test]
    fn texts_that_may_be_placeholders_are_possible() {
        for text in [
            "postgres://app:${DB_PASSWORD}@db/app",
            "a {{ .Values.x }} b",
            "user=<no value>",
            "CHANGEME",
            "change-me",
            "ChangeMe!",
            "<changeme>",
            "TODO",
            "REPLACE_ME",
            "replace-with-your-token",
            "your-api-key-here",
            "<your password>",
            "<token>",
            "xxxxxxxx",
            "********",
            "placeholder",
        ] {
            let found = of(text.as_bytes());
            assert!(matches!(found, Some(Placeholder::Possible(_))), "{text}: {found:?}");
        }
    }

    #[test]
    fn values_with_a_dollar_are_no_placeholders() {
        for text in [
            "pa$$word",
            "$ecret",
            "$2y$10$abcdefghijklmnopqrstuv",
            "a$b{c}",
            "$HOME",
            "hunter2",
            "",
            "{\"a\":\"b\"}",
            "{}",
            "${",
            "$()",
            "$1",
            "a\nserver ${HOST};\n",
            "changeling",
            "todos",
            "yours",
            "mytoken",
            "<",
            "<xml/>",
            "keyboard",
            "https://a/b?c=$d",
            "true",
            "password",
        ] {
            assert_eq!(of(text.as_bytes()), None, "{text}");
        }
    }
}
