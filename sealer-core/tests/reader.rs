//! What does the reader accept? The table of forms that exist in the wild, crafted with an independent RSA backend.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use aes_gcm::aead::{Aead, KeyInit, Nonce};
use aes_gcm::{Aes128Gcm, Aes256Gcm, AesGcm, aead::consts::U12, aes::Aes192};
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::{Oaep, PrivateKey};
use sealer_core::{Keyring, Label, Scope, SealedValue, UnsealingKey, unseal};
use sha2::Sha256;

const KEY: &str = include_str!("keys/throwaway.pkcs1.pem");
const VALUE: &[u8] = b"value";

fn wrapped(session: &[u8]) -> Vec<u8> {
    let key = PrivateKey::from_pkcs1_pem(KEY).unwrap();
    key.to_public_key()
        .encrypt(&mut rand::rng(), Oaep::<Sha256>::new_with_label(b"ns/name".as_slice()), session)
        .unwrap()
}

fn encrypted<C: Aead + KeyInit>(session: &[u8]) -> Vec<u8> {
    C::new_from_slice(session).unwrap().encrypt(&Nonce::<C>::default(), VALUE).unwrap()
}

fn envelope(wrapped: &[u8], ciphertext: &[u8]) -> Vec<u8> {
    let length = u16::try_from(wrapped.len()).unwrap().to_be_bytes();
    [length.as_slice(), wrapped, ciphertext].concat()
}

fn opens(bytes: &[u8]) -> bool {
    let keyring = Keyring::from_keys(vec![UnsealingKey::from_pem(KEY.as_bytes()).unwrap()]);
    let label = Label::new(Scope::Strict, "ns", "name").unwrap();
    let opened = SealedValue::from_bytes(bytes).ok().and_then(|value| unseal(&value, &label, &keyring).ok());
    opened.is_some_and(|opened| opened.plaintext.expose() == VALUE)
}

/// T-C7.
#[test]
fn session_keys_of_every_aes_size_open_and_no_other() {
    assert!(opens(&envelope(&wrapped(&[7; 16]), &encrypted::<Aes128Gcm>(&[7; 16]))));
    assert!(opens(&envelope(&wrapped(&[7; 24]), &encrypted::<AesGcm<Aes192, U12>>(&[7; 24]))));
    assert!(opens(&envelope(&wrapped(&[7; 32]), &encrypted::<Aes256Gcm>(&[7; 32]))));
    assert!(!opens(&envelope(&wrapped(&[7; 31]), &encrypted::<Aes256Gcm>(&[7; 32]))));
    assert!(!opens(&envelope(&wrapped(&[]), &encrypted::<Aes256Gcm>(&[7; 32]))));
}

/// T-C7.
#[test]
fn a_stripped_zero_byte_is_put_back_and_an_extra_one_refused() {
    let ciphertext = encrypted::<Aes256Gcm>(&[7; 32]);
    let starting_with_zero = std::iter::repeat_with(|| wrapped(&[7; 32])).find(|block| block[0] == 0).unwrap();
    assert!(opens(&envelope(&starting_with_zero[1..], &ciphertext)));
    let longer = [&[0], starting_with_zero.as_slice()].concat();
    assert!(!opens(&envelope(&longer, &ciphertext)));
    assert!(!opens(&envelope(&[], &ciphertext)));
    // A block that is not below the modulus.
    assert!(!opens(&envelope(&[0xff; 256], &ciphertext)));
}

/// T-C8.
#[test]
fn no_flipped_bit_goes_unnoticed() {
    let sealed = envelope(&wrapped(&[7; 32]), &encrypted::<Aes256Gcm>(&[7; 32]));
    // Every bit outside the RSA block, and every seventh bit inside it.
    let inside = |bit: usize| (16..(2 + 256) * 8).contains(&bit);
    for bit in (0..sealed.len() * 8).filter(|bit| !inside(*bit) || bit % 7 == 0) {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(!opens(&flipped), "bit {bit}");
    }
}
