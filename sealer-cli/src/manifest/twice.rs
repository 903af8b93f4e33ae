//! Names that stand in one map twice: what stood there first is lost, and so is the first of two objects that were joined
//! without a line `---` between them.

use std::collections::BTreeMap;

use crate::manifest::node::Node;
use crate::manifest::stray::Strays;
use crate::names;

/// A name that stands in one map of YAML twice.
#[derive(Debug)]
pub(crate) struct Doubled {
    /// The names of the maps that it stands in, the outermost first, and its own.
    pub(crate) path: Vec<String>,
    /// What stood there first, if it is not what counts.
    pub(crate) lost: Option<Node>,
    /// The line where it stands again.
    pub(crate) line: usize,
}

impl Doubled {
    /// The field of the object that it is, if it is one.
    fn field(&self) -> Option<&str> {
        if let [name] = self.path.as_slice() { Some(name) } else { None }
    }

    /// What would be lost that somebody may need: a field of the object, or an item.
    fn loss(&self) -> Option<&Node> {
        let (_, around) = self.path.split_last()?;
        let is_item = around.iter().any(|name| ITEMS.iter().any(|items| items.eq_ignore_ascii_case(name)));
        self.lost.as_ref().filter(|lost| (around.is_empty() || is_item) && !is_empty(lost))
    }

    fn told(&self) -> String {
        let names: Vec<String> = self.path.iter().map(|name| names::name(name)).collect();
        let place = names.join(".");
        match self.loss() {
            Some(Node::Map(fields)) => {
                let held = listed(fields.iter().map(|(name, _)| name.as_str()));
                format!(
                    "`{place}` is there twice (again in line {}), and the first one, with {held}, would be lost",
                    self.line
                )
            }
            Some(_) => {
                format!(
                    "`{place}` is there twice (again in line {}), and what stands there first would be lost",
                    self.line
                )
            }
            None => format!("`{place}` is there twice in one map; the last one counts"),
        }
    }
}

/// Tells the names that stand in a document of YAML twice.
pub(crate) fn of_yaml(doubled: &[Doubled], found: &mut Strays) {
    let joined = joined(doubled);
    found.lost.extend(joined.clone());
    for doubled in doubled.iter().filter(|doubled| joined.is_none() || doubled.field().is_none()) {
        match (doubled.loss(), &doubled.lost) {
            (Some(_), _) => found.lost.push(doubled.told()),
            (None, Some(_)) => found.doubled.push(doubled.told()),
            (None, None) => found.odd.push(doubled.told()),
        }
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
    let line = fields().map(|doubled| doubled.line).min()?;
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

/// Items that stand in the maps of one field twice, as JSON may have them.
pub(crate) fn of_items<'n>(field: &str, items: impl Iterator<Item = (&'n str, &'n Node)>, found: &mut Strays) {
    let mut seen: BTreeMap<&str, &Node> = BTreeMap::new();
    for (item, value) in items {
        let Some(first) = seen.insert(item, value) else { continue };
        let place = format!("{field}.{}", names::name(item));
        if first == value || is_empty(first) {
            found.odd.push(format!("`{place}` is there twice; the last one counts"));
        } else {
            found.lost.push(format!("`{place}` is there twice, and what stands there first would be lost"));
        }
    }
}

/// Fields that stand in an object of JSON twice, where maps of one name are joined.
pub(crate) fn of_fields(fields: &[(String, Node)], place: &str, found: &mut Strays) {
    let mut seen: BTreeMap<&str, &Node> = BTreeMap::new();
    for (name, value) in fields {
        let Some(first) = seen.insert(name, value) else { continue };
        let shown = format!("`{place}{}` is there twice", names::name(name));
        let is_joined = matches!((first, value), (Node::Map(_), Node::Map(_)));
        if first == value || is_empty(first) {
            found.odd.push(format!("{shown}; the last one counts"));
        } else if is_joined || !place.is_empty() {
            found.doubled.push(format!("{shown}; the last one counts, and maps are joined"));
        } else {
            found.lost.push(format!("{shown}, and what stands there first would be lost"));
        }
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
/// Names in one message.
const TOLD: usize = 8;
