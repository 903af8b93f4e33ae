//! Does an error of a template ever show a value? A random value goes through every function in every place.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests may panic, and say how many places they tried")]

#[path = "canary/forms.rs"]
mod forms;

use std::collections::BTreeMap;
use std::time::Duration;

use forms::forms;
use rand::RngExt as _;
use sealer_go::template::{Budget, Context, Environment, Functions, Limits, function_names, render};

#[test]
fn no_error_shows_a_value() {
    let mut random = rand::rng();
    let value: String = (0..24).map(|_| char::from(random.random_range(b'a'..=b'z'))).collect();
    let forms = forms(&value);
    let items = BTreeMap::from([("secret".to_owned(), value.clone().into_bytes())]);
    let others = ["1", "\"text\"", "(list 1 \"a\")", "(dict \"a\" 1)", "nil", "true", "2.5"];
    let (mut sites, mut failures) = (0, 0);
    for name in function_names() {
        for (count, place) in (0..5_usize).flat_map(|count| (0..count).map(move |place| (count, place))) {
            for other in others {
                for shape in [".secret", "(list .secret)", "(dict \"k\" .secret)", "(atoi .secret)"] {
                    let arguments: Vec<&str> = (0..count).map(|at| if at == place { shape } else { other }).collect();
                    let template = format!("{{{{ {name} {} }}}}", arguments.join(" "));
                    sites += 1;
                    if let Some(error) = failure(&template, &items) {
                        failures += 1;
                        let shown = forms.iter().find(|form| error.contains(form.as_str()));
                        assert!(shown.is_none(), "{template} shows the value {value} as {shown:?}: {error}");
                    }
                }
            }
        }
    }
    println!("canary: {sites} places, {failures} errors, 0 of them show the value");
    assert!(failures > 1000);
}

/// All that an error tells whoever has no key.
fn failure(template: &str, items: &BTreeMap<String, Vec<u8>>) -> Option<String> {
    let context = Context::new(items.clone(), &BTreeMap::from([("out".to_owned(), template.to_owned())]));
    let environment =
        Environment { now: "2026-11-24T12:00:00Z".parse().unwrap(), functions: Functions { expensive: false } };
    let clock = || Duration::ZERO;
    let mut budget = Budget::new(Limits { steps: 20_000, ..Limits::default() }, &clock);
    let error = render("out", template, &context, &environment, &mut budget).err()?;
    Some(format!("{error} {error:?} {:?} {:?}", error.function(), error.class()))
}
