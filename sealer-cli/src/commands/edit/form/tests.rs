#![expect(clippy::unwrap_used, reason = "tests may panic")]

use proptest::prelude::*;

use super::*;

fn clear(name: &str, value: &[u8]) -> Entry {
    Entry { name: name.to_owned(), shown: Shown::Clear(Plaintext::new(value.to_vec())) }
}

fn values(entries: &[Entry]) -> Vec<(String, Option<Vec<u8>>)> {
    let value = |entry: &Entry| match &entry.shown {
        Shown::Sealed => None,
        Shown::Clear(value) => Some(value.expose().to_vec()),
    };
    entries.iter().map(|entry| (entry.name.clone(), value(entry))).collect()
}

#[test]
fn values_show_as_people_write_them() {
    let entries = [
        clear("a", b"yes"),
        clear("b", b"two\nlines\n"),
        clear("c", b"\x00\xff"),
        clear("d", b"<sealed>"),
        Entry { name: "e".to_owned(), shown: Shown::Sealed },
        clear("f", b""),
        clear("010", b"no: \"quotes\" # here"),
    ];
    let text = write("# head\n", &entries);
    assert_eq!(
        *text,
        "# head\na: \"yes\"\nb: |\n  two\n  lines\nc: !!binary AP8=\nd: \"<sealed>\"\ne: <sealed>\nf: \"\"\n\"010\": 'no: \"quotes\" # here'\n"
    );
    assert_eq!(values(&read(&text, &entries).unwrap()), values(&entries));
}

#[test]
fn what_is_typed_is_text_as_it_stands() {
    let read = |text: &str| values(&read_all(text).unwrap());
    let value = |text: &str| vec![("a".to_owned(), Some(text.as_bytes().to_vec()))];
    for (text, typed) in [
        ("a: yes", "yes"),
        ("a: 010", "010"),
        ("a: null", "null"),
        ("a: '<sealed>'", "<sealed>"),
        ("{a: 1.50}", "1.50"),
    ] {
        assert_eq!(read(text), value(typed));
    }
}

#[test]
fn unusable_entry_is_told_by_its_line_alone() {
    for (text, reason) in [
        ("# c\na: secret: b\n", "line 2 is no YAML"),
        ("a: 1\na: 2\n", "line 2 has a name that stands there twice"),
        ("a b: secret\n", "line 1 has no name that an item can have"),
        ("a:\n  b: secret\n", "line 2 has a value that is no text"),
        ("a: [secret]\n", "line 1 has a value that is no text"),
        ("a: !!binary secret!\n", "line 1 has a !!binary value that is no base64"),
        ("a: !!int secret\n", "line 1 has a tag that is not known here"),
        ("a: &x secret\n", "line 1 has a value that is no text"),
        ("- secret\n", "line 1 is no `name: value`"),
        ("secret\n", "line 1 is no `name: value`"),
        ("a: 1\n---\nb: 2\n", "line 3 is no `name: value`"),
        ("a:\nb: secret\n", "line 1 has no value; \"\" is an empty one"),
        ("# only\n", "no item is left in it"),
        ("b: <sealed>\n", "<sealed> is no value for `b`, which has none yet"),
        ("a: secret #1\n", COMMENT),
        ("a: !!str secret\t# rest\n", COMMENT),
        ("{a: 1}\n#\n", ""),
        ("a: secret \nb: 2\n", BLANKS),
        ("a: secret\t\r\n", BLANKS),
        ("a: secret ", BLANKS),
        ("a: first\n  second\n", FOLDED),
        ("a: <sealed>x\n", RESEMBLES),
        ("a: x<sealed>\n", RESEMBLES),
        ("a: <SEALED>\n", RESEMBLES),
        ("a: <sealed\n", RESEMBLES),
        ("a: sealed\n", RESEMBLES),
        ("a: '<sealed>x' # a comment\n", ""),
        ("a: <sealed>  # a comment\n", ""),
        ("a: secret#1\n", ""),
        ("{a: secret }\n", ""),
        ("a: secret\r\n", ""),
    ] {
        assert_eq!(read(text, &[clear("a", b"")]).err().unwrap_or_default(), reason, "{text}");
    }
}

const COMMENT: &str = "line 1 has ` #` in its value, which begins a comment of YAML; put the value in quotes";
const BLANKS: &str = "line 1 has blanks at its end, which YAML takes away; remove them, or put the value in quotes";
const FOLDED: &str =
    "line 1 has a value that goes on in the next line, which YAML joins with a blank; quote it, or write `|`";
const RESEMBLES: &str = "line 1 has a value that resembles <sealed>; if it is the value, put it in quotes";

#[test]
fn a_reason_comes_and_goes() {
    let once = with_reason("a: b\n", "line 1 is no YAML");
    assert_eq!(*once, "# This cannot be used: line 1 is no YAML (counted without this line)\na: b\n");
    assert_eq!((without_reason(&once).as_str(), without_reason("a: b\n").as_str()), ("a: b\n", "a: b\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_value_comes_back(value in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "\\PC{0,40}".prop_map(String::into_bytes),
        "[ \t\r\n:#a<>'\"|-]{0,20}".prop_map(String::into_bytes),
        "[a-z ]{60,200}".prop_map(String::into_bytes),
    ]) {
        let entries = [clear("a", b"1"), clear("b.c", &value), clear("z", b"2")];
        prop_assert_eq!(values(&read(&write("# head\n", &entries), &[]).unwrap()), values(&entries));
    }
}
