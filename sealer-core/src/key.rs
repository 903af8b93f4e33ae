//! The keys: private ones that unseal, certificates that seal, their names, and the ring that holds them.

pub mod backup;
pub mod certificate;
pub mod fingerprint;
pub mod keyring;
pub mod private;
pub mod public;
pub mod stored;

#[cfg(test)]
mod tests;
