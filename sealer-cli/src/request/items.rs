//! What the verbs that work on the items of one file are asked for.

use sealer_core::Scope;

use crate::cluster::Choice;
use crate::key_files::KeySources;

/// A file, and which SealedSecret of it.
#[derive(Debug, Default)]
pub(crate) struct Target {
    pub(crate) file: String,
    /// Counted from 1.
    pub(crate) document: Option<usize>,
    pub(crate) name: Option<String>,
    pub(crate) namespace: Option<String>,
}

/// What becomes of a changed text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Writing {
    pub(crate) dry_run: bool,
    pub(crate) diff: bool,
}

/// `sealer set`.
#[derive(Debug)]
pub(crate) struct Set {
    pub(crate) target: Target,
    pub(crate) item: String,
    /// Instead of standard input.
    pub(crate) from_file: Option<String>,
    /// Without a mark at the beginning of the value and without line ends at its end.
    pub(crate) trim: bool,
    pub(crate) keep_unchanged: bool,
    /// Although the value stands in an annotation.
    pub(crate) allow_in_clear: bool,
    /// Although another tool encrypted the value.
    pub(crate) allow_encrypted: bool,
    pub(crate) keys: KeySources,
    /// Instead of the cluster's.
    pub(crate) certificate: Option<String>,
    pub(crate) writing: Writing,
    pub(crate) cluster: Choice,
}

/// `sealer unset`.
#[derive(Debug)]
pub(crate) struct Unset {
    pub(crate) target: Target,
    pub(crate) item: String,
    pub(crate) writing: Writing,
}

/// `sealer edit`.
#[derive(Debug)]
pub(crate) struct Edit {
    pub(crate) target: Target,
    /// With them values show in clear.
    pub(crate) keys: KeySources,
    pub(crate) certificate: Option<String>,
    pub(crate) writing: Writing,
    pub(crate) cluster: Choice,
    /// A command of the shell.
    pub(crate) editor: String,
    /// Where values may be written for the editor: the first folder in memory, or else the last one.
    pub(crate) folders: Vec<String>,
}

/// `sealer view`.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) file: String,
    pub(crate) keys: KeySources,
    pub(crate) json: bool,
}

/// `sealer unseal --raw`.
#[derive(Debug)]
pub(crate) struct Unseal {
    /// Instead of standard input.
    pub(crate) file: Option<String>,
    pub(crate) keys: KeySources,
    pub(crate) scope: Scope,
    /// Empty where the scope needs none.
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// `sealer explain`.
#[derive(Debug)]
pub(crate) struct Explain {
    pub(crate) file: String,
    /// Without any, the cluster is asked.
    pub(crate) keys: KeySources,
    /// What the values were sealed with, if that is known.
    pub(crate) certificate: Option<String>,
    pub(crate) json: bool,
    pub(crate) cluster: Choice,
}
