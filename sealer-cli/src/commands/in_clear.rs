//! Does a value that is about to be sealed into a file stand in it already, where everybody reads it?

use sealer_core::Plaintext;

use crate::diagnostics::CliError;
use crate::leak;
use crate::manifest::patch::{Edited, Tree};
use crate::tree::SealedObject;

/// The first annotation of the object, or of its template, that holds the value.
pub(crate) fn annotation(edited: &Edited<'_>, object: &SealedObject, value: &Plaintext) -> Option<String> {
    let tree = edited.at(&object.path)?;
    let template = tree.field("spec").and_then(|spec| spec.field("template"));
    let maps =
        [Some(tree), template].into_iter().flatten().filter_map(|tree| tree.field("metadata")?.field("annotations"));
    let mut annotations = maps.flat_map(Tree::fields);
    let (name, _) = annotations.find(|(_, text)| text.text().is_some_and(|text| leak::holds(text, value)))?;
    Some(name.text.clone())
}

/// What is told of it.
pub(crate) fn refused(annotation: &str, item: &str) -> CliError {
    CliError::new(format!("annotation `{annotation}` holds the value of item `{item}` in clear text"))
        .hint("take the annotation out, and change the value where it was committed; or seal all the same with --allow-plaintext-annotations")
}
