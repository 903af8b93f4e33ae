//! When key Secrets are listed again of which some could not be read.

use tokio::time::Instant;

use crate::keys::retry_after;

/// What came of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loaded {
    Whole,
    /// Some key Secrets could not be read; what was known of them stays in use.
    InPart,
}

/// When to load again what could not be read.
#[derive(Default)]
pub(super) struct Retry {
    failures: u32,
    at: Option<Instant>,
}

impl Retry {
    pub(super) fn note(&mut self, loaded: Loaded) {
        *self = match loaded {
            Loaded::Whole => Self::default(),
            Loaded::InPart => {
                Self { failures: self.failures + 1, at: Some(Instant::now() + retry_after(self.failures)) }
            }
        };
    }

    pub(super) async fn due(&self) {
        match self.at {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}
