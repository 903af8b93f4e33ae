//! How does Go show a part of a template in a message?

use super::tree::{Branch, Node, Operand, OperandKind, Pipe};
use crate::template::value::{chars, is_printable};

impl Node<'_> {
    pub(crate) fn source(&self) -> String {
        match self {
            Self::Text(text) => (*text).to_owned(),
            Self::Action { pipe, .. } => format!("{{{{{}}}}}", pipe.source()),
            Self::If(branch) => branch_source("if", branch),
            Self::Range(branch) => branch_source("range", branch),
            Self::With(branch) => branch_source("with", branch),
            Self::Template { name, pipe, .. } => {
                let pipe = pipe.as_ref().map_or_else(String::new, |pipe| format!(" {}", pipe.source()));
                format!("{{{{template {}{pipe}}}}}", go_quote(name.as_bytes()))
            }
            Self::Break(_) => "{{break}}".to_owned(),
            Self::Continue(_) => "{{continue}}".to_owned(),
        }
    }
}

fn branch_source(word: &str, branch: &Branch<'_>) -> String {
    let body: String = branch.body.iter().map(Node::source).collect();
    let otherwise = branch.otherwise.as_ref().map_or_else(String::new, |nodes| {
        format!("{{{{else}}}}{}", nodes.iter().map(Node::source).collect::<String>())
    });
    format!("{{{{{word} {}}}}}{body}{otherwise}{{{{end}}}}", branch.pipe.source())
}

impl Pipe<'_> {
    pub(crate) fn source(&self) -> String {
        let mut text = self.variables.join(", ");
        if !self.variables.is_empty() {
            text.push_str(if self.assigns { " = " } else { " := " });
        }
        let commands: Vec<String> = self.commands.iter().map(|command| command_source(&command.operands)).collect();
        text + &commands.join(" | ")
    }
}

pub(crate) fn command_source(operands: &[Operand<'_>]) -> String {
    operands.iter().map(Operand::source).collect::<Vec<_>>().join(" ")
}

impl Operand<'_> {
    pub(crate) fn source(&self) -> String {
        match &self.kind {
            OperandKind::Dot => ".".to_owned(),
            OperandKind::Nil => "nil".to_owned(),
            OperandKind::Bool(value) => value.to_string(),
            OperandKind::Number(number) => number.source.to_owned(),
            OperandKind::Text { source, .. } => (*source).to_owned(),
            OperandKind::Field(names) => fields(names),
            OperandKind::Variable(names) => names.join("."),
            OperandKind::Function(name, _) => (*name).to_owned(),
            OperandKind::Pipe(pipe) => format!("({})", pipe.source()),
            OperandKind::Chain(operand, names) => operand.source() + &fields(names),
        }
    }
}

fn fields(names: &[&str]) -> String {
    names.iter().map(|name| format!(".{name}")).collect()
}

/// The text in double quotes, with everything escaped that does not print.
pub(crate) fn go_quote(bytes: &[u8]) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 2);
    quoted.push('"');
    for (offset, character, _) in chars(bytes) {
        match character {
            Some('"') => quoted.push_str("\\\""),
            Some(character) => push_escaped(&mut quoted, character, false),
            None => push_hex_byte(&mut quoted, bytes.get(offset).copied().unwrap_or(0)),
        }
    }
    quoted.push('"');
    quoted
}

pub(crate) fn push_hex_byte(out: &mut String, byte: u8) {
    out.push_str(&format!("\\x{byte:02x}"));
}

/// One character of a quoted text; quotation marks are the caller's.
pub(crate) fn push_escaped(out: &mut String, character: char, ascii_only: bool) {
    match character {
        '\\' => out.push_str("\\\\"),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0C' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0B' => out.push_str("\\v"),
        _ if is_printable(character) && (character.is_ascii() || !ascii_only) => out.push(character),
        _ => match u32::from(character) {
            code @ 0..0x20 | code @ 0x7F => out.push_str(&format!("\\x{code:02x}")),
            code @ ..0x10000 => out.push_str(&format!("\\u{code:04x}")),
            code => out.push_str(&format!("\\U{code:08x}")),
        },
    }
}
