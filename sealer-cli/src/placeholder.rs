//! Texts that stand for a value: what was meant to fill them in has not run.

use std::sync::LazyLock;

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
    let is = |pattern: &LazyLock<Option<Regex>>| pattern.as_ref().is_some_and(|pattern| pattern.is_match(text));
    if let Some((_, what)) = WHOLE.iter().find(|(pattern, _)| is(pattern)) {
        return Some(Placeholder::Form(what));
    }
    PARTS.iter().find(|(pattern, _)| is(pattern)).map(|(_, what)| Placeholder::Possible(what))
}

/// The patterns are valid, so that the empty case never occurs.
macro_rules! pattern {
    ($text:expr) => {
        LazyLock::new(|| Regex::new($text).ok())
    };
}

type Pattern = (LazyLock<Option<Regex>>, &'static str);

/// Forms that are the whole value.
static WHOLE: [Pattern; 8] = [
    (
        pattern!(r"^\$\{[A-Za-z_][A-Za-z0-9_.]*(:?[-?+=][^}]*)?\}$"),
        "`${…}`, as envsubst, a shell or a pipeline fills it in",
    ),
    (pattern!(r"^\$\([A-Za-z_][A-Za-z0-9_.-]*\)$"), "`$(…)`, as Kubernetes or a pipeline fills it in"),
    (pattern!(r"^\$\{\{.*\}\}$"), "`${{…}}`, as a pipeline fills it in"),
    (pattern!(r"^\{\{.*\}\}$"), "`{{…}}` of a template that was not rendered"),
    (pattern!(r"^<path:[^>]+>$"), "`<path:…>` of argocd-vault-plugin"),
    (
        pattern!(r"^(ref\+[a-z0-9]+://|vault:[A-Za-z0-9_-]+/(data/)?[^ ]+#)"),
        "a reference of vals or of a Vault webhook",
    ),
    (pattern!(r"^<no value>$"), "`<no value>`, which a template writes for what it was not given"),
    (pattern!(r"^op://[^ ]+/[^ ]+/[^ ]+$"), "a reference of 1Password"),
];
/// Forms that stand in longer values as well, and words.
static PARTS: [Pattern; 5] = [
    (pattern!(r"\$\{[A-Z_][A-Z0-9_]*\}"), "it has a part `${…}`"),
    (pattern!(r"\{\{-? *[.$][A-Za-z][^}]*\}\}"), "it has a part `{{…}}`"),
    (pattern!(r"<no value>|<path:[^>]+>"), "it has a part in angle brackets"),
    (
        pattern!(
            r"(?i)^[<\[]?(change|replace|fill|insert|your|todo|fixme|tbd|placeholder|redacted|dummy)([-_ ]?(me|this|it|in|here|now|with|your|the|a|password|secret|token|key|value|api|real|actual|before|deploy))*[>\]]?!?$"
        ),
        "a word that people write in the place of a value",
    ),
    (
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
