//! What is asked for with `sealer keys`.

use std::path::PathBuf;
use std::time::Duration;

use crate::cluster::Choice;
use crate::key_files::KeySources;
use crate::tree::Search;

/// One verb of `sealer keys`.
#[derive(Debug)]
pub(crate) enum Keys {
    List(List),
    Rotate(Rotate),
    Backup(Backup),
    Restore(Restore),
    Check(Check),
    Retire(Retire),
}

#[derive(Debug)]
pub(crate) struct List {
    pub(crate) cluster: Choice,
    /// Files to look for sealed values in, besides the cluster.
    pub(crate) search: Search,
    /// After which age the controller is taken to make a new key; nothing means never.
    pub(crate) period: Option<Duration>,
    pub(crate) json: bool,
}

#[derive(Debug)]
pub(crate) struct Rotate {
    pub(crate) cluster: Choice,
    pub(crate) prefix: String,
    pub(crate) bits: usize,
    pub(crate) validity: Duration,
    pub(crate) patience: Duration,
    /// Whether the newest key must have a recorded backup.
    pub(crate) backup_check: bool,
    /// Files to seal anew afterwards.
    pub(crate) reseal: Search,
    pub(crate) diff: bool,
    /// Where it is written down which values are sealed for which key.
    pub(crate) record: Option<PathBuf>,
    pub(crate) dry_run: bool,
    pub(crate) json: bool,
}

#[derive(Debug)]
pub(crate) struct Backup {
    pub(crate) cluster: Choice,
    pub(crate) file: String,
    pub(crate) protection: Protection,
    /// Whether the key Secrets are marked as backed up.
    pub(crate) record: bool,
    pub(crate) dry_run: bool,
    pub(crate) json: bool,
}

/// What keeps others from reading a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    /// A passphrase, from a file or the terminal.
    Passphrase { file: Option<String> },
    /// Nothing; whether that was confirmed on the command line.
    Nothing { confirmed: bool },
}

#[derive(Debug)]
pub(crate) struct Restore {
    pub(crate) cluster: Choice,
    pub(crate) keys: KeySources,
    pub(crate) dry_run: bool,
    pub(crate) json: bool,
}

#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) cluster: Choice,
    pub(crate) keys: KeySources,
    pub(crate) search: Search,
    /// Whether the cluster's SealedSecrets are looked at.
    pub(crate) in_cluster: bool,
    pub(crate) json: bool,
}

#[derive(Debug)]
pub(crate) struct Retire {
    pub(crate) cluster: Choice,
    /// The beginning of a fingerprint.
    pub(crate) key: String,
    pub(crate) search: Search,
    /// Although values may need it that did not open.
    pub(crate) allow_unopened: bool,
    /// Whether a retired key is taken into use again.
    pub(crate) undo: bool,
    pub(crate) dry_run: bool,
    pub(crate) json: bool,
}
