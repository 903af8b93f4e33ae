//! What the surface without verbs asks for, checked: every conflict between flags is found here and before anything is touched.

use sealer_core::Scope;

use crate::cluster::Choice;
use crate::diagnostics::CliError;
use crate::key_files::KeySources;
use crate::manifest::Format;
use crate::names;

/// A word that was passed over, and what was probably meant by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Word {
    /// In one line.
    pub(crate) fn told(&self) -> String {
        let Self { message, hint } = self;
        format!("{message}; {hint}")
    }

    /// As the error that it is where there are commands.
    pub(crate) fn refused(&self) -> CliError {
        CliError::command_line(self.message.clone()).hint(self.hint.clone())
    }
}

/// The modes of the surface without verbs.
#[derive(Debug)]
pub(crate) enum Mode {
    Seal,
    MergeInto { path: String },
    Unseal { key_files: Vec<String> },
    Raw { value: RawValue },
    FetchCertificate,
    Validate,
    ReEncrypt,
}

/// Where the value of `--raw` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RawValue {
    Stdin,
    File(String),
    /// The file of `--from-file`, which is mistaken for kubectl's `--from-literal`.
    Given {
        path: String,
        /// It stood behind a name and `=`.
        is_pair: bool,
    },
    /// In that file, unless something is piped in: scripts under the old name pass both.
    PipedOr(String),
}

/// A command of the surface without verbs.
#[derive(Debug)]
pub(crate) struct Compat {
    pub(crate) mode: Mode,
    pub(crate) cluster: Choice,
    pub(crate) certificate: Option<String>,
    pub(crate) input: Option<String>,
    pub(crate) output: Option<String>,
    pub(crate) format: String,
    /// A flag or variable says it.
    pub(crate) is_format_named: bool,
    pub(crate) name: String,
    pub(crate) scope: ScopeChoice,
    /// What tells which values of the file that is there are unchanged, so that their sealed text stays.
    pub(crate) kept: Option<KeySources>,
    pub(crate) allow_empty_data: bool,
    /// What another tool encrypted is sealed as it stands, with a warning.
    pub(crate) allow_encrypted_values: bool,
    pub(crate) allow_plaintext_annotations: bool,
    /// What is no field of a Secret is left out with a warning, whatever stands there.
    pub(crate) allow_unknown_fields: bool,
    /// With `--raw`: without a mark at the beginning of the value and without line ends at its end.
    pub(crate) trim: bool,
    /// Called by the old name, by scripts that are not to hear anything new.
    pub(crate) has_old_name: bool,
    pub(crate) warnings: Vec<String>,
    /// Private keys were named, and nothing is opened with them.
    pub(crate) ignores_keys: bool,
    /// Words that were passed over, with what was probably meant.
    pub(crate) words: Vec<Word>,
}

/// The scope that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopeChoice {
    /// None was named: the annotations of the input say it.
    Annotations,
    /// It was named, and wins over annotations.
    Named(Scope),
}

impl ScopeChoice {
    /// The scope of a value that has no annotations around it.
    pub(crate) fn of_bare_value(self) -> Scope {
        match self {
            Self::Annotations => Scope::Strict,
            Self::Named(scope) => scope,
        }
    }
}

impl Compat {
    /// The format to write. The output file's ending wins over the flag.
    pub(crate) fn format(&self) -> Result<Format, CliError> {
        let ending = |path: &String| path.ends_with(".yaml") || path.ends_with(".yml");
        if self.output.as_ref().is_some_and(ending) {
            return Ok(Format::Yaml);
        }
        match self.format.to_lowercase().as_str() {
            "json" | "" => Ok(Format::Json),
            "yaml" => Ok(Format::Yaml),
            _ => {
                let format = names::short_word(&self.format);
                Err(CliError::new(format!("unsupported output format: {format}")).hint("use -o json or -o yaml"))
            }
        }
    }
}
