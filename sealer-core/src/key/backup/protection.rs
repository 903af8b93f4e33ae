//! One encrypted key: PBES2 with scrypt and AES-256-CBC, in the structures of PKCS#8 (RFC 5958, 8018, 7914).

use der::asn1::OctetStringRef;
use der::{Decode as _, Encode as _};
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{self, Kdf, Parameters, ScryptParams};

use super::Passphrase;
use crate::error::BackupError;
use crate::key::private::UnsealingKey;
use crate::primitives::passphrase::{Cost, PassphraseKeys};
use sealer_encoding::pem;

/// How a passphrase becomes keys: the same for all blocks of a file, so that it is paid for once.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Protection {
    pub(super) salt: Vec<u8>,
    pub(super) cost: Cost,
}

/// An encrypted key of a file.
pub(super) struct SealedKey {
    pub(super) protection: Protection,
    iv: [u8; 16],
    encrypted: Vec<u8>,
}

impl Protection {
    pub(super) fn derive(&self, passphrase: &Passphrase) -> Option<PassphraseKeys> {
        PassphraseKeys::derive(&passphrase.0, &self.salt, self.cost)
    }

    /// The block of a key, in DER.
    pub(super) fn key_block(&self, iv: [u8; 16], encrypted: &[u8]) -> Option<Vec<u8>> {
        let scrypt = ScryptParams {
            salt: self.salt.as_slice().try_into().ok()?,
            cost_parameter: 1 << self.cost.log_n,
            block_size: self.cost.r.try_into().ok()?,
            parallelization: self.cost.p.try_into().ok()?,
            key_length: None,
        };
        let encryption = pbes2::EncryptionScheme::Aes256Cbc { iv };
        let scheme = EncryptionScheme::Pbes2(Parameters { kdf: Kdf::Scrypt(scrypt), encryption });
        let encrypted_data = OctetStringRef::new(encrypted).ok()?;
        EncryptedPrivateKeyInfoRef { encryption_algorithm: scheme, encrypted_data }.to_der().ok()
    }
}

impl SealedKey {
    /// The key, if these keys are the right ones and nobody changed it.
    pub(super) fn open(&self, keys: &PassphraseKeys) -> Option<UnsealingKey> {
        UnsealingKey::from_pkcs8(&keys.decrypt(self.iv, &self.encrypted)?).ok()
    }

    fn read(der: &[u8]) -> Option<Self> {
        let info = EncryptedPrivateKeyInfoRef::from_der(der).ok()?;
        let parameters = info.encryption_algorithm.pbes2()?;
        let (Kdf::Scrypt(scrypt), pbes2::EncryptionScheme::Aes256Cbc { iv }) =
            (&parameters.kdf, &parameters.encryption)
        else {
            return None;
        };
        let n = Some(scrypt.cost_parameter).filter(|n| n.is_power_of_two())?;
        let cost = Cost {
            log_n: n.trailing_zeros().try_into().ok()?,
            r: scrypt.block_size.into(),
            p: scrypt.parallelization.into(),
        };
        let protection = Protection { salt: scrypt.salt.as_bytes().to_vec(), cost };
        Some(Self { protection, iv: *iv, encrypted: info.encrypted_data.as_bytes().to_vec() })
    }
}

/// All encrypted keys of a file; they are protected alike.
pub(super) fn read_all<'a>(blocks: impl Iterator<Item = &'a pem::Block>) -> Result<Vec<SealedKey>, BackupError> {
    let mut keys: Vec<SealedKey> = Vec::new();
    for (block, number) in blocks.zip(1..) {
        let key = SealedKey::read(&block.der).ok_or(BackupError::Foreign(number))?;
        if keys.first().is_some_and(|first| first.protection != key.protection) {
            return Err(BackupError::Foreign(number));
        }
        keys.push(key);
    }
    Ok(keys)
}
