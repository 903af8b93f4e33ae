//! The tree of a parsed template.

use std::collections::BTreeMap;

use crate::template::functions::Function;
use crate::template::value::Text;

/// All templates that one text defines, and the text itself for the places of errors.
pub(crate) struct Trees<'t> {
    pub(crate) name: &'t str,
    pub(crate) text: &'t str,
    pub(crate) templates: BTreeMap<String, Vec<Node<'t>>>,
}

pub(crate) enum Node<'t> {
    Text(&'t str),
    Action { position: usize, pipe: Pipe<'t> },
    If(Branch<'t>),
    Range(Branch<'t>),
    With(Branch<'t>),
    Template { position: usize, name: String, pipe: Option<Pipe<'t>> },
    Break(usize),
    Continue(usize),
}

pub(crate) struct Branch<'t> {
    pub(crate) position: usize,
    pub(crate) pipe: Pipe<'t>,
    pub(crate) body: Vec<Node<'t>>,
    pub(crate) otherwise: Option<Vec<Node<'t>>>,
}

pub(crate) struct Pipe<'t> {
    pub(crate) position: usize,
    pub(crate) assigns: bool,
    pub(crate) variables: Vec<&'t str>,
    pub(crate) commands: Vec<Command<'t>>,
}

pub(crate) struct Command<'t> {
    pub(crate) operands: Vec<Operand<'t>>,
}

pub(crate) struct Operand<'t> {
    pub(crate) position: usize,
    pub(crate) kind: OperandKind<'t>,
}

pub(crate) enum OperandKind<'t> {
    Dot,
    Nil,
    Bool(bool),
    Number(Box<Number<'t>>),
    Text { source: &'t str, value: Text },
    Field(Vec<&'t str>),
    Variable(Vec<&'t str>),
    Function(&'t str, &'static Function),
    Pipe(Box<Pipe<'t>>),
    Chain(Box<Operand<'t>>, Vec<&'t str>),
}

/// A number, as every type that can hold it.
pub(crate) struct Number<'t> {
    pub(crate) source: &'t str,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
}

/// Whether a list shows nothing: white space only.
pub(crate) fn is_empty(nodes: &[Node<'_>]) -> bool {
    nodes.iter().all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
}

impl Operand<'_> {
    /// Whether the template itself writes what it is, so that no value can be in it.
    pub(crate) fn is_constant(&self) -> bool {
        use OperandKind::{Bool, Nil, Number, Text};
        matches!(self.kind, Nil | Bool(_) | Number(_) | Text { .. })
    }
}

impl Node<'_> {
    pub(crate) fn position(&self) -> usize {
        match self {
            Self::Text(_) => 0,
            Self::Action { position, .. } | Self::Template { position, .. } => *position,
            Self::If(branch) | Self::Range(branch) | Self::With(branch) => branch.position,
            Self::Break(position) | Self::Continue(position) => *position,
        }
    }
}
