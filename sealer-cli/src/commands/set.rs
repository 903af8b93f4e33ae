//! `sealer set`: one item of a SealedSecret in a file, and nothing else of it.

use std::io::IsTerminal as _;
use std::path::Path;

use sealer_core::{Plaintext, seal};

use crate::args::cluster::ClusterArgs;
use crate::args::files::{FileArgs, non_empty};
use crate::args::keys::KeyArgs;
use crate::certificate;
use crate::cluster::Choice;
use crate::commands::rewrite::{Rewrite, Writing, WritingArgs};
use crate::commands::seal::usable::sealed_warning;
use crate::commands::target::{Target, TargetArgs};
use crate::commands::value::{self, Origin};
use crate::commands::{plaintext_leak, target};
use crate::diagnostics::{self, CliError};
use crate::input::{self, Input};
use crate::key_files::KeySources;
use crate::manifest::patch::{EditableText, PatchError, Replacement};
use crate::names;
use crate::previous_ciphertexts::PreviousCiphertexts;
use crate::prompt;
use crate::tree::{self, SealedObject};
use crate::ui::{self, Ui};

/// Seal one item of a SealedSecret in a file; nothing else in it changes.
///
/// Seals a value and puts it into the file: in the place of the item, or behind the others. Scope, name and namespace are those of
/// the document. The value is standard input as it is, line end and all, or `--from-file`; on a terminal it is asked for and not
/// seen. What a piped value may have by mistake, a line end or a mark, is told, and left out with `--trim`. Only the bytes of that
/// item change, proven by reading the file again; what is not certain is refused. An anchor, an alias or a template in its place
/// stays, and the file stays as it was.
///
/// With `--keep-unchanged` the sealed text stays if it is of the same value. A private key at hand tells, or else the cluster: its
/// Secret has the value, and its SealedSecret is in sync and has the sealed text of the file. Where nothing tells, the value is
/// sealed anew, with a warning.
#[derive(Debug, clap::Args)]
#[command(override_usage = "sealer set [FLAGS] FILE ITEM", after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Seal the value although another tool encrypted it.
    #[arg(long)]
    allow_encrypted_values: bool,
    /// Seal the value although it stands in an annotation of the file in clear text.
    #[arg(long)]
    allow_plaintext_annotations: bool,
    /// Certificate to seal with, a file or a URL, instead of the cluster's.
    #[arg(long, value_name = "FILE", env = "SEALED_SECRETS_CERT", hide_env = true)]
    cert: Option<String>,
    /// File with the value, byte for byte, instead of standard input.
    #[arg(long, value_name = "FILE")]
    from_file: Option<String>,
    /// Leave the sealed value if it is of the same value: as private keys at hand say, or the Secret in the cluster.
    #[arg(long)]
    keep_unchanged: bool,
    /// Of the value, leave out a byte order mark at its beginning and line ends at its end; UTF-16 becomes UTF-8.
    #[arg(long)]
    trim: bool,
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

/// Which item of which file is sealed, and what it is sealed with.
#[derive(Debug)]
struct Set {
    target: Target,
    item: String,
    /// Instead of standard input.
    from_file: Option<String>,
    /// Without a mark at the beginning of the value and without line ends at its end.
    trim: bool,
    keep_unchanged: bool,
    /// Although the value stands in an annotation.
    allow_plaintext_leak: bool,
    /// Although another tool encrypted the value.
    allow_encrypted: bool,
    keys: KeySources,
    /// Instead of the cluster's.
    certificate: Option<String>,
    writing: Writing,
    cluster: Choice,
}

impl Args {
    fn checked(self) -> Result<Set, CliError> {
        let ClusterArgs { choice, namespace } = self.cluster;
        let [file, item] = self.files.exactly("set", "a file and the name of an item", EXAMPLE)?;
        Ok(Set {
            target: self.target.of(file, namespace).map_err(|error| error.hint(EXAMPLE))?,
            item,
            from_file: non_empty(self.from_file).filter(|path| path != ui::STREAM),
            trim: self.trim,
            keep_unchanged: self.keep_unchanged,
            allow_plaintext_leak: self.allow_plaintext_annotations,
            allow_encrypted: self.allow_encrypted_values,
            keys: self.keys.0,
            certificate: non_empty(self.cert),
            writing: self.writing.into(),
            cluster: choice,
        })
    }
}

pub(crate) fn run(args: Args, ui: &mut Ui) -> Result<(), CliError> {
    set(&args.checked()?, ui)
}

fn set(request: &Set, ui: &mut Ui) -> Result<(), CliError> {
    let target = &request.target;
    target::check_item(&request.item)?;
    let file = Rewrite::read(&target.file)?;
    let edited = target::parsed(&target.file, file.text())?;
    let object = target::object(&edited, file.text(), target)?;
    let mut warnings: Vec<String> = target::misread(&edited, &object).into_iter().collect();
    let applied = tree::kustomized(&object, Path::new(&target.file));
    let label = target::label(&applied, request.cluster.namespace.as_deref())?;
    let certificate = certificate::load(request.certificate.as_deref(), &request.cluster)?;
    let value = given(request, &mut warnings)?;
    if let Some(leak) =
        plaintext_leak::find(&edited, &object, &request.item, &value).filter(|_| !request.allow_plaintext_leak)
    {
        leak.refused(&request.item)?;
        if ui::has_reader() {
            warnings.push(leak.told(&request.item));
        }
    }
    warnings.extend(value::encrypted(&value, request.allow_encrypted)?);
    let others = object.items.iter().filter(|item| item.name != request.item).map(|item| item.value.as_str());
    warnings.extend(sealed_warning(others, value.expose().len()));
    let place = format!("item `{}` of {}", target::item(&object, &request.item), target::full_name(&object));
    if request.keep_unchanged
        && PreviousCiphertexts::load(std::slice::from_ref(&applied), &request.keys, &request.cluster, ui)?
            .kept(&label, &request.item, &value)
            .is_some()
    {
        ui.notice(&format!("{place} is that value already; nothing changed"));
        return Ok(());
    }
    let sealed = seal(&value, &label, certificate.key()).map_err(|error| CliError::new(error.to_string()))?.to_base64();
    let mut done = "";
    file.finish_in_turn(request.writing, ui, |text| {
        let edited = target::parsed(&target.file, text)?;
        let object = target::object(&edited, text, target)?;
        let applied = tree::kustomized(&object, Path::new(&target.file));
        if target::label(&applied, request.cluster.namespace.as_deref())? != label {
            return Err(CliError::new(format!("{} was changed by somebody else meanwhile", target.file))
                .hint(target::UNTOUCHED));
        }
        let (new, what) =
            with(&edited, &object, &request.item, sealed).map_err(|error| target::refused(&target.file, &error))?;
        done = what;
        // Nothing is told of what is not sealed.
        warnings.iter().for_each(|warning| diagnostics::notice(&format!("warning: {warning}")));
        Ok(new)
    })?;
    ui.notice(&format!("{}{}", told(&place, done, request.writing), target::applied(&object, &applied)));
    Ok(())
}

/// The text with an item replaced or added, and which of both it was.
fn with(
    edited: &EditableText<'_>,
    object: &SealedObject,
    item: &str,
    sealed: String,
) -> Result<(String, &'static str), PatchError> {
    match object.items.iter().find(|known| known.name == item) {
        Some(known) => Ok((edited.with(&[Replacement { path: known.path.clone(), value: sealed }])?, "changed")),
        None => Ok((edited.with_entry(&object.entries(), item, &sealed)?, "added")),
    }
}

/// From the file, from what is piped in as it is, or typed without being seen; with what is odd about it.
fn given(request: &Set, warnings: &mut Vec<String>) -> Result<Plaintext, CliError> {
    let typed = request.from_file.is_none() && std::io::stdin().is_terminal();
    let value = if typed {
        let question = format!("value of `{}`: ", names::name(&request.item));
        // Whoever answers with nothing has thought better of it.
        let line = prompt::secret(&question).filter(|line| !line.is_empty()).ok_or_else(|| {
            CliError::new("no value was given").hint("an empty one is piped in: printf '' | sealer set FILE ITEM")
        })?;
        Plaintext::new(line.as_bytes().to_vec())
    } else {
        let (value, told) = value::taken(input::read(request.from_file.as_deref(), Input::Value)?, request.trim);
        warnings.extend(told.map(str::to_owned));
        value
    };
    let origin = if typed || request.from_file.is_some() { Origin::File } else { Origin::Piped };
    warnings.extend(value::oddities(&value, origin));
    if value.expose().is_empty() {
        warnings.push("the value is empty".to_owned());
    }
    Ok(value)
}

/// The outcome, or what it would have been.
pub(super) fn told(place: &str, done: &str, writing: Writing) -> String {
    if writing.dry_run { format!("{place} would be {done}") } else { format!("{place} {done}") }
}

const EXAMPLE: &str = "printf %s \"$VALUE\" | sealer set sealed.yaml password";
const EXAMPLES: &str = "Examples:
  printf %s \"$VALUE\" | sealer set sealed.yaml password
  sealer set sealed.yaml tls.key --from-file tls.key --cert cert.pem";
