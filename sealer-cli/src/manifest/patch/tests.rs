#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use proptest::prelude::*;

use super::*;

const NEW: &str = "AgBnew+/=";

fn path(document: usize, item: &str) -> Vec<Step> {
    let names = ["spec", "encryptedData", item].map(|name| Step::Name(name.to_owned()));
    std::iter::once(Step::Number(document)).chain(names).collect()
}

/// Replaces the item `a` of the first document.
fn replaced(text: &str) -> Result<String, PatchError> {
    EditableText::read(text)?.with(&[Replacement { path: path(0, "a"), value: NEW.to_owned() }])
}

fn becomes(old: &str, new: &str) {
    assert_eq!(replaced(old).as_deref(), Ok(new), "{old}");
}

#[test]
fn only_the_bytes_of_the_value_change_in_any_style() {
    becomes(
        "spec: # c\n  encryptedData:\n    a: Old==   # why\n    b: x\n",
        "spec: # c\n  encryptedData:\n    a: AgBnew+/=   # why\n    b: x\n",
    );
    becomes("spec:\n  encryptedData:\n    \"a\": 'Old'\n", "spec:\n  encryptedData:\n    \"a\": 'AgBnew+/='\n");
    becomes("spec: {encryptedData: {b: 1, a: \"Old\", c: 2}}", "spec: {encryptedData: {b: 1, a: \"AgBnew+/=\", c: 2}}");
    becomes("spec: {encryptedData: {a: Old, b: x}}\n", "spec: {encryptedData: {a: AgBnew+/=, b: x}}\n");
    becomes(
        "{ \"spec\":\t{\"encryptedData\" :{\"a\":\"Old\"} } }\n",
        "{ \"spec\":\t{\"encryptedData\" :{\"a\":\"AgBnew+/=\"} } }\n",
    );
    becomes(
        "spec:\r\n  encryptedData:\r\n    a: Old\r\n    b: x\r\n",
        "spec:\r\n  encryptedData:\r\n    a: AgBnew+/=\r\n    b: x\r\n",
    );
    becomes(
        "spec:\n  encryptedData:\n    a: >-\n      Old\n      er\n    b: x\n",
        "spec:\n  encryptedData:\n    a: >-\n      AgBnew+/=\n    b: x\n",
    );
    becomes(
        "spec:\n  encryptedData:\n    a: |\n      Old\n\n    b: x\n",
        "spec:\n  encryptedData:\n    a: |\n      AgBnew+/=\n\n    b: x\n",
    );
    becomes("spec:\n  encryptedData:\n    a: Old", "spec:\n  encryptedData:\n    a: AgBnew+/=");
    becomes(
        "x: ä€\nspec:\n  encryptedData:\n    ü: 1\n    a: Old\n---\nother: {{}: 1}\n".replace("{{}: 1}", "1").as_str(),
        "x: ä€\nspec:\n  encryptedData:\n    ü: 1\n    a: AgBnew+/=\n---\nother: 1\n",
    );
}

#[test]
fn what_helm_writes_around_stays() {
    let old = "{{- if .Values.on }}\napiVersion: v1\nmetadata:\n  name: {{ .Values.name | quote }}\n  labels:\n    {{- include \"x\" . | nindent 4 }}\nspec:\n  encryptedData:\n    a: Old\n    {{/* two\n    lines */}}\n    b: {{ .Values.b }}\n{{- end }}\n";
    becomes(old, &old.replace("a: Old", "a: AgBnew+/="));
}

#[test]
fn what_is_not_certain_is_refused() {
    let unsure = |text: &str, reason| {
        assert_eq!(replaced(text), Err(PatchError::Unsure { line: 3, reason }), "{text}");
    };
    unsure("spec:\n  encryptedData:\n    a: &x Old\n    b: *x\n", "has an anchor or is an alias");
    unsure("spec:\n  encryptedData:\n    a: {{ .Values.a }}\n    b: y\n", "is a template");
    assert!(matches!(
        replaced("spec:\n  encryptedData:\n    a: 1\n    a: 2\n"),
        Err(PatchError::Broken { line: 4, .. })
    ));
    assert!(matches!(replaced("spec: [\n"), Err(PatchError::Broken { .. })));
}

#[test]
fn a_value_whose_anchor_no_alias_names_is_replaced() {
    becomes(
        "spec:\n  encryptedData:\n    a: &x Old # c\n    b: y\n",
        "spec:\n  encryptedData:\n    a: &x AgBnew+/= # c\n    b: y\n",
    );
    becomes("spec:\n  encryptedData: &all\n    a: &x 'Old'\n", "spec:\n  encryptedData: &all\n    a: &x 'AgBnew+/='\n");
    becomes(
        "spec:\n  encryptedData:\n    a: &x >-\n      Old\n    b: y\n",
        "spec:\n  encryptedData:\n    a: &x >-\n      AgBnew+/=\n    b: y\n",
    );
    becomes("spec: {encryptedData: {a: &x Old, b: \"*\"}}\n", "spec: {encryptedData: {a: &x AgBnew+/=, b: \"*\"}}\n");
    // An anchor is a document's own: one of the same name in another is another one.
    becomes(
        "spec:\n  encryptedData:\n    a: &x Old\n---\na: &x b\nc: *x\n",
        "spec:\n  encryptedData:\n    a: &x AgBnew+/=\n---\na: &x b\nc: *x\n",
    );
    for text in [
        "spec: &x\n  encryptedData:\n    a: Old\nother: *x\n",
        "spec:\n  encryptedData: &x\n    a: Old\n  other:\n    <<: *x\n",
    ] {
        assert!(replaced(text).is_err(), "{text}");
    }
}

#[test]
fn what_stands_in_for_templates_is_nowhere_to_be_seen() {
    let text =
        "a: {{ .b }}\n{{ .c }}: [x-{{ .d }}, {{ .e }}]\n{{ .f }}: '{{ .g }}'\n{{- range .h }}\n- 1\n{{- end }}\n";
    let text = text.replace("- 1\n", "");
    let edited = EditableText::read(&text).unwrap();
    let shown = format!("{:?}", edited.documents());
    for written in ["{{ .b }}", "{{ .c }}", "x-{{ .d }}", "{{ .e }}", "{{ .f }}", "{{ .g }}"] {
        assert!(shown.contains(&format!("text: {written:?}")) || shown.contains(written), "{written}: {shown}");
    }
    assert!(!shown.contains("xx") && !shown.contains("\"xa"), "{shown}");
}

fn style(value: &str, style: u8, indent: usize) -> String {
    let pad = " ".repeat(indent);
    match style {
        0 => value.to_owned(),
        1 => format!("'{value}'"),
        2 => format!("\"{value}\""),
        3 => format!("|\n{pad}  {value}"),
        _ => format!(">-\n{pad}  {value}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Items in any style, with comments and blank lines, between other documents, in both kinds of line ends.
    #[test]
    fn nothing_but_the_value_changes(
        items in prop::collection::vec(("[a-z][a-z0-9.-]{0,8}", "[A-Za-z0-9+/]{1,40}={0,2}", 0_u8..5, prop::option::of(" # [ -~]{0,12}")), 1..6),
        chosen in any::<prop::sample::Index>(),
        indent in 1_usize..5,
        carriage in any::<bool>(),
        before in prop::option::of("[a-z]{1,6}: [a-z]{1,6}\n---\n"),
        blank in any::<bool>(),
    ) {
        let mut items = items;
        items.sort();
        items.dedup_by(|one, other| one.0 == other.0);
        let chosen = chosen.index(items.len());
        let pad = " ".repeat(indent);
        let written = |value_of: &dyn Fn(usize) -> String| {
            let mut text = before.clone().unwrap_or_default();
            text.push_str(&format!("# head\nspec:\n{pad}encryptedData:\n"));
            for (at, (name, _, kind, comment)) in items.iter().enumerate() {
                let comment = comment.as_deref().filter(|_| *kind < 3).unwrap_or_default();
                text.push_str(&format!("{pad}{pad}{name}: {}{comment}\n", style(&value_of(at), *kind, indent * 2)));
                if blank && *kind < 3 {
                    text.push('\n');
                }
            }
            text.push_str(&format!("{pad}template:\n{pad}{pad}type: Opaque\n"));
            if carriage { text.replace('\n', "\r\n") } else { text }
        };
        let old = written(&|at| items[at].1.clone());
        let new = written(&|at| if at == chosen { NEW.to_owned() } else { items[at].1.clone() });
        let edited = EditableText::read(&old).unwrap();
        let document = usize::from(before.is_some());
        // `y` is read as `true`.
        let map = edited.at(&path(document, "")[..3]).unwrap();
        let name = map.fields()[chosen].0.as_read();
        let replacement = Replacement { path: path(document, &name), value: NEW.to_owned() };
        prop_assert_eq!(edited.with(&[replacement]).unwrap(), new);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[ -~\n\t{}:'\"|>&*#-]{0,80}") {
        if let Ok(edited) = EditableText::read(&text) {
            let _ = edited.with(&[Replacement { path: path(0, "a"), value: NEW.to_owned() }]);
        }
    }
}

/// To kubectl, the second line ends before `other`, which then is a field beside `spec`.
#[test]
fn separators_of_lines_that_readers_disagree_on_are_refused() {
    for separator in ['\u{85}', '\u{2028}', '\u{2029}'] {
        let text = format!("spec:\n {separator}other: x\n");
        let edited = EditableText::read(&text).unwrap();
        let path = [Step::Number(0), Step::name("spec")];
        let error = edited.with_entry(&path, "new", "x").unwrap_err();
        assert!(error.to_string().starts_with("line 2, column 2: a line separator of Unicode"), "{error}");
    }
    let error = EditableText::read("spec:\r\n  a: x # b\rother: c\n").unwrap();
    let error = error.with_entry(&[Step::Number(0), Step::name("spec")], "new", "x").unwrap_err();
    assert!(error.to_string().starts_with("line 2, column 11: a carriage return without"), "{error}");
    let json = "{\"spec\":{\"a\":\"x\u{2028}y\"}}";
    assert!(EditableText::read(json).unwrap().with_entry(&[Step::Number(0), Step::name("spec")], "new", "x").is_ok());
}

/// kubectl takes the last of them, so that an edit of the first would change nothing.
#[test]
fn names_that_read_the_same_are_refused() {
    for text in ["4: a\n+4: b\n", "yes: a\ntrue: b\n", "1.0: a\n1: b\n"] {
        let error = EditableText::read(text).err().unwrap();
        assert!(error.to_string().ends_with("has a name that stands there twice"), "{text}: {error}");
    }
    assert!(EditableText::read("4: a\n\"+4\": b\n\"yes\": c\ntrue: d\n").is_ok());
}
