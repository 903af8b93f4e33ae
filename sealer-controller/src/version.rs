//! The program's version.

/// Version that is logged, printed and shown as a metric.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
