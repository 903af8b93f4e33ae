//! Does the command line reach an API server as client-go would: credentials, proxies, addresses, certificates, messages?
//!
//! Everything runs the built program against servers and proxies on the loopback, which misbehave where a case wants it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]
#![cfg(unix)]

mod addresses;
mod certificates;
mod messages;
mod plugins;
mod providers;
mod proxies;
mod server;
mod stage;
mod terminal;
