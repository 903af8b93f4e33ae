//! What must hold of each reader whatever it reads: one function a fuzz target (`fuzz/`), which panics where it does not.
//! The tests replay what fuzzers start from and what they found.

use sealer_core::Keyring;

use crate::cache::checkpoint as kept;
use crate::{args, http};

#[cfg(test)]
mod tests;

/// The body of `/v1/verify` or `/v1/rotate` is read or refused.
pub fn body(bytes: &[u8]) {
    let _ = http::reads_body(bytes);
}

/// A piece of the checkpoint, its checksum right, gives no record whose key is gone.
pub fn checkpoint(bytes: &[u8]) {
    assert!(kept::keys_of_records(bytes, &Keyring::default()).is_empty());
}

/// A command line is read or refused. One word a line; `NAME=value` is a variable as well.
pub fn command_line(text: &str) {
    let words: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let variable =
        |name: &str| words.iter().find_map(|word| Some(word.strip_prefix(name)?.strip_prefix('=')?.to_owned()));
    let _ = args::read(&words, variable);
}
