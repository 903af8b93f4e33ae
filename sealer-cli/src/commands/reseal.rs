//! `sealer reseal`: seals every value of a tree of files anew for another key; nothing else in them changes.

mod attempts;
mod file;
mod loose;
mod offline;
mod online;
mod report;

use std::path::PathBuf;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::diagnostics::CliError;
use crate::request::Reseal;
use crate::tree::{self, Found, Reach, SealedItem, SealedObject};
use crate::ui::{Progress, Ui};

use attempts::Attempts;
use file::Report;
use offline::Offline;
use online::Online;
use report::Summary;

/// What comes of an item: a new value, none where the old one stays, or why it cannot be done.
type Outcome = Result<Option<String>, String>;

/// How the values of one object are sealed anew.
trait Sealer {
    /// For each item, what comes of it.
    fn object(&self, object: &SealedObject) -> Vec<Outcome>;

    /// Names that are guessed and may be tried on the values of one object or file.
    fn most_bindings(&self) -> usize;

    /// Tries that may be spent on guesses in all, where the user says no other number.
    fn most_tries(&self) -> u32;

    /// Tries that one name costs on these items.
    fn tries(&self, items: &[SealedItem]) -> u32;

    /// Whether one value that does not open is a refusal of all.
    fn refuses_together(&self) -> bool;

    /// What is told of a value that does not open under a name.
    fn refusal(&self) -> &'static str;

    /// Whether that is told of a value which does not open under a name, and no other trouble.
    fn is_refusal(&self, told: &str) -> bool;
}

/// What holds for all files of a run.
struct Run<'a> {
    request: &'a Reseal,
    found: &'a Found,
    attempts: Attempts<'a>,
}

pub(crate) fn run(request: &Reseal, ui: &mut Ui) -> Result<(), CliError> {
    let found = tree::find(&request.search, Reach::Tracked)?;
    let mut summary = Summary::new(request);
    let progress = ui.progress("resealing", found.files.len());
    let run = |sealer: &dyn Sealer| {
        let most = request.search.most_tries.unwrap_or_else(|| sealer.most_tries());
        Run { request, found: &found, attempts: Attempts::new(request, &found.files, most) }
    };
    if !request.is_offline() {
        let sealer = Online::connect(request)?;
        let run = run(&sealer);
        for path in &found.files {
            summary.add(file::reseal(path, &sealer, &run), &progress, ui)?;
            progress.step();
        }
        sealer.close();
    } else {
        let sealer = Offline::load(request, ui)?;
        let run = run(&sealer);
        side_by_side(&sealer, &run, &mut summary, &progress, ui)?;
    }
    drop(progress);
    summary.finish(&found, ui)
}

/// On all cores, told in order; what was told is kept no longer.
fn side_by_side(
    sealer: &Offline,
    run: &Run<'_>,
    summary: &mut Summary,
    progress: &Progress,
    ui: &mut Ui,
) -> Result<(), CliError> {
    let pool = pool(&run.found.files, run.request)?;
    for some in run.found.files.chunks(AT_ONCE) {
        let one = |path: &PathBuf| {
            let report = file::reseal(path, sealer, run);
            progress.step();
            report
        };
        let all = || some.par_iter().map(one).collect();
        let reports: Vec<Report> = pool.as_ref().map_or_else(all, |pool| pool.install(all));
        for report in reports {
            summary.add(report, progress, ui)?;
        }
    }
    Ok(())
}

/// Threads beside those that compute: each waits for the disk most of the time, and the disk takes many at once. Where nothing
/// is written, or little, the usual ones do.
fn pool(files: &[PathBuf], request: &Reseal) -> Result<Option<ThreadPool>, CliError> {
    if !request.writes() || files.len() < WAITING {
        return Ok(None);
    }
    let threads = rayon::current_num_threads() + WAITING;
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map(Some).map_err(|error| CliError::new(format!("cannot start threads: {error}")))
}

/// Many enough that no core waits for the last of them, few enough to keep.
const AT_ONCE: usize = 512;
/// Files that may wait for the disk at a time.
const WAITING: usize = 16;
