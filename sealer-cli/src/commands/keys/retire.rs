//! `sealer keys retire`: takes a key out of use that nothing needs any longer, and back into use.

use std::time::{Duration, Instant};

use sealer_core::Fingerprint;
use sealer_resource::key_secret::{KEY_LABEL, KEY_LABEL_RETIRED, RETIRED_AT_ANNOTATION};
use serde_json::json;

use super::cluster_keys::{ClusterKey, ClusterKeys, State, in_use};
use super::survey::{Finding, LIMITED, Opener, SAY_NAMES, Survey, TEMPLATE, TRY_MORE, UNBOUND};
use crate::args::cluster::ClusterArgs;
use crate::args::files::refuse_empty;
use crate::args::output::Output;
use crate::args::search::SearchInArgs;
use crate::cluster::{Choice, Cluster};
use crate::diagnostics::{CliError, visible_name};
use crate::tree::Search;
use crate::ui::{self, Ui};

/// Take a key out of use that nothing needs any longer.
///
/// Relabels a key Secret so that the controller stops using the key; the Secret stays, for `--undo`. It refuses while an item of the
/// cluster or of `--in PATH` needs the key, or may need it, and lists them; and for the active key. A sealed value outside of a
/// SealedSecret may need every key of its size until a name opens it. A proof leaves nothing out: files that ignore files such as
/// `.gitignore` hide are looked at, too, and only `.git` and what `--exclude` names are not.
#[derive(Debug, clap::Args)]
#[command(override_usage = "sealer keys retire [FLAGS] FINGERPRINT", after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Retire the key although values may need it that could not be opened to find out.
    #[arg(long)]
    allow_unopened: bool,
    /// Change nothing; say what would be done.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    search: SearchInArgs,
    /// Form of the answer.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Take a retired key into use again.
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[arg(hide = true)]
    words: Vec<String>,
}

/// Which key goes, and what must not need it.
#[derive(Debug)]
pub(super) struct Retire {
    cluster: Choice,
    /// The beginning of a fingerprint.
    key: String,
    search: Search,
    /// Although values may need it that did not open.
    allow_unopened: bool,
    /// Whether a retired key is taken into use again.
    undo: bool,
    dry_run: bool,
    json: bool,
}

impl Args {
    pub(super) fn checked(self) -> Result<Retire, CliError> {
        refuse_empty(&self.words)?;
        let [key] = self.words.try_into().map_err(|_| {
            CliError::command_line("`sealer keys retire` needs one fingerprint, as `sealer keys list` shows it")
        })?;
        let key: String = key;
        if key.strip_prefix("SHA256:").unwrap_or(&key).len() < SHORTEST_PREFIX {
            return Err(CliError::command_line(format!(
                "`{key}` is too short for a fingerprint; give at least {SHORTEST_PREFIX} characters behind SHA256:"
            )));
        }
        let cluster = self.cluster.choice;
        Ok(Retire {
            key,
            search: self.search.search(Vec::new(), &cluster)?,
            cluster,
            allow_unopened: self.allow_unopened,
            undo: self.undo,
            dry_run: self.dry_run,
            json: self.output.is_json(),
        })
    }
}

pub(super) fn run(request: &Retire, ui: &mut Ui) -> Result<(), CliError> {
    let cluster = Cluster::connect(&request.cluster)?;
    let keys = ClusterKeys::load(&cluster, ui::now())?.required()?;
    let key = keys.beginning(&request.key)?;
    let (label, metadata, done) = if request.undo {
        let metadata = json!({ "labels": in_use(), "annotations": { RETIRED_AT_ANNOTATION: null } });
        ("active", metadata, "is in use again; what waits for it opens within seconds")
    } else {
        let metadata = json!({ "labels": { KEY_LABEL: KEY_LABEL_RETIRED },
            "annotations": { RETIRED_AT_ANNOTATION: ui::now().to_string() } });
        (KEY_LABEL_RETIRED, metadata, "is retired; its Secret stays, and --undo takes it into use again")
    };
    if key.label() == label {
        return answer(request, key, "nothing", "is so already; nothing was done", ui);
    }
    match request.undo {
        true => may_return(key)?,
        false => may_go(&cluster, &keys, key, request, ui)?,
    }
    if request.dry_run {
        return answer(
            request,
            key,
            "would",
            if request.undo { "would be taken into use" } else { "would be retired" },
            ui,
        );
    }
    cluster.mark_secret(&key.secret, &metadata)?;
    confirm(&cluster, key.name(), label)?;
    answer(request, key, "done", done, ui)
}

fn answer(request: &Retire, key: &ClusterKey, outcome: &str, text: &str, ui: &mut Ui) -> Result<(), CliError> {
    if request.json {
        let fingerprint = key.fingerprint().as_str();
        ui.write(format!("{}\n", json!({ "fingerprint": fingerprint, "secret": key.name(), "outcome": outcome })));
    } else {
        ui.say(format!("{} (Secret {}) {text}\n", key.fingerprint(), key.name()));
    }
    Ok(())
}

fn may_return(key: &ClusterKey) -> Result<(), CliError> {
    if key.label() == KEY_LABEL_RETIRED {
        return Ok(());
    }
    Err(CliError::new(format!(
        "Secret `{}` was not retired by this command: its label is `{}`",
        key.name(),
        key.label()
    ))
    .hint("if it is to be used, label it yourself: kubectl label --overwrite secret NAME KEY=active"))
}

/// Refuses while the key is needed, or may be.
fn may_go(
    cluster: &Cluster,
    keys: &ClusterKeys,
    key: &ClusterKey,
    request: &Retire,
    ui: &mut Ui,
) -> Result<(), CliError> {
    if keys.state(key) == State::Active {
        return Err(CliError::new(format!("{} is the active key: clients seal with it", key.fingerprint()))
            .hint("make a new one first: sealer keys rotate"));
    }
    not_served(cluster, key, ui)?;
    if key.is_found_by_name() {
        return Err(CliError::new(format!("controllers use Secret `{}` for its name, whatever its label", key.name()))
            .hint("store it under another name first: sealer keys backup, delete the Secret, sealer keys restore"));
    }
    if keys.keys.iter().filter(|key| key.is_in_use()).count() < 2 && key.is_in_use() {
        return Err(CliError::new(format!("{} is the only key in use", key.fingerprint()))
            .hint("make a new one first: sealer keys rotate"));
    }
    let mut survey = Survey::new(request.search.clone());
    survey.add_files()?;
    survey.add_cluster(cluster)?.required()?;
    let findings = survey.open(&keys.ring(), ui);
    let found: Vec<(String, bool)> = findings.iter().filter_map(|finding| need(key.fingerprint(), finding)).collect();
    let is_needed = found.iter().any(|(_, is_certain)| *is_certain);
    let needs: Vec<String> = found.into_iter().map(|(line, _)| line).chain(unread(&survey.unreadable)).collect();
    if needs.is_empty() || request.allow_unopened && !is_needed {
        survey.mistaken()?;
        note(request, &findings, needs.len(), ui);
        return Ok(());
    }
    if request.json {
        ui.write(format!("{}\n", json!({ "fingerprint": key.fingerprint().as_str(), "secret": key.name(), "outcome": "refused", "needs": needs })));
    } else {
        ui.say(needs.iter().map(|line| format!("{}\n", visible_name(line))).collect::<String>());
    }
    ui.flush()?;
    survey.tell_mistakes();
    Err(needed(key, &findings, needs.len(), is_needed))
}

/// Refuses a key that the controller seals with: that need not be the newest, where the controller does not trust that one.
fn not_served(cluster: &Cluster, key: &ClusterKey, ui: &Ui) -> Result<(), CliError> {
    match cluster.served() {
        Ok(served) if served.key().fingerprint() == key.fingerprint() => Err(CliError::new(format!(
            "the controller serves the certificate of {}: clients seal with it",
            key.fingerprint()
        ))
        .hint(
            "it may not trust the newest key, or not have seen it yet: sealer keys list tells what each is trusted by",
        )
        .hint("make a new one first: sealer keys rotate")),
        Ok(_) => Ok(()),
        Err(error) => {
            ui.notice(&format!(
                "note: whether the controller still seals with the key is not known: {}",
                error.message()
            ));
            Ok(())
        }
    }
}

/// The refusal, with what may be done about it.
fn needed(key: &ClusterKey, findings: &[Finding], needs: usize, is_certain: bool) -> CliError {
    let mut error = CliError::new(format!("{needs} need {}, or may need it; it stays in use", key.fingerprint()))
        .hint("seal them anew for the active key, and apply the files: sealer reseal PATH...")
        .hint("files of other clusters need not be looked at: leave them out of --in");
    if findings.iter().any(|finding| matches!(finding.opener, Opener::Unbound(_))) {
        error = error.hint(SAY_NAMES);
    }
    if findings.iter().any(|finding| finding.is_limited) {
        error = error.hint(TRY_MORE);
    }
    if !is_certain {
        error = error.hint("if you know that what may need the key does not: --allow-unopened");
    }
    error
}

/// What could not be found out, and does not keep the key in use.
fn note(request: &Retire, findings: &[Finding], may: usize, ui: &Ui) {
    if may > 0 {
        ui.notice(&format!(
            "note: values and files that may need the key, and are passed over by --allow-unopened: {may}"
        ));
    }
    if request.search.paths.is_empty() {
        ui.notice("note: no files were looked at; name your repositories with --in to look for what is not applied");
    }
    let foreign = findings.iter().filter(|finding| !finding.in_cluster && finding.opener == Opener::NoKey).count();
    if foreign > 0 {
        ui.notice(&format!("note: items of the files that no key of this cluster opens as they stand: {foreign}"));
    }
}

/// What is to be told of an item, and whether it needs the key for certain.
fn need(key: &Fingerprint, finding: &Finding) -> Option<(String, bool)> {
    let place = &finding.place;
    match &finding.opener {
        Opener::Key(opener) if opener == key => Some((format!("{place}: needs the key"), true)),
        Opener::Unnamed => {
            Some((format!("{place}: may need the key; its name or namespace does not stand in the file"), false))
        }
        Opener::Unbound(keys) if finding.is_limited && keys.contains(key) => {
            Some((format!("{place}: may need the key; {LIMITED}"), false))
        }
        Opener::NoKey if finding.is_limited && finding.of_its_size.contains(key) => {
            Some((format!("{place}: may need the key; {LIMITED}"), false))
        }
        Opener::Unbound(keys) if keys.contains(key) => Some((format!("{place}: may need the key; {UNBOUND}"), false)),
        Opener::NoKey if finding.of_its_size.contains(key) => {
            Some((format!("{place}: may need the key; no name that is known opens it"), false))
        }
        Opener::Template => Some((format!("{place}: may need the key; {TEMPLATE}"), false)),
        Opener::Key(_) | Opener::NoKey | Opener::Unbound(_) | Opener::NoValue => None,
    }
}

fn unread(unreadable: &[String]) -> impl Iterator<Item = String> {
    unreadable.iter().map(|file| format!("{file}: may need the key"))
}

/// Waits until the label is stored: only then does the controller hear of it.
fn confirm(cluster: &Cluster, name: &str, wanted: &str) -> Result<(), CliError> {
    let deadline = Instant::now() + RETIRE_TIMEOUT;
    loop {
        let secret = cluster.secret(name)?;
        let label = secret.and_then(|secret| secret.metadata.labels).and_then(|labels| labels.get(KEY_LABEL).cloned());
        if label.as_deref() == Some(wanted) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(CliError::new(format!("the label of Secret `{name}` was changed again by somebody else"))
                .hint("sealer keys list shows what holds now"));
        }
        cluster.wait(POLL);
    }
}

const RETIRE_TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(200);

/// Shorter beginnings of a fingerprint are typed by mistake too easily.
const SHORTEST_PREFIX: usize = 8;
const EXAMPLES: &str = "Examples:
  sealer keys retire SHA256:1a2b3c4d --in deploy/ --dry-run
  sealer keys retire SHA256:1a2b3c4d --undo";
