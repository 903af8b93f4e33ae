//! What a document has that is no field of a Secret: the API server refuses or drops it, and a value that stands there is
//! lost.

use crate::encrypted::{self, Encrypted};
use crate::manifest::node::Node;
use crate::manifest::schema::{self, Struct, Type};
use crate::spelling::is_near;

/// What is wrong with the fields of one document. No text shows a value.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Strays {
    /// Fields whose values would be lost.
    pub(crate) lost: Vec<String>,
    /// Names that are there twice: one of the two values is lost.
    pub(crate) doubled: Vec<String>,
    /// What is merely odd.
    pub(crate) odd: Vec<String>,
    /// That its texts are no values: another tool encrypted them.
    pub(crate) encrypted: Option<String>,
}

/// Looks at the fields of a document and of its metadata.
pub(crate) fn strays(document: &Node) -> Strays {
    let mut found = Strays { encrypted: encrypted(document), ..Strays::default() };
    if found.encrypted.is_some() {
        return found;
    }
    fields(document, &schema::SECRET, "", &mut found);
    for (_, metadata) in named(document, &["metadata"]) {
        fields(metadata, &schema::METADATA, "metadata.", &mut found);
    }
    for (name, items) in named(document, &ITEMS) {
        if let Node::Map(fields) = items {
            twice(fields, &format!("{name}."), true, &mut found);
        }
    }
    found
}

/// The fields of those names, in the letters that were written.
fn named<'n>(node: &'n Node, names: &[&str]) -> Vec<(&'n str, &'n Node)> {
    let Node::Map(fields) = node else { return Vec::new() };
    let is_meant = |name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    fields.iter().filter(|(name, _)| is_meant(name)).map(|(name, value)| (name.as_str(), value)).collect()
}

/// Says that another tool encrypted the document: its own fields tell, or texts that somebody left without them.
pub(crate) fn encrypted(document: &Node) -> Option<String> {
    if is_of_sops(document) {
        return Some(format!("it {}", encrypted::SOPS.told()));
    }
    named(document, &ITEMS).into_iter().find_map(|(_, items)| {
        let Node::Map(items) = items else { return None };
        items.iter().find_map(|(item, value)| match encrypted::value(value.as_text()?.as_bytes())? {
            Encrypted::Certain(tool) => Some(encrypted_item(item, tool)),
            Encrypted::Possible(_) => None,
        })
    })
}

/// Says of an item that a tool encrypted it.
pub(crate) fn encrypted_item(item: &str, tool: encrypted::Tool) -> String {
    format!("the value of item `{}` {}", shown(item), tool.told())
}

fn fields(node: &Node, type_: &Type, place: &str, found: &mut Strays) {
    let (Node::Map(fields), Type::Struct(known)) = (node, type_) else { return };
    twice(fields, place, false, found);
    for (name, value) in fields {
        if let Some(field) = field(known, name) {
            if field != name {
                found.odd.push(format!(
                    "`{place}{}` is read as `{place}{field}`; a cluster takes that spelling alone",
                    shown(name)
                ));
            }
            continue;
        }
        let name = shown(name);
        let is_nothing = value.is_nothing() || value.as_text() == Some("");
        let meant = meant(&name, place, value);
        let hint = meant.map(|meant| format!("; is `{meant}` meant?")).unwrap_or_default();
        let gap = unseen(&name).map(|what| format!(" (its name has {what})")).unwrap_or_default();
        let told = format!("`{place}{name}` is no field of a Secret{gap}");
        // Templates of YAML keep what they refer to under such names.
        let is_anchors = name.starts_with("x-") || name.starts_with('.');
        let is_of_items = meant.is_some_and(|meant| meant.starts_with("data") || meant.starts_with("stringData"));
        let holds_values = place.is_empty() && !is_anchors && !IGNORED.contains(&name.as_str());
        if !is_nothing && (is_of_items || holds_values) {
            found.lost.push(format!("{told}, and what stands there would be lost{hint}"));
        } else {
            found.odd.push(format!("{told} and is left out{hint}"));
        }
    }
}

fn twice(fields: &[(String, Node)], place: &str, in_any_case: bool, found: &mut Strays) {
    let mut seen = std::collections::BTreeSet::new();
    let doubled = fields.iter().filter(|(name, _)| !seen.insert(name)).map(|(name, _)| shown(name));
    let which = if in_any_case { "the last one counts" } else { "the last one counts, and maps are joined" };
    found.doubled.extend(doubled.map(|name| format!("`{place}{name}` is there twice; {which}")));
}

/// What is told of a name that stands in a map of YAML twice.
pub(crate) fn told_twice(name: &str) -> String {
    format!("`{}` is there twice in one map; the last one counts", shown(name))
}

/// The field of that name, in whatever letters: the field's own first.
fn field(known: &Struct, name: &str) -> Option<&'static str> {
    let exact = known.fields.iter().find(|field| field.name == name);
    exact.or_else(|| known.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))).map(|field| field.name)
}

/// What of a name nobody sees: spaces as word processors and web pages write them.
pub(crate) fn unseen(name: &str) -> Option<String> {
    let letter = name.chars().find(|letter| {
        let is_space = letter.is_whitespace() && !letter.is_ascii();
        is_space || matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
    })?;
    Some(if letter == '\u{a0}' {
        "a no-break space".to_owned()
    } else {
        format!("the invisible letter U+{:04X}", u32::from(letter))
    })
}

/// The field that somebody meant who wrote this name at this place.
fn meant(name: &str, place: &str, value: &Node) -> Option<&'static str> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let in_metadata = !place.is_empty();
    let wanted = [
        ("stringdata", "stringData"),
        ("data", "data"),
        ("type", "type"),
        ("immutable", "immutable"),
        ("name", "metadata.name"),
        ("namespace", "metadata.namespace"),
        ("labels", "metadata.labels"),
        ("annotations", "metadata.annotations"),
        ("kind", "kind"),
        ("apiversion", "apiVersion"),
        ("metadata", "metadata"),
    ];
    let near = wanted.into_iter().find(|(word, _)| is_near(word, &plain)).map(|(_, field)| field);
    // A value beside `data` instead of below it.
    let is_value =
        !in_metadata && matches!(value, Node::Text(_) | Node::Int(_) | Node::Uint(_) | Node::Bool(_) | Node::Float(_));
    near.or_else(|| is_value.then_some("stringData"))
}

/// SOPS leaves its own field beside the texts that it encrypted.
fn is_of_sops(document: &Node) -> bool {
    let Some(sops) = document.field("sops") else { return false };
    ["mac", "version", "lastmodified"].iter().any(|field| sops.field(field).is_some())
}

/// A name fit for a message.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(63).collect()
}

/// Where the items of a Secret stand.
const ITEMS: [&str; 2] = ["data", "stringData"];
/// Fields that other objects have, and tools leave behind; nobody keeps a value there.
const IGNORED: [&str; 3] = ["status", "spec", "items"];

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;
    use crate::manifest::read::{Wanted, documents};

    fn found(text: &str) -> Strays {
        strays(&documents(text.as_bytes(), "stdin", Wanted::Secrets).unwrap().first().unwrap().node)
    }

    #[test]
    fn secrets_as_tools_write_them_have_no_strays() {
        for text in [
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: b, labels: {x: y}, creationTimestamp: null}\ntype: Opaque\nimmutable: true\ndata: {a: YQ==}\nstringData: {b: c}\n",
            "{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\",\"managedFields\":[]},\"data\":{}}",
        ] {
            assert_eq!(found(text), Strays::default(), "{text}");
        }
    }

    #[test]
    fn values_that_would_be_lost_are_named_with_what_was_meant() {
        for (text, place, meant) in [
            ("kind: Secret\nstring_data: {a: b}\n", "`string_data`", "`stringData`"),
            ("kind: Secret\nstringDate: {a: b}\n", "`stringDate`", "`stringData`"),
            ("kind: Secret\ndatas: {a: YQ==}\n", "`datas`", "`data`"),
            ("kind: Secret\nmetadata:\n  name: a\n  data: {a: YQ==}\n", "`metadata.data`", "`data`"),
            ("kind: Secret\nmetadata:\n  name: a\n  stringData: {a: b}\n", "`metadata.stringData`", "`stringData`"),
            ("kind: Secret\npassword: hunter2\n", "`password`", "`stringData`"),
        ] {
            let strays = found(text);
            let [told] = strays.lost.as_slice() else { panic!("{text}: {strays:?}") };
            assert!(told.starts_with(place) && told.ends_with(&format!("is {meant} meant?")), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
        assert!(found("kind: Secret\nvalues: {a: b}\n").lost.len() == 1);
        let sops = found("kind: Secret\nstringData: {a: \"ENC[AES256_GCM,data:x]\"}\nsops: {mac: x, version: 3.8.1}\n");
        assert_eq!(sops.encrypted.as_deref(), Some("it is encrypted with SOPS: decrypt it first (sops -d FILE)"));
        for text in [
            "kind: Secret\nstringData: {a: b, k: \"ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\"}\n",
            "kind: Secret\nData: {k: \"ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\"}\n",
        ] {
            let wanted = "the value of item `k` is encrypted with SOPS: decrypt it first (sops -d FILE)";
            assert_eq!(found(text).encrypted.as_deref(), Some(wanted), "{text}");
        }
        let spaced = found("kind: Secret\n\u{2003}password: hunter2\n");
        assert!(spaced.lost.first().unwrap().contains("(its name has the invisible letter U+2003)"), "{spaced:?}");
    }

    #[test]
    fn what_holds_no_value_is_told_and_no_more() {
        for (text, told) in [
            ("kind: Secret\nname: a\nstringData: {a: b}\n", None),
            (
                "kind: Secret\nSTRINGDATA: {a: b}\n",
                Some("`STRINGDATA` is read as `stringData`; a cluster takes that spelling alone"),
            ),
            (
                "kind: Secret\nmetadata: {Name: a}\n",
                Some("`metadata.Name` is read as `metadata.name`; a cluster takes that spelling alone"),
            ),
            ("kind: Secret\nstatus: {a: b}\n", Some("`status` is no field of a Secret and is left out")),
            ("kind: Secret\nx-common: {a: b}\n", Some("`x-common` is no field of a Secret and is left out")),
            (
                "kind: Secret\nmetadata: {name: a, lables: {a: b}}\n",
                Some("`metadata.lables` is no field of a Secret and is left out; is `metadata.labels` meant?"),
            ),
            (
                "{\"kind\":\"Secret\",\"stringData\":{\"a\":\"1\",\"a\":\"2\"}}",
                Some("`stringData.a` is there twice; the last one counts"),
            ),
        ] {
            let strays = found(text);
            match told {
                Some(told) => {
                    let told_of = [strays.doubled, strays.odd].concat();
                    assert_eq!((strays.lost, told_of), (Vec::new(), vec![told.to_owned()]), "{text}");
                }
                None => assert_eq!(strays.lost.len(), 1, "a name beside the metadata is lost: {strays:?}"),
            }
        }
    }
}
