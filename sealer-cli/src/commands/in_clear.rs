//! Does a value that is about to be sealed into a file stand in it already, where everybody reads it?

use sealer_core::Plaintext;

use crate::diagnostics::CliError;
use crate::leak::{self, Leak};
use crate::manifest::patch::{Edited, Tree};
use crate::names;
use crate::tree::SealedObject;

/// Where a value stands in clear text.
pub(crate) struct InClear {
    /// `annotation NAME` or `label NAME`.
    place: String,
    leak: Leak,
}

/// The worst place in the annotations and labels of the object, or of its template, that holds the value.
pub(crate) fn find(edited: &Edited<'_>, object: &SealedObject, item: &str, value: &Plaintext) -> Option<InClear> {
    let tree = edited.at(&object.path)?;
    let template = tree.field("spec").and_then(|spec| spec.field("template"));
    let metadata = [Some(tree), template].into_iter().flatten().filter_map(|tree| tree.field("metadata"));
    let mut worst: Option<InClear> = None;
    for metadata in metadata {
        for (kind, field) in [("annotation", "annotations"), ("label", "labels")] {
            for (name, text) in metadata.field(field).into_iter().flat_map(Tree::fields) {
                let found = text.text().and_then(|text| leak::look(&name.text, text, item, value));
                if let Some(leak) = found.filter(|leak| worst.as_ref().is_none_or(|worst| worst.leak < *leak)) {
                    worst = Some(InClear { place: format!("{kind} `{}`", names::name(&name.text)), leak });
                }
            }
        }
    }
    worst
}

impl InClear {
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
