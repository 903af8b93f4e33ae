//! Opens with private keys at hand, and seals for a certificate.

use parking_lot::Mutex;
use rayon::prelude::*;
use sealer_core::unseal::{KeyTrials, unseal_with};
use sealer_core::{Fingerprint, KeyEntry, Keyring, Label, SealDigest, SealedValue, SealingKey, StoredKey, seal};
use sealer_resource::key_secret;

use super::{Outcome, Sealer};
use crate::certificate;
use crate::cluster::Cluster;
use crate::commands::reseal::Reseal;
use crate::diagnostics::CliError;
use crate::key_files;
use crate::reseal_cache::ResealCache;
use crate::tree::{SealedItem, SealedObject};
use crate::ui::Ui;

pub(super) struct Offline {
    keyring: Keyring,
    target: SealingKey,
    /// Keys that opened values, the last one first: the next value is most likely of the same.
    order: Mutex<Vec<Fingerprint>>,
    cache: ResealCache,
    writes: bool,
}

/// What was found out of one value.
struct Found {
    /// None where the old one stays.
    new: Option<String>,
    /// What the cache does not know yet.
    digest: Option<SealDigest>,
}

impl Offline {
    pub(super) fn load(request: &Reseal, ui: &Ui) -> Result<Self, CliError> {
        let keyring = keyring(request, ui)?;
        let target = certificate::load(request.certificate.as_deref(), &request.cluster)?.key().clone();
        let order = Mutex::new(vec![target.fingerprint().clone()]);
        let cache = ResealCache::open(request.cache.as_deref());
        Ok(Self { keyring, target, order, cache, writes: request.writes() })
    }

    fn item(&self, item: &SealedItem, label: &Label) -> Result<Found, String> {
        let target = self.target.fingerprint();
        let sealed = SealedValue::from_base64(&item.value).map_err(|error| error.to_string())?;
        let digest = SealDigest::of(&sealed, label, target);
        if self.cache.knows(&digest) {
            return Ok(Found { new: None, digest: None });
        }
        let anew = match self.anew(&sealed, label) {
            Err(_) if self.cache.seen_since_open(&digest) => return Ok(Found { new: None, digest: None }),
            anew => anew?,
        };
        Ok(match anew {
            Some(new) => {
                let digest = self.writes.then(|| SealDigest::of(&new, label, target));
                Found { new: Some(new.to_base64()), digest }
            }
            None => Found { new: None, digest: Some(digest) },
        })
    }

    /// The value sealed anew, or nothing where it is sealed for the target.
    fn anew(&self, sealed: &SealedValue, label: &Label) -> Result<Option<SealedValue>, String> {
        let order = || self.order.lock();
        let mut trials = KeyTrials::preferring(order().clone());
        let opened = unseal_with(sealed, label, &self.keyring, &mut trials).map_err(|_| NO_KEY.to_owned())?;
        let mut order = order();
        if order.first() != Some(&opened.fingerprint) {
            order.retain(|other| *other != opened.fingerprint);
            order.insert(0, opened.fingerprint.clone());
        }
        drop(order);
        if opened.fingerprint == *self.target.fingerprint() {
            return Ok(None);
        }
        seal(&opened.plaintext, label, &self.target).map(Some).map_err(|error| error.to_string())
    }
}

impl Sealer for Offline {
    fn object(&self, object: &SealedObject) -> Vec<Outcome> {
        let label = object.label();
        let found: Vec<Result<Found, String>> = object.items.par_iter().map(|item| self.item(item, &label)).collect();
        let digests: Vec<SealDigest> = found.iter().flatten().filter_map(|found| found.digest).collect();
        self.cache.add(&digests);
        found.into_iter().map(|found| found.map(|found| found.new)).collect()
    }

    fn most_bindings(&self) -> usize {
        MOST_BINDINGS
    }

    fn most_tries(&self) -> u32 {
        MOST_TRIES
    }

    /// One private-key operation for each key that may have sealed an item.
    fn tries(&self, items: &[SealedItem]) -> u32 {
        let sealed = items.iter().filter_map(|item| SealedValue::from_base64(&item.value).ok());
        let keys = sealed.map(|sealed| {
            let may = |entry: &&KeyEntry| Keyring::new(vec![(*entry).clone()]).may_have_sealed(&sealed);
            self.keyring.entries().iter().filter(may).count()
        });
        u32::try_from(keys.sum::<usize>()).unwrap_or(u32::MAX)
    }

    fn refuses_together(&self) -> bool {
        false
    }

    fn refusal(&self) -> &'static str {
        NO_KEY
    }

    fn is_refusal(&self, told: &str) -> bool {
        told == NO_KEY
    }
}

/// The keys of all files, and those of the cluster where they are asked for.
fn keyring(request: &Reseal, ui: &Ui) -> Result<Keyring, CliError> {
    let Some(choice) = &request.keys_in else { return key_files::load(&request.keys, ui) };
    let mut keys = key_files::stored(&request.keys, ui)?;
    let secrets = Cluster::connect(choice)?.key_secrets()?.required()?;
    keys.extend(secrets.iter().filter_map(|secret| key_secret::read(secret).ok()));
    if keys.is_empty() {
        return Err(CliError::new("the cluster has no sealing key that can be read")
            .hint("name the controller's namespace with --controller-namespace"));
    }
    Ok(Keyring::new(keys.iter().map(StoredKey::entry).collect()))
}

const NO_KEY: &str = "no key at hand opens it under this name, namespace and scope";
/// Less than a minute of one core for RSA-4096.
const MOST_TRIES: u32 = 10_000;
/// As `sealer keys check` tries.
const MOST_BINDINGS: usize = 1000;
