//! `sealer reseal`: seals every value of a tree of files anew for another key; nothing else in them changes.

mod diff;
mod file;
mod offline;
mod online;
mod report;

use std::path::PathBuf;

use rayon::prelude::*;

use crate::diagnostics::CliError;
use crate::request::Reseal;
use crate::tree::{self, SealedObject};
use crate::ui::{Progress, Ui};

use file::Report;
use offline::Offline;
use online::Online;
use report::Summary;

/// How the values of one object are sealed anew.
trait Sealer {
    /// For each item: a new value, none where the old one stays, or why it cannot be done.
    fn object(&self, object: &SealedObject) -> Vec<Result<Option<String>, String>>;
}

pub(crate) fn run(request: &Reseal, ui: &mut Ui) -> Result<(), CliError> {
    let found = tree::find(&request.paths)?;
    let mut summary = Summary::new(request);
    let progress = ui.progress("resealing", found.files.len());
    if !request.is_offline() {
        let sealer = Online::connect(request)?;
        for path in &found.files {
            summary.add(file::reseal(path, &sealer, request), &progress, ui)?;
        }
        sealer.close();
    } else {
        let sealer = Offline::load(request, ui)?;
        side_by_side(&found.files, &sealer, request, &mut summary, &progress, ui)?;
    }
    drop(progress);
    summary.finish(&found, ui)
}

/// On all cores, told in order; what was told is kept no longer.
fn side_by_side(
    files: &[PathBuf],
    sealer: &Offline,
    request: &Reseal,
    summary: &mut Summary,
    progress: &Progress,
    ui: &mut Ui,
) -> Result<(), CliError> {
    for some in files.chunks(AT_ONCE) {
        let reports: Vec<Report> = some.par_iter().map(|path| file::reseal(path, sealer, request)).collect();
        for report in reports {
            summary.add(report, progress, ui)?;
        }
    }
    Ok(())
}

/// Many enough that no core waits for the last of them, few enough to keep.
const AT_ONCE: usize = 512;
