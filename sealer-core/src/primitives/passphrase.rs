//! What a passphrase protects: keys from scrypt, AES-256-CBC as PKCS#8 has it, and HMAC-SHA256 over the whole.

use aes::Aes256;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// What scrypt costs (RFC 7914): `N` as a power of two, `r` and `p`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) log_n: u8,
    pub(crate) r: u32,
    pub(crate) p: u32,
}

/// Two keys out of one derivation. The first half is what PBES2 asks scrypt for, so that other readers get it too; the
/// second is for authentication alone.
pub(crate) struct PassphraseKeys(Zeroizing<[u8; 2 * KEY]>);

impl PassphraseKeys {
    /// Nothing if the cost is out of bounds.
    pub(crate) fn derive(passphrase: &[u8], salt: &[u8], cost: Cost) -> Option<Self> {
        if !cost.within_limits() {
            return None;
        }
        let parameters = scrypt::Params::new(cost.log_n, cost.r, cost.p).ok()?;
        let mut keys = Zeroizing::new([0; 2 * KEY]);
        scrypt::scrypt(passphrase, salt, &parameters, keys.as_mut_slice()).ok()?;
        Some(Self(keys))
    }

    pub(crate) fn encrypt(&self, iv: [u8; BLOCK], plaintext: &[u8]) -> Vec<u8> {
        let cipher = cbc::Encryptor::<Aes256>::new(self.cipher_key().into(), &iv.into());
        cipher.encrypt_padded_vec::<Pkcs7>(plaintext)
    }

    pub(crate) fn decrypt(&self, iv: [u8; BLOCK], ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let cipher = cbc::Decryptor::<Aes256>::new(self.cipher_key().into(), &iv.into());
        cipher.decrypt_padded_vec::<Pkcs7>(ciphertext).ok().map(Zeroizing::new)
    }

    /// Computes the MAC of the parts, in order and each with its length.
    pub(crate) fn mac<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Option<[u8; KEY]> {
        Some(self.authenticate(parts)?.finalize().into_bytes().into())
    }

    /// Verifies the MAC over the parts in constant time.
    pub(crate) fn verify_mac<'a>(&self, mac: &[u8], parts: impl IntoIterator<Item = &'a [u8]>) -> bool {
        self.authenticate(parts).is_some_and(|state| state.verify_slice(mac).is_ok())
    }

    fn authenticate<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Option<Hmac<Sha256>> {
        let mut state = Hmac::<Sha256>::new_from_slice(self.0.get(KEY..)?).ok()?;
        for part in parts {
            state.update(&u64::try_from(part.len()).ok()?.to_be_bytes());
            state.update(part);
        }
        Some(state)
    }

    fn cipher_key(&self) -> &[u8; KEY] {
        self.0.first_chunk().unwrap_or(&[0; KEY])
    }
}

impl Cost {
    /// Whoever opens a file must not be made to spend more than 256 MiB or half a minute on it.
    fn within_limits(self) -> bool {
        let blocks = 1u64.checked_shl(self.log_n.into());
        let memory = blocks.and_then(|blocks| blocks.checked_mul(128 * u64::from(self.r)));
        self.p <= MOST_PASSES && memory.is_some_and(|memory| memory <= MOST_MEMORY)
    }
}

/// Bytes of a key and of a MAC.
pub(crate) const KEY: usize = 32;
/// Bytes of an AES block.
pub(crate) const BLOCK: usize = 16;
const MOST_MEMORY: u64 = 256 << 20;
const MOST_PASSES: u32 = 32;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    const CHEAP: Cost = Cost { log_n: 4, r: 8, p: 1 };

    #[test]
    fn only_what_was_encrypted_and_authenticated_comes_back() {
        let keys = PassphraseKeys::derive(b"passphrase", b"salt", CHEAP).unwrap();
        let encrypted = keys.encrypt([1; BLOCK], b"a value");
        assert_eq!(keys.decrypt([1; BLOCK], &encrypted).unwrap().as_slice(), b"a value");
        assert!(keys.decrypt([1; BLOCK], encrypted.get(1..).unwrap()).is_none());
        let mac = keys.mac([&b"ab"[..], b"c"]).unwrap();
        assert!(keys.verify_mac(&mac, [&b"ab"[..], b"c"]));
        assert!(!keys.verify_mac(&mac, [&b"a"[..], b"bc"]), "borders between parts count");
        let others = PassphraseKeys::derive(b"Passphrase", b"salt", CHEAP).unwrap();
        assert!(!others.verify_mac(&mac, [&b"ab"[..], b"c"]));
    }

    #[test]
    fn costs_beyond_bounds_are_refused_before_they_are_paid() {
        for (log_n, r, p) in
            [(30, 8, 1), (63, 8, 1), (64, 8, 1), (31, 1 << 26, 1), (14, u32::MAX, 1), (14, 8, 1000), (14, 0, 1)]
        {
            assert!(PassphraseKeys::derive(b"p", b"s", Cost { log_n, r, p }).is_none(), "{log_n} {r} {p}");
        }
    }

    fn bytes(hex: &str) -> Vec<u8> {
        hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    /// Made with Python's `hashlib.scrypt` and `hmac`, and with `openssl enc -aes-256-cbc`.
    #[test]
    fn keys_texts_and_codes_are_those_that_others_make() {
        let keys = PassphraseKeys::derive(b"passphrase", b"salt", CHEAP).unwrap();
        assert_eq!(
            keys.0.to_vec(),
            bytes(
                "3e7c505d420a474b66a07c00065fd2eb5c7b9b335f8ba5eff49cc75f1361f121\
                 083166d38b5d1f23e1637ceec84c420def0768e78793b141667e9612d902f9e7"
            )
        );
        assert_eq!(keys.encrypt([1; BLOCK], b"a value"), bytes("f8ea753a79683698a93acf35e401b913"));
        assert_eq!(keys.cipher_key().as_slice(), keys.0.get(..KEY).unwrap());
        let code = bytes("299106423b4b40bbf20534b528ab5328221be9fb624f9f847408a3f7ce8ad0f3");
        assert_eq!(keys.mac([&b"ab"[..], b"c"]).unwrap().as_slice(), code);
        assert!(keys.verify_mac(&code, [&b"ab"[..], b"c"]));
        assert!(!keys.verify_mac(code.get(1..).unwrap(), [&b"ab"[..], b"c"]), "a part of the code is none");
    }

    #[test]
    fn the_dearest_bearable_cost_is_a_quarter_of_a_gibibyte() {
        let cost = |log_n, r, p| Cost { log_n, r, p }.within_limits();
        assert!(cost(18, 8, 1) && cost(14, 128, 1) && cost(14, 8, 32) && cost(4, 1, 1));
        assert!(!cost(19, 8, 1) && !cost(18, 9, 1) && !cost(14, 8, 33) && !cost(64, 0, 1));
    }
}
