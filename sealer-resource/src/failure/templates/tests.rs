#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;
use crate::render::Rendering;
use crate::render::Texts;
use sealer_go::template::{Budget, Context, Environment, ErrorClass, Limits, function_names};

fn rendering(clock: &dyn Fn() -> Duration, expensive: bool) -> Rendering<'_> {
    let environment = Environment { now: jiff::Timestamp::UNIX_EPOCH, functions: Functions { expensive } };
    Rendering { environment, limits: Limits::default(), clock }
}

fn texts(templates: &[(&str, &str)]) -> Texts {
    templates.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn rendered(templates: &Texts, value: &str) -> Result<BTreeMap<String, Vec<u8>>, ErrorClass> {
    let items = BTreeMap::from([("value".to_owned(), value.as_bytes().to_vec())]);
    let rendered = rendering(&|| Duration::ZERO, false).render(templates, items)?;
    Ok(rendered.into_iter().map(|(name, value)| (name, value.expose().to_vec())).collect())
}

#[test]
fn run_failures_read_the_same_whatever_failed() {
    let ways =
        ["{{ fail \"a\" }}", "\n\n{{ index .value 99 }}", "{{ range until 100000 }}{{ end }}{{ until 9999999 }}"];
    let mut told = BTreeSet::new();
    for (item, way) in ["a", "b", "c"].into_iter().zip(ways) {
        let mut templates = texts(&[("a", "{{ 1 }}"), ("b", "{{ 1 }}"), ("c", "{{ 1 }}")]);
        templates.insert(item.to_owned(), way.to_owned());
        assert!(rendered(&templates, "v").is_err(), "{way}");
        told.insert(Unrendered::new(&templates, Functions::default()).to_string());
    }
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told.first().unwrap().starts_with("template execution error (a, b, c): where and why is not told"));
}

#[test]
fn a_run_failure_tells_neither_its_place_nor_its_cause() {
    let environment = Environment { now: jiff::Timestamp::UNIX_EPOCH, functions: Functions::default() };
    let told = ["{{ fail \"a\" }}", "\n\n{{ index . 99 }}", "{{ repeat 1000000000 \"x\" }}"].map(|text| {
        let context = Context::new(BTreeMap::new(), &texts(&[("a", text)]));
        let mut budget = Budget::new(Limits::default(), &|| Duration::ZERO);
        let error = sealer_go::template::render("a", text, &context, &environment, &mut budget).unwrap_err();
        let failure = RunFailure::new(error);
        format!("{failure} {failure:?}")
    });
    assert_eq!(told, ["template execution error RunFailure([withheld])"; 3]);
}

#[test]
fn many_or_long_names_are_cut() {
    let templates: Texts = (0..4000).map(|at| (format!("{at:0>300}"), String::new())).collect();
    let told = Unrendered::new(&templates, Functions::default()).to_string();
    assert!(told.contains(" and 3995 more)") && told.len() < 2000, "{told}");
}

#[test]
fn parse_failures_are_found_without_running_anything() {
    let endless = "{{ range until 60000 }}{{ range until 60000 }}{{ end }}{{ end }}";
    let templates = texts(&[("a", endless), ("b", "x\n {{ nofunction }}"), ("c", "{{ end }}")]);
    let failures = rendering(&|| Duration::ZERO, false).check(&templates);
    assert_eq!(failures.keys().collect::<Vec<_>>(), ["b", "c"]);
    let text = failures.get("b").unwrap().to_string();
    assert_eq!(text, "template parse error at line 2, column 5: there is no such function");
}

#[test]
fn a_parse_that_ran_out_of_time_tells_no_place() {
    let templates = texts(&[("slow", &"{{ 1 }}".repeat(2000))]);
    let calls = std::cell::Cell::new(0);
    let clock = || {
        calls.set(calls.get() + 1);
        Duration::from_secs(calls.get())
    };
    let failures = rendering(&clock, false).check(&templates);
    assert_eq!(failures.get("slow").unwrap().to_string(), "template parse error: out of time");
}

#[test]
fn an_item_and_a_template_of_its_name_both_render() {
    let templates = texts(&[("value", "{{ .value }}!"), ("out", "{{ .value }}?")]);
    let rendered = rendered(&templates, "v").unwrap();
    assert_eq!(rendered.get("out").unwrap(), b"v?");
    assert_eq!(rendered.get("value").unwrap(), b"v!", "the caller decides which of them wins");
}

#[test]
fn refused_functions_are_named_from_the_text_alone() {
    let expensive = expensive_function_names();
    for name in function_names() {
        let template = texts(&[("out", &format!("{{{{ {name} \"a\" \"b\" \"c\" \"d\" }}}}"))]);
        let unrendered = Unrendered::new(&template, Functions::default()).to_string();
        let is_listed = unrendered.ends_with(&format!("; `{name}` needs --allow-expensive-template-functions"));
        assert_eq!(is_listed, expensive.contains(&name), "{unrendered}");
        let allowed = Unrendered::new(&template, Functions { expensive: true }).to_string();
        assert!(!allowed.contains(&format!("`{name}`")), "{allowed}");
        // The engine has the last word on what is refused; it judges the number of arguments first.
        let is_refused = (0..8).any(|count| {
            let template = texts(&[("out", &format!("{{{{ {name} {} }}}}", "\"a\" ".repeat(count)))]);
            matches!(rendered(&template, "v"), Err(ErrorClass::Refused))
        });
        assert!(!is_refused || is_listed, "{name} is refused and not named");
    }
}

#[test]
fn every_parse_reason_has_a_code() {
    let texts = [
        "{{ if .a }}",
        "{{ if .a }}{{ else }}{{ else }}{{ end }}",
        "{{ }}",
        "{{ 1.a }}",
        "{{ .a | 1 }}",
        "{{ define \"a\" }}b{{ end }}{{ define \"a\" }}c{{ end }}",
        "{{ if }}{{ end }}",
        "{{ range $a, }}{{ end }}",
        "{{ break }}",
        "{{ /* a",
        "{{/* a */ }}",
        "{{ else }}",
        "{{ end }}",
        "{{ with $a, $b := .c }}{{ end }}",
        "{{ nofunction }}",
        "{{ $a }}",
        "{{ 99999999999999999999 }}",
        "{{ range $a, $b, $c := .d }}{{ end }}",
        "{{ .a",
        "{{ (.a }}",
        "{{ .a) }}",
        "{{ 'a }}",
        "{{ \"a }}",
        "{{ `a }}",
        "{{ 'ab' }}",
        "{{ '\\q' }}",
        "{{ \"\\q\" }}",
        "{{ 0x }}",
        "{{ 1i2 }}",
        "{{ @ }}",
        "{{ \u{1} }}",
        "{{ .a ! }}",
        "{{ template 1 }}",
        "{{ define 1 }}{{ end }}",
        "{{ block \"a\" }}{{ end }}",
        "{{ .a.. }}",
        "{{ 0b2 }}",
    ];
    let deep = format!("{}{}", "{{ if 1 }}".repeat(300), "{{ end }}".repeat(300));
    let large = "{{ 1 }}".repeat(70_000);
    let mut codes = BTreeSet::new();
    for text in texts.into_iter().chain([deep.as_str(), large.as_str()]) {
        let failures = rendering(&|| Duration::ZERO, false).check(&BTreeMap::from([("t".into(), text.to_owned())]));
        let failure = failures.get("t").unwrap_or_else(|| panic!("{text:.40} parses"));
        let (line, column, code) = failure.numbers();
        assert!(code != u8::MAX, "{failure} ({text:.40}) has no code");
        assert_eq!(ParseFailure::from_numbers(line, column, code).to_string(), failure.to_string());
        codes.insert(code);
    }
    assert!(codes.len() > 20, "{codes:?}");
    assert!(ParseFailure::from_numbers(1, 2, 200).to_string().ends_with("column 2: it is not a template"));
}
