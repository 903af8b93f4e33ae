//! Renders the templates of `spec.template.data` as Go's `text/template` does with sprig, within bounds.
//!
//! The language is Go's `text/template` with the functions that templates of sealed secrets have always had. Values are
//! bytes. Everything is counted against a [`Budget`], so that no template can hurt the process that renders it, and a
//! [`TemplateError`] never shows a value.

mod budget;
mod buffer;
mod costs;
mod error;
mod eval;
mod format;
mod functions;
mod keys;
mod number;
mod pattern;
mod syntax;
mod url;
mod value;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

pub use budget::{Budget, Limits, OUT_OF_TIME};
pub use error::{ErrorClass, TemplateError};

use self::value::Strings;

/// Which functions a template may call.
#[derive(Debug, Clone, Copy, Default)]
pub struct Functions {
    /// Functions that make keys or are slow on purpose: `genCA`, `bcrypt` and their like.
    pub expensive: bool,
}

/// What a template may know of the world outside.
#[derive(Debug, Clone, Copy)]
pub struct Environment {
    /// The time that `now` tells.
    pub now: Timestamp,
    /// Which functions may be called.
    pub functions: Functions,
}

/// The values that a template sees as its dot, by name.
#[derive(Clone)]
pub struct Context(Strings);

impl Context {
    /// Takes the opened items, and the texts of all templates. If an item and a template share a name, the item wins.
    pub fn new(items: BTreeMap<String, Vec<u8>>, templates: &BTreeMap<String, String>) -> Self {
        let mut values: BTreeMap<value::Key, value::Text> =
            templates.iter().map(|(name, text)| (name.as_bytes().into(), text.as_bytes().to_vec().into())).collect();
        values.extend(items.into_iter().map(|(name, value)| (name.into_bytes().into(), value.into())));
        Self(Strings::new(values))
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Context(..)")
    }
}

/// Renders the template `text`, which is named `name`, with `context` as its dot.
///
/// # Errors
///
/// The text is no template, it fails as it runs, or it goes beyond the budget.
pub fn render(
    name: &str,
    text: &str,
    context: &Context,
    environment: &Environment,
    budget: &mut Budget<'_>,
) -> Result<Vec<u8>, TemplateError> {
    budget.begin_item();
    let trees = syntax::parse(name, text, budget)?;
    eval::execute(&trees, name, context.0.clone(), environment, budget)
}

/// Tells whether `text` is a template at all.
///
/// # Errors
///
/// The error says at which line and column it is not.
pub fn parse_check(name: &str, text: &str, budget: &mut Budget<'_>) -> Result<(), TemplateError> {
    budget.begin_item();
    syntax::parse(name, text, budget).map(|_| ())
}

/// The names of all functions that a template may call, sorted.
pub fn function_names() -> Vec<&'static str> {
    functions::names()
}

/// The names of the functions that [`Functions::expensive`] allows, sorted.
pub fn expensive_function_names() -> Vec<&'static str> {
    functions::expensive_names()
}
