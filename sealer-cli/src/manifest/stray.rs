//! What a document has that is no field of a Secret: the API server refuses or drops it, and a value that stands there is
//! lost.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use sealer_encoding::base64;
use sealer_resource::template_metadata::SET_BY_OTHERS;
use zeroize::Zeroizing;

use crate::encrypted::{self, Encrypted};
use crate::manifest::node::Node;
use crate::manifest::schema::{self, Struct, Type};
use crate::names;
use crate::spelling::is_near;

/// What is wrong with the fields of one document. No text shows a value.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Strays {
    /// Fields whose values would be lost.
    pub(crate) lost: Vec<String>,
    /// What is merely odd.
    pub(crate) odd: Vec<String>,
    /// That its texts are no values: another tool encrypted them.
    pub(crate) encrypted: Option<String>,
}

impl Strays {
    /// Adds those of another object.
    pub(crate) fn extend(&mut self, others: Self) {
        self.lost.extend(others.lost);
        self.odd.extend(others.odd);
    }
}

/// Looks at the fields of a document and of its metadata.
pub(crate) fn strays(document: &Node) -> Strays {
    let mut found = Strays { encrypted: encrypted(document), ..Strays::default() };
    if found.encrypted.is_some() {
        return found;
    }
    let looked = Looked { document, is_list: false };
    looked.fields(document, &schema::SECRET, "", &mut found);
    for (_, metadata) in named(document, &["metadata"]) {
        looked.fields(metadata, &schema::METADATA, "metadata.", &mut found);
    }
    for field in ITEMS {
        let with_value = items(document, field).map(|(item, _)| item).filter(|item| names::has_value(item));
        found.lost.extend(with_value.take(TOLD).map(|item| {
            format!(
                "item `{}` has a name that no cluster takes and that may hold a value, which would stand in clear text; \
                 a value stands behind `name: `, with the blank",
                names::name(item)
            )
        }));
    }
    empty(document, &mut found);
    found
}

/// Looks at the fields of a List, whose Secrets are looked at one by one.
pub(crate) fn of_list(list: &Node) -> Strays {
    let mut found = Strays::default();
    let looked = Looked { document: list, is_list: true };
    looked.fields(list, &schema::LIST, "", &mut found);
    for (_, metadata) in named(list, &["metadata"]) {
        looked.fields(metadata, &schema::LIST_METADATA, "metadata.", &mut found);
    }
    found
}

/// Items without a value: what was to be one is nothing, or takes the value away that stands below `data`.
fn empty(document: &Node, found: &mut Strays) {
    let is_empty = |value: &Node| value.is_nothing() || value.as_text() == Some("");
    let of_data: BTreeMap<&str, &Node> = items(document, "data").collect();
    let (mut taken, mut nothing) = (Vec::new(), Vec::new());
    for (item, value) in items(document, "stringData") {
        let name = names::name(item);
        match of_data.get(item).filter(|value| !is_empty(value)) {
            Some(_) if is_empty(value) => taken.push(format!(
                "`stringData.{name}` is empty, and the value of `data.{name}`, which it stands for, would be lost"
            )),
            Some(known) if !is_of_base64(value, known) => found.odd.push(format!(
                "`stringData.{name}` is sealed, and not what stands under `data.{name}`; take one of them out"
            )),
            None if *value == Node::Null => nothing.push(item),
            _ => {}
        }
    }
    nothing.extend(of_data.into_iter().filter(|(_, value)| **value == Node::Null).map(|(item, _)| item));
    found.lost.extend(taken);
    let told = |item: &&str| {
        format!(
            "item `{}` is sealed empty: nothing, `~` or `null` stands there, which is no text; write a text in quotes, or \"\" for an empty one",
            names::name(item)
        )
    };
    found.odd.extend(nothing.iter().take(TOLD).map(told));
    let more = nothing.len().saturating_sub(TOLD);
    found.odd.extend((more > 0).then(|| format!("{more} more items are sealed empty")));
}

/// Whether a text is what base64 stands for.
fn is_of_base64(text: &Node, encoded: &Node) -> bool {
    let decoded = encoded.as_text().and_then(|encoded| base64::decode(encoded).ok()).map(Zeroizing::new);
    let is_it = |text: &str| decoded.as_ref().is_some_and(|decoded| decoded.as_slice() == text.as_bytes());
    text.as_text().map_or_else(|| text.scalar_text().is_some_and(|text| is_it(&text)), is_it)
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

/// The object that is looked at.
struct Looked<'n> {
    document: &'n Node,
    /// Whether it is a List, and not a Secret.
    is_list: bool,
}

impl Looked<'_> {
    fn fields(&self, node: &Node, type_: &Type, place: &str, found: &mut Strays) {
        let (Node::Map(fields), Type::Struct(known)) = (node, type_) else { return };
        for (name, value) in fields {
            match field(known, name) {
                Some(field) if field == name => {}
                Some(field) => found.odd.push(format!(
                    "`{place}{}` is read as `{place}{field}`; a cluster takes that spelling alone",
                    names::name(name)
                )),
                None => self.unknown(name, value, place, found),
            }
        }
    }

    /// A field that no such object has.
    fn unknown(&self, name: &str, value: &Node, place: &str, found: &mut Strays) {
        let words = words_of_command(name).filter(|_| place.is_empty());
        let is_left = !place.is_empty() && LEFT_IN_METADATA.contains(&name);
        let meant = meant(name, value).filter(|_| !is_left);
        let hint = match (words, meant) {
            (Some(words), _) => format!("; {words}"),
            (None, _) if self.is_list && place.is_empty() && is_near("items", &name.to_lowercase()) => {
                "; is `items` meant?".to_owned()
            }
            (None, Some(_)) if self.is_list => "; it belongs into each Secret, under `items`".to_owned(),
            (None, Some(meant)) => format!("; is `{meant}` meant?"),
            (None, None) => String::new(),
        };
        let gap = unseen(name).map(|what| format!(" (its name has {what})")).unwrap_or_default();
        let told = format!(
            "`{place}{}` is no field of {}{gap}",
            names::name(name),
            if self.is_list { "a List" } else { "a Secret" }
        );
        let is_ignored = if place.is_empty() { name == "status" } else { is_left };
        let comes_out = (place.is_empty() || !self.is_list) && self.comes_out(name, value);
        let hint = if comes_out { "" } else { &hint };
        if names::has_value(name.trim_start_matches('$')) || !is_ignored && !comes_out && has_text(value) {
            found.lost.push(format!("{told}, and what stands there would be lost{hint}"));
        } else {
            found.odd.push(format!("{told} and is left out{hint}"));
        }
    }

    /// Whether what stands in a field is found elsewhere, too: merge keys and aliases refer to it. Of what templates of YAML
    /// are kept under, a part is enough: others may be written over.
    fn comes_out(&self, name: &str, value: &Node) -> bool {
        let is_template = name.starts_with("x-") || name.starts_with('.');
        if !is_template && !self.is_list {
            return are_items(value, self.document);
        }
        if ITEMS.contains(&name) {
            return false;
        }
        let Node::Map(fields) = self.document else { return false };
        let mut elsewhere = HashSet::new();
        fields.iter().filter(|(other, _)| other != name).for_each(|(_, value)| texts(value, &mut elsewhere));
        let mut own = HashSet::new();
        texts(value, &mut own);
        let mut found = own.iter().map(|text| elsewhere.contains(text));
        if is_template { found.any(|is_found| is_found) } else { found.all(|is_found| is_found) }
    }
}

/// Whether somebody wrote something there, in whatever depth.
fn has_text(value: &Node) -> bool {
    let mut found = HashSet::new();
    texts(value, &mut found);
    !found.is_empty()
}

/// All texts, numbers and the like that are not empty.
fn texts<'n>(value: &'n Node, found: &mut HashSet<Cow<'n, str>>) {
    match value {
        Node::Map(fields) => fields.iter().for_each(|(_, value)| texts(value, found)),
        Node::List(items) => items.iter().for_each(|item| texts(item, found)),
        value => {
            let text = value.as_text().map(Cow::Borrowed).or_else(|| value.scalar_text().map(Cow::Owned));
            found.extend(text.filter(|text| !text.is_empty()));
        }
    }
}

/// Whether servers write a field of the metadata, and nobody else.
pub(crate) fn is_of_server(field: &str) -> bool {
    field == "managedFields" || SET_BY_OTHERS.iter().any(|known| known.eq_ignore_ascii_case(field))
}

/// Whether all entries of a field are items as well: a map that a merge key refers to.
fn are_items(value: &Node, document: &Node) -> bool {
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
    name.chars().find(|letter| is_unseen(*letter)).map(unseen_letter)
}

fn is_unseen(letter: char) -> bool {
    letter.is_whitespace() && !letter.is_ascii() || names::is_invisible(letter)
}

fn unseen_letter(letter: char) -> String {
    match letter {
        '\u{a0}' => "a no-break space".to_owned(),
        letter => format!("the invisible letter U+{:04X}", u32::from(letter)),
    }
}

/// The line of a text that has such a letter where YAML wants a space, and where: at its beginning, or behind a colon or a dash.
pub(crate) fn odd_space(text: &str) -> Option<(usize, String)> {
    text.lines().enumerate().find_map(|(at, line)| {
        let (number, line) = (at + 1, line.trim_start_matches('\u{feff}').trim_start_matches(' '));
        if let Some(first) = line.chars().next().filter(|first| is_unseen(*first)) {
            return Some((number, format!("{} is no indentation; type plain spaces", unseen_letter(first))));
        }
        let behind = |sign: char| {
            let (before, rest) = line.split_once(sign)?;
            let letter = rest.chars().next().filter(|letter| is_unseen(*letter))?;
            let name = names::name(before.trim_start_matches(['-', ' ', '{']));
            Some((number, format!("{} stands behind `{name}{sign}`; type a plain space", unseen_letter(letter))))
        };
        behind(':').or_else(|| line.starts_with('-').then(|| behind('-')).flatten())
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

/// What a field is that a command's words make when they are read as YAML.
fn words_of_command(field: &str) -> Option<&'static str> {
    let is_word = |known: &&str| field.eq_ignore_ascii_case(known);
    let is_told = ["error", "warning", "notice", "info", "note"].iter().any(is_word);
    (is_told && field.starts_with(|letter: char| letter.is_ascii_uppercase()) || field == "error" || field == "warning")
        .then_some("the words of another command stand there; is `2>&1` in its command line?")
}

/// SOPS leaves its own field beside the texts that it encrypted.
fn is_of_sops(document: &Node) -> bool {
    let Some(sops) = document.field("sops") else { return false };
    ["mac", "version", "lastmodified"].iter().any(|field| sops.field(field).is_some())
}

/// Where the items of a Secret stand.
const ITEMS: [&str; 2] = ["data", "stringData"];
/// What other versions of servers and tools leave in the metadata of objects; nobody keeps a value there.
const LEFT_IN_METADATA: [&str; 5] = ["clusterName", "initializers", "fields", "relationships", "state"];
/// Names in messages.
const TOLD: usize = 10;

#[cfg(test)]
mod tests;
