//! A text that is no UTF-8 as Go's `regexp` sees it.

use std::borrow::Cow;

use super::super::budget::Budget;
use super::super::costs::{PLAIN, SLOW};
use super::super::error::Fault;
use super::super::value::chars;

/// A text as Go sees it, with the way back to its own bytes.
pub(super) struct Seen<'a> {
    text: Cow<'a, [u8]>,
    /// Where in `text` a replaced byte stands; each is two bytes longer there.
    replaced: Vec<usize>,
}

impl<'a> Seen<'a> {
    pub(super) fn new(bytes: &'a [u8], budget: &mut Budget<'_>) -> Result<Self, Fault> {
        budget.read(bytes.len(), PLAIN)?;
        if std::str::from_utf8(bytes).is_ok() {
            return Ok(Self { text: Cow::Borrowed(bytes), replaced: Vec::new() });
        }
        budget.read(bytes.len(), SLOW)?;
        let wrong = chars(bytes).filter(|(_, character, _)| character.is_none()).count();
        let length = bytes.len() + wrong * (REPLACED.len() - 1);
        budget.allocate(length + wrong * size_of::<usize>())?;
        let (mut text, mut replaced) = (Vec::with_capacity(length), Vec::with_capacity(wrong));
        for (at, character, width) in chars(bytes) {
            if character.is_none() {
                replaced.push(text.len());
                text.extend_from_slice(REPLACED);
            } else {
                text.extend_from_slice(bytes.get(at..at + width).unwrap_or_default());
            }
        }
        budget.check_clock()?;
        Ok(Self { text: Cow::Owned(text), replaced })
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// What was taken from the budget.
    pub(super) fn room(&self) -> usize {
        match &self.text {
            Cow::Borrowed(_) => 0,
            Cow::Owned(text) => text.len() + self.replaced.len() * size_of::<usize>(),
        }
    }

    pub(super) fn own(&self, offset: usize) -> usize {
        let before = self.replaced.partition_point(|at| *at < offset);
        offset - before * (REPLACED.len() - 1)
    }

    /// Where the character after the one at `offset` begins.
    pub(super) fn after(&self, offset: usize) -> Option<usize> {
        let rest = self.text.get(offset + 1..)?;
        Some(offset + 1 + rest.iter().position(|byte| byte & 0xC0 != 0x80).unwrap_or(rest.len()))
    }
}

const REPLACED: &[u8] = "\u{FFFD}".as_bytes();
