#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::path::Path;

use crate::{Backup, Passphrase};

#[path = "../../../fuzz/replay.rs"]
mod corpus;

fn replay(target: &str, holds: impl Fn(&[u8])) {
    corpus::replay(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target), holds);
}

#[test]
fn corpus_of_sealed_values_reads_and_writes_back() {
    replay("envelope", super::envelope);
}

#[test]
fn corpus_of_pem_texts_reads_and_writes_back() {
    replay("pem", super::pem);
}

#[test]
fn corpus_of_certificates_reads_and_writes_back() {
    replay("certificate", super::certificate);
}

#[test]
fn corpus_of_private_keys_reads_and_writes_back() {
    replay("private_key", super::private_key);
}

#[test]
fn corpus_of_backups_opens_or_is_refused() {
    replay("backup", super::backup);
}

#[test]
fn backup_that_another_program_wrote_opens() {
    let text = include_bytes!("../../../fuzz/corpus/backup/whole");
    let opened = Backup::decrypt(text, &Passphrase::new(b"passphrase".to_vec().into())).unwrap();
    let names: Vec<_> = opened.keys.iter().map(|key| (key.name.as_str(), key.certificates.len())).collect();
    assert_eq!(names, [("sealed-secrets-keyabcde", 1)]);
}
