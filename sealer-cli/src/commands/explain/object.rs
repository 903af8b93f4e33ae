//! What is wrong with a SealedSecret around its values, as far as the file alone shows it.

use sealer_core::{Label, Scope};
use sealer_resource::API_VERSION;

use super::shape;
use super::{Asked, Finding, RENDERED};
use crate::manifest::patch::{Scalar, Tree};
use crate::manifest::yaml;
use crate::names;

pub(super) fn mistakes(asked: &Asked<'_>) -> Vec<Finding> {
    let Some(tree) = asked.tree() else { return Vec::new() };
    let mut found = Vec::new();
    found.extend(version(tree));
    found.extend(old_form(tree, asked));
    found.extend(misplaced(tree));
    found.extend(shape::mistakes(asked, tree));
    found.extend(misplaced_type(tree));
    found.extend(Scope::annotations().filter_map(|name| annotation(tree, name)));
    found.extend(names(asked));
    found
}

fn version(tree: &Tree) -> Option<Finding> {
    let version = tree.field("apiVersion").and_then(Tree::text).unwrap_or_default();
    (version != API_VERSION).then(|| {
        Finding::new(
            format!("has the apiVersion `{}`, which no controller looks at", names::name(version)),
            format!("write apiVersion: {API_VERSION}"),
        )
    })
}

fn old_form(tree: &Tree, asked: &Asked<'_>) -> Option<Finding> {
    let data = tree.field("spec")?.field("data")?;
    if !data.fields().is_empty() {
        return Some(Finding::new(
            "has a map as `spec.data`, which every cluster refuses",
            "sealed values belong into spec.encryptedData; what is in clear belongs into a Secret, to be sealed",
        ));
    }
    data.scalar()?;
    let remedy = format!(
        "open it with the private key and seal it again, item by item: sealer set {} ITEM; \
         or run the controller with --accept-deprecated-v1-data",
        asked.file
    );
    Some(Finding::new("has the old form `spec.data`, all items in one value, which controllers refuse", remedy))
}

/// Items where nobody looks for them.
fn misplaced(tree: &Tree) -> Option<Finding> {
    let place = [("encryptedData", tree.field("encryptedData")), ("data", tree.field("data"))];
    let (name, _) = place.into_iter().find(|(_, tree)| tree.is_some_and(|tree| !tree.fields().is_empty()))?;
    Some(Finding::new(
        format!("has its items in `{name}`, where no controller looks"),
        "move them to spec.encryptedData",
    ))
}

/// A type where it decides nothing: the Secret is of the type `Opaque` then.
fn misplaced_type(tree: &Tree) -> Option<Finding> {
    let places = [("type", tree.field("type")), ("spec.type", tree.field("spec").and_then(|spec| spec.field("type")))];
    let (place, value) = places.into_iter().find_map(|(place, tree)| Some((place, tree?.text()?)))?;
    Some(Finding::new(
        format!("has `{place}`, where no controller looks; the Secret does not get the type `{}`", names::name(value)),
        "move it to spec.template.type",
    ))
}

/// A scope counts only if its annotation is the text `true` on the object itself.
fn annotation(tree: &Tree, name: &str) -> Option<Finding> {
    let of = |tree: Option<&'_ Tree>| -> Option<Scalar> {
        tree?.field("metadata")?.field("annotations")?.field(name)?.scalar().cloned()
    };
    let right = format!("write {name}: \"true\"");
    match of(Some(tree)) {
        Some(value) if value.is_bare() && !yaml::is_plain(&value.text) => Some(Finding::new(
            format!("has the annotation {name} without quotes, so that it is no text; a cluster refuses it"),
            right,
        )),
        Some(value) if value.text != "true" && value.text != "false" => {
            let value = names::name(&value.text);
            Some(Finding::new(format!("has the annotation {name} as \"{value}\"; only \"true\" counts"), right))
        }
        Some(_) => None,
        None => {
            let template = of(tree.field("spec").and_then(|spec| spec.field("template")))?;
            (template.text == "true").then(|| {
                Finding::new(
                    format!("has the annotation {name} in spec.template alone, where it decides nothing"),
                    format!("{right} in the metadata of the SealedSecret, too"),
                )
            })
        }
    }
}

fn names(asked: &Asked<'_>) -> Option<Finding> {
    let object = asked.object;
    if object.templated {
        return Some(Finding::new(
            "has a name or namespace that is a template, and values are bound to them",
            RENDERED,
        ));
    }
    if asked.nameless && object.scope.binds_namespace() {
        let so_far = match object.namespace.as_str() {
            "" => "no namespace was given to try".to_owned(),
            tried => format!("`{}` was tried", names::name(tried)),
        };
        return Some(Finding::new(
            format!("names no namespace, and its values are bound to the one it is applied to; {so_far}"),
            "write the namespace into its metadata, or give it with --namespace",
        ));
    }
    let refused = Label::new(object.scope, &object.namespace, &object.name).err()?;
    Some(Finding::new(
        format!("is refused by every cluster: {}", names::refused(&refused)),
        "correct the name, and seal the values again for it",
    ))
}
