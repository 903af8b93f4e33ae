//! How far an object's items are opened: work that can be put down after so many private-key operations and taken up
//! later.

use std::collections::{BTreeMap, BTreeSet};

use crate::failure::{ItemCause, ItemFailure};
use crate::sealed_secret::SealedSecretSpec;
use sealer_core::envelope::SealedValue;
use sealer_core::key::fingerprint::Fingerprint;
use sealer_core::key::keyring::Keyring;
use sealer_core::plaintext::Plaintext;
use sealer_core::scope::Label;
use sealer_core::unseal::{KeyTrials, unseal_with};

/// What is known of an object's items so far. It belongs to one spec and one ring.
#[derive(Debug, Default)]
pub struct PartialUnseal {
    /// Of each item in the order of their names: the key that opened it, or why none did.
    verdicts: Vec<Result<Fingerprint, ItemCause>>,
    has_failed: bool,
    /// Values of items that opened, while they are worth anything.
    values: BTreeMap<String, Plaintext>,
}

impl PartialUnseal {
    /// Goes on opening items until about `budget` private-key operations are spent; says whether all is known.
    pub fn advance(
        &mut self,
        label: &Label,
        spec: &SealedSecretSpec,
        keyring: &Keyring,
        trials: &mut KeyTrials,
        budget: u32,
    ) -> bool {
        if spec.data.is_some() {
            return true;
        }
        let end = trials.operations().saturating_add(budget);
        for (item, sealed) in spec.encrypted_data.iter().skip(self.verdicts.len()) {
            if trials.operations() >= end {
                return false;
            }
            let opened = open_item(label, sealed, keyring, trials);
            self.note(item, opened);
        }
        true
    }

    /// One item that failed ends the object: no value of it is needed any longer.
    fn note(&mut self, item: &str, opened: Result<(Plaintext, Fingerprint), ItemCause>) {
        let verdict = opened.map(|(value, fingerprint)| {
            if !self.has_failed {
                self.values.insert(item.to_owned(), value);
            }
            fingerprint
        });
        if verdict.is_err() {
            self.has_failed = true;
            self.values.clear();
        }
        self.verdicts.push(verdict);
    }

    /// The values, and the keys that opened them; or all that failed.
    pub(crate) fn into_items(self, items: &BTreeMap<String, String>) -> Result<Items, Vec<ItemFailure>> {
        let failure = |(item, verdict): (&String, &Result<_, ItemCause>)| {
            let cause = verdict.as_ref().err()?.clone();
            Some(ItemFailure { item: item.clone(), cause })
        };
        let failures: Vec<_> = items.keys().zip(&self.verdicts).filter_map(failure).collect();
        if !failures.is_empty() {
            return Err(failures);
        }
        Ok((self.values, self.verdicts.into_iter().flatten().collect()))
    }
}

pub(crate) type Items = (BTreeMap<String, Plaintext>, BTreeSet<Fingerprint>);

pub(crate) fn open_item(
    label: &Label,
    sealed: &str,
    keyring: &Keyring,
    trials: &mut KeyTrials,
) -> Result<(Plaintext, Fingerprint), ItemCause> {
    let value = SealedValue::from_base64(sealed)?;
    let opened = unseal_with(&value, label, keyring, trials)?;
    Ok((opened.plaintext, opened.fingerprint))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;
    use crate::unseal::{OpenOptions, finish};
    use sealer_core::key::private::UnsealingKey;
    use sealer_core::scope::Scope;
    use sealer_core::seal::seal;

    const OPTIONS: OpenOptions<'static> = OpenOptions { accept_v1_data: true, rendering: None };

    fn spec(key: &UnsealingKey, label: &Label, good: usize, bad: usize) -> SealedSecretSpec {
        let value = |at: usize, label: &Label| {
            let value = Plaintext::new(format!("value {at}").into_bytes());
            (format!("{at:04}"), seal(&value, label, key.sealing_key()).unwrap().to_base64())
        };
        let other = Label::new_unchecked(Scope::Strict, "ns", "other");
        let good_items = (0..good).map(|at| value(at, label));
        let bad_items = (good..good + bad).map(|at| value(at, &other));
        SealedSecretSpec { encrypted_data: good_items.chain(bad_items).collect(), ..SealedSecretSpec::default() }
    }

    /// Works in turns of `budget`; returns how many they were.
    fn in_turns(
        spec: &SealedSecretSpec,
        label: &Label,
        ring: &Keyring,
        budget: u32,
    ) -> (PartialUnseal, KeyTrials, u32) {
        let (mut partial, mut trials, mut turns) = (PartialUnseal::default(), KeyTrials::default(), 1);
        while !partial.advance(label, spec, ring, &mut trials, budget) {
            turns += 1;
        }
        (partial, trials, turns)
    }

    #[test]
    fn what_is_opened_in_turns_is_the_same_as_at_once() {
        let label = Label::new_unchecked(Scope::Strict, "ns", "name");
        let ring = Keyring::from_keys((0..2).map(|_| UnsealingKey::generate(1024).unwrap()).collect());
        let spec = spec(&ring.entries().first().unwrap().key, &label, 7, 0);
        for budget in [1, 3, 100] {
            let (partial, mut trials, turns) = in_turns(&spec, &label, &ring, budget);
            let secret = finish(partial, &label, &spec, &ring, &OPTIONS, &mut trials).unwrap();
            assert_eq!(secret.data.len(), 7);
            assert!(secret.data.values().all(|value| value.expose().starts_with(b"value ")));
            assert!(turns >= 7 / budget && trials.operations() <= 14, "{turns} {}", trials.operations());
        }
    }

    #[test]
    fn every_failure_is_told_and_no_value_is_held_after_the_first() {
        let label = Label::new_unchecked(Scope::Strict, "ns", "name");
        let ring = Keyring::from_keys(vec![UnsealingKey::generate(1024).unwrap()]);
        let spec = spec(&ring.entries().first().unwrap().key, &label, 2, 3);
        let (partial, mut trials, _) = in_turns(&spec, &label, &ring, 2);
        assert!(partial.values.is_empty());
        let error = finish(partial, &label, &spec, &ring, &OPTIONS, &mut trials).unwrap_err();
        assert_eq!(error.to_string(), "no key could decrypt secret (0002, 0003, 0004)");
        assert_eq!(trials.operations(), 5);
    }

    #[test]
    fn a_turn_ends_with_its_budget_and_the_next_goes_on_there() {
        let label = Label::new_unchecked(Scope::Strict, "ns", "name");
        let key = || UnsealingKey::from_pem(include_bytes!("../../sealer-core/tests/keys/small.pkcs1.pem")).unwrap();
        let ring = Keyring::from_keys(vec![key()]);
        let spec = spec(&key(), &label, 5, 0);
        let (mut partial, mut trials) = (PartialUnseal::default(), KeyTrials::default());
        for (budget, opened, is_all) in [(0, 0, false), (2, 2, false), (2, 4, false), (1, 5, true), (0, 5, true)] {
            assert_eq!(partial.advance(&label, &spec, &ring, &mut trials, budget), is_all);
            assert_eq!((partial.values.len(), trials.operations()), (opened, u32::try_from(opened).unwrap()));
        }
        let (values, keys) = partial.into_items(&spec.encrypted_data).unwrap();
        assert_eq!((values.len(), keys.into_iter().collect::<Vec<_>>()), (5, vec![key().fingerprint().clone()]));
        // The deprecated blob is opened elsewhere.
        let blob = SealedSecretSpec { data: Some(String::new()), ..spec };
        assert!(PartialUnseal::default().advance(&label, &blob, &ring, &mut KeyTrials::default(), 0));
    }

    #[test]
    fn no_value_is_held_once_an_item_has_failed() {
        let label = Label::new_unchecked(Scope::Strict, "ns", "name");
        let key = || UnsealingKey::from_pem(include_bytes!("../../sealer-core/tests/keys/small.pkcs1.pem")).unwrap();
        let mut spec = spec(&key(), &label, 1, 1);
        let good = spec.encrypted_data.values().next().unwrap().clone();
        spec.encrypted_data.insert("9999".to_owned(), good);
        let (mut partial, mut trials) = (PartialUnseal::default(), KeyTrials::default());
        assert!(partial.advance(&label, &spec, &Keyring::from_keys(vec![key()]), &mut trials, u32::MAX));
        assert!(partial.values.is_empty() && partial.has_failed && trials.operations() == 3);
        let failures = partial.into_items(&spec.encrypted_data).unwrap_err();
        assert_eq!(failures.iter().map(|failure| failure.item.as_str()).collect::<Vec<_>>(), ["0001"]);
    }
}
