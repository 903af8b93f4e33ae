//! Opens with private keys at hand, and seals for a certificate.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use sealer_core::seal::{Trials, unseal_counted};
use sealer_core::{Fingerprint, Keyring, Label, SealedValue, SealingKey, seal};

use super::Sealer;
use crate::certificate;
use crate::diagnostics::CliError;
use crate::key_files;
use crate::request::Reseal;
use crate::tree::SealedObject;
use crate::ui::Ui;

pub(super) struct Offline {
    keyring: Keyring,
    target: SealingKey,
    /// The key that opened a value last: the next one is most likely of the same.
    last: Mutex<Fingerprint>,
}

impl Offline {
    pub(super) fn load(request: &Reseal, ui: &Ui) -> Result<Self, CliError> {
        let keyring = key_files::load(&request.keys, ui)?;
        let target = certificate::load(request.certificate.as_deref(), &request.cluster)?.key().clone();
        let last = Mutex::new(target.fingerprint().clone());
        Ok(Self { keyring, target, last })
    }

    fn anew(&self, value: &str, label: &Label) -> Result<Option<String>, String> {
        let sealed = SealedValue::from_base64(value).map_err(|error| error.to_string())?;
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut trials = Trials::preferring(vec![last.clone(), self.target.fingerprint().clone()]);
        let opened = unseal_counted(&sealed, label, &self.keyring, &mut trials).map_err(|_| NO_KEY.to_owned())?;
        if opened.fingerprint != last {
            self.last.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&opened.fingerprint);
        }
        if opened.fingerprint == *self.target.fingerprint() {
            return Ok(None);
        }
        let sealed = seal(&opened.plaintext, label, &self.target).map_err(|error| error.to_string())?;
        Ok(Some(sealed.to_base64()))
    }
}

impl Sealer for Offline {
    fn object(&self, object: &SealedObject) -> Vec<Result<Option<String>, String>> {
        let label = object.label();
        object.items.par_iter().map(|item| self.anew(&item.value, &label)).collect()
    }
}

const NO_KEY: &str = "no key at hand opens it under this name, namespace and scope";
