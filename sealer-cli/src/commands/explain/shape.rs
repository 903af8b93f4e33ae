//! What of a SealedSecret has another form or name than clusters take, so that an empty Secret comes of it, or none.

use super::{Asked, Finding};
use crate::manifest::patch::Tree;
use crate::names;
use crate::sealed_secret::is_meant_as_items;

pub(super) fn mistakes(asked: &Asked<'_>, tree: &Tree) -> Vec<Finding> {
    let at = |path: &[&str]| path.iter().try_fold(tree, |tree, field| tree.field(field));
    let mut found = Vec::new();
    for path in [&[] as &[&str], &["spec"], &["spec", "template"]] {
        let fields = at(path).map(Tree::fields).unwrap_or_default();
        for (key, value) in fields {
            let place = [path, &[names::name(&key.text).as_str()]].concat().join(".");
            found.extend(field(&place, value));
        }
    }
    // What a template fills in has the form that it makes.
    if !asked.edited.has_templates() {
        found.extend(MAPS.iter().filter_map(|path| other_form(&path.join("."), at(path)?)));
        let has_items = found.iter().any(|mistake| mistake.remedy == MOVE);
        if !has_items && at(&["spec"]).is_none_or(is_null) {
            let remedy = format!("seal a first item: sealer set {} ITEM", asked.file);
            found.push(Finding::new("has no `spec`, and nothing is sealed in it", remedy));
        }
    }
    found
}

/// A field that is not read, and holds what should be.
fn field(place: &str, value: &Tree) -> Option<Finding> {
    let name = place.rsplit('.').next().unwrap_or(place);
    if is_null(value) {
        return None;
    }
    if name.eq_ignore_ascii_case("stringData") {
        return Some(Finding::new(
            format!("has values in clear text in `{place}`, where no controller looks"),
            "whoever reads the file knows them: change them, and seal the new ones: sealer set FILE ITEM",
        ));
    }
    // The one at the top is told of where items are misplaced.
    let is_told = matches!(place, "spec.encryptedData" | "encryptedData");
    (is_meant_as_items(name) && !is_told)
        .then(|| Finding::new(format!("has its items in `{place}`, where no controller looks"), MOVE))
}

/// What is no map, and has to be one.
fn other_form(place: &str, value: &Tree) -> Option<Finding> {
    let form = match value {
        Tree::Map(..) => return None,
        _ if is_null(value) => return None,
        Tree::List(..) => "a list",
        Tree::Scalar(_) => "a text",
    };
    Some(Finding::new(
        format!("has {form} as `{place}`, which has to be a map; every cluster refuses it"),
        format!("write `name: value` in lines of their own below `{place}`, without dashes"),
    ))
}

fn is_null(tree: &Tree) -> bool {
    tree.scalar().is_some_and(|scalar| scalar.is_bare() && matches!(scalar.text.as_str(), "" | "~" | "null"))
}

const MAPS: [&[&str]; 6] = [
    &["metadata"],
    &["spec"],
    &["spec", "encryptedData"],
    &["spec", "template"],
    &["spec", "template", "metadata"],
    &["spec", "template", "data"],
];
const MOVE: &str = "move them to spec.encryptedData";
