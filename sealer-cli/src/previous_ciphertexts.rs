//! Sealed values of a file that are sealed as they are already: their sealed text stays, so that Git shows no noise.
//!
//! Private keys at hand open the old ones. Without any, the cluster tells: its Secret has the value, and its SealedSecret,
//! which is in sync, has exactly the sealed text that stands in the file.

use std::collections::BTreeMap;

use sealer_core::unseal::{KeyTrials, unseal_with};
use sealer_core::{Keyring, Label, Plaintext, SealedValue};

use crate::cluster::live::Live;
use crate::cluster::{self, Choice, Cluster};
use crate::diagnostics::CliError;
use crate::key_files::{self, KeySources};
use crate::tree::SealedObject;
use crate::ui::Ui;

/// What a file held before.
pub(crate) struct PreviousCiphertexts {
    keyring: Keyring,
    objects: Vec<Old>,
}

struct Old {
    label: Label,
    name: String,
    namespace: String,
    items: BTreeMap<String, String>,
    /// None where nobody could be asked.
    live: Option<Live>,
}

impl PreviousCiphertexts {
    /// Gathers whatever can tell. Where nothing can, all values count as changed, and the user is told why.
    pub(crate) fn load(
        objects: &[SealedObject],
        keys: &KeySources,
        choice: &Choice,
        ui: &Ui,
    ) -> Result<Self, CliError> {
        let keyring = key_files::load(keys, ui)?;
        let mut objects: Vec<Old> =
            objects.iter().filter(|object| !object.templated).map(|it| Old::new(it, choice)).collect();
        if keyring.is_empty()
            && let Err(error) = look(&mut objects, choice)
        {
            ui.notice(&format!(
                "warning: nothing tells which values are unchanged, all are sealed anew: {}",
                error.message()
            ));
        }
        Ok(Self { keyring, objects })
    }

    /// The old sealed text of an item that has this value already.
    pub(crate) fn kept(&self, label: &Label, item: &str, value: &Plaintext) -> Option<String> {
        // A label of the whole cluster is the same for all objects: each one that has the item is asked.
        let mut fitting = self.objects.iter().filter(|old| old.label == *label);
        fitting.find_map(|old| old.kept(item, value, &self.keyring))
    }
}

impl Old {
    fn new(object: &SealedObject, choice: &Choice) -> Self {
        let namespace = match object.namespace.as_str() {
            "" => cluster::namespace(choice).map(|(namespace, _)| namespace).unwrap_or_default(),
            own => own.to_owned(),
        };
        Self {
            label: Label::new_unchecked(object.scope, &namespace, &object.name),
            name: object.name.clone(),
            namespace,
            items: object.items.iter().map(|item| (item.name.clone(), item.value.clone())).collect(),
            live: None,
        }
    }

    fn kept(&self, item: &str, value: &Plaintext, keyring: &Keyring) -> Option<String> {
        let text = self.items.get(item)?;
        let same = match &self.live {
            Some(live) => live.is_value_of(item, text, value),
            None => {
                let sealed = SealedValue::from_base64(text).ok()?;
                let opened = unseal_with(&sealed, &self.label, keyring, &mut KeyTrials::default()).ok()?;
                opened.plaintext.expose() == value.expose()
            }
        };
        same.then(|| text.clone())
    }
}

/// Looks at the objects in the cluster, if there are any to look for.
fn look(objects: &mut [Old], choice: &Choice) -> Result<(), CliError> {
    if objects.is_empty() {
        return Ok(());
    }
    let cluster = Cluster::connect(choice)?;
    for old in objects {
        old.live = cluster.live(&old.namespace, &old.name)?;
    }
    Ok(())
}
