//! Opening one object of the cluster: in slices, so that others get their turn between them, and if no key fits, looking
//! for the cause.

use std::sync::Arc;

use sealer_core::unseal::KeyTrials;
use sealer_core::{Keyring, Label};
use sealer_go::template::{Environment, Functions};
use sealer_resource::SealedSecret;
use sealer_resource::explain::{Effort, explain};
use sealer_resource::failure::OpenError;
use sealer_resource::partial_unseal::PartialUnseal;
use sealer_resource::unseal::{OpenOptions, UnsealedSecret, finish};

use crate::cache::store::Begun;
use crate::error::Failure;
use crate::keys::predictor::{KeyHints, KeyPredictor};
use crate::kube::identity::Identity;
use crate::kube::object_key::Key;
use crate::reconcile::Reconciler;
use crate::reconcile::rendering;
use crate::workers::slot::{OverflowFull, WorkerSlot};

/// What is worked on.
struct Work {
    label: Label,
    sealed: SealedSecret,
    keyring: Keyring,
    namespace: String,
    hints: KeyHints,
    predictor: Arc<KeyPredictor>,
    accept_v1_data: bool,
}

impl Work {
    /// Computed once a thread is available, to use hints from objects opened meanwhile.
    fn trials(&self) -> KeyTrials {
        KeyTrials::preferring(self.predictor.likely(&self.namespace, &self.hints, &self.keyring))
    }

    fn learn(&self, opened: &Result<UnsealedSecret, OpenError>) {
        let Ok(unsealed) = opened else { return };
        let served: Vec<_> = unsealed.keys.iter().cloned().collect();
        self.predictor.learn(&self.namespace, &self.hints, &self.keyring, &served);
    }

    /// The last step. Templates run elsewhere.
    fn finish(&self, partial: PartialUnseal, trials: &mut KeyTrials) -> Result<UnsealedSecret, OpenError> {
        let options = OpenOptions { accept_v1_data: self.accept_v1_data, rendering: None };
        finish(partial, &self.label, &self.sealed.spec, &self.keyring, &options, trials)
    }
}

/// Opens every item and renders the templates.
pub(crate) async fn open(
    reconciler: &Reconciler,
    key: &Key,
    begun: &mut Begun,
    sealed: &SealedSecret,
    slot: &mut WorkerSlot,
) -> Result<UnsealedSecret, Failure> {
    let label = sealed.label().map_err(Failure::unseal)?;
    let functions = Functions { expensive: reconciler.context.config.expensive_templates };
    let work = Arc::new(Work {
        label,
        sealed: sealed.clone(),
        keyring: reconciler.ring.load(),
        namespace: key.namespace.clone(),
        hints: begun.hints.clone(),
        predictor: reconciler.predictor.clone(),
        accept_v1_data: reconciler.context.config.accept_v1_data,
    });
    let (mut opened, trials) = in_slices(reconciler, &work, slot).await?;
    if let Some(templates) = rendering::templates(&sealed.spec) {
        let task = (templates, Environment { now: reconciler.context.now(), functions });
        opened = rendering::render(reconciler, key, task, opened, slot).await?;
    }
    match opened {
        Ok(unsealed) => Ok(unsealed),
        Err(error) => Err(Failure::unseal(explained(reconciler, key, begun, work, error, trials).await)),
    }
}

/// Gives its thread back after each slice: whoever waits for one is served in order.
async fn in_slices(
    reconciler: &Reconciler,
    work: &Arc<Work>,
    slot: &mut WorkerSlot,
) -> Result<(Result<UnsealedSecret, OpenError>, KeyTrials), Failure> {
    let mut state: Option<(PartialUnseal, KeyTrials)> = None;
    loop {
        let before = state.as_ref().map_or(0, |(_, trials)| trials.operations());
        let work = work.clone();
        let slice = reconciler.threads.run_blocking(move || {
            let (mut partial, mut trials) = state.unwrap_or_else(|| (PartialUnseal::default(), work.trials()));
            let is_done = partial.advance(&work.label, &work.sealed.spec, &work.keyring, &mut trials, SLICE);
            if !is_done {
                return (None, partial, trials);
            }
            let opened = work.finish(partial, &mut trials);
            work.learn(&opened);
            (Some(opened), PartialUnseal::default(), trials)
        });
        let (opened, partial, trials) = slice.await.ok_or_else(|| Failure::unseal("internal error"))?;
        reconciler.context.metrics.operations.inc_by(u64::from(trials.operations() - before));
        if let Some(opened) = opened {
            return Ok((opened, trials));
        }
        slot.another_slice().map_err(|OverflowFull| Failure::overloaded())?;
        state = Some((partial, trials));
    }
}

/// The message, with the cause where one can be found: it is looked for once a generation.
async fn explained(
    reconciler: &Reconciler,
    key: &Key,
    begun: &mut Begun,
    work: Arc<Work>,
    error: OpenError,
    trials: KeyTrials,
) -> String {
    let message = error.to_string();
    let identity = Identity::of(&work.sealed.metadata);
    let found = match begun.explained.take().filter(|(explained, _)| *explained == identity) {
        Some((_, known)) => known,
        None => {
            let neighbours = reconciler.cache.names(&key.namespace);
            let search = reconciler.threads.run_blocking(move || {
                let mut trials = trials;
                let before = trials.operations();
                let found = explain(&error, &work.sealed, &neighbours, &work.keyring, &mut trials, Effort::BRIEF);
                (found, trials.operations() - before)
            });
            let (found, operations) = search.await.unwrap_or_default();
            reconciler.context.metrics.operations.inc_by(u64::from(operations));
            found.map(Arc::new)
        }
    };
    begun.explained = Some((identity, found.clone()));
    found.map_or_else(|| message.clone(), |found| found.added_to(&message))
}

/// Private-key operations between two chances for others: a tenth of a second with keys of 4096 bits on a slow machine.
const SLICE: u32 = 16;
