//! Unsealing one value: with whichever key of a ring fits, or with one.

use crate::envelope::SealedValue;
use crate::error::UnsealError;
use crate::key::fingerprint::Fingerprint;
use crate::key::keyring::Keyring;
use crate::key::private::UnsealingKey;
use crate::plaintext::Plaintext;
use crate::primitives::private;
use crate::scope::Label;

/// A value that opened.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opened {
    /// The value.
    pub plaintext: Plaintext,
    /// The key that opened it.
    pub fingerprint: Fingerprint,
}

/// In which order keys are tried on the values of one object, and how many private-key operations that took.
#[derive(Clone, Debug, Default)]
pub struct KeyTrials {
    first: Vec<Fingerprint>,
    operations: u32,
}

impl KeyTrials {
    /// Tries these keys before all others, in this order.
    pub fn preferring(first: Vec<Fingerprint>) -> Self {
        Self { first, operations: 0 }
    }

    /// Private-key operations so far.
    pub fn operations(&self) -> u32 {
        self.operations
    }

    /// The keys that are tried before all others.
    pub fn first(&self) -> &[Fingerprint] {
        &self.first
    }

    /// The count, for whoever opens values with single keys.
    pub fn operations_mut(&mut self) -> &mut u32 {
        &mut self.operations
    }

    /// What one key opened, its neighbours were most likely sealed with.
    fn serve_next(&mut self, fingerprint: &Fingerprint) {
        if self.first.first() != Some(fingerprint) {
            self.first.retain(|other| other != fingerprint);
            self.first.insert(0, fingerprint.clone());
        }
    }
}

/// Opens a value with whichever key of the ring fits, newest first.
///
/// # Errors
/// One answer for every cause: another label, another key, a damaged value.
pub fn unseal(value: &SealedValue, label: &Label, keyring: &Keyring) -> Result<Opened, UnsealError> {
    unseal_with(value, label, keyring, &mut KeyTrials::default())
}

/// Like [`unseal`], in the order of the trials, which learn from it.
///
/// # Errors
/// As [`unseal`].
pub fn unseal_with(
    value: &SealedValue,
    label: &Label,
    keyring: &Keyring,
    trials: &mut KeyTrials,
) -> Result<Opened, UnsealError> {
    let KeyTrials { first, operations } = trials;
    let opened = keyring.in_trial_order(first).find_map(|key| open_with(value, label, key, operations));
    let opened = opened.ok_or(UnsealError)?;
    trials.serve_next(&opened.fingerprint);
    Ok(opened)
}

/// Opens a value with one key. Skips the RSA operation if the ciphertext cannot match this key's modulus.
pub fn open_with(value: &SealedValue, label: &Label, key: &UnsealingKey, operations: &mut u32) -> Option<Opened> {
    if !key.may_have_wrapped(value.wrapped_key()) {
        return None;
    }
    *operations = operations.saturating_add(1);
    let session = key.unwrap_session_key(value.wrapped_key(), label)?;
    let plaintext = private::decrypt(&session, value.ciphertext())?;
    Some(Opened { plaintext, fingerprint: key.fingerprint().clone() })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

    use super::*;
    use crate::scope::Scope;
    use crate::seal::seal;

    fn ring() -> Keyring {
        Keyring::from_keys((0..3).map(|_| UnsealingKey::generate(1024).unwrap()).collect())
    }

    #[test]
    fn last_serving_key_is_tried_first_and_operations_are_counted() {
        let (ring, label) = (ring(), Label::new_unchecked(Scope::ClusterWide, "", ""));
        let oldest = ring.entries()[2].key.clone();
        let value = seal(&Plaintext::new(b"v".to_vec()), &label, oldest.sealing_key()).unwrap();
        let mut trials = KeyTrials::default();
        for operations in [3, 4, 5] {
            // A value may by chance be too large for one of the keys, which then costs nothing.
            let opened = unseal_with(&value, &label, &ring, &mut trials).unwrap();
            assert_eq!(&opened.fingerprint, oldest.fingerprint());
            assert!(trials.operations() <= operations);
        }
        let mut knowing = KeyTrials::preferring(vec![oldest.fingerprint().clone()]);
        unseal_with(&value, &label, &ring, &mut knowing).unwrap();
        assert_eq!(knowing.operations(), 1);
    }

    #[test]
    fn what_no_key_can_have_sealed_costs_no_operation() {
        let ring = ring();
        let label = Label::new_unchecked(Scope::ClusterWide, "", "");
        for wrapped in [vec![], vec![1; 64], vec![1; 129], vec![0xff; 128], vec![1; 256]] {
            let value = SealedValue::new(wrapped, vec![0; 20]);
            let mut trials = KeyTrials::default();
            assert!(unseal_with(&value, &label, &ring, &mut trials).is_err() && !ring.may_have_sealed(&value));
            assert_eq!(trials.operations(), 0);
        }
        assert!(ring.may_have_sealed(&SealedValue::new(vec![1; 128], vec![])));
    }

    fn small() -> UnsealingKey {
        UnsealingKey::from_pem(include_bytes!("../tests/keys/small.pkcs1.pem")).unwrap()
    }

    fn fingerprints(bytes: &[u8]) -> Vec<Fingerprint> {
        bytes.iter().map(|byte| Fingerprint::of(&[*byte], &[3])).collect()
    }

    #[test]
    fn a_key_that_serves_moves_to_the_front_and_stands_there_once() {
        let mut trials = KeyTrials::preferring(fingerprints(&[1, 2, 3]));
        for (served, order) in [(3, [3, 1, 2].as_slice()), (3, &[3, 1, 2]), (1, &[1, 3, 2]), (4, &[4, 1, 3, 2])] {
            trials.serve_next(&fingerprints(&[served])[0]);
            assert_eq!(trials.first(), fingerprints(order));
        }
        assert_eq!(KeyTrials::default().first(), []);
    }

    /// T10: how many keys were tried is all that a failure costs, whichever way it fails.
    #[test]
    fn every_key_that_may_fit_costs_one_operation_and_no_other_does() {
        let other = || UnsealingKey::from_pem(include_bytes!("../tests/keys/throwaway.pkcs1.pem")).unwrap();
        let label = Label::new_unchecked(Scope::ClusterWide, "", "");
        let ring = Keyring::from_keys(vec![small(), other()]);
        for (block, operations) in [(vec![1; 128], 1), (vec![1; 256], 1), (vec![1; 240], 1), (vec![1; 200], 0)] {
            let mut trials = KeyTrials::default();
            let value = SealedValue::new(block, vec![0; 20]);
            assert_eq!(unseal_with(&value, &label, &ring, &mut trials).unwrap_err(), UnsealError);
            assert_eq!(trials.operations(), operations);
            *trials.operations_mut() = 7;
            assert_eq!(trials.operations(), 7);
        }
        let mut counted = u32::MAX;
        assert!(open_with(&SealedValue::new(vec![1; 128], Vec::new()), &label, &small(), &mut counted).is_none());
        assert_eq!(counted, u32::MAX, "the count does not begin anew");
    }

    /// T-C9.
    #[test]
    fn two_seals_of_one_value_have_no_block_in_common() {
        let key = small();
        let label = Label::new_unchecked(Scope::Strict, "ns", "name");
        let value = Plaintext::new(vec![0; 4096]);
        let mut blocks = std::collections::HashSet::new();
        for _ in 0..50 {
            let sealed = seal(&value, &label, key.sealing_key()).unwrap().to_bytes();
            assert_eq!(sealed.len(), 2 + 128 + 4096 + 16);
            assert!(sealed[2..].chunks_exact(16).all(|block| blocks.insert(block.to_vec())));
        }
    }

    #[test]
    fn an_opened_value_names_its_key() {
        let (key, label) = (small(), Label::new_unchecked(Scope::Strict, "ns", "name"));
        let sealed = seal(&Plaintext::new(b"v".to_vec()), &label, key.sealing_key()).unwrap();
        let opened = unseal(&sealed, &label, &Keyring::from_keys(vec![small()])).unwrap();
        assert_eq!((opened.plaintext.expose(), &opened.fingerprint), (&b"v"[..], key.fingerprint()));
        let mut damaged = sealed.to_bytes();
        *damaged.last_mut().unwrap() ^= 1;
        let damaged = SealedValue::from_bytes(&damaged).unwrap();
        assert!(unseal(&damaged, &label, &Keyring::from_keys(vec![small()])).is_err());
    }
}
