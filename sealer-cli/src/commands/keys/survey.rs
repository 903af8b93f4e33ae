//! Which key each sealed item needs, in a cluster and in files. Values are opened to find out, and dropped at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kube::api::DynamicObject;
use rayon::prelude::*;
use sealer_core::seal::{Trials, unseal_counted};
use sealer_core::{Fingerprint, Keyring, Label, Scope, SealedValue};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::cluster::objects::Sight;
use crate::diagnostics::{CliError, visible_name};
use crate::manifest;
use crate::manifest::patch::Edited;
use crate::tree::{self, OUTSIDE};
use crate::ui::{self, Ui};

/// SealedSecrets, and what could not be looked at.
#[derive(Default)]
pub(crate) struct Survey {
    objects: Vec<Object>,
    /// Files that cannot be read, and why.
    pub(crate) unreadable: Vec<String>,
}

struct Object {
    /// The file and document; nothing in the cluster.
    file: Option<String>,
    name: String,
    /// Nothing where a part of it comes from elsewhere: from a template, or from whoever applies the file.
    label: Option<Label>,
    items: Vec<(String, String)>,
}

/// A sealed item, and what is known of its key.
#[derive(Debug)]
pub(crate) struct Finding {
    /// Where it is: `cluster: ns/name, item a` or `file.yaml: document 1, ns/name, item a`.
    pub(crate) place: String,
    pub(crate) in_cluster: bool,
    pub(crate) opener: Opener,
}

/// Which key opens an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Opener {
    Key(Fingerprint),
    /// None of those that were tried.
    NoKey,
    /// It cannot be tried: a name that it is bound to does not stand in the file.
    Unnamed,
}

impl Survey {
    /// Adds all SealedSecrets of the cluster, if the user may list them.
    pub(crate) fn add_cluster(&mut self, cluster: &Cluster) -> Result<Sight<()>, CliError> {
        match cluster.sealed_secrets()? {
            Sight::Seen(objects) => self.objects.extend(objects.iter().map(in_cluster)),
            Sight::Forbidden(error) => return Ok(Sight::Forbidden(error)),
        }
        Ok(Sight::Seen(()))
    }

    /// Adds all SealedSecrets of files and folders.
    pub(crate) fn add_files(&mut self, paths: &[String]) -> Result<(), CliError> {
        let found = tree::find(paths)?;
        let told = |(path, reason): &(PathBuf, String)| format!("{}: {reason}", path.display());
        self.unreadable.extend(found.unreadable.iter().map(told));
        for path in found.outside {
            ui::notice(&visible_name(&format!("warning: {}: {OUTSIDE}", path.display())));
        }
        for path in found.files {
            match in_file(&path) {
                Ok(objects) => self.objects.extend(objects),
                Err(reason) => self.unreadable.push(format!("{}: {reason}", path.display())),
            }
        }
        Ok(())
    }

    /// Tries the keys on every item.
    pub(crate) fn open(&self, keyring: &Keyring, ui: &Ui) -> Vec<Finding> {
        let progress = ui.progress("opening", self.objects.len());
        let opened = self.objects.par_iter().flat_map_iter(|object| {
            progress.step();
            object.open(keyring)
        });
        opened.collect()
    }
}

impl Object {
    fn open(&self, keyring: &Keyring) -> Vec<Finding> {
        let mut trials = Trials::default();
        let finding = |(item, value): &(String, String)| Finding {
            place: format!("{}{}, item {item}", self.file.as_deref().unwrap_or("cluster: "), self.name),
            in_cluster: self.file.is_none(),
            opener: match &self.label {
                Some(label) => opener(value, label, keyring, &mut trials),
                None => Opener::Unnamed,
            },
        };
        self.items.iter().map(finding).collect()
    }
}

fn opener(value: &str, label: &Label, keyring: &Keyring, trials: &mut Trials) -> Opener {
    let Ok(sealed) = SealedValue::from_base64(value) else { return Opener::NoKey };
    unseal_counted(&sealed, label, keyring, trials).map_or(Opener::NoKey, |opened| Opener::Key(opened.fingerprint))
}

fn in_cluster(object: &DynamicObject) -> Object {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (namespace, name) = (text(&object.metadata.namespace), text(&object.metadata.name));
    let scope = Scope::from_annotations(object.metadata.annotations.as_ref().unwrap_or(&BTreeMap::new()));
    let spec = |field: &str| object.data.pointer(&format!("/spec/{field}"));
    // An item that is no text is a sealed value that does not open.
    let text_of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let items = spec("encryptedData").and_then(Value::as_object).into_iter().flatten();
    let mut items: Vec<_> = items.map(|(item, value)| (item.clone(), text_of(value))).collect();
    // The deprecated form: one value that holds a whole Secret.
    items.extend(spec("data").filter(|blob| blob.is_string()).map(|blob| ("spec.data".to_owned(), text_of(blob))));
    let label = Some(Label::as_given(scope, &namespace, &name));
    Object { file: None, name: format!("{namespace}/{name}"), label, items }
}

/// Whether all that its values are bound to stands in the file.
fn is_named(object: &tree::SealedObject) -> bool {
    let stands = |text: &str| !text.is_empty() && !text.contains("{{");
    let (name, namespace) = (stands(&object.name), stands(&object.namespace));
    !object.templated
        && match object.scope {
            Scope::Strict => name && namespace,
            Scope::NamespaceWide => namespace,
            Scope::ClusterWide => true,
        }
}

fn in_file(path: &Path) -> Result<Vec<Object>, String> {
    let bytes = tree::read(path)?;
    if !manifest::may_hold_sealed(&bytes) {
        return Ok(Vec::new());
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| "is no UTF-8".to_owned())?;
    let edited = Edited::read(text).map_err(|error| error.to_string())?;
    let object = |object: tree::SealedObject| Object {
        file: Some(format!("{}: document {}, ", path.display(), object.document)),
        name: format!("{}/{}", object.namespace, object.name),
        label: Some(&object).filter(|object| is_named(object)).map(tree::SealedObject::label),
        items: object.items.into_iter().map(|item| (item.name, item.value)).collect(),
    };
    Ok(tree::objects(&edited).into_iter().map(object).collect())
}
