//! What the manual says of the verbs that work on the items of one file.

use sealer_go::pflag::Flag;

/// A verb as it is documented.
pub(crate) struct ItemsVerb {
    pub(crate) name: &'static str,
    pub(crate) arguments: &'static [&'static str],
    pub(crate) about: &'static str,
    pub(crate) text: &'static str,
    pub(crate) table: fn() -> Vec<Flag>,
}

pub(crate) const VERBS: [ItemsVerb; 6] = [
    ItemsVerb {
        name: "set",
        arguments: &["FILE", "ITEM"],
        about: "Seal one item of a SealedSecret in a file; nothing else in it changes",
        text: "Seals a value and puts it into the file: in the place of the item, or behind the others. Scope, name and namespace are those of\n\
               the document. The value is standard input as it is, line end and all, or `--from-file`; on a terminal it is asked for and not\n\
               seen. What a piped value may have by mistake, a line end or a mark, is told, and left out with `--trim`. Only the bytes of that item change, proven by reading the file again; what is not certain is refused. An anchor, an\n\
               alias or a template in its place stays, and the file stays as it was.\n\n\
               With `--keep-unchanged` the sealed text stays if it is of the same value. A private key at hand tells, or else the cluster: its\n\
               Secret has the value, and its SealedSecret is in sync and has the sealed text of the file. Where nothing tells, the value is\n\
               sealed anew, with a warning.\n",
        table: super::set_table,
    },
    ItemsVerb {
        name: "unset",
        arguments: &["FILE", "ITEM"],
        about: "Take one item out of a SealedSecret in a file",
        text: "Takes the lines of one item out, and nothing else: a comment above it stays. No key and no cluster is needed.\n",
        table: super::unset_table,
    },
    ItemsVerb {
        name: "edit",
        arguments: &["FILE"],
        about: "Edit the items of a SealedSecret in an editor; only what changed is sealed anew",
        text: "Opens the items in `VISUAL`, `EDITOR` or `vi`. Without a private key values show as `<sealed>`; a value that is written in its\n\
               place is sealed, lines that are added or taken out are items, and all else stays. With keys values show in clear. Every value is\n\
               taken as the text that stands there; `!!binary` and base64 is one that is no text.\n\n\
               The editor's file has mode 0600 in a folder of mode 0700, in memory where there is such a folder (`/dev/shm`,\n\
               `XDG_RUNTIME_DIR`), else in `TMPDIR` with a warning. Everything in that folder is overwritten and removed after, also when\n\
               the editor fails or a signal comes. An edit that cannot be read opens again on a terminal; left as it is, it is given up, and\n\
               the file stays as it was.\n",
        table: super::edit_table,
    },
    ItemsVerb {
        name: "unseal",
        arguments: &[],
        about: "Open one sealed value offline, with a private key at hand",
        text: "Reads one sealed value, as `--raw` writes it and as it stands in a file, from standard input or a file that is named, and writes\n\
               the value to standard output, byte for byte and nowhere else. No cluster is asked. The value opens under the scope, namespace\n\
               and name that it was sealed for; where it opens under another scope of these, the message says so. A whole SealedSecret\n\
               opens with `--recovery-unseal`.\n",
        table: super::unseal_table,
    },
    ItemsVerb {
        name: "view",
        arguments: &["FILE"],
        about: "Say what a file seals, for whom, and with which key",
        text: "Prints of each SealedSecret its scope and label, and of each item the size of the sealed value and the key that opens it, if private\n\
               keys are at hand. No value is shown.\n",
        table: super::view_table,
    },
    ItemsVerb {
        name: "explain",
        arguments: &["FILE"],
        about: "Say why sealed values do not open, and what to do",
        text: "Looks at each SealedSecret and each value, and says what is wrong and what remedies it: damage, text that is no sealed value, a\n\
               scope that its annotation does not announce, another name, namespace or cluster, an expired or foreign certificate (`--cert`).\n\
               Values are tried against the private keys at hand, or else against the cluster: with its keys if you may read them, or by\n\
               asking the controller, whose status of the object is told, too. Exit status 1 if anything is wrong or could not be told.\n",
        table: super::explain_table,
    },
];
