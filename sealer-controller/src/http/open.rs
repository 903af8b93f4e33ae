//! Opening posted values under a budget, slice by slice, and sealing them anew where asked: no further than the first that
//! fails, and without a look at what they are.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sealer_core::seal::{Trials, unseal_counted};
use sealer_core::{Keyring, Label, SealedValue, SealingKey, seal};

use crate::context::{Context, Pool};
use crate::http::openings::Opening;
use crate::http::refusal::Refusal;

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
    trials: Trials,
    sealed: BTreeMap<String, String>,
    spent: Duration,
}

impl Work {
    pub(crate) fn new(values: Vec<(String, String)>, label: Label, keyring: Keyring, key: Option<SealingKey>) -> Self {
        let (values, trials) = (values.into_iter(), Trials::default());
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
        let opened = unseal_counted(&value, &self.label, &self.keyring, &mut self.trials).ok()?;
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
pub(crate) async fn all(context: &Context, opening: &Opening, mut work: Work) -> Outcome {
    loop {
        let slice = move || {
            let step = work.advance();
            (step, work)
        };
        let Some((step, rest)) = context.compute(Pool::Http, slice).await else { return Outcome::Closed };
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
