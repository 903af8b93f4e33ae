//! Which key each sealed item needs, in a cluster and in files. Values are opened to find out, and dropped at once.

mod files;
mod trial;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use kube::api::DynamicObject;
use rayon::prelude::*;
use sealer_core::seal::Trials;
use sealer_core::{Fingerprint, Keyring, Label, Scope};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::cluster::objects::Sight;
use crate::diagnostics::CliError;
use crate::tree::loose::LooseValue;
use crate::tree::{Binding, Given, KnownNames};
use crate::ui::Ui;

use trial::Effort;

/// Sealed values, and what could not be looked at.
#[derive(Default)]
pub(crate) struct Survey {
    objects: Vec<Object>,
    loose: Vec<LooseFile>,
    /// Files that were looked at, and what the user says that values in them are sealed for.
    files: Vec<PathBuf>,
    given: Given,
    /// Files that cannot be read, and why.
    pub(crate) unreadable: Vec<String>,
}

struct Object {
    /// Nothing in the cluster.
    file: Option<PathBuf>,
    /// Where it is, and its names.
    place: String,
    scope: Scope,
    /// As far as they stand in the file.
    namespace: Option<String>,
    name: Option<String>,
    /// What it may be applied as besides.
    others: Vec<Label>,
    items: Vec<Item>,
    /// Names under which the values of a chart have what templates write here.
    references: BTreeSet<String>,
}

struct Item {
    name: String,
    value: String,
    /// Its value comes from a template.
    templated: bool,
}

/// A file with sealed values outside of SealedSecrets.
struct LooseFile {
    path: PathBuf,
    values: Vec<LooseValue>,
    /// What stands on its lines ahead of `:` or `=`.
    keys: BTreeSet<String>,
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
}

impl Survey {
    pub(crate) fn new(given: Given) -> Self {
        Self { given, ..Self::default() }
    }

    /// Adds all SealedSecrets of the cluster, if the user may list them.
    pub(crate) fn add_cluster(&mut self, cluster: &Cluster) -> Result<Sight<()>, CliError> {
        match cluster.sealed_secrets()? {
            Sight::Seen(objects) => self.objects.extend(objects.iter().map(in_cluster)),
            Sight::Forbidden(error) => return Ok(Sight::Forbidden(error)),
        }
        Ok(Sight::Seen(()))
    }

    /// Tries the keys on every item.
    pub(crate) fn open(&self, keyring: &Keyring, ui: &Ui) -> Vec<Finding> {
        let progress = ui.progress("opening", self.objects.len() + self.loose.len());
        let effort = Effort::default();
        let opened = self.objects.par_iter().flat_map_iter(|object| {
            progress.step();
            self.open_object(object, keyring)
        });
        let mut found: Vec<Finding> = opened.collect();
        let is_open = |finding: &Finding| matches!(finding.opener, Opener::Key(_) | Opener::Template);
        let is_settled = self.loose.is_empty() && found.iter().all(|finding| finding.in_cluster || is_open(finding));
        // Reading all files for names is worth it only where one is wanted.
        if is_settled {
            return found;
        }
        let known = KnownNames::read(&self.files, self.given.clone());
        self.open_elsewhere(&mut found, &known, keyring, &effort);
        let opened = self.loose.par_iter().flat_map_iter(|file| {
            progress.step();
            file.open(&known, keyring, &effort)
        });
        found.extend(opened.collect::<Vec<_>>());
        found
    }

    /// One finding for each item that is not left to where the values of its template are.
    fn open_object(&self, object: &Object, keyring: &Keyring) -> Vec<Finding> {
        let mut trials = Trials::default();
        let is_elsewhere = |item: &&Item| item.templated && self.has_values_of(object);
        let finding = |item: &Item| Finding {
            place: format!("{}, item {}", object.place, item.name),
            in_cluster: object.file.is_none(),
            opener: if item.templated { Opener::Template } else { object.opener(&item.value, keyring, &mut trials) },
            of_its_size: Vec::new(),
        };
        object.items.iter().filter(|item| !is_elsewhere(item)).map(finding).collect()
    }

    /// Whether what its templates write was found, and is looked at where it stands.
    fn has_values_of(&self, object: &Object) -> bool {
        let chart = object.file.as_deref().and_then(chart);
        let is_of_it = |file: &&LooseFile| chart.is_none_or(|chart| file.path.starts_with(chart));
        self.loose.iter().filter(is_of_it).any(|file| !file.keys.is_disjoint(&object.references))
    }

    /// Tries items of files that do not open as they are written under the names that their tree knows.
    fn open_elsewhere(&self, found: &mut [Finding], known: &KnownNames, keyring: &Keyring, effort: &Effort) {
        let items = self.objects.iter().flat_map(|object| {
            let is_elsewhere = |item: &&Item| item.templated && self.has_values_of(object);
            object.items.iter().filter(move |item| !is_elsewhere(item)).map(move |item| (object, item))
        });
        let closed = found
            .iter_mut()
            .zip(items)
            .filter(|(finding, _)| !finding.in_cluster && matches!(finding.opener, Opener::NoKey | Opener::Unnamed));
        let closed: Vec<_> = closed.collect();
        closed.into_par_iter().for_each(|(finding, (object, item))| {
            let labels = object.elsewhere(known);
            let opened = effort.open(&item.value, &labels, keyring, &mut Trials::default());
            match opened {
                Some((fingerprint, _)) => finding.opener = Opener::Key(fingerprint),
                None => finding.of_its_size = trial::of_its_size(&item.value, keyring),
            }
        });
    }
}

impl Object {
    /// What its values are bound to; nothing where a part of that comes from elsewhere.
    fn label(&self) -> Option<Label> {
        let (namespace, name) = (self.namespace.as_deref(), self.name.as_deref());
        match self.scope {
            Scope::Strict => Some(Label::as_given(self.scope, namespace?, name?)),
            Scope::NamespaceWide => Some(Label::as_given(self.scope, namespace?, "")),
            Scope::ClusterWide => Some(Label::as_given(self.scope, "", "")),
        }
    }

    fn opener(&self, value: &str, keyring: &Keyring, trials: &mut Trials) -> Opener {
        let label = self.label();
        let mut labels = label.iter().chain(&self.others);
        let opened = labels.find_map(|label| trial::open(value, label, keyring, trials));
        match (opened, &label) {
            (Some(fingerprint), _) => Opener::Key(fingerprint),
            (None, Some(_)) => Opener::NoKey,
            (None, None) => Opener::Unnamed,
        }
    }

    /// What it may be bound to besides, by the names that its tree knows: an overlay or a release gives what it lacks, and
    /// an overlay replaces its namespace.
    fn elsewhere(&self, known: &KnownNames) -> Vec<Label> {
        let Some(file) = self.file.as_deref() else { return Vec::new() };
        let label = |namespace: &str, name: &str| Label::as_given(self.scope, namespace, name);
        match (&self.namespace, &self.name) {
            _ if self.scope == Scope::ClusterWide => Vec::new(),
            (_, Some(name)) => known.namespaces(file).iter().map(|namespace| label(namespace, name)).collect(),
            (Some(namespace), None) => known.names(file).iter().map(|name| label(namespace, name)).collect(),
            (None, None) => {
                let bindings = known.bindings(file).into_iter().filter(|binding| binding.scope == self.scope);
                bindings.map(|binding| binding.label()).collect()
            }
        }
    }
}

impl LooseFile {
    fn open(&self, known: &KnownNames, keyring: &Keyring, effort: &Effort) -> Vec<Finding> {
        let mut labels: Vec<Label> = known.bindings(&self.path).iter().map(Binding::label).collect();
        let mut trials = Trials::default();
        let finding = |loose: &LooseValue| {
            let (line, value) = (loose.line, &loose.value);
            let opened = (!loose.is_in_part()).then(|| effort.open(value, &labels, keyring, &mut trials)).flatten();
            let opener = match opened {
                Some((fingerprint, at)) => {
                    // Values of one file are most likely bound to the same.
                    labels.get_mut(..=at).unwrap_or_default().rotate_right(1);
                    Opener::Key(fingerprint)
                }
                None if loose.is_in_part() => {
                    let keys = trial::of_its_size(value, keyring);
                    (!keys.is_empty()).then_some(Opener::Unbound(keys))?
                }
                None => trial::unopened(value, keyring)?,
            };
            let place = format!("{}: line {line}", self.path.display());
            Some(Finding { place, in_cluster: false, opener, of_its_size: Vec::new() })
        };
        self.values.iter().filter_map(finding).collect()
    }
}

/// The folder of the chart that a template is of, which takes values of its own alone.
fn chart(template: &Path) -> Option<&Path> {
    let of_templates = |folder: &&Path| folder.file_name().is_some_and(|name| name == "templates");
    let above = || template.ancestors().skip(1);
    let marked = above().find(|folder| folder.join("Chart.yaml").is_file());
    marked.or_else(|| above().find(of_templates).and_then(Path::parent))
}

fn in_cluster(object: &DynamicObject) -> Object {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (namespace, name) = (text(&object.metadata.namespace), text(&object.metadata.name));
    let scope = Scope::from_annotations(object.metadata.annotations.as_ref().unwrap_or(&BTreeMap::new()));
    let spec = |field: &str| object.data.pointer(&format!("/spec/{field}"));
    // An item that is no text is a sealed value that does not open.
    let item = |name: &str, value: &Value| {
        let value = value.as_str().unwrap_or_default().to_owned();
        Item { name: name.to_owned(), value, templated: false }
    };
    let items = spec("encryptedData").and_then(Value::as_object).into_iter().flatten();
    let mut items: Vec<_> = items.map(|(name, value)| item(name, value)).collect();
    // The deprecated form: one value that holds a whole Secret.
    items.extend(spec("data").filter(|blob| blob.is_string()).map(|blob| item("spec.data", blob)));
    let place = format!("cluster: {namespace}/{name}");
    let (namespace, name) = (Some(namespace), Some(name));
    Object { file: None, place, scope, namespace, name, others: Vec::new(), items, references: BTreeSet::new() }
}

/// What is told of a value outside of SealedSecrets that did not open.
pub(crate) const UNBOUND: &str = "a sealed value that no name opens which is known";
/// What is told of an item whose value a template writes.
pub(crate) const TEMPLATE: &str = "a template takes its value from a file that was not looked at";
/// What makes such values open.
pub(crate) const SAY_NAMES: &str = "say what the values outside of SealedSecrets are sealed for: --namespace NAMESPACE --name NAME (of the Secret, or of the release)";
