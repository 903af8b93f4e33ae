//! `sealer explain`: why the values of a file do not open, and what is to be done.

mod cluster;
mod diagnoser;
mod object;
mod sealed_with;
mod shape;
mod text;

use std::path::Path;

use serde_json::{Value, json};

use crate::args::cluster::ClusterArgs;
use crate::args::files::{FileArgs, non_empty};
use crate::args::keys::KeyArgs;
use crate::args::output::Output;
use crate::cluster::{Choice, namespace};
use crate::commands::rewrite::Rewrite;
use crate::commands::target;
use crate::diagnostics::CliError;
use crate::key_files::KeySources;
use crate::manifest::patch::{EditableText, Tree};
use crate::names;
use crate::tree::{self, SealedItem, SealedObject};
use crate::ui::{self, Ui};

use diagnoser::Diagnoser;

/// Something that is wrong, and its remedy.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    sentence: String,
    remedy: String,
}

impl Finding {
    fn new(sentence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), remedy: remedy.into() }
    }
}

/// What is found out about a value.
#[derive(Debug)]
enum Verdict {
    /// With which key, if that is known.
    Opens(Option<String>),
    Closed(Finding),
    /// It is not there to be looked at.
    Unseen(Finding),
    Unknown,
}

/// Say why sealed values do not open, and what to do.
///
/// Looks at each SealedSecret and each value, and says what is wrong and what remedies it: damage, text that is no sealed value, a
/// scope that its annotation does not announce, another name, namespace or cluster, an expired or foreign certificate (`--cert`).
/// Values are tried against the private keys at hand, or else against the cluster: with its keys if you may read them, or by
/// asking the controller, whose status of the object is told, too. Exit status 1 if anything is wrong or could not be told.
#[derive(Debug, clap::Args)]
#[command(override_usage = "sealer explain [FLAGS] FILE", after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Certificate that the values were sealed with, to see whether it is the right one.
    #[arg(long, value_name = "FILE")]
    cert: Option<String>,
    /// Form of the answer.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    files: FileArgs,
}

/// What is looked at, and what is known to judge it by.
#[derive(Debug)]
struct Explain {
    file: String,
    /// Without any, the cluster is asked.
    keys: KeySources,
    /// What the values were sealed with, if that is known.
    certificate: Option<String>,
    json: bool,
    cluster: Choice,
}

impl Args {
    fn checked(self) -> Result<Explain, CliError> {
        let [file] = self.files.exactly("explain", "a file", EXAMPLE)?;
        Ok(Explain {
            file,
            keys: self.keys.0,
            certificate: non_empty(self.cert),
            json: self.output.is_json(),
            cluster: self.cluster.choice,
        })
    }
}

pub(crate) fn run(args: Args, ui: &mut Ui) -> Result<(), CliError> {
    explain(&args.checked()?, ui)
}

fn explain(request: &Explain, ui: &mut Ui) -> Result<(), CliError> {
    let file = Rewrite::look(&request.file)?;
    let edited = target::parsed(file.name(), file.text())?;
    let mut objects = tree::objects(&edited);
    if objects.is_empty() {
        return Err(target::none(&edited, file.text(), file.name()));
    }
    let unnamed = if let Ok((namespace, _)) = namespace(&request.cluster) { namespace } else { String::new() };
    let diagnoser = Diagnoser::of(request, ui)?;
    let sealed_with = sealed_with::mistakes(request, &diagnoser)?;
    let names: Vec<String> = objects.iter().map(|object| object.name.clone()).collect();
    let about = |object: &mut SealedObject| {
        // The deprecated single value is told of as one.
        object.items.retain(|item| item.is_entry() || item.templated);
        let (nameless, shown) = settle(object, &unnamed, request, &diagnoser);
        let asked = Asked { file: &request.file, edited: &edited, object, nameless, names: &names };
        answer(&asked, shown, &diagnoser)
    };
    let answers: Vec<Answer> = objects.iter_mut().map(about).collect();
    if request.json {
        let all: Vec<Value> = answers.iter().map(Answer::json).collect();
        ui.write(format!("{}\n", json!({ "certificate": as_json(&sealed_with), "objects": all })));
    } else {
        let listed = sealed_with.iter().map(|mistake| told("certificate", mistake, ""));
        let text: String = listed.chain(answers.iter().map(Answer::text)).collect();
        ui.say(text);
    }
    ui.flush()?;
    outcome(&answers, sealed_with.len(), &diagnoser)
}

/// Gives the object the name under which it is applied, as far as that shows itself. Says whether it had no namespace of its
/// own, and how it is to be called.
fn settle(object: &mut SealedObject, unnamed: &str, request: &Explain, diagnoser: &Diagnoser) -> (bool, String) {
    let written = target::shown(object);
    if let Some(applied) = applied(object, request, diagnoser) {
        *object = applied;
        return (false, format!("{written}, applied as {}", target::full_name(object)));
    }
    let nameless = object.namespace.is_empty();
    if nameless {
        unnamed.clone_into(&mut object.namespace);
    }
    let shown = if nameless && request.cluster.namespace.is_some() {
        let said = names::name(unnamed);
        target::shown(&SealedObject { namespace: said, ..object.clone() })
    } else {
        target::shown(object)
    };
    (nameless, shown)
}

/// The object under another name, if it is that one it opens under: the namespace of a release, or what a kustomization
/// makes of it.
fn applied(object: &SealedObject, request: &Explain, diagnoser: &Diagnoser) -> Option<SealedObject> {
    if diagnoser.opens(object) {
        return None;
    }
    let mut others =
        tree::rename_candidates(object, Path::new(&request.file), request.cluster.namespace.as_deref()).into_iter();
    others.find(|other| diagnoser.opens(other))
}

/// One SealedSecret of a file, and what is known around it.
struct Asked<'a> {
    file: &'a str,
    edited: &'a EditableText<'a>,
    object: &'a SealedObject,
    /// It does not say itself which namespace it is for.
    nameless: bool,
    /// Of all SealedSecrets of the file.
    names: &'a [String],
}

impl Asked<'_> {
    /// What the file says of the object.
    fn tree(&self) -> Option<&Tree> {
        self.edited.at(&self.object.path)
    }

    /// A command that seals an item of it anew.
    fn seal_again(&self, item: &str) -> String {
        format!("seal it again{}", self.seals(item))
    }

    /// That command, behind what it is for.
    fn seals(&self, item: &str) -> String {
        // Standard input is changed where it came from.
        let file = if self.file == ui::STREAM { "FILE" } else { self.file };
        format!(" (sealer set {file} {item})")
    }
}

/// What is found out about one object.
struct Answer {
    object: String,
    mistakes: Vec<Finding>,
    items: Vec<(String, Verdict)>,
}

fn answer(asked: &Asked<'_>, object: String, diagnoser: &Diagnoser) -> Answer {
    let mut mistakes = object::mistakes(asked);
    let verdict = |item: &SealedItem| {
        let verdict = match text::verdict(asked, item) {
            Some(verdict) => verdict,
            None if asked.object.templated => Verdict::Unknown,
            None if asked.object.namespace.is_empty() && asked.object.scope.binds_namespace() => Verdict::Unknown,
            None => diagnoser.verdict(asked, item),
        };
        (item.name.clone(), verdict)
    };
    let items = asked.object.items.iter().map(verdict).collect();
    mistakes.extend(diagnoser.of_object(asked));
    Answer { object, mistakes, items }
}

impl Answer {
    fn text(&self) -> String {
        let mut text = format!("{}\n", self.object);
        for mistake in &self.mistakes {
            text.push_str(&told("object", mistake, "  "));
        }
        for (name, verdict) in &self.items {
            let item = format!("item `{name}`");
            text.push_str(&match verdict {
                Verdict::Opens(Some(key)) => format!("  {item} opens with key {key}\n"),
                Verdict::Opens(None) => format!("  {item} opens\n"),
                Verdict::Unknown => format!("  {item} looks like a sealed value\n"),
                Verdict::Closed(mistake) | Verdict::Unseen(mistake) => told(&item, mistake, "  "),
            });
        }
        text
    }

    fn json(&self) -> Value {
        let item = |(name, verdict): &(String, Verdict)| {
            let (opens, key, mistake) = match verdict {
                Verdict::Opens(key) => (Some(true), key.as_ref(), None),
                Verdict::Unknown => (None, None, None),
                Verdict::Closed(mistake) => (Some(false), None, Some(mistake)),
                Verdict::Unseen(mistake) => (None, None, Some(mistake)),
            };
            json!({ "name": name, "opens": opens, "key": key,
                "why": mistake.map(|mistake| &mistake.sentence), "remedy": mistake.map(|mistake| &mistake.remedy) })
        };
        json!({ "object": self.object, "mistakes": as_json(&self.mistakes),
            "items": self.items.iter().map(item).collect::<Vec<_>>() })
    }
}

fn as_json(mistakes: &[Finding]) -> Vec<Value> {
    mistakes.iter().map(|mistake| json!({ "why": mistake.sentence, "remedy": mistake.remedy })).collect()
}

fn told(what: &str, mistake: &Finding, indent: &str) -> String {
    format!("{indent}{what} {}\n{indent}  hint: {}\n", mistake.sentence, mistake.remedy)
}

/// Status 1 for whatever is wrong, and for what could not be found out.
fn outcome(answers: &[Answer], around: usize, diagnoser: &Diagnoser) -> Result<(), CliError> {
    let of = |wanted: fn(&Verdict) -> bool| {
        answers.iter().flat_map(|answer| &answer.items).filter(|(_, verdict)| wanted(verdict)).count()
    };
    let closed = of(|verdict| matches!(verdict, Verdict::Closed(_)));
    let unknown = of(|verdict| matches!(verdict, Verdict::Unknown | Verdict::Unseen(_)));
    let mistakes = around + answers.iter().map(|answer| answer.mistakes.len()).sum::<usize>();
    if closed > 0 {
        return Err(CliError::new(format!("{closed} values do not open")));
    }
    if mistakes > 0 {
        return Err(CliError::new("something is wrong, although no value is found that does not open"));
    }
    if unknown > 0 {
        return Err(diagnoser.cannot_tell(unknown));
    }
    Ok(())
}

/// The remedy for whatever a template stands in the way of.
const RENDERED: &str = "explain what is rendered: helm template . > rendered.yaml; sealer explain rendered.yaml";

const EXAMPLE: &str = "sealer explain --private-key keys.yaml sealed.yaml";
const EXAMPLES: &str = "Examples:
  sealer explain --private-key keys.yaml sealed.yaml
  sealer explain --context staging --cert cert.pem sealed.yaml";
