//! Whose turn it is: an object with very much to open makes room for others, and goes on beside them.

use tokio::sync::{OwnedSemaphorePermit, TryAcquireError};

use crate::context::Context;

/// A place among those that are looked at side by side, until it is given up for one in overtime.
#[derive(Debug)]
pub(crate) struct Turn {
    place: Option<OwnedSemaphorePermit>,
    overtime: Option<OwnedSemaphorePermit>,
    slices: u32,
}

/// Too many objects are in overtime already.
#[derive(Debug)]
pub(crate) struct Crowded;

impl Turn {
    pub(crate) fn new(place: Option<OwnedSemaphorePermit>) -> Self {
        Self { place, overtime: None, slices: 0 }
    }

    /// Accounts for one more slice. Whoever needs many gives the place to others.
    pub(crate) fn another_slice(&mut self, context: &Context) -> Result<(), Crowded> {
        self.slices += 1;
        if self.slices < SLICES || self.overtime.is_some() {
            return Ok(());
        }
        match context.overtime() {
            Ok(permit) => self.overtime = Some(permit),
            // Closed is what it never is.
            Err(TryAcquireError::Closed | TryAcquireError::NoPermits) => return Err(Crowded),
        }
        self.place = None;
        Ok(())
    }
}

/// Slices that an object may take while others wait for its place.
const SLICES: u32 = 16;
