//! Where a character goes: go-yaml's emitter state, line breaks and indentation.

use std::fmt::Write as _;

use super::style::{is_break, is_printable};

/// The text so far and what the emitter remembers about it.
#[derive(Debug)]
pub(super) struct Writer {
    text: String,
    column: usize,
    /// How far the current block is indented; nothing yet at the top.
    indent: Option<usize>,
    /// The last character was white space.
    whitespace: bool,
    /// Only indentation and indicators stand on this line so far.
    indention: bool,
}

impl Default for Writer {
    fn default() -> Self {
        Self { text: String::new(), column: 0, indent: None, whitespace: true, indention: true }
    }
}

impl Writer {
    pub(super) fn finish(mut self) -> String {
        self.indent = None;
        self.put_indent();
        self.text
    }

    pub(super) fn indention(&self) -> bool {
        self.indention
    }

    /// Goes one level deeper and returns the level to come back to.
    pub(super) fn increase_indent(&mut self, flow: bool) -> Option<usize> {
        let outer = self.indent;
        self.indent = Some(match outer {
            Some(indent) => indent + STEP,
            None if flow => STEP,
            None => 0,
        });
        outer
    }

    /// Stays on this level.
    pub(super) fn keep_indent(&mut self) -> Option<usize> {
        self.indent
    }

    pub(super) fn restore_indent(&mut self, outer: Option<usize>) {
        self.indent = outer;
    }

    /// Begins a line at the current indentation, unless it is begun already.
    pub(super) fn put_indent(&mut self) {
        let indent = self.indent.unwrap_or_default();
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.new_line();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    /// Writes `-`, `?`, `:` or a quote.
    pub(super) fn put_indicator(&mut self, indicator: &str, needs_space: bool, keeps_indention: bool) {
        if needs_space && !self.whitespace {
            self.put(' ');
        }
        indicator.chars().for_each(|c| self.put(c));
        self.whitespace = false;
        self.indention = self.indention && keeps_indention;
    }

    /// Writes a word that is no text.
    pub(super) fn put_word(&mut self, word: &str) {
        self.put_indicator(word, true, false);
    }

    pub(super) fn put_plain(&mut self, text: &str, may_break: bool) {
        if !self.whitespace {
            self.put(' ');
        }
        let mut spaces = false;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let single = !spaces && chars.peek() != Some(&' ');
            if c == ' ' && may_break && single && self.column > EDGE {
                self.put_indent();
            } else {
                self.put(c);
            }
            spaces = c == ' ';
        }
        self.end_text();
    }

    pub(super) fn put_single(&mut self, text: &str, may_break: bool) {
        self.put_indicator("'", true, false);
        let (mut spaces, mut breaks, mut first) = (false, false, true);
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let inner = !first && chars.peek().is_some_and(|next| *next != ' ');
            if c == ' ' {
                if may_break && !spaces && inner && self.column > EDGE {
                    self.put_indent();
                } else {
                    self.put(c);
                }
            } else if is_break(c) {
                self.put_break(c);
            } else {
                if breaks {
                    self.put_indent();
                }
                if c == '\'' {
                    self.put(c);
                }
                self.put(c);
                self.indention = false;
            }
            // Spaces go on over breaks, breaks over spaces.
            spaces = c == ' ' || (spaces && is_break(c));
            breaks = is_break(c) || (breaks && c == ' ');
            first = false;
        }
        self.put_indicator("'", false, false);
        self.end_text();
    }

    pub(super) fn put_double(&mut self, text: &str, may_break: bool) {
        self.put_indicator("\"", true, false);
        // go-yaml escapes everything in a text that begins with a byte order mark.
        let all = text.starts_with('\u{feff}');
        let (mut spaces, mut first) = (false, true);
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let inner = !first && chars.peek().is_some();
            if all || !is_printable(c) || is_break(c) || matches!(c, '"' | '\\') {
                self.put_escaped(c);
            } else if c == ' ' && may_break && !spaces && inner && self.column > EDGE {
                self.put_indent();
                if chars.peek() == Some(&' ') {
                    self.put('\\');
                }
            } else {
                self.put(c);
            }
            spaces = c == ' ' && !all;
            first = false;
        }
        self.put_indicator("\"", false, false);
        self.end_text();
    }

    /// A block that keeps its line breaks.
    pub(super) fn put_literal(&mut self, text: &str) {
        self.put_indicator("|", true, false);
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.put_indicator(&STEP.to_string(), false, false);
        }
        let mut backwards = text.chars().rev();
        match (backwards.next().is_some_and(is_break), backwards.next().is_none_or(is_break)) {
            (false, _) => self.put_indicator("-", false, false),
            (true, true) => self.put_indicator("+", false, false),
            (true, false) => {}
        }
        self.new_line();
        self.indention = true;
        self.whitespace = true;
        let mut breaks = true;
        for c in text.chars() {
            if is_break(c) {
                self.put_break(c);
            } else {
                if breaks {
                    self.put_indent();
                }
                self.put(c);
                self.indention = false;
            }
            breaks = is_break(c);
        }
    }

    /// A break inside a text: the first newline of a quoted text never occurs, since such texts are blocks.
    fn put_break(&mut self, c: char) {
        if c == '\n' {
            self.new_line();
        } else {
            self.text.push(c);
            self.column = 0;
        }
        self.indention = true;
    }

    fn put_escaped(&mut self, c: char) {
        let mut escape = String::new();
        // Writing into a String does not fail.
        let _ = match (short_escape(c), u32::from(c)) {
            (Some(short), _) => write!(escape, "\\{short}"),
            (None, code @ 0..=0xff) => write!(escape, "\\x{code:02X}"),
            (None, code @ 0x100..=0xffff) => write!(escape, "\\u{code:04X}"),
            (None, code) => write!(escape, "\\U{code:08X}"),
        };
        escape.chars().for_each(|c| self.put(c));
    }

    fn end_text(&mut self) {
        self.whitespace = false;
        self.indention = false;
    }

    fn put(&mut self, c: char) {
        self.text.push(c);
        self.column += 1;
    }

    fn new_line(&mut self) {
        self.text.push('\n');
        self.column = 0;
    }
}

fn short_escape(c: char) -> Option<char> {
    Some(match c {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' | '\\' => c,
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => return None,
    })
}

/// The indentation of one level.
const STEP: usize = 2;
/// The column past which text is broken at a space.
const EDGE: usize = 80;
