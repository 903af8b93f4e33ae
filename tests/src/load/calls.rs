//! Requests, from the API server's own log.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::PathBuf;

use anyhow::Result;
use serde_json::Value;

/// A place in the audit log; what is counted comes behind it.
#[derive(Debug)]
pub(super) struct Calls {
    log: PathBuf,
    from: u64,
}

impl Calls {
    pub(super) fn from_here(log: PathBuf) -> Result<Self> {
        let from = std::fs::metadata(&log).map_or(0, |log| log.len());
        Ok(Self { log, from })
    }

    /// Finished requests of the controller since then, as `verb resource`; watches count when they end.
    pub(super) fn count(&self) -> Result<BTreeMap<String, usize>> {
        self.count_outside("")
    }

    /// The same without those in a namespace. What it keeps for itself is told apart from what it does for objects.
    pub(super) fn count_outside(&self, namespace: &str) -> Result<BTreeMap<String, usize>> {
        let mut file = BufReader::new(File::open(&self.log)?);
        file.seek(SeekFrom::Start(self.from))?;
        let mut counts = BTreeMap::new();
        // In a large scene the log is larger than memory should be, and most of it is of others.
        for line in file.lines() {
            let line = line?;
            if !line.contains(CONTROLLER) {
                continue;
            }
            let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
            let text = |pointer: &str| line.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let is_controller = text("/user/username").ends_with(CONTROLLER);
            let of = text("/objectRef/namespace");
            if is_controller && text("/stage") == "ResponseComplete" && (namespace.is_empty() || of != namespace) {
                let own = if of == "kube-system" { " of its own" } else { "" };
                *counts.entry(format!("{} {}{own}", text("/verb"), text("/objectRef/resource"))).or_default() += 1;
            }
        }
        Ok(counts)
    }
}

/// How the controller's account is called.
const CONTROLLER: &str = ":sealed-secrets-controller";
