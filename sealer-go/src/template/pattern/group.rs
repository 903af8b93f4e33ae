//! Reads the beginnings of groups and their flags (`regexp/syntax`).

use super::Refusal;
use super::parser::{Flags, Parsed, Parser};

impl Parser<'_, '_, '_> {
    pub(super) fn open_group(&mut self) -> Parsed<()> {
        let outer = self.flags;
        if !self.rest.starts_with("(?") {
            self.advance(1);
            return self.begin(Some(None), outer);
        }
        let before = self.rest;
        // A name needs at least one character after its bracket to be seen as one.
        let skip = if before.len() > 4 && before.starts_with("(?P<") {
            4
        } else if before.len() > 3 && before.starts_with("(?<") {
            3
        } else {
            return self.flags_of_group(outer);
        };
        let Some(end) = before.find('>') else {
            return Err(Refusal::wrong(NAME, before));
        };
        let name = before.get(skip..end).unwrap_or_default();
        if !is_name(name) {
            return Err(Refusal::wrong(NAME, before.get(..=end).unwrap_or(before)));
        }
        self.advance(end + 1);
        self.begin(Some(Some(name.to_owned())), outer)
    }

    /// `(?i)`, `(?i-s:`, `(?:` and their like.
    fn flags_of_group(&mut self, outer: Flags) -> Parsed<()> {
        let before = self.rest;
        self.advance(2);
        let (mut flags, mut value, mut seen) = (outer, true, false);
        while let Some(character) = self.rest.chars().next() {
            self.advance(character.len_utf8());
            match character {
                'i' => flags.fold_case = value,
                'm' => flags.many_lines = value,
                's' => flags.dot_newline = value,
                'U' => flags.lazy = value,
                '-' if value => {
                    (value, seen) = (false, false);
                    continue;
                }
                ':' | ')' if value || seen => {
                    if character == ':' {
                        self.begin(None, outer)?;
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
            seen = true;
        }
        Err(Refusal::wrong("invalid or unsupported Perl syntax", self.since(before)))
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

const NAME: &str = "invalid named capture";
