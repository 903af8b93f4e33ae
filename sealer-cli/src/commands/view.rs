//! `sealer view`: what a file seals, for whom, and with which key; no value of it.

use sealer_core::unseal::{KeyTrials, unseal_with};
use sealer_core::{Keyring, Label, SealedValue};
use sealer_encoding::base64;
use serde_json::{Value, json};

use crate::args::files::FileArgs;
use crate::args::keys::KeyArgs;
use crate::args::output::Output;
use crate::commands::rewrite::Rewrite;
use crate::commands::target;
use crate::diagnostics::CliError;
use crate::encrypted::{self, Encrypted};
use crate::key_files;
use crate::tree::{self, SealedItem, SealedObject};
use crate::ui::Ui;

/// Say what a file seals, for whom, and with which key.
///
/// Prints of each SealedSecret its scope and label, and of each item the size of the sealed value and the key that opens it, if private
/// keys are at hand. No value is shown.
#[derive(Debug, clap::Args)]
#[command(override_usage = "sealer view [FLAGS] FILE", after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Form of the answer.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    files: FileArgs,
}

pub(crate) fn run(args: Args, ui: &mut Ui) -> Result<(), CliError> {
    let [file] = args.files.exactly("view", "a file", "sealer view sealed.yaml")?;
    let keyring = key_files::load(&args.keys.0, ui)?;
    let file = Rewrite::look(&file)?;
    let edited = target::parsed(file.name(), file.text())?;
    let objects = tree::objects(&edited);
    if objects.is_empty() {
        return Err(target::none(&edited, file.text(), file.name()));
    }
    let seen: Vec<Seen<'_>> = objects.iter().map(|object| Seen::of(object, &keyring)).collect();
    if args.output.is_json() {
        let all: Vec<Value> = seen.iter().map(Seen::json).collect();
        ui.write(format!("{}\n", Value::from(all)));
    } else {
        for (at, seen) in seen.iter().enumerate() {
            let gap = if at > 0 { "\n" } else { "" };
            ui.say(format!("{gap}{}", seen.text()));
        }
    }
    Ok(())
}

/// What can be known of an object.
struct Seen<'a> {
    object: &'a SealedObject,
    items: Vec<SeenItem<'a>>,
}

struct SeenItem<'a> {
    item: &'a SealedItem,
    /// Bytes of the sealed value; none if it is no sealed value.
    size: Option<usize>,
    /// Fingerprint of the key that opens it.
    key: Option<String>,
}

impl<'a> Seen<'a> {
    fn of(object: &'a SealedObject, keyring: &Keyring) -> Self {
        let (label, mut trials) = (object.label(), KeyTrials::default());
        let seen = |item: &'a SealedItem| {
            let sealed = SealedValue::from_base64(&item.value).ok();
            let size = sealed.as_ref().and_then(|_| base64::decode(&item.value).ok()).map(|bytes| bytes.len());
            let opened = sealed.and_then(|sealed| unseal_with(&sealed, &label, keyring, &mut trials).ok());
            SeenItem { item, size, key: opened.map(|opened| opened.fingerprint.to_string()) }
        };
        Self { object, items: object.items.iter().map(seen).collect() }
    }

    fn bound_to(&self) -> String {
        let object = self.object;
        let label = Label::new_unchecked(object.scope, &object.namespace, &object.name);
        String::from_utf8_lossy(label.as_bytes()).into_owned()
    }

    fn text(&self) -> String {
        let Self { object, items } = self;
        let label = match (object.templated, self.bound_to()) {
            (true, _) => "of a template".to_owned(),
            (false, label) if label.is_empty() => "empty".to_owned(),
            (false, label) => label,
        };
        let mut text = format!("{}\n  scope  {}\n  label  {label}\n", target::shown(object), object.scope);
        let width = items.iter().map(|item| item.item.name.len()).max().unwrap_or_default();
        for SeenItem { item, size, key } in items {
            let no_value = match encrypted::value(item.value.as_bytes()) {
                _ if item.templated => "of a template".to_owned(),
                Some(Encrypted::Certain(tool)) => format!("no sealed value: it {}", tool.told()),
                _ => "no sealed value".to_owned(),
            };
            let size = size.map_or(no_value, |size| format!("{size} bytes"));
            let key = key.as_deref().unwrap_or("unknown");
            text.push_str(&format!("  item   {:width$}  {size}  key {key}\n", item.name));
        }
        if items.is_empty() {
            text.push_str("  no items\n");
        }
        text
    }

    fn json(&self) -> Value {
        let Self { object, items } = self;
        let item = |seen: &SeenItem<'_>| json!({ "name": seen.item.name, "bytes": seen.size, "key": seen.key });
        json!({
            "document": object.document,
            "namespace": object.namespace,
            "name": object.name,
            "scope": object.scope.as_str(),
            "label": if object.templated { Value::Null } else { Value::from(self.bound_to()) },
            "items": items.iter().map(item).collect::<Vec<_>>(),
        })
    }
}

const EXAMPLES: &str = "Examples:
  sealer view sealed.yaml
  sealer view sealed.yaml --backup all.keys -o json";
