//! Which key each sealed item needs, in a cluster and in files. Values are opened to find out, and dropped at once.

mod files;
mod guess;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use kube::api::DynamicObject;
use rayon::prelude::*;
use sealer_core::unseal::KeyTrials;
use sealer_core::{Fingerprint, Keyring, Label, Scope};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::cluster::objects::Access;
use crate::diagnostics::CliError;
use crate::tree::loose::LooseValue;
use crate::tree::{Bindings, Effort, Reference, SealedObject, Search, chart};
use crate::ui::Ui;

use files::Mistake;
use guess::{Answer, Question};

/// Sealed values, and what could not be looked at.
#[derive(Default)]
pub(crate) struct Survey {
    objects: Vec<Object>,
    loose: Vec<LooseFile>,
    /// Files that were looked at.
    files: Vec<PathBuf>,
    search: Search,
    /// Files that cannot be read, and why.
    pub(crate) unreadable: Vec<String>,
    /// Files that were named themselves and are not what they were named for.
    mistakes: Vec<Mistake>,
}

struct Object {
    /// Nothing in the cluster.
    file: Option<InFile>,
    /// Where it is, and its names.
    place: String,
    /// What it is bound to as it is written; nothing where a part of that comes from elsewhere.
    label: Option<Label>,
    items: Vec<Item>,
}

/// What is known of an object besides its items that stands in a file.
struct InFile {
    path: PathBuf,
    object: SealedObject,
    /// What templates of its file take from the values of a chart.
    references: Vec<Reference>,
}

struct Item {
    name: String,
    value: String,
    /// Its value comes from a template.
    templated: bool,
    /// What that template takes from the values of a chart, as far as it stands in the item itself.
    references: Vec<Reference>,
}

/// A file with sealed values outside of SealedSecrets.
struct LooseFile {
    path: PathBuf,
    values: Vec<LooseValue>,
}

/// A sealed item, and what is known of its key.
#[derive(Debug)]
pub(crate) struct Finding {
    /// Where it is: `cluster: ns/name, item a`, `file.yaml: document 1, ns/name, item a` or `values.yaml: line 3`.
    pub(crate) place: String,
    pub(crate) in_cluster: bool,
    pub(crate) opener: Opener,
    /// Keys of its size, where it stands in a file and no name that is known opens it: it may be applied under another.
    pub(crate) of_its_size: Vec<Fingerprint>,
    /// Not every name that is known was tried on it.
    pub(crate) is_limited: bool,
}

/// Which key opens an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Opener {
    Key(Fingerprint),
    /// None of those that were tried.
    NoKey,
    /// It cannot be tried: a name that it is bound to does not stand in the file.
    Unnamed,
    /// It stands in a text by itself, and no name that is known opens it. These keys are of its size.
    Unbound(Vec<Fingerprint>),
    /// A template writes it, and no file that was looked at holds what that takes.
    Template,
    /// It only begins as a sealed value does.
    NoValue,
}

impl Survey {
    pub(crate) fn new(search: Search) -> Self {
        Self { search, ..Self::default() }
    }

    /// Adds all SealedSecrets of the cluster, if the user may list them.
    pub(crate) fn add_cluster(&mut self, cluster: &Cluster) -> Result<Access<()>, CliError> {
        match cluster.sealed_secrets()? {
            Access::Granted(objects) => self.objects.extend(objects.iter().map(in_cluster)),
            Access::Forbidden(error) => return Ok(Access::Forbidden(error)),
        }
        Ok(Access::Granted(()))
    }

    /// Tries the keys on every item: as it is written, then under the names that its tree knows.
    pub(crate) fn open(&self, keyring: &Keyring, ui: &Ui) -> Vec<Finding> {
        let asked = self.items();
        let mut found = self.as_written(&asked, keyring, ui);
        let mut questions: Vec<Question<'_>> = Vec::new();
        for (at, (finding, (object, item))) in found.iter().zip(&asked).enumerate() {
            let is_closed = matches!(finding.opener, Opener::NoKey | Opener::Unnamed);
            if let Some(file) = object.file.as_ref().filter(|_| is_closed) {
                questions.push(Question::of_item(at, &item.value, &file.path, &file.object));
            }
        }
        for file in &self.loose {
            for value in &file.values {
                questions.push(Question::of_loose(found.len(), value, &file.path));
                found.push(loose_finding(file, value, keyring));
            }
        }
        let effort = Effort::new(self.search.most_tries.unwrap_or(MOST_TRIES));
        let bindings = Bindings::new(self.search.given.clone(), &self.files);
        for (at, answer) in guess::answers(questions, &bindings, keyring, &effort) {
            let Some(finding) = found.get_mut(at) else { continue };
            match answer {
                Answer::Opened(fingerprint) => {
                    finding.opener = Opener::Key(fingerprint);
                    finding.of_its_size.clear();
                }
                Answer::Closed => {}
                Answer::Limited => finding.is_limited = true,
            }
        }
        // What no key can have sealed, and does not look like a sealed value either, is none.
        found.retain(|finding| finding.opener != Opener::NoValue);
        found
    }

    /// The items that are not left to where the values of their templates are.
    fn items(&self) -> Vec<(&Object, &Item)> {
        let items = self.objects.iter().flat_map(|object| object.items.iter().map(move |item| (object, item)));
        items.filter(|(object, item)| !item.templated || !self.has_values_of(object, item)).collect()
    }

    /// One finding for each item, tried as it is written. The same text under the same names is tried once.
    fn as_written(&self, asked: &[(&Object, &Item)], keyring: &Keyring, ui: &Ui) -> Vec<Finding> {
        let mut first: HashMap<(&str, &Label), usize> = HashMap::new();
        let mut once = Vec::new();
        for (at, (object, item)) in asked.iter().enumerate() {
            if let Some(label) = object.label.as_ref().filter(|_| !item.templated)
                && let Entry::Vacant(entry) = first.entry((item.value.as_str(), label))
            {
                entry.insert(at);
                once.push((at, object.place.as_str(), item.value.as_str(), label));
            }
        }
        let progress = ui.progress("opening", once.len());
        let opened: Vec<(usize, Option<Fingerprint>)> = once
            .chunk_by(|(_, one, ..), (_, other, ..)| one == other)
            .par_bridge()
            .flat_map_iter(|object| {
                let mut trials = KeyTrials::default();
                let opened = object.iter().map(|(at, _, value, label)| {
                    progress.step();
                    (*at, guess::open(value, label, keyring, &mut trials))
                });
                opened.collect::<Vec<_>>()
            })
            .collect();
        let opened: HashMap<usize, Option<Fingerprint>> = opened.into_iter().collect();
        let finding = |(object, item): &(&Object, &Item)| {
            let opener = match &object.label {
                _ if item.templated => Opener::Template,
                None => Opener::Unnamed,
                Some(label) => {
                    let at = first.get(&(item.value.as_str(), label));
                    at.and_then(|at| opened.get(at)).cloned().flatten().map_or(Opener::NoKey, Opener::Key)
                }
            };
            let is_closed = object.file.is_some() && matches!(opener, Opener::NoKey | Opener::Unnamed);
            Finding {
                place: format!("{}, item {}", object.place, item.name),
                in_cluster: object.file.is_none(),
                opener,
                of_its_size: if is_closed { guess::of_its_size(&item.value, keyring) } else { Vec::new() },
                is_limited: false,
            }
        };
        asked.iter().map(finding).collect()
    }

    /// Whether what the template of an item takes was found, and is looked at where it stands.
    fn has_values_of(&self, object: &Object, item: &Item) -> bool {
        let Some(file) = &object.file else { return false };
        let chart = chart(&file.path);
        let references = if item.references.is_empty() { &file.references } else { &item.references };
        let is_taken = |values: &LooseFile, value: &LooseValue| {
            references.iter().filter(|reference| reference.length() > 0).any(|reference| match chart {
                Some(chart) => reference.takes(&value.place, &values.path, chart),
                None => reference.leads_to(&value.place),
            })
        };
        self.loose.iter().any(|values| values.values.iter().any(|value| is_taken(values, value)))
    }
}

/// What is known of a value by itself as long as no name opens it.
fn loose_finding(file: &LooseFile, value: &LooseValue, keyring: &Keyring) -> Finding {
    let opener = guess::unopened(value, keyring).unwrap_or(Opener::NoValue);
    let place = format!("{}: line {}", file.path.display(), value.line);
    Finding { place, in_cluster: false, opener, of_its_size: Vec::new(), is_limited: false }
}

fn in_cluster(object: &DynamicObject) -> Object {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (namespace, name) = (text(&object.metadata.namespace), text(&object.metadata.name));
    let scope = Scope::from_annotations(object.metadata.annotations.as_ref().unwrap_or(&BTreeMap::new()));
    let spec = |field: &str| object.data.pointer(&format!("/spec/{field}"));
    // An item that is no text is a sealed value that does not open.
    let item = |name: &str, value: &Value| {
        let value = value.as_str().unwrap_or_default().to_owned();
        Item { name: name.to_owned(), value, templated: false, references: Vec::new() }
    };
    let items = spec("encryptedData").and_then(Value::as_object).into_iter().flatten();
    let mut items: Vec<_> = items.map(|(name, value)| item(name, value)).collect();
    // The deprecated form: one value that holds a whole Secret.
    items.extend(spec("data").filter(|blob| blob.is_string()).map(|blob| item("spec.data", blob)));
    let place = format!("cluster: {namespace}/{name}");
    Object { file: None, place, label: Some(Label::new_unchecked(scope, &namespace, &name)), items }
}

/// What is told of a value outside of SealedSecrets that did not open.
pub(crate) const UNBOUND: &str = "a sealed value that no name opens which is known";
/// What is told of an item whose value a template writes.
pub(crate) const TEMPLATE: &str = "a template takes its value from a file that was not looked at";
/// What makes such values open.
pub(crate) const SAY_NAMES: &str = "say what the values outside of SealedSecrets are sealed for: --namespace NAMESPACE --name NAME (of the Secret, or of the release)";
/// What is told besides of a value on which not every known name was tried.
pub(crate) const LIMITED: &str = "not every name that is known was tried on it";
/// What makes that more.
pub(crate) const TRY_MORE: &str = "say what values are sealed for (--namespace, --name), leave files of others out (--exclude), or allow more tries (--max-tries)";
/// Less than a minute of one core for RSA-4096.
const MOST_TRIES: u32 = 10_000;
