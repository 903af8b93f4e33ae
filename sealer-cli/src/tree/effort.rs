//! How many tries may still be spent on names that are guessed: whoever fills a tree with values of others must not keep a
//! command busy for hours.

use std::sync::atomic::{AtomicU32, Ordering};

/// Tries that are left for all values together. Each is taken before it is made, so that no number of threads makes more.
#[derive(Debug)]
pub(crate) struct Effort {
    left: AtomicU32,
    most: u32,
}

impl Effort {
    pub(crate) fn new(most: u32) -> Self {
        Self { left: AtomicU32::new(most), most }
    }

    /// Tries that one value may have: no single one takes them all.
    pub(crate) fn for_one(&self) -> u32 {
        (self.most / VALUES).max(1)
    }

    /// What each of so many values may have, if none is to go without.
    pub(crate) fn share(&self, values: usize) -> u32 {
        let values = u32::try_from(values).unwrap_or(u32::MAX).max(1);
        (self.left() / values).clamp(1, self.for_one())
    }

    pub(crate) fn left(&self) -> u32 {
        self.left.load(Ordering::Relaxed)
    }

    /// Takes so many tries, if as many are left.
    pub(crate) fn take(&self, tries: u32) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(tries)).is_ok()
    }

    /// Gives back what was taken and not needed.
    pub(crate) fn give_back(&self, tries: u32) {
        self.left.fetch_add(tries, Ordering::Relaxed);
    }
}

/// As many values as can use up everything.
const VALUES: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_spent_than_there_is() {
        let effort = Effort::new(100);
        assert_eq!((effort.for_one(), effort.share(1), effort.share(50), effort.share(1000)), (5, 5, 2, 1));
        assert!(effort.take(60) && !effort.take(41) && effort.take(40) && !effort.take(1));
        effort.give_back(3);
        assert_eq!((effort.left(), effort.take(3), effort.share(1)), (3, true, 1));
    }
}
