//! Who can say whether a value opens: private keys at hand, or those of the cluster, or its controller, or nobody.

use std::path::Path;

use sealer_core::unseal::KeyTrials;
use sealer_core::{Fingerprint, Keyring, SealedValue, unseal};
use sealer_resource::explain::{Effort, explain};
use sealer_resource::key_secret;
use sealer_resource::unseal::{OpenOptions, open};
use sealer_resource::{SealedSecret, SealedSecretSpec};
use serde_json::{Map, Value};

use super::Explain;
use super::cluster::Controller;
use super::{Asked, Finding, RENDERED, Verdict};
use crate::cluster::Cluster;
use crate::cluster::objects::Access;
use crate::diagnostics::CliError;
use crate::key_files;
use crate::manifest::patch::Tree;
use crate::tree::{SealedItem, SealedObject};
use crate::ui::Ui;

pub(super) struct Diagnoser {
    keyring: Keyring,
    /// Where no file with keys was named.
    controller: Option<Controller>,
    /// Why nobody could be asked.
    unasked: Option<String>,
}

impl Diagnoser {
    pub(super) fn of(request: &Explain, ui: &Ui) -> Result<Self, CliError> {
        let mut diagnoser = Self { keyring: Keyring::default(), controller: None, unasked: None };
        if !request.keys.is_empty() {
            diagnoser.keyring = key_files::load(&request.keys, ui)?;
            return Ok(diagnoser);
        }
        match Cluster::connect(&request.cluster) {
            Ok(cluster) => {
                // Most users may not read them; then the controller is asked.
                diagnoser.keyring = of_cluster(&cluster);
                diagnoser.controller = Some(Controller::of(cluster));
            }
            Err(error) => diagnoser.unasked = Some(error.message().to_owned()),
        }
        Ok(diagnoser)
    }

    pub(super) fn has_keys(&self) -> bool {
        !self.keyring.is_empty()
    }

    pub(super) fn holds(&self, fingerprint: &Fingerprint) -> bool {
        self.keyring.get(fingerprint).is_some()
    }

    pub(super) fn controller(&self) -> Option<&Controller> {
        self.controller.as_ref()
    }

    /// Whether a key at hand opens the first of its values.
    pub(super) fn opens(&self, object: &SealedObject) -> bool {
        let sealed = object.items.first().and_then(|item| SealedValue::from_base64(&item.value).ok());
        sealed.is_some_and(|sealed| unseal(&sealed, &object.label(), &self.keyring).is_ok())
    }

    pub(super) fn verdict(&self, asked: &Asked<'_>, item: &SealedItem) -> Verdict {
        match &self.controller {
            _ if self.has_keys() => tried(asked, item, &self.keyring, || self.names(asked)),
            Some(controller) => controller.verdict(asked, item),
            None => Verdict::Unknown,
        }
    }

    /// What the cluster says of the object itself.
    pub(super) fn of_object(&self, asked: &Asked<'_>) -> Vec<Finding> {
        self.controller.as_ref().map(|controller| controller.of_object(asked)).unwrap_or_default()
    }

    pub(super) fn cannot_tell(&self, count: usize) -> CliError {
        let why = self.unasked.clone().or_else(|| self.controller.as_ref()?.unasked());
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        let hint = if self.has_keys() {
            RENDERED
        } else {
            "give the private keys with --private-key or --backup, or a cluster with --context"
        };
        CliError::new(format!("whether {count} values open cannot be told{why}")).hint(hint)
    }

    /// Names that the object may have had: of its neighbours, of its file, and of its items.
    fn names(&self, asked: &Asked<'_>) -> Vec<String> {
        let file = Path::new(asked.file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let mut names: Vec<String> = file.into_iter().collect();
        names.extend(asked.names.iter().cloned());
        names.extend(asked.object.items.iter().map(|item| item.name.clone()));
        if let Some(controller) = &self.controller {
            names.extend(controller.neighbours(&asked.object.namespace));
        }
        names
    }
}

/// The keys of the controller, for those who may read them.
fn of_cluster(cluster: &Cluster) -> Keyring {
    let secrets = cluster.key_secrets().and_then(Access::required).unwrap_or_default();
    let keys = secrets.iter().filter_map(|secret| key_secret::read(secret).ok());
    Keyring::new(keys.map(|key| key.entry()).collect())
}

/// Tries the keys on one item, under its own label and then under those that mistakes are made of.
fn tried(asked: &Asked<'_>, item: &SealedItem, keyring: &Keyring, names: impl FnOnce() -> Vec<String>) -> Verdict {
    let sealed = sealed_secret(asked, item);
    let Ok(label) = sealed.label() else { return Verdict::Unknown };
    let options = OpenOptions { accept_v1_data: false, rendering: None };
    let error = match open(&label, &sealed.spec, keyring, &options) {
        Ok(opened) => return Verdict::Opens(opened.keys.first().map(ToString::to_string)),
        Err(error) => error,
    };
    let explained = explain(&error, &sealed, &names(), keyring, &mut KeyTrials::default(), Effort::THOROUGH);
    let explained = explained.filter(|explanation| !explanation.is_guess());
    Verdict::Closed(match explained.map(|explanation| explanation.to_string()) {
        Some(text) => {
            let (sentence, remedy) = text.split_once("; ").unwrap_or((&text, "seal it again"));
            let command = if remedy.contains("seal it again") { asked.seals(&item.name) } else { String::new() };
            Finding::new(in_full(sentence, asked), format!("{remedy}{command}"))
        }
        None => Finding::new(
            format!(
                "opens with no key at hand ({} tried) for any likely name, namespace or scope: most likely it is sealed for \
                 another cluster, or for a name that nothing here tells",
                keyring.entries().len()
            ),
            asked.seal_again(&item.name),
        ),
    })
}

/// What a controller keeps to itself, the reader of the file may know.
fn in_full(sentence: &str, asked: &Asked<'_>) -> String {
    let template = asked.tree().and_then(|tree| tree.field("spec")?.field("template")?.field("metadata"));
    let namespace = template.and_then(|tree| tree.field("namespace")).and_then(Tree::text).unwrap_or_default();
    sentence
        .replace(
            "another namespace, the one in spec.template",
            &format!("namespace `{namespace}`, the one in spec.template"),
        )
        .replace("a key this cluster does not have", "a key that is not at hand")
}

/// The object with this one item, as a cluster would have it.
fn sealed_secret(asked: &Asked<'_>, item: &SealedItem) -> SealedSecret {
    let object = asked.object;
    let mut spec = SealedSecretSpec::default();
    spec.encrypted_data.insert(item.name.clone(), item.value.clone());
    let template = asked.tree().and_then(|tree| tree.field("spec")?.field("template")?.field("metadata"));
    let text = |name: &str| Some(Value::from(template?.field(name).and_then(Tree::text)?));
    let named = ["name", "namespace"].into_iter().filter_map(|name| Some((name.to_owned(), text(name)?)));
    spec.template.metadata = Some(named.collect::<Map<_, _>>());
    let mut sealed = SealedSecret::new(&object.name, spec);
    sealed.metadata.namespace = Some(object.namespace.clone());
    sealed.metadata.annotations = object.scope.annotation().map(|name| [(name.to_owned(), "true".to_owned())].into());
    sealed
}
