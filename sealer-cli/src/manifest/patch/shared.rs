//! What stands in several places of a text, and what its copies cost.

use super::tree::{Scalar, Tree};

/// Marks everything below as standing in several places.
pub(super) fn mark_shared(tree: &mut Tree) {
    match tree {
        Tree::Scalar(scalar) => scalar.shared = true,
        Tree::List(items, shape) => {
            shape.shared = true;
            items.iter_mut().for_each(mark_shared);
        }
        Tree::Map(fields, shape) => {
            shape.shared = true;
            fields.iter_mut().for_each(|(_, value)| mark_shared(value));
        }
    }
}

/// Roughly the memory it takes.
pub(super) fn weight(tree: &Tree) -> usize {
    let inner = match tree {
        Tree::Scalar(scalar) => scalar.text.len(),
        Tree::List(items, _) => items.iter().map(weight).sum(),
        Tree::Map(fields, _) => {
            fields.iter().map(|(key, value)| key.text.len() + size_of::<Scalar>() + weight(value)).sum()
        }
    };
    inner + size_of::<Tree>()
}
