//! Which parts does a template's text consist of?

mod lexer;
mod literal;
mod parser;
mod pipeline;
mod token;
pub(crate) mod tree;
mod write;

pub(crate) use literal::{go_parse_float, go_parse_int};
pub(crate) use parser::parse;
pub(crate) use tree::Trees;
pub(crate) use write::{command_source, excerpt, go_quote, push_escaped, push_hex_byte};
