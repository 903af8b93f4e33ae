//! The SealedSecret of Kubernetes: its types, opening and sealing of whole objects, why one does not open, and the Secrets
//! in which sealing keys lie.

pub mod api;
pub mod assemble;
pub mod disassemble;
pub mod explain;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod key_record;
pub mod key_secret;
pub mod progress;
pub mod render;
mod schema;
mod sealed_secret;

pub use key_record::KeyRecord;
pub use sealed_secret::{Condition, SealedSecret, SealedSecretSpec, SealedSecretStatus, SecretTemplate};
