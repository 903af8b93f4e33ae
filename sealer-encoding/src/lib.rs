//! Base64 and PEM as Go's `encoding/base64` and `encoding/pem` read and write them: what sealed values, keys and templates
//! have in common.
//!
//! ```
//! use sealer_encoding::base64;
//!
//! assert_eq!(base64::encode("hunter2"), "aHVudGVyMg==");
//! assert_eq!(base64::decode("aHVu\ndGVyMg==")?, b"hunter2");
//! assert_eq!(base64::decode("aHVu*").unwrap_err().to_string(), "illegal base64 data at input byte 4");
//! # Ok::<(), base64::Base64Error>(())
//! ```

pub mod base64;
pub mod pem;

pub use zeroize;
