//! The keys: private ones that unseal, certificates that seal, their names, and the ring that holds them.

#[cfg(feature = "unseal")]
pub mod backup;
pub mod certificate;
pub mod fingerprint;
#[cfg(feature = "unseal")]
mod issue;
#[cfg(feature = "unseal")]
pub mod keyring;
#[cfg(feature = "unseal")]
pub mod private;
pub mod public;
#[cfg(feature = "unseal")]
pub mod stored;

#[cfg(all(test, feature = "unseal"))]
mod tests;
