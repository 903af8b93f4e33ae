//! Finds a value that is about to be sealed into a file where it stands in it already, in clear text.

use sealer_core::Plaintext;

use crate::diagnostics::CliError;
use crate::leak::{self, Leak};
use crate::manifest::patch::{EditableText, Tree};
use crate::names;
use crate::tree::SealedObject;

/// Where a value stands in clear text.
pub(crate) struct PlaintextLeak {
    /// `annotation NAME` or `label NAME`.
    place: String,
    leak: Leak,
}

/// The worst place in the annotations and labels of the object, or of its template, that holds the value.
pub(crate) fn find(
    edited: &EditableText<'_>,
    object: &SealedObject,
    item: &str,
    value: &Plaintext,
) -> Option<PlaintextLeak> {
    let tree = edited.at(&object.path)?;
    let template = tree.field("spec").and_then(|spec| spec.field("template"));
    let metadata = [Some(tree), template].into_iter().flatten().filter_map(|tree| tree.field("metadata"));
    let mut worst: Option<PlaintextLeak> = None;
    for metadata in metadata {
        for (kind, field) in [("annotation", "annotations"), ("label", "labels")] {
            for (name, text) in metadata.field(field).into_iter().flat_map(Tree::fields) {
                let found = text.text().and_then(|text| leak::look(&name.text, text, item, value));
                if let Some(leak) = found.filter(|leak| worst.as_ref().is_none_or(|worst| worst.leak < *leak)) {
                    worst = Some(PlaintextLeak { place: format!("{kind} `{}`", names::name(&name.text)), leak });
                }
            }
        }
    }
    worst
}

impl PlaintextLeak {
    /// What is told of it.
    pub(crate) fn told(&self, item: &str) -> String {
        format!("{} holds the value of item `{}` in clear text", self.place, names::name(item))
    }

    /// An error where it is certainly a leak.
    pub(crate) fn refused(&self, item: &str) -> Result<(), CliError> {
        if self.leak == Leak::Possible {
            return Ok(());
        }
        Err(CliError::new(self.told(item)).hint(
            "take it out, and change the value where it was committed; or seal all the same with --allow-plaintext-annotations",
        ))
    }
}
