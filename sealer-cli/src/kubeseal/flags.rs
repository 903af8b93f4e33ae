//! The flags of `kubeseal`, and how they are told of.

use sealer_core::Scope;
use sealer_go::pflag::{Flag, Kind};

use crate::args::flags::ACCEPTED;
use crate::args::{cluster, keys};

/// All flags of the surface without verbs, by name.
pub(crate) fn table() -> Vec<Flag> {
    let mut table: Vec<Flag> = OWN.iter().chain(keys::TABLE).chain(cluster::TABLE).chain(KLOG).copied().collect();
    table.sort_by_key(|flag| flag.name);
    table
}

/// The names of the flags that are told of.
pub(super) fn shown(table: &[Flag]) -> impl Iterator<Item = &str> {
    table.iter().filter(|flag| !flag.help.is_empty()).map(|flag| flag.name)
}

/// Whether a flag, as messages name it, is a switch.
pub(super) fn is_switch(table: &[Flag], shown: &str) -> bool {
    let mut switches = table.iter().filter(|flag| flag.kind == Kind::Switch);
    switches.any(|flag| shown.ends_with(&format!("--{}", flag.name)))
}

/// One line a flag, in the layout of pflag.
pub(super) fn usage(table: &[Flag]) -> String {
    let head = |flag: &Flag| {
        let short = flag.short.map_or_else(|| "      ".to_owned(), |short| format!("  -{short}, "));
        format!("{short}--{}{}", flag.name, type_word(flag.kind))
    };
    let shown: Vec<&Flag> = table.iter().filter(|flag| !flag.help.is_empty()).collect();
    let width = shown.iter().map(|flag| head(flag).len()).max().unwrap_or_default() + 3;
    let line = |flag: &&Flag| format!("{:<width$}{}{}\n", head(flag), flag.help, default_note(flag));
    shown.iter().map(line).collect()
}

fn type_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Switch => "",
        Kind::Text | Kind::Words(_) | Kind::SourceLine | Kind::Levels => " string",
        Kind::Integer => " int",
        Kind::Number => " float",
        Kind::Duration => " duration",
        Kind::List => " strings",
        Kind::Repeated => " stringArray",
    }
}

fn default_note(flag: &Flag) -> String {
    match flag.kind {
        _ if flag.default.is_empty() || flag.default == "false" => String::new(),
        Kind::Text | Kind::Words(_) | Kind::SourceLine | Kind::Levels => format!(" (default {:?})", flag.default),
        Kind::Integer if flag.default == "0" => String::new(),
        _ => format!(" (default {})", flag.default),
    }
}

const TRIM: Flag = Flag::new(
    "trim",
    Kind::Switch,
    "",
    "Of the value, leave out a byte order mark at its beginning and line ends at its end; UTF-16 becomes UTF-8.",
)
.without_variable();

const OWN: &[Flag] = &[
    Flag::new("allow-empty-data", Kind::Switch, "", "Seal Secrets without any item."),
    Flag::new(
        "allow-encrypted-values",
        Kind::Switch,
        "",
        "Seal although another tool, such as SOPS, encrypted a value; it is sealed as it stands.",
    ),
    Flag::new(
        "allow-plaintext-annotations",
        Kind::Switch,
        "",
        "Seal although a value stands in clear text in an annotation.",
    ),
    Flag::new(
        "allow-unknown-fields",
        Kind::Switch,
        "",
        "Seal although the input has fields that no Secret has, or two values of one name; they are left out.",
    ),
    Flag::new("cert", Kind::Text, "", "File or URL of the certificate to seal with, instead of the cluster's."),
    Flag::new("fetch-cert", Kind::Switch, "", "Write the certificate that would be sealed with, and stop."),
    Flag::new("format", Kind::Text, "json", "Format of the output: json or yaml.").short('o'),
    Flag::new("from-file", Kind::List, "", "With --raw: the file with the value, as path or key=path."),
    Flag::new("help", Kind::Switch, "", "Print this text and exit."),
    Flag::new(
        "keep-unchanged",
        Kind::Switch,
        "",
        "With -w or --merge-into: leave sealed values of that file that are of the same value, as private keys at hand say, or the \
         Secret in the cluster.",
    )
    .without_variable(),
    Flag::new("merge-into", Kind::Text, "", "Add the sealed items to this file."),
    Flag::new("name", Kind::Text, "", "Name of the Secret."),
    Flag::new("raw", Kind::Switch, "", "Seal one value and write nothing but the sealed value."),
    Flag::new("re-encrypt", Kind::Switch, "", "Have the controller seal the input anew under its newest key."),
    Flag::new("recovery-private-key", Kind::List, "", "With --recovery-unseal: files with private keys."),
    Flag::new("recovery-unseal", Kind::Switch, "", "Open a SealedSecret with private keys at hand."),
    Flag::new("rotate", Kind::Switch, "", ""),
    Flag::new(
        "scope",
        Kind::Words(&Scope::WORDS),
        "strict",
        "Who may open the values: strict, namespace-wide or cluster-wide.",
    ),
    Flag::new("sealed-secret-file", Kind::Text, "", "File to write instead of standard output.").short('w'),
    Flag::new("secret-file", Kind::Text, "", "File to read instead of standard input.").short('f'),
    TRIM,
    Flag::new("validate", Kind::Switch, "", "Ask the controller whether the input opens."),
    Flag::new("version", Kind::Switch, "", "Print the version and exit."),
];

/// Flags of a logging library that existing scripts pass; they change nothing here.
const KLOG: &[Flag] = &[
    Flag::new("add_dir_header", Kind::Switch, "", ACCEPTED).without_variable(),
    Flag::new("alsologtostderr", Kind::Switch, "", ACCEPTED).without_variable(),
    Flag::new("alsologtostderrthreshold", Kind::Text, "", ACCEPTED).without_variable(),
    Flag::new("legacy_stderr_threshold_behavior", Kind::Switch, "true", ACCEPTED).without_variable(),
    Flag::new("log_backtrace_at", Kind::SourceLine, ":0", ACCEPTED).without_variable(),
    Flag::new("log_dir", Kind::Text, "", ACCEPTED).without_variable(),
    Flag::new("log_file", Kind::Text, "", ACCEPTED).without_variable(),
    Flag::new("log_file_max_size", Kind::Integer, "1800", ACCEPTED).without_variable(),
    Flag::new("logtostderr", Kind::Switch, "true", ACCEPTED).without_variable(),
    Flag::new("one_output", Kind::Switch, "", ACCEPTED).without_variable(),
    Flag::new("skip_headers", Kind::Switch, "", ACCEPTED).without_variable(),
    Flag::new("skip_log_headers", Kind::Switch, "", ACCEPTED).without_variable(),
    Flag::new("stderrthreshold", Kind::Text, "2", ACCEPTED).without_variable(),
    Flag::new("vmodule", Kind::Levels, "", ACCEPTED).without_variable(),
];
