//! The line of what changed: namespaces take turns, so that very many changes in one keep no other waiting.

use std::collections::{HashMap, VecDeque};

use crate::kube::object_key::Key;

/// A line for each namespace, and whose turn it is.
#[derive(Default)]
pub(super) struct NamespaceQueue {
    /// None of them is empty.
    lines: HashMap<String, VecDeque<Key>>,
    /// Each namespace that has a line, once.
    order: VecDeque<String>,
}

impl NamespaceQueue {
    /// Puts an object at the end of its namespace's line.
    pub(super) fn push(&mut self, key: Key) {
        if let Some(line) = self.lines.get_mut(&key.namespace) {
            line.push_back(key);
            return;
        }
        self.order.push_back(key.namespace.clone());
        self.lines.insert(key.namespace.clone(), VecDeque::from([key]));
    }

    /// The first of the namespace whose turn it is, which has its next turn after all others.
    pub(super) fn pop(&mut self) -> Option<Key> {
        let namespace = self.order.pop_front()?;
        let line = self.lines.get_mut(&namespace)?;
        let key = line.pop_front();
        if line.is_empty() {
            self.lines.remove(&namespace);
        } else {
            self.order.push_back(namespace);
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_take_turns_and_each_keeps_its_order() {
        let mut queue = NamespaceQueue::default();
        assert_eq!(queue.pop(), None);
        for name in ["1", "2", "3"] {
            queue.push(Key::new("many", name));
        }
        queue.push(Key::new("few", "1"));
        let mut order = Vec::new();
        while let Some(Key { namespace, name }) = queue.pop() {
            if order.is_empty() {
                queue.push(Key::new("late", "1"));
            }
            order.push(format!("{namespace} {name}"));
        }
        assert_eq!(order, ["many 1", "few 1", "many 2", "late 1", "many 3"]);
        assert!(queue.lines.is_empty() && queue.order.is_empty(), "nothing is kept of who had a turn");
    }
}
