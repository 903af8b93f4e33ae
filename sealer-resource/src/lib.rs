//! The SealedSecret of Kubernetes: its types, opening and sealing of whole objects, why one does not open, and the Secrets
//! in which sealing keys lie.
//!
//! ```
//! use sealer_resource::k8s_openapi::api::core::v1::Secret;
//! use sealer_resource::{Scope, SealedSecret, UnsealingKey};
//!
//! let secret: Secret = serde_json::from_str(
//!     r#"{"metadata": {"name": "db", "namespace": "shop"}, "stringData": {"password": "hunter2"}}"#,
//! )?;
//! let key = UnsealingKey::generate(2048)?;
//! let sealed = SealedSecret::seal(&secret, Scope::Strict, key.sealing_key())?;
//! assert!(!serde_json::to_string(&sealed)?.contains("hunter2"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What opening needs of the libraries below (keys, [`Environment`], [`Limits`]) is given back here.
//!
//! [`SealedSecret::unseal`] opens it, [`UnsealedSecret::into_secret`] makes the Secret, [`SealedSecret::reseal`] seals it anew for
//! another key. `unseal` and `partial_unseal` are beneath: for whoever opens a large object in slices, as the controller does.

pub mod annotations;
pub mod api;
pub mod explain;
pub mod failure;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod key_record;
pub mod key_secret;
mod object;
pub mod partial_unseal;
pub mod render;
mod schema;
mod sealed_secret;
pub mod template_metadata;
pub mod unseal;

pub use {k8s_openapi, kube, sealer_core, sealer_encoding, sealer_go, serde_json};

pub use key_record::KeyRecord;
pub use object::{MetadataError, ResealError, SealObjectError, SecretContent, UnsealObjectError, is_sealed_secret};
pub use render::Rendering;
pub use unseal::UnsealedSecret;
// What sealing and opening need of the libraries below.
pub use sealed_secret::{
    API_VERSION, Condition, KIND, SealedSecret, SealedSecretSpec, SealedSecretStatus, SecretTemplate,
    is_sealed_secret_kind,
};
pub use sealer_core::{Certificate, Keyring, Label, Plaintext, Scope, SealingKey, UnsealingKey};
pub use sealer_go::template::{Environment, Functions, Limits};
