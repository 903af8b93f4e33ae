//! Frees dicts that hold each other, without recursion and without leaks.

use super::Dict;

/// Holds every dict of a rendering to its end, so that none is freed as a part of another. Each is emptied first, as
/// dicts can hold each other in a circle and in chains of any length. Lists cannot: their depth is bounded as they are
/// made.
#[derive(Default)]
pub(crate) struct Arena(Vec<Dict>);

impl Arena {
    pub(crate) fn keep(&mut self, dict: &Dict) {
        self.0.push(dict.clone());
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for dict in &self.0 {
            drop(dict.take());
        }
    }
}
