//! Keys in a file that a passphrase protects: PEM that openssl reads, and a block at its end that proves it whole
//! (docs/format.md, "Backup").

use std::fmt;

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::error::BackupError;
use crate::key::certificate::Certificate;
use crate::key::keyring::Keyring;
use crate::key::stored::StoredKey;
use crate::primitives;
use crate::primitives::passphrase::{Cost, PassphraseKeys};
use sealer_encoding::pem;

mod manifest;
mod protection;
#[cfg(test)]
mod tests;

use manifest::Manifest;
use protection::Protection;

/// What protects a backup. It can be neither copied nor printed.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// Takes over a passphrase; the bytes are wiped when this is dropped.
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase([redacted])")
    }
}

/// The keys of a cluster at one moment.
#[derive(Clone, Debug)]
pub struct Backup {
    /// That moment.
    pub made: Timestamp,
    /// The keys; written newest first.
    pub keys: Vec<StoredKey>,
}

impl Backup {
    /// Whether a text holds encrypted keys, judged by its blocks.
    pub fn looks_like_backup(text: &[u8]) -> bool {
        pem::has_block(text, &[KEY_BLOCK, MANIFEST_BLOCK])
    }

    /// Writes the backup as text.
    ///
    /// # Errors
    /// No key at all, or no randomness.
    pub fn encrypt(&self, passphrase: &Passphrase) -> Result<String, BackupError> {
        if self.keys.is_empty() {
            return Err(BackupError::Empty);
        }
        let mut keys = self.keys.clone();
        keys.sort_by_key(|key| std::cmp::Reverse(key.ordered_at()));
        let protection = Protection { salt: random::<16>()?.to_vec(), cost: COST };
        let derived = protection.derive(passphrase).ok_or(BackupError::Backend)?;
        let mut blocks = Vec::new();
        for stored in &keys {
            let clear = stored.key.secret_pkcs8_der().map_err(|_| BackupError::Backend)?;
            let iv = random()?;
            let encrypted = protection.key_block(iv, &derived.encrypt(iv, &clear));
            blocks.push((KEY_BLOCK, encrypted.ok_or(BackupError::Backend)?));
            blocks.extend(stored.certificates.iter().map(|certificate| (CERTIFICATE, certificate.der().to_vec())));
        }
        let closing = close(&derived, &Manifest::of(self.made, &keys), &blocks)?;
        blocks.push((MANIFEST_BLOCK, closing));
        let text: String = blocks.iter().map(|(label, der)| pem::encode(label, der).to_string()).collect();
        Ok(format!("{HEAD}{text}"))
    }

    /// Reads a backup; it is whole and as it was written, or it is refused.
    ///
    /// # Errors
    /// A text that is no backup, one that is cut off or changed, one that is too large, or another passphrase.
    pub fn decrypt(text: &[u8], passphrase: &Passphrase) -> Result<Self, BackupError> {
        let mut blocks = pem::blocks(text, pem::Bounds::BACKUP)?;
        if !blocks.iter().any(|block| block.label == KEY_BLOCK) {
            return Err(BackupError::NotABackup);
        }
        let sealed = protection::read_all(blocks.iter().filter(|block| block.label == KEY_BLOCK))?;
        let closing = blocks.pop().filter(|block| block.label == MANIFEST_BLOCK).ok_or(BackupError::Truncated)?;
        let protection = &sealed.first().ok_or(BackupError::NotABackup)?.protection;
        let derived = protection.derive(passphrase).ok_or(BackupError::Foreign(1))?;
        let mut keys = sealed.iter().map(|block| block.open(&derived));
        let Some(manifest) = open(&derived, &closing.der, &blocks) else {
            let opens = keys.any(|key| key.is_some());
            return Err(if opens { BackupError::Changed } else { BackupError::Passphrase });
        };
        let keys: Option<Vec<_>> = keys.collect();
        let certificates = blocks.iter().filter(|block| block.label == CERTIFICATE);
        let certificates: Option<Vec<_>> = certificates.map(|block| Certificate::from_der(&block.der).ok()).collect();
        Manifest::read(&manifest)?.join(keys.ok_or(BackupError::Changed)?, certificates.ok_or(BackupError::Changed)?)
    }

    /// The keys as a ring.
    pub fn keyring(&self) -> Keyring {
        Keyring::new(self.keys.iter().map(StoredKey::entry).collect())
    }
}

/// The block at the end: the encrypted manifest, and a MAC over it and over all that stands before it.
fn close(
    keys: &PassphraseKeys,
    manifest: &Manifest,
    blocks: &[(&'static str, Vec<u8>)],
) -> Result<Vec<u8>, BackupError> {
    let iv: [u8; 16] = random()?;
    let manifest = manifest.write().ok_or(BackupError::Backend)?;
    let mut closing = iv.to_vec();
    closing.extend(keys.encrypt(iv, &manifest));
    let parts = blocks.iter().flat_map(|(label, der)| [label.as_bytes(), der.as_slice()]);
    let mac = keys.mac(parts.chain([closing.as_slice()])).ok_or(BackupError::Backend)?;
    closing.extend(mac);
    Ok(closing)
}

/// The manifest, if the block at the end closes these blocks.
fn open(keys: &PassphraseKeys, closing: &[u8], blocks: &[pem::Block]) -> Option<Zeroizing<Vec<u8>>> {
    let (body, mac) = closing.split_last_chunk::<{ primitives::passphrase::KEY }>()?;
    let parts = blocks.iter().flat_map(|block| [block.label.as_bytes(), block.der.as_slice()]);
    if !keys.verify_mac(mac, parts.chain([body])) {
        return None;
    }
    let (iv, encrypted) = body.split_first_chunk::<{ primitives::passphrase::BLOCK }>()?;
    keys.decrypt(*iv, encrypted)
}

fn random<const N: usize>() -> Result<[u8; N], BackupError> {
    primitives::random().map_err(|_| BackupError::Randomness)
}

/// Reads a backup, but not one whose passphrase costs more than a mebibyte of memory and two passes.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn decrypt_if_cheap(text: &[u8], passphrase: &Passphrase) -> Option<Result<Backup, BackupError>> {
    let blocks = pem::blocks(text, pem::Bounds::BACKUP).ok()?;
    let sealed = protection::read_all(blocks.iter().filter(|block| block.label == KEY_BLOCK)).ok()?;
    let cheap = |cost: Cost| cost.log_n <= 10 && cost.r <= 8 && cost.p <= 2;
    sealed.iter().all(|key| cheap(key.protection.cost)).then(|| Backup::decrypt(text, passphrase))
}

/// Reads a decrypted list of keys, as if it belonged to a backup without blocks.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn read_manifest(bytes: &[u8]) -> Result<Backup, BackupError> {
    Manifest::read(bytes)?.join(Vec::new(), Vec::new())
}

/// RFC 7468, section 11.
const KEY_BLOCK: &str = "ENCRYPTED PRIVATE KEY";
const CERTIFICATE: &str = "CERTIFICATE";
const MANIFEST_BLOCK: &str = "SEALING KEY BACKUP MANIFEST";
/// N = 2^14, r = 8, p = 5: one of the settings that OWASP's password storage sheet holds equal, and the only one of them
/// whose memory openssl grants a key file.
const COST: Cost = Cost { log_n: 14, r: 8, p: 5 };
const HEAD: &str = "Sealing keys, encrypted with a passphrase. `sealer keys check` proves what they open,\n\
                    `sealer keys restore` puts them into a cluster, `openssl rsa -in FILE -noout -check` reads the first one.\n\n";
