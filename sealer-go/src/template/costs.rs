//! What values take, and how much of a text one step of the budget pays for.

/// What a text or a list takes beside its bytes or elements.
pub(crate) const OVERHEAD: usize = 64;
/// What an entry of a map takes beside its key and value.
pub(crate) const ENTRY: usize = 80;
/// Bytes that one step compares, copies or passes over.
pub(crate) const FAST: u32 = 256;
/// Bytes that one step reads in a simple loop.
pub(crate) const PLAIN: u32 = 64;
/// Bytes that one step looks at as characters.
pub(crate) const SLOW: u32 = 16;
/// Bytes that one step looks up in tables of characters.
pub(crate) const SLOWEST: u32 = 4;
