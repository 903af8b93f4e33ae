//! The errors of this crate, one enum an operation; none carries a byte of a value or a key.

use sealer_encoding::base64::Base64Error;
use sealer_encoding::pem::PemError;

/// A namespace or name that Kubernetes would refuse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Not a DNS-1123 label.
    #[error("namespace `{0}` is not a DNS-1123 label (lower case letters, digits and `-`, at most 63)")]
    Namespace(String),
    /// Not a DNS-1123 subdomain.
    #[error("name `{0}` is not a DNS-1123 subdomain (lower case letters, digits, `-` and `.`, at most 253)")]
    Name(String),
}

/// Bytes that are no sealed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The text is no base64.
    #[error(transparent)]
    Base64(#[from] Base64Error),
    /// Fewer bytes than the envelope announces.
    #[error("sealed value is too short")]
    TooShort,
}

/// A value that could not be sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The key is below the smallest size that protects anything.
    #[error("crypto/rsa: {0}-bit keys are insecure (see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)")]
    KeyTooSmall(usize),
    /// No backend takes this key.
    #[error("RSA keys of {0} bits are not supported (2048 to 8192 are)")]
    UnsupportedKey(usize),
    /// The operating system gave no randomness.
    #[error("no randomness from the operating system")]
    Randomness,
    /// The backend refused, without detail.
    #[error("encryption failed")]
    Backend,
}

/// A value that no key opens: a single opaque error for every cause, to avoid a decryption oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no key could decrypt secret")]
pub struct UnsealError;

/// A private key that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No PEM block parses as a private key.
    #[error("data does not contain a valid RSA or ECDSA private key")]
    NotAKey,
    /// A text that is not read to its end.
    #[error("no private key is read from it: {0}")]
    Bounds(#[from] PemError),
    /// A private key of another kind; the text is its Go type, which scripts know.
    #[error("unexpected private key type {0}")]
    NotRsa(&'static str),
    /// A size no backend takes.
    #[error("RSA keys of {0} bits are not supported (1024 to 8192 are)")]
    UnsupportedSize(usize),
    /// Key generation failed.
    #[error("no RSA key could be generated")]
    Generation,
}

/// A certificate that cannot be used for sealing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// No `CERTIFICATE` block in the text.
    #[error("data does not contain any valid RSA or ECDSA certificates")]
    NoCertificate,
    /// A text that is not read to its end.
    #[error("no certificate is read from it: {0}")]
    Bounds(#[from] PemError),
    /// A block that is no certificate.
    #[error("x509: malformed certificate")]
    Malformed,
    /// A certificate of another kind of key.
    #[error("expected RSA public key but found {0}")]
    NotRsa(String),
    /// Past its last day; the text is that day.
    #[error("failed to encrypt using an expired certificate on {0}")]
    Expired(String),
    /// A validity that no certificate can state.
    #[error("certificate validity is out of range")]
    Validity,
    /// Signing failed.
    #[error("certificate could not be signed")]
    Signing,
}

/// An encrypted backup that cannot be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// Nothing to write.
    #[error("there is no key to back up")]
    Empty,
    /// No block of an encrypted key.
    #[error("it holds no encrypted sealing key")]
    NotABackup,
    /// A text that is not read to its end.
    #[error(transparent)]
    Bounds(#[from] PemError),
    /// The block at its end is not there.
    #[error("it is cut off: the block at its end is missing or damaged")]
    Truncated,
    /// Not encrypted as a backup is.
    #[error("key {0} is not encrypted as a backup is (PBES2 with scrypt and AES-256-CBC, the same for all keys)")]
    Foreign(usize),
    /// A key opens, so that the passphrase is right; the whole is not what was written.
    #[error(
        "the passphrase is right, but the file is not as it was written: a block was changed, moved, added or taken away"
    )]
    Changed,
    /// No key opens.
    #[error("the passphrase is wrong, or every key in the file was changed")]
    Passphrase,
    /// Written by a later release.
    #[error("it has version {0}; this program reads version 1")]
    Version(u32),
    /// The operating system gave no randomness.
    #[error("no randomness from the operating system")]
    Randomness,
    /// The backend refused, without detail.
    #[error("encryption failed")]
    Backend,
}
