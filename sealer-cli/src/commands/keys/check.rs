//! `sealer keys check`: whether a backup opens everything that is sealed.

use serde_json::json;

use super::key_sources;
use super::survey::{Finding, LIMITED, Opener, SAY_NAMES, Survey, TEMPLATE, TRY_MORE, UNBOUND};
use crate::args::cluster::ClusterArgs;
use crate::args::keys::PassphraseArgs;
use crate::args::output::Output;
use crate::args::search::SearchInArgs;
use crate::cluster::{Choice, Cluster};
use crate::diagnostics::{CliError, visible_name};
use crate::key_files::{self, KeySources};
use crate::tree::Search;
use crate::ui::Ui;

/// Prove that the keys of a backup open what is sealed.
///
/// Opens every sealed item of the cluster, or of `--in PATH`, with the keys of the files alone, shows nothing of them, and lists exactly
/// those that none of the keys opens, or that no name opens which is known; then the status is 1. A proof leaves nothing out: files that
/// ignore files such as `.gitignore` hide are looked at, too, and only `.git` and what `--exclude` names are not.
/// (`--cluster`, here as everywhere, names a cluster of the kubeconfig.)
#[derive(Debug, clap::Args)]
#[command(override_usage = "sealer keys check [FLAGS] FILE...", after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Look at the cluster's SealedSecrets beside those of --in; without --in it does so anyway.
    #[arg(long)]
    in_cluster: bool,
    #[command(flatten)]
    search: SearchInArgs,
    /// Form of the answer.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[arg(hide = true)]
    words: Vec<String>,
}

/// Which keys are to open what.
#[derive(Debug)]
pub(super) struct Check {
    cluster: Choice,
    keys: KeySources,
    search: Search,
    /// Whether the cluster's SealedSecrets are looked at.
    in_cluster: bool,
    json: bool,
}

impl Args {
    pub(super) fn checked(self) -> Result<Check, CliError> {
        let cluster = self.cluster.choice;
        Ok(Check {
            keys: key_sources("check", self.words, self.passphrase)?,
            in_cluster: self.in_cluster || self.search.paths.is_empty(),
            search: self.search.search(Vec::new(), &cluster)?,
            cluster,
            json: self.output.is_json(),
        })
    }
}

pub(super) fn run(request: &Check, ui: &mut Ui) -> Result<(), CliError> {
    let keyring = key_files::load(&request.keys, ui)?;
    let mut survey = Survey::new(request.search.clone());
    survey.add_files()?;
    if request.in_cluster {
        survey.add_cluster(&Cluster::connect(&request.cluster)?)?.required()?;
    }
    let findings = survey.open(&keyring, ui);
    let lines = unopened(&findings, &survey.unreadable);
    let opened = findings.iter().filter(|finding| matches!(finding.opener, Opener::Key(_))).count();
    if request.json {
        let answer =
            json!({ "keys": keyring.entries().len(), "items": findings.len(), "opened": opened, "unopened": lines });
        ui.write(format!("{answer}\n"));
    } else {
        ui.say(lines.iter().map(|line| format!("{}\n", visible_name(line))).collect::<String>());
        ui.write(format!("{opened} of {} items open with the keys of the backup\n", findings.len()));
    }
    ui.flush()?;
    if findings.is_empty() && lines.is_empty() {
        survey.mistaken()?;
        return Err(CliError::new("nothing was proven: there is no sealed item")
            .hint("is it the right folder or cluster? --in PATH looks at files, --in-cluster at the cluster"));
    }
    if lines.is_empty() {
        return survey.mistaken();
    }
    survey.tell_mistakes();
    let error = CliError::new(format!("{} are not proven to open with this backup", lines.len()));
    let is_unbound = |finding: &Finding| matches!(finding.opener, Opener::Unbound(_));
    let error = if findings.iter().any(is_unbound) { error.hint(SAY_NAMES) } else { error };
    let error = if findings.iter().any(|finding| finding.is_limited) { error.hint(TRY_MORE) } else { error };
    Err(error.hint(
        "a new backup holds the keys that the cluster has now: sealer keys backup -o FILE; what no key of the cluster opens is lost",
    ))
}

/// One line each for what does not open or cannot be tried.
fn unopened(findings: &[Finding], unreadable: &[String]) -> Vec<String> {
    let line = |finding: &Finding| match finding.opener {
        Opener::Key(_) | Opener::NoValue => None,
        Opener::NoKey | Opener::Unbound(_) if finding.is_limited => Some(format!("{}: {LIMITED}", finding.place)),
        Opener::NoKey => Some(format!("{}: no key of the backup opens it", finding.place)),
        Opener::Unnamed => {
            Some(format!("{}: its name or namespace does not stand in the file; it cannot be tried", finding.place))
        }
        Opener::Unbound(_) => Some(format!("{}: {UNBOUND}", finding.place)),
        Opener::Template => Some(format!("{}: {TEMPLATE}", finding.place)),
    };
    findings.iter().filter_map(line).chain(unreadable.iter().cloned()).collect()
}

const EXAMPLES: &str = "Examples:
  sealer keys check sealing-keys-2026-01
  sealer keys check sealing-keys-2026-01 --in deploy/ --in-cluster";
