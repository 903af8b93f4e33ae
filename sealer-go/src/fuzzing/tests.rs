#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::path::Path;

#[path = "../../../fuzz/replay.rs"]
mod corpus;

fn replay(target: &str, holds: impl Fn(&[u8])) {
    corpus::replay(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target), holds);
}

#[test]
fn corpus_of_command_lines_reads_or_is_refused() {
    replay("flags", |input| super::command_line(&String::from_utf8_lossy(input)));
}
