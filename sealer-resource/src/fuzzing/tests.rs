#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::path::Path;

#[path = "../../../fuzz/replay.rs"]
mod corpus;

fn replay(target: &str, holds: impl Fn(&[u8])) {
    corpus::replay(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target), holds);
}

#[test]
fn corpus_of_key_secrets_reads_and_restores() {
    replay("stored_key", super::stored_key);
}

#[test]
fn corpus_of_sealed_secrets_reads_and_writes_back() {
    replay("sealed_secret", super::sealed_secret);
}
