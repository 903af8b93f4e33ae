//! `sealer keys list`: which keys there are, how old, how well kept, and who still needs them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sealer_core::key::keyring::{NextKey, RotationPolicy, next_key};
use sealer_core::{Certificate, Fingerprint};
use sealer_go::pflag::duration;
use serde_json::{Value, json};

use super::cluster_keys::{ClusterKey, ClusterKeys, State, Trust};
use super::survey::{Finding, Opener, Survey, TRY_MORE};
use crate::args::cluster::ClusterArgs;
use crate::args::output::Output;
use crate::args::search::SearchInArgs;
use crate::cluster::objects::Access;
use crate::cluster::{Choice, Cluster};
use crate::diagnostics::{CliError, visible_name};
use crate::tree::Search;
use crate::ui::{self, Ui};

/// Show the sealing keys of a cluster, and what still needs each.
///
/// Shows fingerprint, Secret, age, state and recorded backup of every sealing key, and how many sealed items of the cluster and of
/// `--in PATH` only that key opens. For that it reads the private keys with your own rights; nothing of them or of a value is shown.
/// Without that right it shows the certificate that the controller serves, and says so.
///
/// Sealed values are found in every text file by their form, also outside of SealedSecrets: in values of charts, templates, scripts and
/// settings. They are tried under `--namespace` and `--name`, under the names that the files of the tree name, and for all scopes.
/// All files of a folder are looked at, also those that ignore files such as `.gitignore` hide, but for `.git`; `--exclude GLOB` leaves files out.
#[derive(Debug, clap::Args)]
#[command(override_usage = "sealer keys list [FLAGS]", after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    search: SearchInArgs,
    /// Form of the answer.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Age at which the controller makes a new key, as its --key-renew-period says; 0 is never.
    #[arg(long, value_name = "DURATION", default_value = "720h", value_parser = duration::parse)]
    renew_period: i64,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[arg(hide = true)]
    words: Vec<String>,
}

/// What is shown of which cluster and files.
#[derive(Debug)]
pub(super) struct List {
    cluster: Choice,
    /// Files to look for sealed values in, besides the cluster.
    search: Search,
    /// After which age the controller is taken to make a new key; nothing means never.
    period: Option<Duration>,
    json: bool,
}

impl Args {
    pub(super) fn checked(self) -> Result<List, CliError> {
        let cluster = self.cluster.choice;
        let period = self.renew_period;
        Ok(List {
            search: self.search.search(self.words, &cluster)?,
            cluster,
            period: (period > 0).then(|| Duration::from_nanos(period.unsigned_abs())),
            json: self.output.is_json(),
        })
    }
}

pub(super) fn run(request: &List, ui: &mut Ui) -> Result<(), CliError> {
    let cluster = Cluster::connect(&request.cluster)?;
    let keys = match ClusterKeys::load(&cluster, ui::now())? {
        Access::Granted(keys) => keys,
        Access::Forbidden(error) => return certificate_alone(&cluster, request, &error, ui),
    };
    for broken in &keys.broken {
        ui.notice(&format!("warning: Secret {broken}"));
    }
    let mut survey = Survey::new(request.search.clone());
    survey.add_files()?;
    let cluster_seen = match survey.add_cluster(&cluster)? {
        Access::Granted(()) => true,
        Access::Forbidden(error) => {
            ui.notice(&format!("warning: {}; items of the cluster are not counted", error.message()));
            false
        }
    };
    for unreadable in &survey.unreadable {
        ui.notice(&format!("warning: {unreadable}"));
    }
    let findings = survey.open(&keys.ring(), ui);
    let table = Table { keys: &keys, findings: &findings, cluster_seen, files_seen: !request.search.paths.is_empty() };
    let due = due(&keys, request);
    let text = if request.json { format!("{}\n", table.json(due)) } else { table.text(due, request) };
    ui.write(text);
    ui.flush()?;
    survey.mistaken()
}

/// What anybody may see who can reach the controller.
fn certificate_alone(cluster: &Cluster, request: &List, error: &CliError, ui: &mut Ui) -> Result<(), CliError> {
    let certificate = cluster.served()?;
    let (fingerprint, expires) = (certificate.key().fingerprint(), certificate.not_after());
    ui.notice(&format!("warning: {}; only the certificate that the controller serves is shown", error.message()));
    if request.json {
        let key = json!({ "fingerprint": fingerprint.as_str(), "notBefore": certificate.not_before(),
            "expires": expires, "state": State::Active.word() });
        ui.write(format!("{}\n", json!({ "complete": false, "keys": [key] })));
    } else {
        let (from, until) = (date(certificate.not_before()), date(expires));
        ui.write(format!("{fingerprint}  active  from {from}  expires {until}\n"));
    }
    Ok(())
}

/// When the controller makes the next key, under the assumption that it was given that period.
fn due(keys: &ClusterKeys, request: &List) -> Option<Timestamp> {
    let in_use = keys.keys.iter().filter(|key| key.is_in_use()).map(|key| key.stored.entry()).collect();
    let policy = RotationPolicy { period: request.period, cutoff: None };
    match next_key(&sealer_core::Keyring::new(in_use), ui::now(), &policy) {
        NextKey::Now => Some(ui::now()),
        NextKey::At(moment) => Some(moment),
        NextKey::Never => None,
    }
}

struct Table<'a> {
    keys: &'a ClusterKeys,
    findings: &'a [Finding],
    cluster_seen: bool,
    files_seen: bool,
}

impl Table<'_> {
    /// How many items an opener has, in the cluster or in files; nothing where nobody looked.
    fn count(&self, opener: &Opener, in_cluster: bool) -> Option<usize> {
        let looked = if in_cluster { self.cluster_seen } else { self.files_seen };
        let of = |finding: &&Finding| finding.in_cluster == in_cluster && finding.opener == *opener;
        looked.then(|| self.findings.iter().filter(of).count())
    }

    fn needs(&self, key: &ClusterKey, in_cluster: bool) -> Option<usize> {
        self.count(&Opener::Key(key.fingerprint().clone()), in_cluster)
    }

    fn text(&self, due: Option<Timestamp>, request: &List) -> String {
        let mut rows = vec![HEAD.map(str::to_owned)];
        rows.extend(self.keys.keys.iter().map(|key| self.row(key)));
        let widths: Vec<usize> = (0..HEAD.len())
            .map(|column| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or_default())
            .collect();
        let line = |row: &[String; 9]| -> String {
            let cells: String = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}  ")).collect();
            format!("{}\n", cells.trim_end())
        };
        let mut text: String = rows.iter().map(line).collect();
        for (opener, what) in [
            (Opener::NoKey, "opened by none of these keys"),
            (Opener::Unnamed, "without their name or namespace in the file; which key they need cannot be told"),
            (Opener::Template, "whose values a template takes from files that were not looked at"),
        ] {
            let number = self.findings.iter().filter(|finding| finding.opener == opener).count();
            if number > 0 {
                text.push_str(&format!("items {what}: {number}\n"));
            }
        }
        let limited = self.limited();
        if limited > 0 {
            text.push_str(&format!("items on which not every name that is known was tried ({TRY_MORE}): {limited}\n"));
        }
        let unbound = self.unbound();
        if !unbound.is_empty() {
            text.push_str(&format!(
                "sealed values that any key of their size may open, under a name that is not known (say it with --namespace and --name): {}\n",
                unbound.len()
            ));
            let places =
                unbound.iter().take(MOST_PLACES).map(|(finding, _)| format!("  {}\n", visible_name(&finding.place)));
            text.extend(places);
        }
        text + &renewal(due, request)
    }

    /// Items on which not every known name was tried.
    fn limited(&self) -> usize {
        self.findings.iter().filter(|finding| finding.is_limited).count()
    }

    /// Values outside of SealedSecrets that did not open, and the keys of their size.
    fn unbound(&self) -> Vec<(&Finding, &[Fingerprint])> {
        let mut unbound = Vec::new();
        for finding in self.findings {
            if let Opener::Unbound(keys) = &finding.opener {
                unbound.push((finding, keys.as_slice()));
            }
        }
        unbound
    }

    fn row(&self, key: &ClusterKey) -> [String; 9] {
        let counted = |number: Option<usize>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
        let files = if self.files_seen { counted(self.needs(key, false)) } else { "-".to_owned() };
        let expires = key.stored.certificates.first().map_or_else(|| "-".to_owned(), |crt| date(crt.not_after()));
        [
            key.fingerprint().as_str().to_owned(),
            key.name().to_owned(),
            key.stored.created.map_or_else(|| "-".to_owned(), date),
            expires,
            self.keys.state(key).word().to_owned(),
            key.backed_up_at().map_or("never", |at| at.get(..10).unwrap_or(at)).to_owned(),
            counted(self.needs(key, true)),
            files,
            self.keys.trust(key).word().to_owned(),
        ]
    }

    fn json(&self, due: Option<Timestamp>) -> Value {
        let key = |key: &ClusterKey| {
            json!({
                "fingerprint": key.fingerprint().as_str(), "secret": key.name(), "created": key.stored.created,
                "notBefore": key.stored.certificates.first().map(Certificate::not_before),
                "expires": key.stored.certificates.first().map(Certificate::not_after),
                "state": self.keys.state(key).word(), "backedUpAt": key.backed_up_at(),
                "trust": Some(self.keys.trust(key)).filter(|trust| *trust != Trust::None).map(Trust::word),
                "items": { "cluster": self.needs(key, true), "files": self.needs(key, false) },
            })
        };
        let others =
            |opener: &Opener| json!({ "cluster": self.count(opener, true), "files": self.count(opener, false) });
        let unbound = self.unbound().into_iter().map(|(finding, keys)| {
            json!({ "place": finding.place, "mayNeed": keys.iter().map(Fingerprint::as_str).collect::<Vec<_>>() })
        });
        json!({
            "unbound": unbound.collect::<Vec<_>>(), "limited": self.limited(), "template": others(&Opener::Template), "complete": true, "keys": self.keys.keys.iter().map(key).collect::<Vec<_>>(), "nextRenewal": due,
            "noKeyOpens": others(&Opener::NoKey), "unnamed": others(&Opener::Unnamed),
        })
    }
}

fn renewal(due: Option<Timestamp>, request: &List) -> String {
    let Some(due) = due else { return "the controller makes no new key by itself (--renew-period 0)\n".to_owned() };
    let hours = request.period.unwrap_or_default().as_secs() / 3600;
    format!(
        "next renewal {} if the controller runs with --key-renew-period {hours}h (say so with --renew-period)\n",
        minute(due)
    )
}

fn date(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

/// Rounded up: at that minute the key is due.
fn minute(time: Timestamp) -> String {
    time.saturating_add(SignedDuration::from_secs(59)).unwrap_or(time).strftime("%Y-%m-%d %H:%MZ").to_string()
}

/// Of values that did not open; all of them stand in JSON.
const MOST_PLACES: usize = 20;
const HEAD: [&str; 9] = ["FINGERPRINT", "SECRET", "CREATED", "EXPIRES", "STATE", "BACKUP", "CLUSTER", "FILES", "TRUST"];

const EXAMPLES: &str = "Examples:
  sealer keys list
  sealer keys list --in deploy/ -o json";
