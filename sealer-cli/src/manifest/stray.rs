//! What a document has that is no field of a Secret: the API server refuses or drops it, and a value that stands there is
//! lost.

use crate::manifest::node::Node;
use crate::manifest::schema::{self, Struct, Type};
use crate::spelling::is_near;

/// What is wrong with the fields of one document. No text shows a value.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Strays {
    /// Fields whose values would be lost.
    pub(crate) lost: Vec<String>,
    /// What is merely odd.
    pub(crate) odd: Vec<String>,
}

/// Looks at the fields of a document and of its metadata.
pub(crate) fn strays(document: &Node) -> Strays {
    let mut found = Strays::default();
    if is_of_sops(document) {
        found
            .lost
            .push("it is encrypted with SOPS, and its texts are no values: decrypt it first (sops -d FILE)".to_owned());
        return found;
    }
    fields(document, &schema::SECRET, "", &mut found);
    if let Some(metadata) = document.field("metadata") {
        fields(metadata, &schema::METADATA, "metadata.", &mut found);
    }
    for items in ["data", "stringData"] {
        if let Some(Node::Map(fields)) = document.field(items) {
            twice(fields, &format!("{items}."), true, &mut found);
        }
    }
    found
}

fn fields(node: &Node, type_: &Type, place: &str, found: &mut Strays) {
    let (Node::Map(fields), Type::Struct(known)) = (node, type_) else { return };
    twice(fields, place, false, found);
    for (name, value) in fields {
        if has(known, name) {
            continue;
        }
        let name = shown(name);
        let is_nothing = value.is_nothing() || value.as_text() == Some("");
        let meant = meant(&name, place, value);
        let hint = meant.map(|meant| format!("; is `{meant}` meant?")).unwrap_or_default();
        let gap = if name.contains('\u{a0}') { " (its name has a no-break space)" } else { "" };
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
    found.odd.extend(doubled.map(|name| format!("`{place}{name}` is there twice; {which}")));
}

/// What is told of a name that stands in a map of YAML twice.
pub(crate) fn told_twice(name: &str) -> String {
    format!("`{}` is there twice in one map; the last one counts", shown(name))
}

fn has(known: &Struct, name: &str) -> bool {
    known.fields.iter().any(|field| field.name.eq_ignore_ascii_case(name))
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
            "KIND: Secret\nStringData: {a: b}\n",
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
        assert!(sops.lost.first().unwrap().contains("SOPS"), "{sops:?}");
    }

    #[test]
    fn what_holds_no_value_is_told_and_no_more() {
        for (text, told) in [
            ("kind: Secret\nname: a\nstringData: {a: b}\n", None),
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
                Some(told) => assert_eq!((strays.lost, strays.odd), (Vec::new(), vec![told.to_owned()]), "{text}"),
                None => assert_eq!(strays.lost.len(), 1, "a name beside the metadata is lost: {strays:?}"),
            }
        }
    }
}
