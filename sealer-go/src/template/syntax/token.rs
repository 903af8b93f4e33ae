//! The kinds of tokens, and how Go names one in a message.

use crate::template::value::is_printable;
use crate::template::value::quote::{excerpt, go_quote};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TokenKind {
    Error,
    Eof,
    Text,
    LeftDelimiter,
    RightDelimiter,
    Space,
    LeftParenthesis,
    RightParenthesis,
    Pipe,
    Assign,
    Declare,
    Character,
    CharacterConstant,
    Complex,
    Number,
    QuotedText,
    RawText,
    Bool,
    Identifier,
    Variable,
    Field,
    // From here on they are words of the language.
    Dot,
    Nil,
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

impl TokenKind {
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "nil" => Self::Nil,
            "block" => Self::Block,
            "break" => Self::Break,
            "continue" => Self::Continue,
            "define" => Self::Define,
            "else" => Self::Else,
            "end" => Self::End,
            "if" => Self::If,
            "range" => Self::Range,
            "template" => Self::Template,
            "with" => Self::With,
            _ => return None,
        })
    }

    fn is_keyword(self) -> bool {
        matches!(
            self,
            Self::Dot
                | Self::Nil
                | Self::Block
                | Self::Break
                | Self::Continue
                | Self::Define
                | Self::Else
                | Self::End
                | Self::If
                | Self::Range
                | Self::Template
                | Self::With
        )
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'t> {
    pub(crate) kind: TokenKind,
    pub(crate) position: usize,
    pub(crate) line: usize,
    pub(crate) text: &'t str,
    /// What is wrong, of an error.
    pub(crate) message: &'static str,
    /// The character that is wrong, of some errors.
    pub(crate) wrong: Option<char>,
}

impl Token<'_> {
    /// The token as Go's messages show it.
    pub(crate) fn shown(&self) -> String {
        match self.kind {
            TokenKind::Eof => "EOF".to_owned(),
            TokenKind::Error => self.error_text(),
            kind if kind.is_keyword() => format!("<{}>", self.text),
            _ if self.text.len() > 10 => {
                let start: String = self.text.chars().take(10).collect();
                format!("{}...", go_quote(start.as_bytes()))
            }
            _ => go_quote(self.text.as_bytes()),
        }
    }

    fn error_text(&self) -> String {
        match self.wrong {
            _ if self.message == BAD_NUMBER => format!("{BAD_NUMBER}: {}", go_quote(excerpt(self.text.as_bytes()))),
            Some(character) => {
                let code = u32::from(character);
                let shown = if is_printable(character) { format!(" '{character}'") } else { String::new() };
                format!("{} U+{code:04X}{shown}", self.message)
            }
            None => self.message.to_owned(),
        }
    }
}

pub(crate) const BAD_NUMBER: &str = "bad number syntax";
