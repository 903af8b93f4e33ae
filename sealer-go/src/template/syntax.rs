//! Reads a template's text (`text/template/parse`).

mod lexer;
mod literal;
mod parser;
mod pipeline;
mod token;
pub(crate) mod tree;
mod write;

pub(crate) use parser::parse;
pub(crate) use tree::Trees;
pub(crate) use write::command_source;
