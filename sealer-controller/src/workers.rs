//! The objects to work on: which one is next, and how many at once.

pub(crate) mod pool;
pub(crate) mod queue;
pub(crate) mod slot;
