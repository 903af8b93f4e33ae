#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::*;
use crate::key::private::UnsealingKey;

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.as_bytes().to_vec()))
}

fn stored(name: &str, year: i64) -> StoredKey {
    let key = UnsealingKey::generate(2048).unwrap();
    let first_day = Timestamp::from_second((year - 1970) * 31_557_600).unwrap();
    let certificate = Certificate::self_signed(&key, "", first_day, Duration::from_secs(3_000_000)).unwrap();
    StoredKey {
        name: name.to_owned(),
        created: Some(first_day),
        labels: BTreeMap::from([("sealedsecrets.bitnami.com/sealed-secrets-key".to_owned(), "active".to_owned())]),
        annotations: BTreeMap::from([("team".to_owned(), "platform".to_owned())]),
        key: Arc::new(key),
        certificates: vec![certificate],
    }
}

static BACKUP: LazyLock<Backup> = LazyLock::new(|| {
    let mut bare = stored("bare", 2020);
    bare.certificates.clear();
    Backup { made: Timestamp::UNIX_EPOCH, keys: vec![bare, stored("newest", 2025), stored("older", 2021)] }
});
static TEXT: LazyLock<String> = LazyLock::new(|| BACKUP.encrypt(&passphrase("correct horse")).unwrap());

fn decrypt(text: &str) -> Result<Backup, BackupError> {
    Backup::decrypt(text.as_bytes(), &passphrase("correct horse"))
}

/// The text in pieces, each with one block at its end.
fn blocks() -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in TEXT.split_inclusive('\n') {
        blocks.last_mut().unwrap().push_str(line);
        if line.starts_with("-----END") {
            blocks.push(String::new());
        }
    }
    blocks.pop();
    blocks
}

#[test]
fn everything_comes_back_newest_first() {
    let read = decrypt(&TEXT).unwrap();
    let names: Vec<&str> = read.keys.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["newest", "older", "bare"]);
    for key in &read.keys {
        let written = BACKUP.keys.iter().find(|written| written.name == key.name).unwrap();
        assert_eq!(key.key.fingerprint(), written.key.fingerprint());
        assert_eq!(key.key.secret_pkcs1_pem(), written.key.secret_pkcs1_pem());
        assert_eq!((&key.labels, &key.annotations), (&written.labels, &written.annotations));
        let certificates = |of: &StoredKey| of.certificates.iter().map(Certificate::to_pem).collect::<Vec<_>>();
        assert_eq!(certificates(key), certificates(written));
        assert_eq!((key.created, key.ordered_at()), (written.created, written.ordered_at()));
    }
    let ring = read.keyring();
    assert_eq!(ring.active().unwrap().name, "newest");
    assert!(Backup::looks_like_backup(TEXT.as_bytes()) && !Backup::looks_like_backup(b"-----BEGIN CERTIFICATE-----"));
    assert!(!TEXT.contains("platform") && !TEXT.contains("newest"), "labels and names are encrypted, too");
}

#[test]
fn other_line_ends_and_text_around_do_no_harm() {
    assert!(decrypt(&TEXT.replace('\n', "\r\n")).is_ok());
    assert!(decrypt(&format!("kept by: the platform team\n{}\nthe end\n", *TEXT)).is_ok());
}

#[test]
fn a_wrong_passphrase_is_named() {
    let error = Backup::decrypt(TEXT.as_bytes(), &passphrase("correct house")).unwrap_err();
    assert_eq!(error, BackupError::Passphrase);
}

#[test]
fn wherever_it_is_cut_it_is_refused() {
    let lines: Vec<&str> = TEXT.lines().collect();
    let mut cut_at_blocks = 0;
    for length in (0..lines.len()).filter(|length| *length < 8 || length % 7 == 0 || lines[*length].starts_with("---"))
    {
        let error = decrypt(&lines[..length].join("\n")).unwrap_err();
        assert!(matches!(error, BackupError::Truncated | BackupError::NotABackup), "{length}: {error}");
        cut_at_blocks += usize::from(error == BackupError::Truncated);
    }
    assert!(cut_at_blocks > 10);
}

#[test]
fn blocks_that_are_changed_moved_added_or_taken_away_are_noticed() {
    let whole = blocks();
    let joined = |blocks: &[String]| decrypt(&blocks.concat()).unwrap_err();
    assert_eq!(whole.concat(), *TEXT);
    // Three keys, two certificates, the end.
    assert_eq!(whole.len(), 6);
    for at in 0..5 {
        let mut fewer = whole.clone();
        fewer.remove(at);
        assert_eq!(joined(&fewer), BackupError::Changed, "without block {at}");
        let mut more = whole.clone();
        more.insert(at, whole[at].clone());
        assert_eq!(joined(&more), BackupError::Changed, "block {at} twice");
    }
    let mut swapped = whole.clone();
    swapped.swap(1, 3);
    assert_eq!(joined(&swapped), BackupError::Changed);
}

#[test]
fn every_changed_character_of_a_body_is_noticed() {
    let bodies: Vec<usize> =
        TEXT.match_indices("\n-----END").map(|(at, _)| at - 70).flat_map(|at| [at, at + 30]).collect();
    for at in bodies {
        let mut bytes = TEXT.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let error = Backup::decrypt(&bytes, &passphrase("correct horse")).unwrap_err();
        assert!(matches!(error, BackupError::Changed | BackupError::Truncated), "{at}: {error}");
    }
}

#[test]
fn what_is_no_backup_says_so() {
    for text in ["", "hello", "-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n"] {
        assert_eq!(decrypt(text).unwrap_err(), BackupError::NotABackup);
    }
    let empty = Backup { made: Timestamp::UNIX_EPOCH, keys: vec![] };
    assert_eq!(empty.encrypt(&passphrase("correct horse")).unwrap_err(), BackupError::Empty);
}

/// The other reader of the format.
#[test]
fn openssl_reads_every_key() {
    let Ok(version) = Command::new("openssl").arg("version").output() else { return };
    assert!(version.status.success());
    let folder = std::env::temp_dir().join(format!("sealer-backup-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let newest = decrypt(&TEXT).unwrap();
    let keys = blocks().into_iter().filter(|block| block.contains("BEGIN ENCRYPTED"));
    let mut read = 0;
    for (block, stored) in keys.zip(&newest.keys) {
        let file = folder.join(&stored.name);
        std::fs::write(&file, block).unwrap();
        let rsa = Command::new("openssl")
            .args(["rsa", "-traditional", "-passin", "pass:correct horse", "-in"])
            .arg(&file)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&rsa.stdout), *stored.key.secret_pkcs1_pem(), "{rsa:?}");
        read += 1;
    }
    assert_eq!(read, 3);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_passphrase_is_not_printed() {
    assert_eq!(format!("{:?}", passphrase("correct horse")), "Passphrase([redacted])");
}

/// Without randomness two backups of the same keys would share their key stream.
#[test]
fn no_two_backups_have_bytes_in_common() {
    let again = BACKUP.encrypt(&passphrase("correct horse")).unwrap();
    let bodies = |text: &str| {
        let blocks = pem::blocks(text.as_bytes(), pem::Bounds::BACKUP).unwrap();
        blocks
            .into_iter()
            .filter(|block| block.label != CERTIFICATE)
            .map(|block| block.der.to_vec())
            .collect::<Vec<_>>()
    };
    let (one, other) = (bodies(&TEXT), bodies(&again));
    assert_eq!(one.len(), 4);
    for (one, other) in one.iter().zip(&other) {
        let end = |bytes: &[u8]| bytes[bytes.len() - 64..].to_vec();
        assert_ne!(end(one), end(other));
    }
    // The closing block begins with its random IV.
    assert_ne!(one[3][..16], other[3][..16]);
    let starts: std::collections::BTreeSet<_> =
        one.iter().chain(&other).map(|body| body[body.len() - 64..].to_vec()).collect();
    assert_eq!(starts.len(), 8);
}
