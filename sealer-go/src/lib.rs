//! What Go programs of this field do with texts, done the same way: `text/template` with the functions of sprig, and
//! `pflag`. Nothing here knows of sealing or of Kubernetes.
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::time::Duration;
//!
//! use sealer_go::jiff::Timestamp;
//! use sealer_go::template::{Budget, Context, Environment, Functions, Limits, render};
//!
//! let items = BTreeMap::from([("user".to_owned(), b"ann".to_vec())]);
//! let context = Context::new(items, &BTreeMap::new());
//! let environment = Environment { now: Timestamp::UNIX_EPOCH, functions: Functions::default() };
//! let clock = || Duration::ZERO;
//! let mut budget = Budget::new(Limits::default(), &clock);
//! let text = render("greeting", "hello {{ .user | upper }}", &context, &environment, &mut budget)?;
//! assert_eq!(text, b"hello ANN");
//! # Ok::<(), sealer_go::template::TemplateError>(())
//! ```

#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod pflag;
pub mod template;

pub use jiff;
