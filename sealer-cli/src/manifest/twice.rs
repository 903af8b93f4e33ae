//! Names that stand in one map twice: what stood there first is lost, and so is the first of two objects that were joined
//! without a line `---` between them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::manifest::node::Node;
use crate::manifest::stray::{self, Strays};
use crate::names;

/// A name that stands in one map twice.
#[derive(Debug, PartialEq)]
pub(crate) struct Doubled {
    /// The names of the maps that it stands in, the outermost first, and its own.
    pub(crate) path: Vec<String>,
    /// What stood there first, if it is not what counts.
    pub(crate) lost: Option<Node>,
    /// The line where it stands again, in YAML.
    pub(crate) line: Option<usize>,
}

impl Doubled {
    /// Its names within the object, which may be one of a List.
    fn within(&self) -> &[String] {
        let is_list = |name: &&String| name.eq_ignore_ascii_case("items");
        let lists = self.path.iter().take_while(is_list).count();
        // `items` may itself be there twice.
        self.path.get(lists.min(self.path.len().saturating_sub(1))..).unwrap_or_default()
    }

    /// The field of the object that it is, if it is one.
    fn field(&self) -> Option<&str> {
        if let [name] = self.within() { Some(name) } else { None }
    }

    /// What would be lost that somebody wrote.
    fn loss(&self) -> Option<&Node> {
        let is_written = match self.within() {
            [first, rest @ ..] if first.eq_ignore_ascii_case("metadata") => {
                rest.first().is_none_or(|field| !stray::is_of_server(field))
            }
            [first, ..] => !first.eq_ignore_ascii_case("status"),
            [] => false,
        };
        self.lost.as_ref().filter(|lost| is_written && !is_empty(lost))
    }

    fn told(&self) -> String {
        let names: Vec<String> = self.path.iter().map(|name| names::name(name)).collect();
        let place = names.join(".");
        let again = self.line.map(|line| format!(" (again in line {line})")).unwrap_or_default();
        match self.loss() {
            Some(Node::Map(fields)) => {
                let held = listed(fields.iter().map(|(name, _)| name.as_str()));
                format!("`{place}` is there twice{again}, and the first one, with {held}, would be lost")
            }
            Some(_) => format!("`{place}` is there twice{again}, and what stands there first would be lost"),
            None => format!("`{place}` is there twice in one map; the last one counts"),
        }
    }
}

/// Tells the names that stand in a document twice.
pub(crate) fn strays(doubled: &[Doubled], found: &mut Strays) {
    let joined = joined(doubled);
    found.lost.extend(joined.clone());
    for doubled in doubled.iter().filter(|doubled| joined.is_none() || doubled.field().is_none()) {
        let told = if doubled.loss().is_some() { &mut found.lost } else { &mut found.odd };
        told.push(doubled.told());
    }
}

/// What of a document would be lost, in one sentence.
pub(crate) fn loss(doubled: &[Doubled]) -> Option<String> {
    joined(doubled).or_else(|| doubled.iter().find(|doubled| doubled.loss().is_some()).map(Doubled::told))
}

/// Says of two objects in one document that they are.
fn joined(doubled: &[Doubled]) -> Option<String> {
    let fields = || doubled.iter().filter(|doubled| doubled.field().is_some());
    let is_head = |doubled: &&Doubled| doubled.field().is_some_and(|field| HEAD.contains(&field));
    let line = fields().filter_map(|doubled| doubled.line).min()?;
    if fields().filter(is_head).count() < 2 || fields().all(|doubled| doubled.loss().is_none()) {
        return None;
    }
    let lost = |names: &[&str]| -> Vec<&Node> {
        let named = fields().filter(|doubled| doubled.field().is_some_and(|field| names.contains(&field)));
        named.filter_map(|doubled| doubled.lost.as_ref()).collect()
    };
    let name = lost(&["metadata"]).first().and_then(|metadata| metadata.field("name")?.as_text());
    let name = name.map(|name| format!(", `{}`", names::name(name))).unwrap_or_default();
    let mut maps = lost(&ITEMS);
    // The items of a SealedSecret stand below its spec.
    maps.extend(lost(&["spec"]).into_iter().filter_map(|spec| spec.field("encryptedData")));
    let items = maps.into_iter().flat_map(|map| if let Node::Map(fields) = map { fields.as_slice() } else { &[] });
    let held = listed(items.map(|(item, _)| item.as_str()));
    Some(format!(
        "a second object begins at line {line} without a line `---` before it, and of the first one{name} would be lost: {held}"
    ))
}

/// Names that stand in a map twice of what was read: in JSON the same, in YAML those that differ in their letters' case. Maps
/// of one name are joined, as Go joins them.
pub(crate) fn of_node(node: &Node) -> Vec<Doubled> {
    let mut found = Vec::new();
    look(&[node], &mut Vec::new(), &mut found);
    found
}

/// Looks through maps that are joined to one.
fn look<'n>(maps: &[&'n Node], path: &mut Vec<&'n str>, found: &mut Vec<Doubled>) {
    let is_exact = path.last().is_some_and(|name| EXACT.iter().any(|known| known.eq_ignore_ascii_case(name)));
    let fields = || maps.iter().flat_map(|map| if let Node::Map(fields) = map { fields.as_slice() } else { &[] });
    let mut seen: BTreeMap<Cow<'n, str>, Vec<(&'n str, &'n Node)>> = BTreeMap::new();
    for (name, value) in fields() {
        let key = if is_exact || !name.contains(|letter: char| letter.is_ascii_uppercase()) {
            Cow::Borrowed(name.as_str())
        } else {
            Cow::Owned(name.to_ascii_lowercase())
        };
        seen.entry(key).or_default().push((name, value));
    }
    for all in seen.values() {
        let Some(((name, last), before)) = all.split_last() else { continue };
        path.push(name);
        let is_joined = all.iter().all(|(_, value)| matches!(value, Node::Map(_)));
        if is_joined {
            look(&all.iter().map(|(_, value)| *value).collect::<Vec<_>>(), path, found);
        } else {
            if !before.is_empty() && found.len() < MOST {
                let lost = before.iter().map(|(_, value)| *value).find(|first| *first != *last && !is_empty(first));
                let path = path.iter().map(|name| (*name).to_owned()).collect();
                found.push(Doubled { path, lost: lost.cloned(), line: None });
            }
            let items = if let Node::List(items) = last { items.as_slice() } else { &[] };
            items.iter().for_each(|item| look(&[item], path, found));
        }
        path.pop();
    }
}

fn is_empty(node: &Node) -> bool {
    node.is_nothing() || node.as_text() == Some("")
}

/// Some names, and how many more there are.
fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{}`", names::name(name))).collect();
    let told = names.get(..TOLD).unwrap_or(&names).join(", ");
    match names.len().checked_sub(TOLD).filter(|more| *more > 0) {
        Some(more) => format!("{told} and {more} more"),
        None if names.is_empty() => "what it says".to_owned(),
        None => told,
    }
}

/// What every object begins with.
const HEAD: [&str; 3] = ["apiVersion", "kind", "metadata"];
/// Where items stand.
const ITEMS: [&str; 3] = ["data", "stringData", "encryptedData"];
/// Maps whose names are the user's own, so that their case counts.
const EXACT: [&str; 5] = ["data", "stringData", "encryptedData", "labels", "annotations"];
/// Names that are found in one document.
const MOST: usize = 64;
/// Names in one message.
const TOLD: usize = 8;
