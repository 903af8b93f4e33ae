//! Renders the templates of an object, and bounds what is told of those that fail. Pure: time comes from the caller.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::failure::{ItemCause, ItemFailure, ParseFailure, RunFailure};
use sealer_core::plaintext::Plaintext;
use sealer_go::template::{self, Budget, Context, Environment, ErrorClass, Limits, TemplateError};

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
pub type Texts = BTreeMap<String, String>;

impl Rendering<'_> {
    /// Renders every template over the opened items, up to the first that fails, for an audience that may not learn
    /// more than it has to. [`Rendering::check`] comes first: what it says depends on the templates alone.
    ///
    /// # Errors
    /// The class alone. It depends on values, so it is for tests and is shown to nobody.
    pub fn render(
        &self,
        templates: &Texts,
        items: BTreeMap<String, Vec<u8>>,
    ) -> Result<BTreeMap<String, Plaintext>, ErrorClass> {
        let context = Context::new(items, templates);
        let mut budget = Budget::new(self.limits, self.clock);
        let render = |(name, text): (&String, &String)| {
            let rendered = template::render(name, text, &context, &self.environment, &mut budget);
            rendered.map(|value| (name.clone(), Plaintext::new(value))).map_err(|error| error.class())
        };
        templates.iter().map(render).collect()
    }

    /// The templates that do not parse, found without running any.
    pub fn check(&self, templates: &Texts) -> BTreeMap<String, ParseFailure> {
        let mut budget = Budget::new(self.limits, self.clock);
        let checked = templates.iter().map(|(name, text)| (name, template::parse_check(name, text, &mut budget)));
        checked.filter_map(|(name, result)| Some((name.clone(), ParseFailure::from(result.err()?)))).collect()
    }

    /// Renders every template over the opened items, and returns each failure: for whoever holds the keys. An item
    /// wins over a template of its name, which must run all the same.
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
                Err(error) => failures.push(ItemFailure { item: name.clone(), cause: cause(error) }),
            }
        }
        failures
    }
}

fn cause(error: TemplateError) -> ItemCause {
    match error.class() {
        ErrorClass::Parse => ItemCause::Parse(error.into()),
        _ => ItemCause::Template(RunFailure::new(error)),
    }
}
