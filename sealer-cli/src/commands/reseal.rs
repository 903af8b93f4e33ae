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

use crate::args::Variable;
use crate::args::cluster::ClusterArgs;
use crate::args::files::{FileArgs, non_empty};
use crate::args::keys::KeyArgs;
use crate::args::output::Output;
use crate::args::search::SearchArgs;
use crate::cluster::Choice;
use crate::commands::rewrite::WritingArgs;
use crate::diagnostics::CliError;
use crate::key_files::KeySources;
use crate::reseal_cache;
use crate::tree::{self, Found, Reach, SealedItem, SealedObject, Search};
use crate::ui::{Progress, Ui};

use attempts::Attempts;
use file::Report;
use offline::Offline;
use online::Online;
use report::Summary;

/// Seal the values of files anew for another key; nothing else in them changes.
///
/// Seals every value of the files' SealedSecrets anew: for the cluster's newest key, or for `--cert` of another one. Only the bytes of
/// the sealed values change; what does not parse, what no key opens and what a template holds stays as it is and is reported. Values
/// that are sealed for that key already stay, as far as that can be known: a private key at hand tells, or the record of earlier runs.
///
/// Sealed values outside of SealedSecrets (of `--raw`, in values of charts, templates, settings, of any ending or none) are found by
/// their form, and sealed anew where they stand for the names that they open under: those of `--namespace` and `--name`, those that the
/// files of the tree name, and all scopes. What none of them opens is named by file and line. A file that was named itself has to hold a
/// sealed value; files that are no text or larger than 16 MiB (manifests: 64 MiB) are counted, and so are those that ignore files such
/// as `.gitignore` hide and those that `--exclude GLOB` leaves out. Which names are tried is the same for `sealer keys list`, `check` and
/// `retire`: what an object says, what a kustomization makes of it, in whatever folder of the tree it lies, `--namespace` and `--name`,
/// the names of templates that use a value, and those of near files. Values of others must not keep a command busy: `--max-tries` limits
/// what is spent on guesses, the same text is tried once, and a value on which not every name was tried is told.
///
/// Without keys, the controller opens and seals, and the record is all that is known. With `--backup`, `--private-key` or
/// `--keys-from-cluster` values are opened here; name the target's key, too, where somebody else may have sealed for it already.
/// `--check` changes nothing and fails if a value is not sealed for that certificate.
///
/// The record is `sealer/sealed-for` in the user's cache folder (`XDG_CACHE_HOME`, `~/.cache`): SHA-256 hashes of sealed values with their
/// label and key, at most 8 MB. It holds no value, no key and no name, may be deleted at any time, and `--no-cache` does without.
///
/// Links are followed inside the folders that were named, and a file that was named itself is followed anywhere. Two commands on one
/// file take turns. Exit status 1 if any value or file failed; all others are done.
#[derive(Debug, clap::Args)]
#[command(override_usage = "sealer reseal [FLAGS] PATH...", after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Change nothing; fail if a value is not sealed for that certificate.
    #[arg(long)]
    check: bool,
    /// Open values with the cluster's own keys, read with your rights, instead of asking the controller.
    #[arg(long)]
    keys_from_cluster: bool,
    #[command(flatten)]
    files: ResealArgs,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// What `sealer reseal` and `sealer move` are asked for alike.
#[derive(Debug, clap::Args)]
pub(crate) struct ResealArgs {
    /// Certificate to seal for, a file or a URL, instead of the cluster's newest.
    #[arg(long, value_name = "FILE", env = "SEALED_SECRETS_CERT", hide_env = true)]
    cert: Option<String>,
    #[command(flatten)]
    writing: WritingArgs,
    /// Open every value, also those that earlier runs found to be sealed for that certificate.
    #[arg(long)]
    no_cache: bool,
    /// Form of the summary.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    search: SearchArgs,
    #[command(flatten)]
    files: FileArgs,
}

/// Which files to seal anew, for whom, and opened how.
#[derive(Debug)]
pub(crate) struct Reseal {
    pub(crate) search: Search,
    /// Instead of the cluster's newest.
    pub(crate) certificate: Option<String>,
    /// Without any, here or in a cluster, the controller opens.
    pub(crate) keys: KeySources,
    /// The cluster whose key Secrets open values, with the user's own rights.
    pub(crate) keys_in: Option<Choice>,
    pub(crate) check: bool,
    pub(crate) dry_run: bool,
    pub(crate) diff: bool,
    pub(crate) json: bool,
    /// Where it is written down which values are sealed for which key.
    pub(crate) cache: Option<PathBuf>,
    pub(crate) cluster: Choice,
}

impl Reseal {
    /// Whether private keys are at hand.
    pub(crate) fn is_offline(&self) -> bool {
        !self.keys.is_empty() || self.keys_in.is_some()
    }

    /// Whether files are changed.
    pub(crate) fn writes(&self) -> bool {
        !self.check && !self.dry_run
    }
}

impl ResealArgs {
    /// Files that are sealed for that cluster, opened with those keys.
    pub(crate) fn of(self, keys: KeySources, cluster: Choice, variable: Variable<'_>) -> Result<Reseal, CliError> {
        Ok(Reseal {
            search: self.search.search(self.files.all()?, &cluster)?,
            certificate: non_empty(self.cert),
            keys,
            keys_in: None,
            check: false,
            dry_run: self.writing.dry_run,
            diff: self.writing.diff,
            json: self.output.is_json(),
            cache: reseal_cache::place(variable).filter(|_| !self.no_cache),
            cluster,
        })
    }
}

impl Args {
    fn checked(self, variable: Variable<'_>) -> Result<Reseal, CliError> {
        let cluster = self.cluster.choice;
        let keys_in = self.keys_from_cluster.then(|| cluster.clone());
        let reseal = self.files.of(self.keys.0, cluster, variable)?;
        let reseal = Reseal { keys_in, check: self.check, ..reseal };
        if reseal.search.paths.is_empty() {
            return Err(CliError::command_line("`sealer reseal` needs at least one file or folder").hint(EXAMPLE));
        }
        if reseal.check && !reseal.is_offline() {
            return Err(CliError::command_line(
                "`--check` needs private keys: without them nobody can tell which key a value is sealed for",
            )
            .hint("give them with --backup or --private-key, or with --keys-from-cluster where you may read them"));
        }
        Ok(reseal)
    }
}

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

pub(crate) fn run(args: Args, variable: Variable<'_>, ui: &mut Ui) -> Result<(), CliError> {
    reseal(&args.checked(variable)?, ui)
}

/// Seals the values of files anew.
pub(super) fn reseal(request: &Reseal, ui: &mut Ui) -> Result<(), CliError> {
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
const EXAMPLE: &str = "sealer reseal --private-key keys.yaml --cert cert.pem deploy/";
const EXAMPLES: &str = "Examples:
  sealer reseal --private-key keys.yaml --cert cert.pem deploy/
  sealer reseal deploy/ --diff --dry-run
  sealer reseal --check --backup all.keys --cert cert.pem deploy/";
