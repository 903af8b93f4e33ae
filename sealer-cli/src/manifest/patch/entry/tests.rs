#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr, reason = "tests may panic and count")]

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use super::*;
use crate::manifest::patch::Replacement;
use crate::manifest::read;

const NEW: &str = "AgBnew+/=";

fn map(document: usize) -> Vec<Step> {
    let names = ["spec", "encryptedData"].map(|name| Step::Name(name.to_owned()));
    std::iter::once(Step::Number(document)).chain(names).collect()
}

fn item(document: usize, name: &str) -> Vec<Step> {
    map(document).into_iter().chain([Step::Name(name.to_owned())]).collect()
}

fn added(text: &str) -> Result<String, PatchError> {
    EditableText::read(text)?.with_entry(&map(0), "new", NEW)
}

fn removed(text: &str, name: &str) -> Result<String, PatchError> {
    EditableText::read(text)?.without_entry(&item(0, name))
}

/// Adding gives the one from the other, and taking out the other from the one.
fn there_and_back(old: &str, new: &str) {
    assert_eq!(added(old).as_deref(), Ok(new), "{old}");
    assert_eq!(removed(new, "new").as_deref(), Ok(old), "{new}");
}

#[test]
fn a_map_that_is_missing_is_made_unless_a_template_may_write_it() {
    for (old, new) in [
        ("kind: a\n", "kind: a\nspec:\n  encryptedData:\n    new: AgBnew+/=\n"),
        ("spec:\r\n", "spec:\r\n  encryptedData:\r\n    new: AgBnew+/=\r\n"),
        ("spec: {}\nz: 1\n", "spec:\n  encryptedData:\n    new: AgBnew+/=\nz: 1\n"),
        (
            "spec:\n    # of it\n    template: {}\n# end\n",
            "spec:\n    # of it\n    template: {}\n    encryptedData:\n        new: AgBnew+/=\n# end\n",
        ),
        ("{\"spec\":{\"a\":{}}}", "{\"spec\":{\"a\":{},\"encryptedData\": {\"new\": \"AgBnew+/=\"}}}"),
        ("spec: {template: {}}\n", "spec: {template: {}, encryptedData: {new: AgBnew+/=}}\n"),
    ] {
        assert_eq!(added(old).as_deref(), Ok(new), "{old}");
    }
    for text in ["spec: {}\nz: {{ .x }}\n", "spec: text\n", "spec: []\n", "- spec\n", "text\n"] {
        assert!(matches!(added(text), Err(PatchError::NoMap)), "{text}");
    }
}

#[test]
fn an_entry_comes_behind_the_others_in_their_style_and_goes_again() {
    there_and_back(
        "spec:\n  encryptedData:\n    a: x  # why\n    # about b\n    b: y\t# c\n\n  template: {}\n",
        "spec:\n  encryptedData:\n    a: x  # why\n    # about b\n    b: y\t# c\n    new: AgBnew+/=\n\n  template: {}\n",
    );
    there_and_back(
        "spec:\r\n  encryptedData:\r\n    'a': \"x\"\r\nmore: 1\r\n",
        "spec:\r\n  encryptedData:\r\n    'a': \"x\"\r\n    'new': \"AgBnew+/=\"\r\nmore: 1\r\n",
    );
    there_and_back("spec:\n  encryptedData:\n    a: x", "spec:\n  encryptedData:\n    a: x\n    new: AgBnew+/=");
    there_and_back(
        "spec:\n  encryptedData:\n    a: |\n      x\n      y\n\n  template: {}\n",
        "spec:\n  encryptedData:\n    a: |\n      x\n      y\n    new: AgBnew+/=\n\n  template: {}\n",
    );
    there_and_back(
        "spec:\n  encryptedData:\n    a: |+\n      x\n\n\n  template: {}\n",
        "spec:\n  encryptedData:\n    a: |+\n      x\n\n\n    new: AgBnew+/=\n  template: {}\n",
    );
    there_and_back(
        "spec:\n  encryptedData:\n    a: \"x\n      y\"\n---\nz: 1\n",
        "spec:\n  encryptedData:\n    a: \"x\n      y\"\n    new: \"AgBnew+/=\"\n---\nz: 1\n",
    );
}

#[test]
fn brackets_and_json_keep_their_spacing() {
    there_and_back("spec: {encryptedData: {a: x}}\n", "spec: {encryptedData: {a: x, new: AgBnew+/=}}\n");
    there_and_back(
        "{\"spec\":{\"encryptedData\":{\"a\":\"x\"}}}",
        "{\"spec\":{\"encryptedData\":{\"a\":\"x\",\"new\":\"AgBnew+/=\"}}}",
    );
    there_and_back(
        "{\n\t\"spec\": {\n\t\t\"encryptedData\": {\n\t\t\t\"a\" : \"x\"\n\t\t}\n\t}\n}\n",
        "{\n\t\"spec\": {\n\t\t\"encryptedData\": {\n\t\t\t\"a\" : \"x\",\n\t\t\t\"new\" : \"AgBnew+/=\"\n\t\t}\n\t}\n}\n",
    );
    there_and_back("spec:\n  encryptedData: { a: x, }\n", "spec:\n  encryptedData: { a: x, new: AgBnew+/=, }\n");
}

#[test]
fn the_first_entry_opens_the_map_and_the_last_closes_it() {
    there_and_back(
        "spec:\n  encryptedData: {} # none\n  template: {}\n",
        "spec:\n  encryptedData: # none\n    new: AgBnew+/=\n  template: {}\n",
    );
    there_and_back(
        "{\n  \"spec\": {\n    \"encryptedData\": {}\n  }\n}\n",
        "{\n  \"spec\": {\n    \"encryptedData\": {\n      \"new\": \"AgBnew+/=\"\n    }\n  }\n}\n",
    );
    there_and_back("{\"spec\": {\"encryptedData\": {}}}", "{\"spec\": {\"encryptedData\": {\"new\": \"AgBnew+/=\"}}}");
    for nothing in ["", " null", " ~"] {
        let old = format!("spec:\n  encryptedData:{nothing}\n  template: {{}}\n");
        let new = "spec:\n  encryptedData:\n    new: AgBnew+/=\n  template: {}\n";
        assert_eq!(added(&old).as_deref(), Ok(new), "{old}");
    }
    assert_eq!(
        added("{\"spec\":{\"encryptedData\":null}}").as_deref(),
        Ok("{\"spec\":{\"encryptedData\":{\"new\": \"AgBnew+/=\"}}}")
    );
}

#[test]
fn any_entry_can_go() {
    let text = "spec:\n  encryptedData:\n    # about a\n    a: x # a\n    b: >-\n      y\n      z\n\n    c: 'w'\n";
    assert_eq!(
        removed(text, "a").as_deref(),
        Ok("spec:\n  encryptedData:\n    # about a\n    b: >-\n      y\n      z\n\n    c: 'w'\n")
    );
    assert_eq!(
        removed(text, "b").as_deref(),
        Ok("spec:\n  encryptedData:\n    # about a\n    a: x # a\n\n    c: 'w'\n")
    );
    let json = "{\"spec\": {\"encryptedData\": {\n \"a\": \"x\",\n \"b\": \"y\", \"c\": \"z\"}}}";
    assert_eq!(removed(json, "a").as_deref(), Ok("{\"spec\": {\"encryptedData\": {\n \"b\": \"y\", \"c\": \"z\"}}}"));
    assert_eq!(removed(json, "b").as_deref(), Ok("{\"spec\": {\"encryptedData\": {\n \"a\": \"x\",\n \"c\": \"z\"}}}"));
    assert_eq!(removed(json, "c").as_deref(), Ok("{\"spec\": {\"encryptedData\": {\n \"a\": \"x\",\n \"b\": \"y\"}}}"));
}

#[test]
fn names_that_are_no_text_without_quotes_get_them() {
    let text = "spec:\n  encryptedData:\n    a: x\n";
    for (name, written) in
        [("yes", "\"yes\""), ("010", "\"010\""), ("1.5", "\"1.5\""), ("a.b-c_d", "a.b-c_d"), ("-", "'-'")]
    {
        let new = EditableText::read(text).unwrap().with_entry(&map(0), name, NEW).unwrap();
        let written = written.replace('\'', "\"");
        assert_eq!(new, format!("{text}    {written}: {NEW}\n"));
    }
}

#[test]
fn what_helm_decides_is_left_alone() {
    let wrapped = "{{- if .Values.on }}\nspec:\n  encryptedData:\n    a: x\n  template: {}\n{{- end }}\n";
    assert_eq!(added(wrapped).unwrap(), wrapped.replace("a: x\n", "a: x\n    new: AgBnew+/=\n"));
    let branch = "spec:\n  encryptedData:\n    a: x\n    {{- if .Values.b }}\n    b: y\n    {{- end }}\n";
    assert_eq!(added(branch).unwrap(), branch.replace("a: x\n", "a: x\n    new: AgBnew+/=\n"));
    assert_eq!(removed(branch, "b").unwrap(), branch.replace("    b: y\n", ""));
    let reason = |reason| Err(PatchError::Unsure { line: 4, reason });
    let all = "spec:\n  encryptedData:\n    {{- if .Values.b }}\n    b: y\n    {{- end }}\n";
    assert_eq!(added(all), reason("stands among templates that decide whether it is there"));
    let last = "spec:\n  encryptedData:\n\n    a: x\n    {{- include \"more\" . | nindent 4 }}\n";
    assert_eq!(removed(last, "a"), reason("is the last one beside templates"));
}

#[test]
fn what_stands_in_several_places_or_nowhere_is_refused() {
    let shared = |line| Err(PatchError::Unsure { line, reason: "has an anchor or is an alias" });
    assert_eq!(added("spec:\n  encryptedData: &x\n    a: y\n  other: *x\n"), shared(2));
    assert_eq!(added("spec:\n  other: &x\n    a: y\n  encryptedData: *x\n"), shared(4));
    assert_eq!(added("x: &x {b: c}\nspec:\n  encryptedData:\n    <<: *x\n    a: y\n"), shared(3));
    assert_eq!(removed("spec:\n  encryptedData:\n    a: &x y\n    b: *x\n", "a"), shared(3));
    assert_eq!(removed("spec:\n  encryptedData:\n    a: &x y\n    b: *x\n", "b"), shared(4));
    for text in ["spec:\n  encryptedData: []\n", "spec:\n  encryptedData: text\n"] {
        assert_eq!(added(text), Err(PatchError::NoMap), "{text}");
    }
    let inline = "spec:\n  encryptedData: {a: x # why\n    , b: y}\n";
    assert_eq!(
        removed(inline, "b"),
        Err(PatchError::Unsure { line: 3, reason: "has a comment between it and its neighbour" })
    );
}

#[test]
fn forms_that_are_not_certain_are_refused_by_name() {
    let reason = |line, reason| Err(PatchError::Unsure { line, reason });
    assert_eq!(added("spec:\n  encryptedData: {\n  }\n"), reason(2, "is not written as `name: {}`"));
    assert_eq!(added("spec:\n  encryptedData: # {{ .x }}\nc: {{ .x }}\n"), reason(2, "is not written as `name: {}`"));
    let explicit = "spec:\n  encryptedData:\n    ? a\n    : x\n";
    assert_eq!(added(explicit), reason(3, "is not on lines of its own"));
    assert_eq!(removed(explicit, "a"), reason(3, "is not on a line of its own"));
    let branch = "spec:\n  encryptedData:\n    a: |\n      {{ if .x }}\n    b: y # {{ end }}\nc: {{ .x }}\n";
    assert_eq!(removed(branch, "a"), reason(3, "is only in part what a template decides"));
    let alone = EditableText::read("a: 1\n").unwrap().without_entry(&[Step::Number(0), Step::Name("a".to_owned())]);
    assert_eq!(alone, reason(1, "is all there is"));
}

/// A document as people and tools write them.
#[derive(Clone, Debug)]
struct Written {
    items: Vec<(String, String, u8, Option<String>)>,
    form: u8,
    indent: usize,
    carriage: bool,
    before: bool,
    after: bool,
    helm: bool,
    blank: bool,
    ends: bool,
}

impl Written {
    fn text(&self) -> String {
        let mut text = if self.before {
            "# first\nkind: ConfigMap\ndata: {a: &x 1, b: *x}\n---\n".to_owned()
        } else {
            String::new()
        };
        if self.helm {
            text.push_str("{{- if .Values.on }}\n");
        }
        match self.form {
            0 => self.block(&mut text),
            1 => self.brackets(&mut text),
            2 => text.push_str(&format!("{}\n", self.value())),
            _ => text
                .push_str(&format!("{}\n", serde_json::to_string_pretty(&self.value()).unwrap().replace("  ", "\t"))),
        }
        if self.helm {
            text.push_str("{{- end }}\n");
        }
        if self.after {
            text.push_str("---\nkind: Last # one\n");
        }
        let text = if self.carriage { text.replace('\n', "\r\n") } else { text };
        if self.ends { text } else { text.trim_end().to_owned() }
    }

    fn value(&self) -> Value {
        let items: Value = self.items.iter().map(|(name, value, ..)| (name.clone(), json!(value))).collect();
        json!({ "kind": "SealedSecret", "spec": { "encryptedData": items } })
    }

    fn block(&self, text: &mut String) {
        let pad = " ".repeat(self.indent);
        text.push_str(&format!(
            "kind: SealedSecret\nspec:\n{pad}encryptedData:{}\n",
            if self.items.is_empty() { " {}" } else { "" }
        ));
        for (name, value, style, comment) in &self.items {
            let deep = " ".repeat(self.indent * 3);
            let comment = comment.as_deref().filter(|_| *style < 3).unwrap_or_default();
            let value = match style {
                0 => value.clone(),
                1 => format!("'{value}'"),
                2 => format!("\"{value}\""),
                3 => format!("|\n{deep}{value}"),
                4 => format!("|+\n{deep}{value}\n"),
                _ => format!(">-\n{deep}{value}"),
            };
            text.push_str(&format!("{pad}{pad}{name}: {value}{comment}\n"));
            if self.blank {
                text.push('\n');
            }
        }
        text.push_str(&format!("{pad}template:\n{pad}{pad}type: Opaque\n"));
    }

    fn brackets(&self, text: &mut String) {
        let gap = if self.blank { "\n    " } else { " " };
        let items: Vec<String> = self
            .items
            .iter()
            .map(|(name, value, style, _)| match style {
                0 => format!("{gap}{name}: {value}"),
                1 => format!("{gap}'{name}':  '{value}'"),
                _ => format!("{gap}\"{name}\": \"{value}\""),
            })
            .collect();
        text.push_str(&format!(
            "kind: SealedSecret\nspec: {{encryptedData: {{{}}}, template: {{}}}}\n",
            items.join(",")
        ));
    }
}

fn documents() -> impl Strategy<Value = Written> {
    let item = ("[a-m][a-z0-9._-]{0,8}", "A[A-Za-z0-9+/]{1,40}={0,2}", 0_u8..6, prop::option::of("[ \t]# [ -z]{0,12}"));
    let items = prop::collection::btree_map(item.0, (item.1, item.2, item.3), 0..6);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (items, 0_u8..4, 1_usize..5, flags).prop_map(|(items, form, indent, flags)| {
        let items = items.into_iter().map(|(name, (value, style, comment))| (name, value, style, comment)).collect();
        let (carriage, before, after, helm, blank, ends) = flags;
        Written { items, form, indent, carriage, before, after, helm: helm && form < 2, blank, ends }
    })
}

/// What another reader makes of a text whose templates stand on lines of their own.
fn read_by_another(text: &str) -> Vec<Value> {
    let plain: String = text.split_inclusive('\n').filter(|line| !line.starts_with("{{")).collect();
    let documents = read::documents(plain.as_bytes(), "text", read::Wanted::SealedSecret).unwrap();
    documents.iter().map(|document| document.value().unwrap()).collect()
}

fn check(
    written: &Written,
    chosen: &prop::sample::Index,
    counts: &std::cell::Cell<[usize; 4]>,
) -> Result<(), TestCaseError> {
    let old = written.text();
    let document = usize::from(written.before);
    let edited = EditableText::read(&old).unwrap();
    let mut count = counts.get();
    let new = edited.with_entry(&map(document), "new", NEW);
    let new = new.map_err(|error| TestCaseError::fail(format!("{error}\n{old}")))?;
    let mut wanted = read_by_another(&old);
    wanted[document]["spec"]["encryptedData"]["new"] = json!(NEW);
    prop_assert_eq!(read_by_another(&new), wanted.clone());
    prop_assert_eq!(&EditableText::read(&new).unwrap().without_entry(&item(document, "new")).unwrap(), &old);
    count[0] += 1;
    if !written.items.is_empty() {
        let (name, ..) = &written.items[chosen.index(written.items.len())];
        check_replaced(written, &old, document, name)?;
        count[3] += 1;
        match edited.without_entry(&item(document, name)) {
            Ok(without) => check_without(written, (&old, &without), document, name)?,
            // The blank line behind it would become part of a block that keeps its blank lines.
            Err(PatchError::UnexpectedChange) if written.form == 0 && written.blank && keeps(written, name) => {
                count[2] += 1;
            }
            Err(error) => return Err(TestCaseError::fail(format!("{error}\n{old}"))),
        }
        count[1] += 1;
    }
    counts.set(count);
    Ok(())
}

/// Every character but those of the value stays.
fn check_replaced(written: &Written, old: &str, document: usize, name: &str) -> Result<(), TestCaseError> {
    let replacement = Replacement { path: item(document, name), value: NEW.to_owned() };
    let new = EditableText::read(old).unwrap().with(&[replacement]).unwrap();
    let mut wanted = read_by_another(old);
    let value = wanted[document]["spec"]["encryptedData"][name].take();
    let kept = value.as_str().unwrap();
    let ends = kept.len() - kept.trim_end_matches('\n').len();
    wanted[document]["spec"]["encryptedData"][name] = json!(format!("{NEW}{}", "\n".repeat(ends)));
    prop_assert_eq!(read_by_another(&new), wanted);
    let same = |one: &str, other: &str| one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let reversed = |text: &str| text.chars().rev().collect::<String>();
    let around = same(old, &new) + same(&reversed(old), &reversed(&new));
    prop_assert!(around + kept.trim_end().len() >= old.chars().count(), "{}\n{} {:?}", old, new, written);
    Ok(())
}

/// Whether the item ahead of another one is a block that keeps its blank lines.
fn keeps(written: &Written, name: &str) -> bool {
    let at = written.items.iter().position(|(other, ..)| other == name).unwrap();
    at.checked_sub(1).is_some_and(|before| written.items[before].2 == 4)
}

fn check_without(
    written: &Written,
    (old, without): (&str, &str),
    document: usize,
    name: &str,
) -> Result<(), TestCaseError> {
    let mut wanted = read_by_another(old);
    wanted[document]["spec"]["encryptedData"].as_object_mut().unwrap().remove(name);
    prop_assert_eq!(read_by_another(without), wanted);
    let is_old = |line: &str| old.lines().any(|other| other == line) || line.contains("encryptedData");
    prop_assert!(written.form > 0 || without.lines().all(is_old), "{}\n{}", old, without);
    Ok(())
}

/// Documents in every form, with comments, line ends, templates and other documents around: one reader edits, another
/// one says what came of it.
#[test]
fn an_entry_more_or_less_changes_nothing_else() {
    let counts = std::cell::Cell::new([0; 4]);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(4000) });
    runner
        .run(&(documents(), any::<prop::sample::Index>()), |(written, chosen)| check(&written, &chosen, &counts))
        .unwrap();
    let [added, removed, refused, replaced] = counts.get();
    eprintln!(
        "{added} entries added and taken out again, {replaced} replaced, {removed} others taken out, {refused} of them refused"
    );
    assert!(added == 4000 && removed > 3000 && refused < 200);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Any text at all: an edit is refused or proven, and never panics.
    #[test]
    fn no_text_makes_it_panic(text in "(spec:\n  encryptedData:)?[ -~\n\t{}:'\"|>&*#a-]{0,60}") {
        if let Ok(edited) = EditableText::read(&text) {
            let _ = edited.with_entry(&map(0), "new", NEW);
            let _ = edited.with_entry(&[Step::Number(0)], "new", NEW);
            let _ = edited.without_entry(&item(0, "a"));
            let _ = edited.without_entry(&[Step::Number(0), Step::Name("a".to_owned())]);
        }
    }
}
