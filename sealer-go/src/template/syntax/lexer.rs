//! Splits a template's text into tokens.

use crate::template::value::{is_digit, is_letter};

use super::token::{BAD_NUMBER, Token, TokenKind};

pub(crate) struct Lexer<'t> {
    input: &'t str,
    position: usize,
    start: usize,
    line: usize,
    start_line: usize,
    inside_action: bool,
    parentheses: usize,
    finished: Option<Token<'t>>,
}

impl<'t> Lexer<'t> {
    pub(crate) fn new(input: &'t str) -> Self {
        Self {
            input,
            position: 0,
            start: 0,
            line: 1,
            start_line: 1,
            inside_action: false,
            parentheses: 0,
            finished: None,
        }
    }

    /// The next token. After an error or the end it is the same for ever.
    pub(crate) fn next_token(&mut self) -> Token<'t> {
        if let Some(token) = self.finished {
            return Token { kind: TokenKind::Eof, text: "", message: "", wrong: None, ..token };
        }
        let token = if self.inside_action { self.lex_action() } else { self.lex_text() };
        if matches!(token.kind, TokenKind::Error | TokenKind::Eof) {
            self.finished = Some(token);
        }
        token
    }

    fn rest(&self) -> &'t str {
        self.input.get(self.position..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn advance(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.position += character.len_utf8();
        if character == '\n' {
            self.line += 1;
        }
        Some(character)
    }

    fn step_back(&mut self, character: char) {
        self.position -= character.len_utf8();
        if character == '\n' {
            self.line -= 1;
        }
    }

    fn pending(&self) -> &'t str {
        self.input.get(self.start..self.position).unwrap_or("")
    }

    fn emit(&mut self, kind: TokenKind) -> Token<'t> {
        let token = self.token(kind);
        self.start = self.position;
        self.start_line = self.line;
        token
    }

    fn ignore(&mut self) {
        self.start = self.position;
        self.start_line = self.line;
    }

    fn token(&self, kind: TokenKind) -> Token<'t> {
        Token { kind, position: self.start, line: self.start_line, text: self.pending(), message: "", wrong: None }
    }

    fn error(&self, message: &'static str) -> Token<'t> {
        Token { message, ..self.token(TokenKind::Error) }
    }

    fn error_at(&self, message: &'static str, wrong: Option<char>) -> Token<'t> {
        Token { wrong: Some(wrong.unwrap_or('\u{FFFD}')), ..self.error(message) }
    }

    /// Moves over `length` bytes at once.
    fn skip(&mut self, length: usize) {
        let end = self.position + length;
        let lines = self.input.get(self.position..end).map_or(0, |part| part.matches('\n').count());
        self.line += lines;
        self.position = end;
    }

    /// Text, the end, or a delimiter. Comments are passed over, however many there are.
    fn lex_text(&mut self) -> Token<'t> {
        loop {
            if let Some(token) = self.lex_text_or_comment() {
                return token;
            }
        }
    }

    fn lex_text_or_comment(&mut self) -> Option<Token<'t>> {
        let rest = self.rest();
        let Some(at) = rest.find(LEFT) else {
            self.skip(rest.len());
            return Some(self.emit(if self.position > self.start { TokenKind::Text } else { TokenKind::Eof }));
        };
        if at == 0 {
            return self.lex_left_delimiter();
        }
        let before = rest.get(..at).unwrap_or("");
        let trims = rest.get(at + LEFT.len()..).is_some_and(has_left_trim);
        let kept = if trims { before.trim_end_matches(SPACES).len() } else { at };
        self.skip(kept);
        let token = self.emit(TokenKind::Text);
        self.skip(at - kept);
        self.ignore();
        if token.text.is_empty() { self.lex_left_delimiter() } else { Some(token) }
    }

    /// The delimiter, or nothing if it begins a comment, which is passed over.
    fn lex_left_delimiter(&mut self) -> Option<Token<'t>> {
        self.skip(LEFT.len());
        let trim = if has_left_trim(self.rest()) { TRIM_LENGTH } else { 0 };
        if self.rest().get(trim..).is_some_and(|rest| rest.starts_with("/*")) {
            self.skip(trim);
            self.ignore();
            return self.pass_comment();
        }
        let token = self.emit(TokenKind::LeftDelimiter);
        self.inside_action = true;
        self.skip(trim);
        self.ignore();
        self.parentheses = 0;
        Some(token)
    }

    /// The error of a comment that does not end.
    fn pass_comment(&mut self) -> Option<Token<'t>> {
        let Some(end) = self.rest().get(2..).and_then(|rest| rest.find("*/")) else {
            return Some(self.error("unclosed comment"));
        };
        self.skip(end + 4);
        let Some(trim) = right_delimiter(self.rest()) else {
            return Some(self.error("comment ends before closing delimiter"));
        };
        self.skip(trim + RIGHT.len());
        if trim > 0 {
            self.skip_spaces();
        }
        self.ignore();
        None
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.skip(rest.len() - rest.trim_start_matches(SPACES).len());
    }

    fn lex_right_delimiter(&mut self) -> Token<'t> {
        let trim = right_delimiter(self.rest()).unwrap_or(0);
        self.skip(trim);
        self.ignore();
        self.skip(RIGHT.len());
        let token = self.emit(TokenKind::RightDelimiter);
        if trim > 0 {
            self.skip_spaces();
            self.ignore();
        }
        self.inside_action = false;
        token
    }

    fn lex_action(&mut self) -> Token<'t> {
        if right_delimiter(self.rest()).is_some() {
            return if self.parentheses == 0 { self.lex_right_delimiter() } else { self.error("unclosed left paren") };
        }
        let Some(character) = self.advance() else {
            return self.error("unclosed action");
        };
        match character {
            ' ' | '\t' | '\r' | '\n' => self.lex_space(character),
            '=' => self.emit(TokenKind::Assign),
            ':' if self.advance() == Some('=') => self.emit(TokenKind::Declare),
            ':' => self.error("expected :="),
            '|' => self.emit(TokenKind::Pipe),
            '"' => self.lex_quoted('"', "unterminated quoted string", TokenKind::QuotedText),
            '\'' => self.lex_quoted('\'', "unterminated character constant", TokenKind::CharacterConstant),
            '`' => self.lex_raw(),
            '$' => self.lex_name(TokenKind::Variable, TokenKind::Variable),
            '.' if !self.peek().is_some_and(|next| next.is_ascii_digit()) => {
                self.lex_name(TokenKind::Field, TokenKind::Dot)
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.step_back(character);
                self.lex_number()
            }
            '(' => {
                self.parentheses += 1;
                self.emit(TokenKind::LeftParenthesis)
            }
            ')' if self.parentheses == 0 => self.error("unexpected right paren"),
            ')' => {
                self.parentheses -= 1;
                self.emit(TokenKind::RightParenthesis)
            }
            _ if is_alphanumeric(character) => self.lex_identifier(),
            '!'..='~' => self.emit(TokenKind::Character),
            _ => self.error_at("unrecognized character in action:", Some(character)),
        }
    }

    fn lex_space(&mut self, first: char) -> Token<'t> {
        let mut spaces = 1;
        let mut last = first;
        while let Some(next) = self.peek().filter(|next| SPACES.contains(next)) {
            self.advance();
            spaces += 1;
            last = next;
        }
        let closes = self.rest().strip_prefix('-').is_some_and(|rest| rest.starts_with(RIGHT));
        if closes {
            self.step_back(last);
            if spaces == 1 {
                return self.lex_right_delimiter();
            }
        }
        self.emit(TokenKind::Space)
    }

    fn lex_quoted(&mut self, end: char, message: &'static str, kind: TokenKind) -> Token<'t> {
        loop {
            match self.advance() {
                Some('\\') if !matches!(self.advance(), None | Some('\n')) => {}
                Some('\\' | '\n') | None => return self.error(message),
                Some(character) if character == end => return self.emit(kind),
                Some(_) => {}
            }
        }
    }

    fn lex_raw(&mut self) -> Token<'t> {
        let Some(end) = self.rest().find('`') else {
            return self.error("unterminated raw quoted string");
        };
        self.skip(end + 1);
        self.emit(TokenKind::RawText)
    }

    fn lex_identifier(&mut self) -> Token<'t> {
        self.skip_name();
        if !self.at_terminator() {
            return self.error_at("bad character", self.peek());
        }
        let kind = match self.pending() {
            "true" | "false" => TokenKind::Bool,
            word => TokenKind::of_word(word).unwrap_or(TokenKind::Identifier),
        };
        self.emit(kind)
    }

    fn lex_name(&mut self, named: TokenKind, bare: TokenKind) -> Token<'t> {
        if self.at_terminator() {
            return self.emit(bare);
        }
        self.skip_name();
        if !self.at_terminator() {
            return self.error_at("bad character", self.peek());
        }
        self.emit(named)
    }

    fn skip_name(&mut self) {
        while self.peek().is_some_and(is_alphanumeric) {
            self.advance();
        }
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(_) => self.rest().starts_with(RIGHT),
        }
    }

    fn lex_number(&mut self) -> Token<'t> {
        if !self.scan_number() {
            return self.error(BAD_NUMBER);
        }
        if matches!(self.peek(), Some('+' | '-')) {
            if !self.scan_number() || !self.pending().ends_with('i') {
                return self.error(BAD_NUMBER);
            }
            return self.emit(TokenKind::Complex);
        }
        self.emit(TokenKind::Number)
    }

    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        let exponent = match digits.len() {
            11 => "eE",
            23 => "pP",
            _ => "",
        };
        if self.accept(exponent) {
            self.accept("+-");
            self.accept_run("0123456789_");
        }
        self.accept("i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.advance();
            return false;
        }
        true
    }

    fn accept(&mut self, valid: &str) -> bool {
        let found = self.peek().is_some_and(|next| valid.contains(next));
        if found {
            self.advance();
        }
        found
    }

    fn accept_run(&mut self, valid: &str) {
        while self.accept(valid) {}
    }
}

fn has_left_trim(text: &str) -> bool {
    text.strip_prefix('-').is_some_and(|rest| rest.starts_with(SPACES))
}

/// The length of the trim marker before a right delimiter, or `None` where there is no delimiter.
fn right_delimiter(rest: &str) -> Option<usize> {
    let trimmed = rest.strip_prefix(SPACES).and_then(|after| after.strip_prefix('-'));
    if trimmed.is_some_and(|after| after.starts_with(RIGHT)) {
        return Some(TRIM_LENGTH);
    }
    rest.starts_with(RIGHT).then_some(0)
}

fn is_alphanumeric(character: char) -> bool {
    character == '_' || is_letter(character) || is_digit(character)
}

const LEFT: &str = "{{";
const RIGHT: &str = "}}";
const TRIM_LENGTH: usize = 2;
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];
