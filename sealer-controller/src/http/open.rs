//! Opening a posted SealedSecret under a budget: without templates, and no further than the first item that fails.

use std::time::{Duration, Instant};

use sealer_core::resource::assemble::{OpenOptions, UnsealedSecret, open};
use sealer_core::seal::{Trials, unseal_counted};
use sealer_core::{Keyring, Label, SealedSecretSpec, SealedValue};

use crate::context::{Context, Pool};

/// What came of it.
pub(crate) enum Outcome {
    Opened(UnsealedSecret),
    /// It does not open, for whatever reason.
    Closed,
    /// It takes longer than one request may.
    TooLong,
}

/// Opens every item. One answer for every cause of a failure.
pub(crate) async fn posted(context: &Context, label: Label, spec: SealedSecretSpec) -> Outcome {
    let keyring = context.ring();
    let accept_v1_data = context.config.accept_v1_data;
    let work = move || {
        let options = OpenOptions { accept_v1_data, rendering: None };
        if spec.data.is_some() {
            return open(&label, &spec, &keyring, &options).map_or(Outcome::Closed, Outcome::Opened);
        }
        items(&label, spec, &keyring)
    };
    context.compute(Pool::Http, work).await.unwrap_or(Outcome::Closed)
}

fn items(label: &Label, spec: SealedSecretSpec, keyring: &Keyring) -> Outcome {
    let deadline = Instant::now() + BUDGET;
    let mut unsealed = UnsealedSecret::default();
    let mut trials = Trials::default();
    for (item, sealed) in spec.encrypted_data {
        if Instant::now() > deadline {
            return Outcome::TooLong;
        }
        let value = SealedValue::from_base64(&sealed).ok();
        let opened = value.and_then(|value| unseal_counted(&value, label, keyring, &mut trials).ok());
        let Some(opened) = opened else { return Outcome::Closed };
        unsealed.data.insert(item, opened.plaintext);
    }
    Outcome::Opened(unsealed)
}

/// A thousand items of one key.
const BUDGET: Duration = Duration::from_secs(5);
