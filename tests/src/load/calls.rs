//! Requests, from the API server's own log.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
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
        let mut file = File::open(&self.log)?;
        file.seek(SeekFrom::Start(self.from))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let mut counts = BTreeMap::new();
        for line in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let text = |pointer: &str| line.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let is_controller = text("/user/username").ends_with(":sealed-secrets-controller");
            let stage = text("/stage");
            if is_controller && stage == "ResponseComplete" {
                *counts.entry(format!("{} {}", text("/verb"), text("/objectRef/resource"))).or_default() += 1;
            }
        }
        Ok(counts)
    }
}
