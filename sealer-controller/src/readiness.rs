//! What the controller needs before it counts as ready: named checks that other modules pass or fail, told by `/readyz`.

use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) mod progress;

/// One condition of being ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// There is a certificate to seal with.
    Keys,
    /// The watch of SealedSecrets progresses.
    SealedSecretWatch,
    /// The watch of Secrets progresses, where it is asked for and allowed.
    SecretWatch,
    /// The watch of key Secrets progresses, where it is allowed.
    KeyWatch,
}

impl Check {
    pub(crate) const ALL: [Self; 4] = [Self::Keys, Self::SealedSecretWatch, Self::SecretWatch, Self::KeyWatch];

    /// What `/readyz` says while the check fails.
    fn failure(self) -> &'static str {
        match self {
            Self::Keys => "no sealing key",
            Self::SealedSecretWatch => "the watch of SealedSecrets does not progress",
            Self::SecretWatch => "the watch of Secrets does not progress",
            Self::KeyWatch => "the watch of key Secrets does not progress",
        }
    }
}

/// The state of every check. Keys fail until they are loaded; a watch passes until its owner says that it fails.
#[derive(Debug)]
pub(crate) struct Readiness {
    failing: [AtomicBool; Check::ALL.len()],
}

impl Default for Readiness {
    fn default() -> Self {
        Self { failing: Check::ALL.map(|check| AtomicBool::new(check == Check::Keys)) }
    }
}

impl Readiness {
    pub(crate) fn pass(&self, check: Check) {
        self.store(check, false);
    }

    pub(crate) fn fail(&self, check: Check) {
        self.store(check, true);
    }

    /// A line for each check that fails; none if the controller is ready.
    pub(crate) fn failures(&self) -> Vec<&'static str> {
        let states = Check::ALL.into_iter().zip(&self.failing);
        states.filter(|(_, failing)| failing.load(Ordering::Relaxed)).map(|(check, _)| check.failure()).collect()
    }

    fn store(&self, check: Check, failing: bool) {
        let states = Check::ALL.into_iter().zip(&self.failing);
        for (_, state) in states.filter(|(one, _)| *one == check) {
            state.store(failing, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failing_check_is_named_until_it_passes() {
        let readiness = Readiness::default();
        assert_eq!(readiness.failures(), ["no sealing key"]);
        readiness.pass(Check::Keys);
        assert_eq!(readiness.failures(), [""; 0]);
        for check in Check::ALL {
            readiness.fail(check);
        }
        assert_eq!(readiness.failures(), Check::ALL.map(Check::failure));
        readiness.pass(Check::SealedSecretWatch);
        assert_eq!(readiness.failures().len(), 3);
    }
}
