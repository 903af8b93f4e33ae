//! Has the controller open and seal anew: whoever may reach it needs no key.
//!
//! The controller always seals anew and does not say under which key a value was. What this user's earlier runs had from
//! it is known by the cache, and is left alone as long as the controller serves the same certificate.

use std::cell::RefCell;

use sealer_core::{Fingerprint, Label, SealDigest, SealedValue};
use sealer_resource::api;
use serde_json::Value;

use super::{Outcome, Sealer};
use crate::cluster::posted::posted;
use crate::cluster::{Answer, Cluster};
use crate::commands::reseal::Reseal;
use crate::diagnostics::CliError;
use crate::reseal_cache::ResealCache;
use crate::tree::{SealedItem, SealedObject};

pub(super) struct Online {
    cluster: Cluster,
    path: String,
    cache: ResealCache,
    /// The key that the controller seals with, where it says so.
    served: Option<Fingerprint>,
    /// Of values that it sealed; only at the end it is sure that they are under that key.
    digests: RefCell<Vec<SealDigest>>,
    writes: bool,
}

impl Online {
    pub(super) fn connect(request: &Reseal) -> Result<Self, CliError> {
        if request.certificate.is_some() {
            return Err(CliError::new(
                "another certificate can be sealed for only with the private keys that open the files",
            )
            .hint(
                "give them with --private-key or --backup, or leave --cert out to reseal for the cluster's newest key",
            ));
        }
        let cluster = Cluster::connect(&request.cluster)?;
        let path = cluster.path(api::ROTATE)?;
        let cache = ResealCache::open(request.cache.as_deref());
        let served = served(&cluster);
        Ok(Self { cluster, path, cache, served, digests: RefCell::default(), writes: request.writes() })
    }

    /// Writes down what was sealed, if the controller has not changed its key meanwhile.
    pub(super) fn close(self) {
        if self.writes && self.served.is_some() && served(&self.cluster) == self.served {
            self.cache.add(&self.digests.into_inner());
        }
    }

    fn digest(&self, value: &SealedValue, label: &Label) -> Option<SealDigest> {
        self.served.as_ref().map(|served| SealDigest::of(value, label, served))
    }

    fn is_current(&self, item: &SealedItem, label: &Label) -> bool {
        let sealed = SealedValue::from_base64(&item.value).ok();
        sealed.and_then(|sealed| self.digest(&sealed, label)).is_some_and(|digest| self.cache.knows(&digest))
    }

    fn rotated(&self, object: &SealedObject, items: &[&SealedItem]) -> Result<Value, String> {
        let values = items.iter().map(|item| (item.name.as_str(), item.value.as_str()));
        match self.cluster.post(&self.path, posted(object.scope, &object.namespace, &object.name, values)) {
            Ok(Answer::Ok(text)) => {
                serde_json::from_str(&text).map_err(|_| "the controller's answer is no SealedSecret".to_owned())
            }
            Ok(Answer::Conflict) => Err(REFUSED.to_owned()),
            Err(cause) => Err(cause.to_string()),
        }
    }
}

impl Sealer for Online {
    fn object(&self, object: &SealedObject) -> Vec<Outcome> {
        let label = object.label();
        let (current, old): (Vec<&SealedItem>, Vec<&SealedItem>) =
            object.items.iter().partition(|item| self.is_current(item, &label));
        if old.is_empty() {
            return current.iter().map(|_| Ok(None)).collect();
        }
        let answer = self.rotated(object, &old);
        let anew = |item: &SealedItem| {
            if current.iter().any(|current| current.name == item.name) {
                return Ok(None);
            }
            let items = answer.as_ref().map_err(Clone::clone)?.pointer("/spec/encryptedData");
            let value = items.and_then(|items| items.get(&item.name)).and_then(Value::as_str);
            let value = value.ok_or_else(|| "the controller's answer lacks it".to_owned())?;
            let sealed = SealedValue::from_base64(value)
                .map_err(|error| format!("the controller's answer is no sealed value: {error}"))?;
            self.digests.borrow_mut().extend(self.digest(&sealed, &label));
            Ok(Some(value.to_owned()))
        };
        object.items.iter().map(anew).collect()
    }

    fn most_bindings(&self) -> usize {
        MOST_BINDINGS
    }

    fn most_tries(&self) -> u32 {
        MOST_TRIES
    }

    /// One request for all of them, and one for each where that is refused.
    fn tries(&self, items: &[SealedItem]) -> u32 {
        let requests = if items.len() > 1 { items.len() + 1 } else { 1 };
        u32::try_from(requests).unwrap_or(u32::MAX)
    }

    fn refuses_together(&self) -> bool {
        true
    }

    fn refusal(&self) -> &'static str {
        REFUSED
    }

    fn is_refusal(&self, told: &str) -> bool {
        told == REFUSED
    }
}

fn served(cluster: &Cluster) -> Option<Fingerprint> {
    Some(cluster.served().ok()?.key().fingerprint().clone())
}

const REFUSED: &str = "the controller cannot open it";
/// Each is a request, of which the controller takes two a second.
const MOST_BINDINGS: usize = 12;
/// Four minutes of them.
const MOST_TRIES: u32 = 500;
