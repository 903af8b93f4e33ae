#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::fs;
use std::path::Path;

/// Every input of a target's corpus, through what must hold.
fn replay(target: &str, holds: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let inputs: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    assert!(inputs.len() > 2, "{} has no inputs", folder.display());
    inputs.iter().for_each(|input| holds(input));
}

#[test]
fn corpus_of_posted_bodies_reads_or_is_refused() {
    replay("bodies", super::body);
}

#[test]
fn corpus_of_checkpoints_gives_no_record_of_a_lost_key() {
    replay("checkpoint", super::checkpoint);
}

#[test]
fn corpus_of_command_lines_reads_or_is_refused() {
    replay("command_lines", |input| super::command_line(&String::from_utf8_lossy(input)));
}
