//! How are values that hold each other freed, without recursion and without leaks?

use super::{Dict, List, Value};

/// Holds every list and dict of a rendering. As each was made after what it holds, freeing them from the last to the
/// first never goes deep; dicts, which can be changed later, are emptied before.
#[derive(Default)]
pub(crate) struct Arena {
    lists: Vec<List>,
    dicts: Vec<Dict>,
}

impl Arena {
    pub(crate) fn keep(&mut self, value: Value) -> Value {
        match &value {
            Value::List(list) => self.lists.push(list.clone()),
            Value::Dict(dict) => self.dicts.push(dict.clone()),
            _ => {}
        }
        value
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for dict in &self.dicts {
            drop(dict.take());
        }
        while self.lists.pop().is_some() {}
    }
}
