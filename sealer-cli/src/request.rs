//! What is asked for, checked: every conflict between flags is found here and before anything is touched.

use std::path::PathBuf;

use sealer_core::Scope;

use crate::cli::words::Word;
use crate::cluster::Choice;
use crate::diagnostics::CliError;
use crate::key_files::KeySources;
use crate::names;
use crate::tree::Search;

pub(crate) mod items;
pub(crate) mod keys;

/// One command.
#[derive(Debug)]
pub(crate) enum Request {
    /// Text to print.
    Print(String),
    /// How the surface without verbs is used, and whether there are verbs beside it.
    Usage { text: String, verbs: bool },
    /// The completion script of a shell.
    Completions { shell: String },
    /// The manual page.
    Man,
    /// Anything that writes sealed documents or a certificate.
    Compat(Box<Compat>),
    /// The sealing keys of a cluster.
    Keys(Box<keys::Keys>),
    /// Seal the values of files anew.
    Reseal(Box<Reseal>),
    /// Bring files to another cluster.
    Move(Move),
    /// Set one item of a file.
    Set(Box<items::Set>),
    /// Take one item out of a file.
    Unset(items::Unset),
    /// Edit the items of a file.
    Edit(Box<items::Edit>),
    /// Open one value with private keys.
    Unseal(items::Unseal),
    /// Say what a file seals.
    View(items::View),
    /// Say why values do not open.
    Explain(Box<items::Explain>),
    /// Look at the templates of files.
    TemplateCheck(TemplateCheck),
}

/// Which files to seal anew, for whom, and opened how.
#[derive(Debug)]
pub(crate) struct Reseal {
    pub(crate) search: Search,
    /// Instead of the cluster's newest.
    pub(crate) certificate: Option<String>,
    /// Without any, here or in a cluster, the controller opens.
    pub(crate) keys: KeySources,
    /// The cluster whose key Secrets open values, with the user's own rights.
    pub(crate) keys_in: Option<Choice>,
    pub(crate) check: bool,
    pub(crate) dry_run: bool,
    pub(crate) diff: bool,
    pub(crate) json: bool,
    /// Where it is written down which values are sealed for which key.
    pub(crate) record: Option<PathBuf>,
    pub(crate) cluster: Choice,
}

/// How files come to open in another cluster.
#[derive(Debug)]
pub(crate) enum Move {
    /// They are sealed for it.
    Reseal(Box<Reseal>),
    /// They stay as they are, and it gets the old keys.
    RestoreKeys { keys: Box<keys::Restore>, paths: Vec<String> },
}

impl Reseal {
    /// For the cluster's newest key, opened and sealed by its controller.
    pub(crate) fn after(rotate: &keys::Rotate) -> Self {
        Self {
            search: rotate.reseal.clone(),
            certificate: None,
            keys: KeySources::default(),
            keys_in: None,
            check: false,
            dry_run: rotate.dry_run,
            diff: rotate.diff,
            json: rotate.json,
            record: rotate.record.clone(),
            cluster: rotate.cluster.clone(),
        }
    }

    /// Whether private keys are at hand.
    pub(crate) fn is_offline(&self) -> bool {
        !self.keys.is_empty() || self.keys_in.is_some()
    }

    /// Whether files are changed.
    pub(crate) fn writes(&self) -> bool {
        !self.check && !self.dry_run
    }
}

/// Which templates to look at, and how.
#[derive(Debug)]
pub(crate) struct TemplateCheck {
    pub(crate) files: Vec<String>,
    /// Whether warnings fail.
    pub(crate) strict: bool,
    /// Whether functions that make keys or are slow may be called.
    pub(crate) expensive: bool,
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

/// How documents are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Yaml,
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
