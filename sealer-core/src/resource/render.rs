//! Which values do the templates of an object give? Pure: time comes from the caller.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::plaintext::Plaintext;
use crate::resource::assemble::{ItemCause, ItemFailure};
use crate::template::{self, Budget, Context, Environment, Limits};

/// What rendering needs of the world outside, and how much it may use.
#[derive(Clone, Copy)]
pub struct Rendering<'a> {
    /// What templates may know and call.
    pub environment: Environment,
    /// The bounds for one object.
    pub limits: Limits,
    /// Tells the time since any fixed moment; the bound on time is measured with it.
    pub clock: &'a dyn Fn() -> Duration,
}

impl fmt::Debug for Rendering<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendering").field("environment", &self.environment).finish_non_exhaustive()
    }
}

/// Template name to text.
type Texts = BTreeMap<String, String>;

impl Rendering<'_> {
    /// Renders every template over the opened items. An item wins over a template of its name, which must run all the
    /// same.
    pub(crate) fn add(&self, templates: &Texts, data: &mut BTreeMap<String, Plaintext>) -> Vec<ItemFailure> {
        let items = data.iter().map(|(name, value)| (name.clone(), value.expose().to_vec())).collect();
        let context = Context::new(items, templates);
        let mut budget = Budget::new(self.limits, self.clock);
        let mut failures = Vec::new();
        for (name, text) in templates {
            match template::render(name, text, &context, &self.environment, &mut budget) {
                Ok(rendered) => {
                    let rendered = Plaintext::new(rendered);
                    data.entry(name.clone()).or_insert(rendered);
                }
                Err(error) => failures.push(failure(name, error)),
            }
        }
        failures
    }

    /// The templates that are none, found without running any.
    pub(crate) fn check(&self, templates: &Texts) -> Vec<ItemFailure> {
        let mut budget = Budget::new(self.limits, self.clock);
        let checked = templates.iter().map(|(name, text)| (name, template::parse_check(name, text, &mut budget)));
        checked.filter_map(|(name, result)| Some(failure(name, result.err()?))).collect()
    }
}

fn failure(name: &str, error: template::TemplateError) -> ItemFailure {
    ItemFailure { item: name.to_owned(), cause: ItemCause::Template(error) }
}
