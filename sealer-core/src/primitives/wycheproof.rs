//! Project Wycheproof's vectors: known answers, and ciphertexts that break careless implementations.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use ::wycheproof::{HashFunction, TestResult, aead, rsa_oaep};
use aes_gcm::aead::Payload;
use rsa_oaep::TestName::{Rsa2048Sha256Mgf1Sha256, Rsa3072Sha256Mgf1Sha256, Rsa4096Sha256Mgf1Sha256, RsaMisc};
use zeroize::Zeroizing;

use super::private::{NONCE, decrypt, decrypt_with_nonce};
use crate::key::private::UnsealingKey;
use crate::plaintext::SessionKey;
use crate::scope::Label;

/// What a key makes of a ciphertext, by the way that every sealed value goes.
fn unwrapped(key: &UnsealingKey, test: &rsa_oaep::Test) -> Option<Vec<u8>> {
    let label = Label::from_bytes(test.label.to_vec());
    if !key.may_have_wrapped(&test.ct) {
        return None;
    }
    key.unwrap_session_key(&test.ct, &label).map(|session| session.expose().to_vec())
}

fn is_ours(group: &rsa_oaep::TestGroup) -> bool {
    group.hash == HashFunction::Sha2_256 && group.mgf_hash == HashFunction::Sha2_256 && group.key_size >= 2048
}

/// Runs the groups that are ours; returns how many cases there were, and the numbers of those that were accepted as acceptable.
fn oaep(name: rsa_oaep::TestName) -> (usize, Vec<usize>) {
    let set = rsa_oaep::TestSet::load(name).unwrap();
    let (mut cases, mut tolerated) = (0, Vec::new());
    for group in set.test_groups.iter().filter(|group| is_ours(group)) {
        let key = UnsealingKey::from_pkcs8(&group.pkcs8).unwrap();
        for test in &group.tests {
            cases += 1;
            let found = unwrapped(&key, test);
            match test.result {
                TestResult::Valid => assert_eq!(found.unwrap(), test.pt.to_vec(), "case {}", test.tc_id),
                TestResult::Invalid => assert!(found.is_none(), "case {}", test.tc_id),
                TestResult::Acceptable => {
                    if let Some(found) = found {
                        assert_eq!(found, test.pt.to_vec(), "case {}", test.tc_id);
                        tolerated.push(test.tc_id);
                    }
                }
            }
        }
    }
    (cases, tolerated)
}

/// T-C1.
#[test]
fn oaep_vectors_of_the_sizes_in_use_all_agree() {
    for name in [Rsa2048Sha256Mgf1Sha256, Rsa3072Sha256Mgf1Sha256, Rsa4096Sha256Mgf1Sha256] {
        assert_eq!(oaep(name), (37, Vec::new()), "{name:?}");
    }
}

/// T-C2. Of the two cases that are left to the implementation (376, 385: the block is the number 1), aws-lc takes none.
#[test]
fn oaep_vectors_of_odd_sizes_all_agree() {
    assert_eq!(oaep(RsaMisc), (28, Vec::new()));
}

/// T-C3.
#[test]
fn aes_gcm_vectors_with_nonces_of_96_bits_all_agree() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let (mut cases, mut with_zero_nonce) = (0, 0);
    for group in set.test_groups.iter().filter(|group| group.nonce_size == 8 * NONCE) {
        for test in &group.tests {
            cases += 1;
            let nonce: [u8; NONCE] = test.nonce.as_slice().try_into().unwrap();
            let key = SessionKey::new(Zeroizing::new(test.key.to_vec()));
            let sealed = [test.ct.as_slice(), test.tag.as_slice()].concat();
            let found = decrypt_with_nonce(&key, &nonce, Payload { msg: &sealed, aad: &test.aad });
            let wanted = (test.result == TestResult::Valid).then(|| test.pt.to_vec());
            assert_eq!(found, wanted, "case {}", test.tc_id);
            if nonce == [0; NONCE] && test.aad.is_empty() {
                with_zero_nonce += 1;
                assert_eq!(decrypt(&key, &sealed).map(|value| value.expose().to_vec()), wanted, "case {}", test.tc_id);
            }
        }
    }
    assert_eq!((cases, with_zero_nonce), (197, 3));
}
