//! `sealer edit`: the items of a SealedSecret in an editor; only what changed is sealed anew.

mod editor;
mod form;
#[cfg(unix)]
mod leftovers;
mod memory;
mod overwrite;
mod scratch;

use std::io::IsTerminal as _;
use std::path::Path;

use sealer_core::unseal::{KeyTrials, unseal_with};
use sealer_core::{Certificate, Keyring, Label, Plaintext, SealedValue, seal};
use zeroize::Zeroizing;

use crate::args::Variable;
use crate::args::cluster::ClusterArgs;
use crate::args::files::{FileArgs, non_empty};
use crate::args::keys::KeyArgs;
use crate::certificate;
use crate::cluster::Choice;
use crate::commands::rewrite::{Rewrite, Writing, WritingArgs};
use crate::commands::seal::usable::sealed_warning;
use crate::commands::target::{Target, TargetArgs};
use crate::commands::{plaintext_leak, target};
use crate::diagnostics::CliError;
use crate::encrypted::{self, Encrypted};
use crate::key_files::{self, KeySources};
use crate::manifest::patch::{EditableText, PatchError, Replacement, Step};
use crate::tree::{self, SealedItem, SealedObject};
use crate::ui::Ui;

use form::{Entry, Shown};
use scratch::Scratch;

/// Reads a text as an editor gives it back, writes it as it is shown, and says whether it then reads the same.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn reads_back(text: &str) -> Option<bool> {
    form::read(&form::without_reason(&form::with_reason(text, "x")), &[]).ok().map(|entries| {
        let again = form::read(&form::write("# head\n", &entries), &[]).unwrap_or_default();
        let same = |(one, other): (&Entry, &Entry)| match (&one.shown, &other.shown) {
            (Shown::Clear(one_value), Shown::Clear(other_value)) => {
                one.name == other.name && one_value.expose() == other_value.expose()
            }
            _ => false,
        };
        entries.len() == again.len() && entries.iter().zip(&again).all(same)
    })
}

/// Edit the items of a SealedSecret in an editor; only what changed is sealed anew.
///
/// Opens the items in `VISUAL`, `EDITOR` or `vi`. Without a private key values show as `<sealed>`; a value that is written in its
/// place is sealed, lines that are added or taken out are items, and all else stays. With keys values show in clear. Every value is
/// taken as the text that stands there; `!!binary` and base64 is one that is no text.
///
/// The editor's file has mode 0600 in a folder of mode 0700, in memory where there is such a folder (`/dev/shm`,
/// `XDG_RUNTIME_DIR`), else in `TMPDIR` with a warning. Everything in that folder is overwritten and removed after, also when
/// the editor fails or a signal comes. An edit that cannot be read opens again on a terminal; left as it is, it is given up, and
/// the file stays as it was.
#[derive(Debug, clap::Args)]
#[command(override_usage = "sealer edit [FLAGS] FILE", after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Certificate to seal with, a file or a URL, instead of the cluster's.
    #[arg(long, value_name = "FILE", env = "SEALED_SECRETS_CERT", hide_env = true)]
    cert: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    writing: WritingArgs,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    files: FileArgs,
}

/// What is edited, with what, and where values may be written for it.
#[derive(Debug)]
struct Edit {
    target: Target,
    /// With them values show in clear.
    keys: KeySources,
    certificate: Option<String>,
    writing: Writing,
    cluster: Choice,
    /// A command of the shell.
    editor: String,
    /// Where values may be written for the editor: the first folder in memory, or else the last one.
    folders: Vec<String>,
}

impl Args {
    fn checked(self, variable: Variable<'_>) -> Result<Edit, CliError> {
        let [file] = self.files.exactly("edit", "a file", EXAMPLE)?;
        let set = |name: &str| variable(name).filter(|text| !text.trim().is_empty());
        let on_disk = set("TMPDIR").unwrap_or_else(|| "/tmp".to_owned());
        let folders = [Some("/dev/shm".to_owned()), set("XDG_RUNTIME_DIR"), Some(on_disk)];
        let ClusterArgs { choice, namespace } = self.cluster;
        Ok(Edit {
            target: self.target.of(file, namespace).map_err(|error| error.hint(EXAMPLE))?,
            keys: self.keys.0,
            certificate: non_empty(self.cert),
            writing: self.writing.into(),
            cluster: choice,
            editor: set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".to_owned()),
            folders: folders.into_iter().flatten().collect(),
        })
    }
}

pub(crate) fn run(args: Args, variable: Variable<'_>, ui: &mut Ui) -> Result<(), CliError> {
    edit_file(&args.checked(variable)?, ui)
}

fn edit_file(request: &Edit, ui: &mut Ui) -> Result<(), CliError> {
    let target = &request.target;
    let file = Rewrite::read(&target.file)?;
    let edited = target::parsed(&target.file, file.text())?;
    let object = target::object(&edited, file.text(), target)?;
    if let Some(misread) = target::misread(&edited, &object) {
        ui.notice(&format!("warning: {misread}"));
    }
    let applied = tree::kustomized(&object, Path::new(&target.file));
    let label = target::label(&applied, request.cluster.namespace.as_deref())?;
    let keyring = key_files::load(&request.keys, ui)?;
    // Before anything is typed in vain.
    let certificate = certificate::load(request.certificate.as_deref(), &request.cluster)?;
    let old = shown(&object, &label, &keyring, ui);
    let head = form::head(&target::shown(&object), object.scope, &target.file, !keyring.is_empty());
    let new = edit(request, &form::write(&head, &old), &old, ui)?;
    let Some(new) = new else {
        ui.notice("nothing changed");
        return Ok(());
    };
    let plan = Plan::of(&old, &new);
    for (item, value) in plan.values() {
        if let Some(leak) = plaintext_leak::find(&edited, &object, item, value) {
            ui.notice(&format!("warning: {}", leak.told(item)));
        }
    }
    let text = plan.applied(file.text(), &object, &label, &certificate).map_err(|error| match error {
        Refused::Seal(error) => error,
        Refused::Patch(error) => target::refused(&target.file, &error),
    })?;
    drop(edited);
    let after = target::parsed(&target.file, &text)?;
    let after = target::object(&after, &text, target)?;
    if let Some(warning) = sealed_warning(after.items.iter().map(|item| item.value.as_str()), 0) {
        ui.notice(&format!("warning: {warning}"));
    }
    file.finish(&text, request.writing, ui)?;
    let would = if request.writing.dry_run { "would be " } else { "" };
    let applied = target::applied(&object, &applied);
    ui.notice(&format!("{}: {would}{}{applied}", target::full_name(&object), plan.told()));
    Ok(())
}

/// What the editor shows of each item: its value if a key at hand opens it.
fn shown(object: &SealedObject, label: &Label, keyring: &Keyring, ui: &Ui) -> Vec<Entry> {
    let mut trials = KeyTrials::default();
    let mut value = |item: &SealedItem| {
        let sealed = SealedValue::from_base64(&item.value).ok()?;
        Some(unseal_with(&sealed, label, keyring, &mut trials).ok()?.plaintext)
    };
    let entry = |item: &SealedItem| {
        let shown = value(item).map_or(Shown::Sealed, Shown::Clear);
        if !keyring.is_empty() && matches!(shown, Shown::Sealed) {
            ui.notice(&format!("warning: no key at hand opens item `{}`; it shows as <sealed>", item.name));
        }
        Entry { name: item.name.clone(), shown }
    };
    object.items.iter().map(entry).collect()
}

/// Has the text edited until it can be read; none if it stays as it is.
fn edit(request: &Edit, text: &str, old: &[Entry], ui: &Ui) -> Result<Option<Vec<Entry>>, CliError> {
    let ends = editor::Ends::watch()?;
    let scratch = Scratch::new(&request.folders)?;
    if !scratch.is_in_memory() {
        ui.notice(
            "warning: there is no folder in memory; values pass through a file on disk, which is overwritten after",
        );
    }
    let mut given = Zeroizing::new(text.to_owned());
    scratch.write(&given)?;
    loop {
        ends.run(&request.editor, scratch.file())?;
        let edited = form::without_reason(&scratch.read()?);
        if *edited == *given {
            let untouched = *given == text;
            return if untouched { Ok(None) } else { Err(CliError::new(GIVEN_UP).hint(target::UNTOUCHED)) };
        }
        match form::read(&edited, old).and_then(|new| refuse_encrypted(old, new)) {
            Ok(new) => return Ok(Some(new)),
            Err(reason) if std::io::stdin().is_terminal() => {
                scratch.write(&form::with_reason(&edited, &reason))?;
                given = edited;
            }
            Err(reason) => {
                return Err(CliError::new(format!("the edit cannot be used: {reason}")).hint(target::UNTOUCHED));
            }
        }
    }
}

/// A value that another tool encrypted is what a program would read in the cluster. One that was sealed so stays.
fn refuse_encrypted(old: &[Entry], new: Vec<Entry>) -> Result<Vec<Entry>, String> {
    let told = Plan::of(old, &new).values().find_map(|(item, value)| match encrypted::value(value.expose())? {
        Encrypted::Certain(tool) => {
            Some(format!("item `{item}` {}; `sealer set --allow-encrypted-values` seals it as it stands", tool.told()))
        }
        Encrypted::Possible(_) => None,
    });
    told.map_or(Ok(new), Err)
}

/// What is to be done with the items.
struct Plan<'a> {
    changed: Vec<(&'a str, &'a Plaintext)>,
    added: Vec<(&'a str, &'a Plaintext)>,
    removed: Vec<&'a str>,
}

enum Refused {
    Seal(CliError),
    Patch(PatchError),
}

impl<'a> Plan<'a> {
    fn of(old: &'a [Entry], new: &'a [Entry]) -> Self {
        let find = |all: &'a [Entry], name: &str| all.iter().find(|entry| entry.name == name);
        let (mut changed, mut added) = (Vec::new(), Vec::new());
        for Entry { name, shown } in new {
            let Shown::Clear(value) = shown else { continue };
            match find(old, name) {
                None => added.push((name.as_str(), value)),
                Some(Entry { shown: Shown::Clear(before), .. }) if before.expose() == value.expose() => {}
                Some(_) => changed.push((name.as_str(), value)),
            }
        }
        let removed = old.iter().map(|entry| entry.name.as_str()).filter(|name| find(new, name).is_none()).collect();
        Self { changed, added, removed }
    }

    /// What is going to be sealed.
    fn values(&self) -> impl Iterator<Item = &(&'a str, &'a Plaintext)> {
        self.changed.iter().chain(&self.added)
    }

    /// The text with all of it done. Each step is proven by itself.
    fn applied(
        &self,
        text: &str,
        object: &SealedObject,
        label: &Label,
        certificate: &Certificate,
    ) -> Result<String, Refused> {
        let sealed = |value: &Plaintext| {
            let sealed = seal(value, label, certificate.key());
            sealed.map(|sealed| sealed.to_base64()).map_err(|error| Refused::Seal(CliError::new(error.to_string())))
        };
        let map = object.entries();
        let path = |name: &str| -> Vec<Step> { map.iter().cloned().chain([Step::name(name)]).collect() };
        let replacements =
            self.changed.iter().map(|(name, value)| Ok(Replacement { path: path(name), value: sealed(value)? }));
        let replacements = replacements.collect::<Result<Vec<_>, Refused>>()?;
        let mut text =
            EditableText::read(text).and_then(|edited| edited.with(&replacements)).map_err(Refused::Patch)?;
        for (name, value) in &self.added {
            let sealed = sealed(value)?;
            text = EditableText::read(&text)
                .and_then(|edited| edited.with_entry(&map, name, &sealed))
                .map_err(Refused::Patch)?;
        }
        for name in &self.removed {
            text = EditableText::read(&text)
                .and_then(|edited| edited.without_entry(&path(name)))
                .map_err(Refused::Patch)?;
        }
        Ok(text)
    }

    fn told(&self) -> String {
        let names = |pairs: &[(&'a str, &'a Plaintext)]| pairs.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        let parts =
            [("changed", names(&self.changed)), ("added", names(&self.added)), ("removed", self.removed.clone())];
        let said = parts.iter().filter(|(_, names)| !names.is_empty());
        let said: Vec<String> = said.map(|(what, names)| format!("{what} {}", names.join(", "))).collect();
        if said.is_empty() { "nothing changed".to_owned() } else { said.join("; ") }
    }
}

const GIVEN_UP: &str = "the edit was given up where it could not be used";
const EXAMPLE: &str = "sealer edit sealed.yaml";
const EXAMPLES: &str = "Examples:
  sealer edit sealed.yaml
  sealer edit sealed.yaml --private-key keys.yaml --diff";
