//! What a document has that is no field of a Secret: the API server refuses or drops it, and a value that stands there is
//! lost.

use crate::encrypted::{self, Encrypted};
use crate::manifest::node::Node;
use crate::manifest::read::words_of_command;
use crate::manifest::schema::{self, Struct, Type};
use crate::manifest::twice;
use crate::names;
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
    fields(document, document, &schema::SECRET, "", &mut found);
    for (_, metadata) in named(document, &["metadata"]) {
        fields(document, metadata, &schema::METADATA, "metadata.", &mut found);
    }
    for field in ITEMS {
        let entries = || items(document, field);
        twice::of_items(field, entries(), &mut found);
        let with_value = entries().map(|(item, _)| item).filter(|item| names::has_value(item));
        found.lost.extend(with_value.take(TOLD).map(|item| {
            format!(
                "item `{}` has a value in its name, which would stand in clear text; a value stands behind `name: `",
                names::name(item)
            )
        }));
    }
    found
}

/// What stands in the maps of that name.
fn items<'n>(document: &'n Node, field: &str) -> impl Iterator<Item = (&'n str, &'n Node)> {
    let maps = named(document, &[field]).into_iter();
    let entries = maps.flat_map(|(_, map)| if let Node::Map(entries) = map { entries.as_slice() } else { &[] });
    entries.map(|(item, value)| (item.as_str(), value))
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
    format!("the value of item `{}` {}", names::name(item), tool.told())
}

fn fields(document: &Node, node: &Node, type_: &Type, place: &str, found: &mut Strays) {
    let (Node::Map(fields), Type::Struct(known)) = (node, type_) else { return };
    twice::of_fields(fields, place, found);
    for (name, value) in fields {
        if let Some(field) = field(known, name) {
            if field != name {
                found.odd.push(format!(
                    "`{place}{}` is read as `{place}{field}`; a cluster takes that spelling alone",
                    names::name(name)
                ));
            }
            continue;
        }
        let is_nothing = value.is_nothing() || value.as_text() == Some("");
        let words = words_of_command(name).filter(|_| place.is_empty());
        let is_former = !place.is_empty() && FORMER.contains(&name.as_str());
        let meant = meant(name, value).filter(|_| words.is_none() && !is_former);
        let hint = meant.map(|meant| format!("; is `{meant}` meant?"));
        let hint = hint.or_else(|| words.map(|words| format!("; {words}"))).unwrap_or_default();
        let gap = unseen(name).map(|what| format!(" (its name has {what})")).unwrap_or_default();
        let told = format!("`{place}{}` is no field of a Secret{gap}", names::name(name));
        let is_lost = names::has_value(name) || !is_nothing && holds_value(name, value, place, meant);
        if is_lost && !comes_out(value, document) {
            found.lost.push(format!("{told}, and what stands there would be lost{hint}"));
        } else {
            found.odd.push(format!("{told} and is left out{hint}"));
        }
    }
}

/// Whether somebody may miss what stands in a field that no Secret has.
fn holds_value(name: &str, value: &Node, place: &str, meant: Option<&str>) -> bool {
    if meant.is_some_and(|meant| meant.starts_with("data") || meant.starts_with("stringData")) {
        return true;
    }
    // Templates of YAML keep what they refer to under such names.
    let is_anchors = name.starts_with("x-") || name.starts_with('.');
    if place.is_empty() { !is_anchors && !IGNORED.contains(&name) } else { is_scalar(value) && !FORMER.contains(&name) }
}

/// Whether all entries of a field are items as well: a map that a merge key refers to.
fn comes_out(value: &Node, document: &Node) -> bool {
    let Node::Map(fields) = value else { return false };
    let all: Vec<_> = ITEMS.iter().flat_map(|field| items(document, field)).collect();
    !fields.is_empty() && fields.iter().all(|(name, value)| all.contains(&(name.as_str(), value)))
}

fn is_scalar(value: &Node) -> bool {
    matches!(value, Node::Text(_) | Node::Int(_) | Node::Uint(_) | Node::Bool(_) | Node::Float(_))
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
        is_space || names::is_invisible(*letter)
    })?;
    Some(if letter == '\u{a0}' {
        "a no-break space".to_owned()
    } else {
        format!("the invisible letter U+{:04X}", u32::from(letter))
    })
}

/// The field that somebody meant who wrote this name.
fn meant(name: &str, value: &Node) -> Option<&'static str> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
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
    near.or_else(|| is_scalar(value).then_some("stringData"))
}

/// SOPS leaves its own field beside the texts that it encrypted.
fn is_of_sops(document: &Node) -> bool {
    let Some(sops) = document.field("sops") else { return false };
    ["mac", "version", "lastmodified"].iter().any(|field| sops.field(field).is_some())
}

/// Where the items of a Secret stand.
const ITEMS: [&str; 2] = ["data", "stringData"];
/// Fields that other objects have, and tools leave behind; nobody keeps a value there.
const IGNORED: [&str; 3] = ["status", "spec", "items"];
/// Fields that the metadata of objects had once.
const FORMER: [&str; 2] = ["clusterName", "initializers"];
/// Names in messages.
const TOLD: usize = 10;

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
            ("kind: Secret\nmetadata:\n  name: a\n  password: hunter2\n", "`metadata.password`", "`stringData`"),
            ("kind: Secret\nmetadata:\n  name: a\n  pin: 2222\n", "`metadata.pin`", "`stringData`"),
            ("{\"kind\":\"Secret\",\"metadata\":{\"password\":\"hunter2\"}}", "`metadata.password`", "`stringData`"),
        ] {
            let strays = found(text);
            let [told] = strays.lost.as_slice() else { panic!("{text}: {strays:?}") };
            assert!(told.starts_with(place) && told.ends_with(&format!("is {meant} meant?")), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
        assert!(found("kind: Secret\nvalues: {a: b}\n").lost.len() == 1);
        assert!(found("{\"kind\":\"Secret\",\"stringData\":{\"a\":\"1\",\"a\":\"2\"}}").lost.len() == 1);
        assert!(found("defaults: &d {a: b, z: y}\nkind: Secret\nstringData: {a: b}\n").lost.len() == 1);
        for text in ["kind: Secret\nstringData: {PASSWORD=hunter2: }\n", "kind: Secret\nPASSWORD=hunter2: \n"] {
            let lost = found(text).lost;
            assert!(lost.len() == 1 && lost.iter().all(|lost| lost.contains("`PASSWORD…`")), "{text}: {lost:?}");
        }
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
                "{\"kind\":\"Secret\",\"stringData\":{\"a\":\"1\",\"a\":\"1\"}}",
                Some("`stringData.a` is there twice; the last one counts"),
            ),
            (
                "defaults: &d {a: b}\nkind: Secret\nstringData: {<<: *d, c: d}\n",
                Some("`defaults` is no field of a Secret and is left out"),
            ),
            (
                "kind: Secret\nmetadata: {name: a, clusterName: b}\n",
                Some("`metadata.clusterName` is no field of a Secret and is left out"),
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
