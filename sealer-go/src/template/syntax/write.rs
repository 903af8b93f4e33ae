//! Writes a part of a template as Go shows it in a message.

use super::tree::{Branch, Node, Operand, OperandKind, Pipe};
use crate::template::value::quote::{LONGEST, excerpt, go_quote};

impl Node<'_> {
    pub(crate) fn source(&self) -> String {
        Source::of(|source| source.node(self))
    }
}

impl Pipe<'_> {
    pub(crate) fn source(&self) -> String {
        Source::of(|source| source.pipe(self))
    }
}

impl Operand<'_> {
    pub(crate) fn source(&self) -> String {
        Source::of(|source| source.operand(self))
    }
}

pub(crate) fn command_source(operands: &[Operand<'_>]) -> String {
    Source::of(|source| source.command(operands))
}

/// A part of a template as text. It ends where nobody would read on.
struct Source(String);

impl Source {
    fn of(write: impl FnOnce(&mut Self)) -> String {
        let mut source = Self(String::new());
        write(&mut source);
        source.0
    }

    fn push(&mut self, text: &str) {
        let room = LONGEST.saturating_sub(self.0.len());
        self.0.push_str(text.get(..room.min(text.len())).unwrap_or_default());
    }

    fn is_full(&self) -> bool {
        self.0.len() >= LONGEST
    }

    fn node(&mut self, node: &Node<'_>) {
        match node {
            Node::Text(text) => self.push(text),
            Node::Action { pipe, .. } => {
                self.push("{{");
                self.pipe(pipe);
                self.push("}}");
            }
            Node::If(branch) => self.branch("if", branch),
            Node::Range(branch) => self.branch("range", branch),
            Node::With(branch) => self.branch("with", branch),
            Node::Template { name, pipe, .. } => {
                self.push("{{template ");
                self.push(&go_quote(excerpt(name.as_bytes())));
                if let Some(pipe) = pipe {
                    self.push(" ");
                    self.pipe(pipe);
                }
                self.push("}}");
            }
            Node::Break(_) => self.push("{{break}}"),
            Node::Continue(_) => self.push("{{continue}}"),
        }
    }

    fn nodes(&mut self, nodes: &[Node<'_>]) {
        for node in nodes {
            if self.is_full() {
                break;
            }
            self.node(node);
        }
    }

    fn branch(&mut self, word: &str, branch: &Branch<'_>) {
        self.push("{{");
        self.push(word);
        self.push(" ");
        self.pipe(&branch.pipe);
        self.push("}}");
        self.nodes(&branch.body);
        if let Some(nodes) = &branch.otherwise {
            self.push("{{else}}");
            self.nodes(nodes);
        }
        self.push("{{end}}");
    }

    fn pipe(&mut self, pipe: &Pipe<'_>) {
        for (index, variable) in pipe.variables.iter().enumerate() {
            self.push(if index > 0 { ", " } else { "" });
            self.push(variable);
        }
        if !pipe.variables.is_empty() {
            self.push(if pipe.assigns { " = " } else { " := " });
        }
        for (index, command) in pipe.commands.iter().enumerate() {
            self.push(if index > 0 { " | " } else { "" });
            self.command(&command.operands);
        }
    }

    fn command(&mut self, operands: &[Operand<'_>]) {
        for (index, operand) in operands.iter().enumerate() {
            self.push(if index > 0 { " " } else { "" });
            if self.is_full() {
                break;
            }
            self.operand(operand);
        }
    }

    fn operand(&mut self, operand: &Operand<'_>) {
        match &operand.kind {
            OperandKind::Dot => self.push("."),
            OperandKind::Nil => self.push("nil"),
            OperandKind::Bool(value) => self.push(if *value { "true" } else { "false" }),
            OperandKind::Number(number) => self.push(number.source),
            OperandKind::Text { source, .. } => self.push(source),
            OperandKind::Field(names) => self.fields(names),
            OperandKind::Variable(names) => {
                for (index, name) in names.iter().enumerate() {
                    self.push(if index > 0 { "." } else { "" });
                    self.push(name);
                }
            }
            OperandKind::Function(name, _) => self.push(name),
            OperandKind::Pipe(pipe) => {
                self.push("(");
                self.pipe(pipe);
                self.push(")");
            }
            OperandKind::Chain(operand, names) => {
                self.operand(operand);
                self.fields(names);
            }
        }
    }

    fn fields(&mut self, names: &[&str]) {
        for name in names {
            self.push(".");
            self.push(name);
        }
    }
}
