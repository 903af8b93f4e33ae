//! A text that grows within its budget.

use zeroize::Zeroizing;

use super::budget::Budget;
use super::error::Fault;
use super::value::Text;

/// A text that is being written. Room for it is counted before it is taken, and what it grew out of is wiped.
#[derive(Default)]
pub(crate) struct Buffer(Zeroizing<Vec<u8>>);

impl Buffer {
    /// A text whose length is known.
    pub(crate) fn with_room(bytes: usize, budget: &mut Budget<'_>) -> Result<Self, Fault> {
        budget.allocate(bytes)?;
        Ok(Self(Zeroizing::new(Vec::with_capacity(bytes))))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn push(&mut self, bytes: &[u8], budget: &mut Budget<'_>) -> Result<(), Fault> {
        self.make_room(bytes.len(), budget)?;
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    /// The same byte `count` times.
    pub(crate) fn fill(&mut self, byte: u8, count: usize, budget: &mut Budget<'_>) -> Result<(), Fault> {
        self.make_room(count, budget)?;
        let length = self.0.len() + count;
        self.0.resize(length, byte);
        Ok(())
    }

    /// The same bytes `count` times.
    pub(crate) fn repeated(bytes: &[u8], count: usize, budget: &mut Budget<'_>) -> Result<Self, Fault> {
        let total = bytes.len().saturating_mul(count);
        let mut text = Self::with_room(total, budget)?;
        text.0.extend_from_slice(bytes.get(..total.min(bytes.len())).unwrap_or_default());
        while text.0.len() < total {
            let more = text.0.len().min(total - text.0.len());
            text.0.extend_from_within(..more);
        }
        Ok(text)
    }

    fn make_room(&mut self, more: usize, budget: &mut Budget<'_>) -> Result<(), Fault> {
        let (capacity, needed) = (self.0.capacity(), self.0.len().saturating_add(more));
        if needed <= capacity {
            return budget.read(more, super::costs::FAST);
        }
        let room = if capacity == 0 { needed } else { needed.max(capacity.saturating_mul(2)).max(LEAST) };
        let mut grown = Self::with_room(room, budget)?;
        grown.0.extend_from_slice(&self.0);
        *self = grown;
        budget.release(capacity);
        Ok(())
    }

    /// The text, whose room stays counted.
    pub(crate) fn into_text(mut self) -> Text {
        std::mem::take(&mut *self.0).into()
    }

    /// Of a text that was needed for a moment only.
    pub(crate) fn give_back(self, budget: &mut Budget<'_>) {
        budget.release(self.0.capacity());
    }
}

const LEAST: usize = 64;
