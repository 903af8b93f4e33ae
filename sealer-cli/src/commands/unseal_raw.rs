//! `sealer unseal --raw`: one sealed value, opened offline, and nothing around it.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use sealer_core::unseal::{KeyTrials, unseal_with};
use sealer_core::{Keyring, Label, Plaintext, Scope, SealedValue};

use crate::args::files::FileArgs;
use crate::args::keys::KeyArgs;
use crate::diagnostics::CliError;
use crate::input::{self, Input};
use crate::key_files::{self, KeySources};
use crate::manifest;
use crate::names;
use crate::ui::{self, Ui};

/// Open one sealed value offline, with a private key at hand.
///
/// Reads one sealed value, as `--raw` writes it and as it stands in a file, from standard input or a file that is named, and writes
/// the value to standard output, byte for byte and nowhere else. No cluster is asked. The value opens under the scope, namespace
/// and name that it was sealed for; where it opens under another scope of these, the message says so. A whole SealedSecret
/// opens with `--recovery-unseal`.
#[derive(Debug, clap::Args)]
#[command(override_usage = "sealer unseal --raw [FLAGS] [FILE]", after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Name of the Secret that the value was sealed for.
    #[arg(long)]
    name: Option<String>,
    /// Namespace that the value was sealed for.
    #[arg(short, long, env = "SEALED_SECRETS_NAMESPACE", hide_env = true)]
    namespace: Option<String>,
    /// The input is one sealed value, and the output is the value.
    #[arg(long)]
    raw: bool,
    /// Scope that the value was sealed for.
    #[arg(long, value_name = "SCOPE", env = "SEALED_SECRETS_SCOPE", hide_env = true, default_value = "strict",
          value_parser = scopes())]
    scope: Scope,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    files: FileArgs,
}

/// Which value is opened, with which keys, and what it is bound to.
#[derive(Debug)]
struct Unseal {
    /// Instead of standard input.
    file: Option<String>,
    keys: KeySources,
    scope: Scope,
    /// Empty where the scope needs none.
    namespace: String,
    name: String,
}

impl Args {
    fn checked(self) -> Result<Unseal, CliError> {
        let wrong = |message: String| CliError::command_line(message).hint(EXAMPLE);
        if !self.raw {
            return Err(wrong("`sealer unseal` opens one sealed value, and --raw says so".to_owned())
                .hint("a whole SealedSecret: sealer --recovery-unseal --recovery-private-key key.pem -f sealed.yaml"));
        }
        let file = match self.files.all()?.as_slice() {
            [] => None,
            [file] => Some(file.clone()).filter(|file| file != ui::STREAM),
            [_, more, ..] => {
                let surplus = names::surplus(more);
                return Err(wrong(format!("`sealer unseal` reads one file, or standard input, and {surplus}")));
            }
        };
        let keys = self.keys.0;
        if keys.is_empty() {
            return Err(wrong("`sealer unseal` needs a private key: --private-key FILE, or --backup FILE".to_owned()));
        }
        if file.is_none() && keys.files.iter().any(|key| key == ui::STREAM) {
            return Err(wrong("standard input is the sealed value; the private key is to be a file".to_owned()));
        }
        let scope = self.scope;
        let bound = |flag: &str, given: Option<String>, is_needed: bool| match given.unwrap_or_default() {
            text if text.is_empty() && is_needed => {
                Err(wrong(format!("must provide the --{flag} flag with --raw and --scope {scope}")))
            }
            text => Ok(text),
        };
        let namespace = bound("namespace", self.namespace, scope.binds_namespace())?;
        let name = bound("name", self.name, scope.binds_name())?;
        Ok(Unseal { file, keys, scope, namespace, name })
    }
}

fn scopes() -> impl TypedValueParser<Value = Scope> {
    PossibleValuesParser::new(Scope::WORDS).map(|word| word.parse().unwrap_or_default())
}

pub(crate) fn run(args: Args, ui: &mut Ui) -> Result<(), CliError> {
    unseal_value(&args.checked()?, ui)
}

fn unseal_value(request: &Unseal, ui: &mut Ui) -> Result<(), CliError> {
    let keyring = key_files::load(&request.keys, ui)?;
    let sealed = sealed(request, ui)?;
    let value = opened(&sealed, request, request.scope, &keyring).ok_or_else(|| closed(&sealed, request, &keyring))?;
    // It stays in memory until it is written.
    ui.write(value.expose());
    Ok(())
}

/// The sealed value, as it was copied from wherever it stood.
fn sealed(request: &Unseal, ui: &Ui) -> Result<SealedValue, CliError> {
    if request.file.is_none() {
        ui.notice_terminal("(tty detected: expecting a sealed value in stdin)");
    }
    let bytes = input::read_text(request.file.as_deref(), Input::Sealed)?;
    let source = request.file.as_deref().unwrap_or("stdin");
    let whole = "a whole SealedSecret: sealer --recovery-unseal --recovery-private-key FILE -f sealed.yaml";
    if manifest::holds(&bytes, "encryptedData") {
        return Err(CliError::new(format!("{source} is a manifest, not one sealed value"))
            .hint("give the text of one item alone, without its name")
            .hint(whole));
    }
    let is_around = |letter: &char| letter.is_whitespace() || matches!(letter, '"' | '\'');
    let text: String = String::from_utf8_lossy(&bytes).chars().filter(|letter| !is_around(letter)).collect();
    if text.is_empty() {
        return Err(CliError::new(format!("{source} is empty")).hint("pipe in the sealed value, as --raw writes it"));
    }
    SealedValue::from_base64(&text).map_err(|error| {
        CliError::new(format!("{source} is no sealed value: {error}"))
            .hint("give the text of one item, whole and without its name; it begins with Ag, or AQ for small keys")
            .hint(whole)
    })
}

/// What to look at where no scope opens it: only what the value is bound to under that scope.
fn unopened(scope: Scope, error: CliError) -> CliError {
    let right_key = "is it the key of the cluster that it was sealed for";
    match scope {
        Scope::Strict => error
            .hint(format!("{right_key}, and were namespace and name the same?"))
            .hint("a value opens under the name of its SealedSecret, not of the item"),
        Scope::NamespaceWide => error.hint(format!("{right_key}, and was the namespace the same?")),
        Scope::ClusterWide => error
            .hint(format!("{right_key}?"))
            .hint("one that was sealed for another scope opens with --scope, and the names of that scope"),
    }
}

fn opened(sealed: &SealedValue, request: &Unseal, scope: Scope, keyring: &Keyring) -> Option<Plaintext> {
    let label = Label::new_unchecked(scope, &request.namespace, &request.name);
    unseal_with(sealed, &label, keyring, &mut KeyTrials::default()).ok().map(|opened| opened.plaintext)
}

/// Why it does not open, as far as the scopes of the same names tell.
fn closed(sealed: &SealedValue, request: &Unseal, keyring: &Keyring) -> CliError {
    let Unseal { scope, namespace, name, .. } = request;
    let bound = match scope {
        Scope::Strict => format!(" for {}/{}", names::name(namespace), names::name(name)),
        Scope::NamespaceWide => format!(" for namespace {}", names::name(namespace)),
        Scope::ClusterWide => String::new(),
    };
    let error = CliError::new(format!("no key at hand opens the value as {scope}{bound}"));
    let can_be = |other: &Scope| {
        (!other.binds_namespace() || !namespace.is_empty()) && (!other.binds_name() || !name.is_empty())
    };
    let mut others = Scope::ALL.into_iter().filter(|other| other != scope && can_be(other));
    match others.find(|other| opened(sealed, request, *other, keyring).is_some()) {
        Some(other) => error.hint(format!("it opens with --scope {other}")),
        None => unopened(*scope, error),
    }
}

const EXAMPLE: &str = "sealer unseal --raw --private-key key.pem --namespace shop --name db < sealed-value";
const EXAMPLES: &str = "Examples:
  sealer unseal --raw --private-key key.pem --namespace shop --name db < sealed-value
  sealer unseal --raw --backup all.keys --scope cluster-wide sealed-value.txt";
