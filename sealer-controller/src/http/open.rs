//! Opening posted values under a budget, slice by slice, and sealing them anew where asked: no further than the first that
//! fails, and without a look at what they are.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sealer_core::unseal::{KeyTrials, unseal_with};
use sealer_core::{Keyring, Label, SealedValue, SealingKey, seal};

use crate::http::openings::Opening;
use crate::http::refusal::Refusal;
use crate::threads::Threads;

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// All values open; sealed anew by name, if that was asked for.
    Opened(BTreeMap<String, String>),
    /// At least one does not open, for whatever reason.
    Closed,
    /// It takes longer than one request may.
    TooLong,
    /// Others come first.
    Refused(Refusal),
}

/// Values to open for one label.
pub(crate) struct Work {
    values: std::vec::IntoIter<(String, String)>,
    label: Label,
    keyring: Keyring,
    /// Seals the values anew.
    key: Option<SealingKey>,
    trials: KeyTrials,
    sealed: BTreeMap<String, String>,
    spent: Duration,
}

impl Work {
    pub(crate) fn new(values: Vec<(String, String)>, label: Label, keyring: Keyring, key: Option<SealingKey>) -> Self {
        let (values, trials) = (values.into_iter(), KeyTrials::default());
        Self { values, label, keyring, key, trials, sealed: BTreeMap::new(), spent: Duration::ZERO }
    }

    /// Opens values until all are done, one fails, or others should have their turn.
    fn advance(&mut self) -> Step {
        let started = Instant::now();
        let step = loop {
            let Some((name, sealed)) = self.values.next() else { break Step::Done };
            if self.open(name, &sealed).is_none() {
                break Step::Closed;
            }
            if started.elapsed() > SLICE {
                break Step::Pause;
            }
        };
        self.spent += started.elapsed();
        if matches!(step, Step::Pause) && self.spent > BUDGET { Step::TooLong } else { step }
    }

    fn open(&mut self, name: String, sealed: &str) -> Option<()> {
        let value = SealedValue::from_base64(sealed).ok()?;
        let opened = unseal_with(&value, &self.label, &self.keyring, &mut self.trials).ok()?;
        if let Some(key) = &self.key {
            self.sealed.insert(name, seal(&opened.plaintext, &self.label, key).ok()?.to_base64());
        }
        Some(())
    }
}

enum Step {
    Pause,
    Done,
    Closed,
    TooLong,
}

/// Opens every value. One answer for every cause of a failure.
pub(crate) async fn all(threads: &Threads, opening: &Opening, mut work: Work) -> Outcome {
    loop {
        let slice = move || {
            let step = work.advance();
            (step, work)
        };
        let Some((step, rest)) = threads.run_blocking(slice).await else { return Outcome::Closed };
        work = rest;
        match step {
            Step::Done => return Outcome::Opened(work.sealed),
            Step::Closed => return Outcome::Closed,
            Step::TooLong => return Outcome::TooLong,
            Step::Pause => {
                if let Err(refusal) = opening.count_slice() {
                    return Outcome::Refused(refusal);
                }
            }
        }
    }
}

/// Ten values or so; then another request has its turn.
const SLICE: Duration = Duration::from_millis(50);
/// A thousand items of one key.
const BUDGET: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use sealer_core::{Plaintext, Scope, UnsealingKey};

    use super::*;

    /// Work with that many values of one key.
    fn work(values: usize) -> Work {
        let key = UnsealingKey::generate(2048).unwrap();
        let label = Label::new(Scope::Strict, "ns", "n").unwrap();
        let sealed = seal(&Plaintext::new(b"v".to_vec()), &label, key.sealing_key()).unwrap().to_base64();
        let values = (0..values).map(|at| (format!("item{at}"), sealed.clone())).collect();
        Work::new(values, label, Keyring::from_keys(vec![key]), None)
    }

    /// Whatever a machine does in 50 ms, it is neither everything nor one value each time.
    #[test]
    fn work_is_done_in_slices_of_several_values() {
        let mut work = work(300);
        let mut pauses = 0;
        while matches!(work.advance(), Step::Pause) {
            pauses += 1;
        }
        assert!((1..299).contains(&pauses), "{pauses}");
    }

    #[test]
    fn costly_work_ends_at_its_next_pause_unless_done() {
        let mut little = work(1);
        little.spent = BUDGET * 2;
        assert!(matches!(little.advance(), Step::Done));
        let mut much = work(1000);
        much.spent = BUDGET;
        assert!(matches!(much.advance(), Step::TooLong));
    }
}
