//! What a sealed value is: the envelope, its keys and its scopes.
//!
//! A value is sealed for one [`Label`] (namespace and name, namespace, or nothing) under one [`SealingKey`] and opens
//! only with the matching [`UnsealingKey`] and the same label. `docs/format.md` describes the bytes.
//!
//! Seal one value with a certificate file:
//!
//! ```no_run
//! use sealer_core::{Certificate, Label, Plaintext, Scope, seal};
//!
//! let certificate = Certificate::first_from_pem(&std::fs::read("cert.pem")?)?;
//! let label = Label::new(Scope::Strict, "default", "database")?;
//! let sealed = seal(&Plaintext::new(b"hunter2".to_vec()), &label, certificate.key())?.to_base64();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! And open one:
//!
//! ```
//! use sealer_core::{Keyring, Label, Plaintext, Scope, UnsealingKey, seal, unseal};
//!
//! let key = UnsealingKey::generate(2048)?;
//! let label = Label::new(Scope::Strict, "default", "database")?;
//! let sealed = seal(&Plaintext::new(b"hunter2".to_vec()), &label, key.sealing_key())?;
//! let opened = unseal(&sealed, &label, &Keyring::from_keys(vec![key]))?;
//! assert_eq!(opened.plaintext.expose(), b"hunter2");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Without the default feature `unseal` there is sealing with a certificate and nothing else, in portable Rust (wasm32).
//!
//! Public signatures hold types of this crate, of std, of `sealer-encoding` (errors), `zeroize` and `jiff` (moments), which are
//! given back under their names; error enums are `#[non_exhaustive]`.
//!
//! The crate has no network, no async runtime, no clock, no logging and reads no environment: time is a parameter.

pub mod envelope;
pub mod error;
#[cfg(all(feature = "unseal", any(test, feature = "fuzzing")))]
#[doc(hidden)]
pub mod fuzzing;
pub mod key;
pub mod plaintext;
mod primitives;
pub mod scope;
pub mod seal;
mod seal_digest;
#[cfg(feature = "unseal")]
pub mod unseal;

pub use {jiff, sealer_encoding, zeroize};

pub use envelope::SealedValue;
#[cfg(feature = "unseal")]
pub use key::backup::{Backup, Passphrase};
pub use key::certificate::Certificate;
pub use key::fingerprint::Fingerprint;
#[cfg(feature = "unseal")]
pub use key::keyring::{KeyEntry, Keyring};
#[cfg(feature = "unseal")]
pub use key::private::UnsealingKey;
pub use key::public::SealingKey;
#[cfg(feature = "unseal")]
pub use key::stored::StoredKey;
pub use plaintext::Plaintext;
pub use scope::{Label, Scope};
pub use seal::seal;
pub use seal_digest::SealDigest;
#[cfg(feature = "unseal")]
pub use unseal::{Opened, unseal};
