//! What the manual says of the verbs of `sealer keys`, and the flags of each.

use sealer_go::pflag::{Flag, Kind};
use sealer_resource::key_secret;

use super::KeysVerb;
use crate::cli::{EXCLUDE, HELP, MAX_TRIES, OUTPUT, SEALED_FOR};
use crate::key_flags;

/// All verbs, in the order of a key's life.
pub(crate) const VERBS: &[KeysVerb] = &[
    KeysVerb {
        name: "list",
        argument: "",
        about: "Show the sealing keys of a cluster, and what still needs each",
        text: "Shows fingerprint, Secret, age, state and recorded backup of every sealing key, and how many sealed items of the cluster and of\n\
`--in PATH` only that key opens. For that it reads the private keys with your own rights; nothing of them or of a value is shown.\n\
Without that right it shows the certificate that the controller serves, and says so.\n\n\
Sealed values are found in every text file by their form, also outside of SealedSecrets: in values of charts, templates, scripts and\n\
settings. They are tried under `--namespace` and `--name`, under the names that the files of the tree name, and for all scopes.\n\
All files of a folder are looked at, also those that ignore files such as `.gitignore` hide, but for `.git`; `--exclude GLOB` leaves files out.\n",
        own: &[
            EXCLUDE,
            HELP,
            IN,
            MAX_TRIES,
            SEALED_FOR,
            OUTPUT,
            Flag::new(
                "renew-period",
                Kind::Duration,
                "720h",
                "Age at which the controller makes a new key, as its --key-renew-period says; 0 is never.",
            )
            .without_variable(),
        ],
        read: super::list,
    },
    KeysVerb {
        name: "rotate",
        argument: "",
        about: "Make a new active sealing key, and wait until the controller serves it",
        text: "Makes a new active sealing key with your own rights, waits until the controller serves its certificate, and prints both\n\
fingerprints. What was sealed before still opens; `--reseal PATH` has files follow at once. It refuses while the newest key has no\n\
recorded backup. A run that was interrupted is gone on with by the next one: no second key is made. In JSON the\n\
rotation is one line and what was sealed anew another.\n",
        own: &[
            Flag::new("diff", Kind::Switch, "", "Print the lines of --reseal that change.").without_variable(),
            DRY_RUN,
            EXCLUDE,
            HELP,
            Flag::new("key-prefix", Kind::Text, key_secret::DEFAULT_KEY_PREFIX, "Prefix of the new key Secret's name.")
                .without_variable(),
            Flag::new("key-size", Kind::Integer, "4096", "Bits of the new key.").without_variable(),
            Flag::new("key-ttl", Kind::Duration, "87600h", "Validity of the new certificate.").without_variable(),
            MAX_TRIES,
            Flag::new("no-backup-check", Kind::Switch, "", "Rotate even if the newest key has no recorded backup.")
                .without_variable(),
            SEALED_FOR,
            OUTPUT,
            Flag::new(
                "reseal",
                Kind::Repeated,
                "",
                "File or folder to seal anew for the new key afterwards; may be given again.",
            )
            .without_variable(),
            Flag::new(
                "timeout",
                Kind::Duration,
                "60s",
                "How long to wait until the controller serves the new certificate.",
            )
            .without_variable(),
        ],
        read: super::rotate,
    },
    KeysVerb {
        name: "backup",
        argument: "",
        about: "Write all sealing keys of a cluster into a file that a passphrase protects",
        text: "Writes all sealing keys, retired ones among them, into a new file of mode 0600 (docs/format.md, \"Backup\"), opens it again to prove\n\
it, and only then records the backup on the key Secrets. No file is ever overwritten. `--plain` writes a Secret List without\n\
protection, as `kubectl get -o yaml` does, after a confirmation.\n",
        own: &[
            DRY_RUN,
            Flag::new("format", Kind::Words(&["text", "json"]), "text", "Form of the answer: text or json.")
                .without_variable(),
            HELP,
            Flag::new("no-record", Kind::Switch, "", "Do not mark the key Secrets as backed up.").without_variable(),
            Flag::new("output", Kind::Text, "", "File to write; with --plain also - for standard output.")
                .short('o')
                .without_variable(),
            key_flags::PASSPHRASE_FILE,
            Flag::new("plain", Kind::Switch, "", "Write a List of Secrets that nothing protects.").without_variable(),
            Flag::new("yes", Kind::Switch, "", "Confirm --plain where no terminal asks.").without_variable(),
        ],
        read: super::backup,
    },
    KeysVerb {
        name: "restore",
        argument: "FILE...",
        about: "Put the keys of a backup into a cluster",
        text: "Stores the keys of backups (or of key Secrets and Lists of them) in the controller's namespace, before or after the controller's first\n\
start. Keys that are there already stay as they are; a name that another key has is left to it. The newest certificate is the one\n\
that is sealed for.\n",
        own: &[DRY_RUN, HELP, OUTPUT, key_flags::PASSPHRASE_FILE],
        read: super::restore,
    },
    KeysVerb {
        name: "check",
        argument: "FILE...",
        about: "Prove that the keys of a backup open what is sealed",
        text: "Opens every sealed item of the cluster, or of `--in PATH`, with the keys of the files alone, shows nothing of them, and lists exactly\n\
those that none of the keys opens, or that no name opens which is known; then the status is 1. A proof leaves nothing out: files that\n\
ignore files such as `.gitignore` hide are looked at, too, and only `.git` and what `--exclude` names are not.\n\
(`--cluster`, here as everywhere, names a cluster of the kubeconfig.)\n",
        own: &[
            EXCLUDE,
            HELP,
            IN,
            Flag::new(
                "in-cluster",
                Kind::Switch,
                "",
                "Look at the cluster's SealedSecrets beside those of --in; without --in it does so anyway.",
            )
            .without_variable(),
            MAX_TRIES,
            SEALED_FOR,
            OUTPUT,
            key_flags::PASSPHRASE_FILE,
        ],
        read: super::check,
    },
    KeysVerb {
        name: "retire",
        argument: "FINGERPRINT",
        about: "Take a key out of use that nothing needs any longer",
        text: "Relabels a key Secret so that the controller stops using the key; the Secret stays, for `--undo`. It refuses while an item of the\n\
cluster or of `--in PATH` needs the key, or may need it, and lists them; and for the active key. A sealed value outside of a\n\
SealedSecret may need every key of its size until a name opens it. A proof leaves nothing out: files that ignore files such as\n\
`.gitignore` hide are looked at, too, and only `.git` and what `--exclude` names are not.\n",
        own: &[
            Flag::new(
                "allow-unopened",
                Kind::Switch,
                "",
                "Retire the key although values may need it that could not be opened to find out.",
            )
            .without_variable(),
            DRY_RUN,
            EXCLUDE,
            HELP,
            IN,
            MAX_TRIES,
            SEALED_FOR,
            OUTPUT,
            Flag::new("undo", Kind::Switch, "", "Take a retired key into use again.").without_variable(),
        ],
        read: super::retire,
    },
];

const DRY_RUN: Flag =
    Flag::new("dry-run", Kind::Switch, "", "Change nothing; say what would be done.").without_variable();
const IN: Flag =
    Flag::new("in", Kind::Repeated, "", "File or folder to look for sealed values in; may be given again.")
        .without_variable();
