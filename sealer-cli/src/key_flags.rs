//! The flags that name private keys, alike in every verb that opens values.

use sealer_go::pflag::{Flag, Kind, Values};

use crate::key_files::KeySources;

/// The rows that all commands with private keys share.
pub(crate) const TABLE: &[Flag] = &[
    Flag::new("backup", Kind::List, "", "Files that `sealer keys backup` wrote, with private keys that open values.")
        .without_variable(),
    PASSPHRASE_FILE,
    Flag::new(
        "private-key",
        Kind::List,
        "",
        "Files with private keys (PEM, key Secrets or Lists of them) that open values.",
    )
    .without_variable(),
];

/// The row of commands with an encrypted file.
pub(crate) const PASSPHRASE_FILE: Flag = Flag::new(
    "passphrase-file",
    Kind::Text,
    "",
    "File with the passphrase of a backup on its only line; without it the terminal asks.",
)
.without_variable();

/// What the flags name.
pub(crate) fn sources(values: &Values) -> KeySources {
    KeySources {
        files: [values.list("private-key"), values.list("backup")].concat(),
        passphrase_file: passphrase_file(values),
    }
}

/// The file with the passphrase.
pub(crate) fn passphrase_file(values: &Values) -> Option<String> {
    Some(values.text("passphrase-file").to_owned()).filter(|path| !path.is_empty())
}
