//! What a text is that holds no document, and what to do with it.

use crate::manifest::node::Node;

/// The hint for a text that somebody took for a Secret.
pub(super) fn hint(bytes: &[u8]) -> Option<&'static str> {
    if let Some((_, hint)) = BINARY.iter().find(|(begin, _)| bytes.starts_with(begin)) {
        return Some(hint);
    }
    let text = String::from_utf8_lossy(bytes.get(..LOOKED_AT).unwrap_or(bytes));
    let text = text.trim_start();
    if let Some((_, hint)) = BEGINNINGS.iter().find(|(begin, _)| text.starts_with(begin)) {
        return Some(hint);
    }
    let first = text.lines().next().unwrap_or_default().trim_end();
    if first.ends_with(" created (dry run)") {
        return Some("it is what kubectl tells; add -o yaml to its command");
    }
    if first.ends_with(" created") {
        return Some("kubectl has made the Secret in the cluster; add --dry-run=client -o yaml to its command");
    }
    if text.lines().any(|line| line.starts_with("<<<<<<< ")) {
        return Some("it has the marks of a conflict of Git; resolve it first");
    }
    if text.contains("{{") {
        return Some("it is a template; seal what is made of it: helm template … | sealer");
    }
    if is_assignment(first) {
        return Some(
            "it is a file of variables: kubectl create secret generic NAME --from-env-file FILE --dry-run=client -o yaml | sealer",
        );
    }
    text.lines()
        .any(|line| line.trim_start_matches(' ').starts_with('\t'))
        .then_some("YAML is indented with spaces, not with tabs")
}

/// The hint for an object that is no object of a cluster, but the lines that a command says something in.
pub(crate) fn output_of_command(node: &Node) -> Option<&'static str> {
    let Node::Map(fields) = node else { return None };
    let has = |name: &str| fields.iter().any(|(known, _)| known == name);
    if ["kind", "apiVersion", "metadata", "data", "stringData"].iter().any(|field| node.field(field).is_some()) {
        return None;
    }
    if has("NAME") && HELM.iter().any(|field| has(field)) {
        return Some(OF_HELM);
    }
    let is_error = fields.len() == 1 && ["error", "Error", "ERROR", "Error from server"].iter().any(|name| has(name));
    (is_error || fields.iter().any(|(name, _)| name.starts_with("Error from server"))).then_some(OF_ERROR)
}

/// `NAME=value`, of a shell or of a file of variables.
fn is_assignment(line: &str) -> bool {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let Some((name, _)) = line.split_once('=') else { return false };
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-');
    !name.is_empty() && name.chars().all(fits)
}

const COMPRESSED: &str = "it is compressed; unpack it first";
const BINARY: [(&[u8], &str); 3] = [(b"\x1f\x8b", COMPRESSED), (b"PK\x03\x04", COMPRESSED), (b"BZh", COMPRESSED)];
const LIST: &str = "it is a list; several Secrets stand one behind the other with `---` between them, or under `items` of `kind: List`";
const OF_ERROR: &str = "it is the error of another command";
const OF_HELM: &str = "it is what helm tells of a release; what the release is made of is written by: helm template …, or helm get manifest NAME";
/// What stands beside the name in it.
const HELM: [&str; 4] = ["LAST DEPLOYED", "STATUS", "REVISION", "NAMESPACE"];
const BEGINNINGS: [(&str, &str); 13] = [
    ("```", "it is a block of Markdown; leave out the lines with ```"),
    ("-----BEGIN ", "it is PEM: kubectl create secret generic NAME --from-file FILE --dry-run=client -o yaml | sealer"),
    ("version https://git-lfs", "the file itself is not there, but a pointer of Git LFS: git lfs pull"),
    ("$ ", "it has a line of a shell; leave it out"),
    ("NAME ", "it is a table of kubectl; add -o yaml to its command"),
    ("error:", OF_ERROR),
    ("Error", OF_ERROR),
    ("Release \"", OF_HELM),
    ("NAME: ", OF_HELM),
    ("<!DOCTYPE", "it is a web page"),
    ("<html", "it is a web page"),
    ("[", LIST),
    ("- ", LIST),
];
/// Bytes that are looked at.
const LOOKED_AT: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_taken_for_secrets_are_known() {
        for (text, wanted) in [
            ("DB=x\nUSER=y\n", Some("file of variables")),
            ("export DB_PASSWORD=x\n", Some("file of variables")),
            ("-----BEGIN PRIVATE KEY-----\nMII", Some("it is PEM")),
            ("```yaml\nkind: Secret\n```\n", Some("Markdown")),
            ("$ kubectl get secret\n", Some("line of a shell")),
            ("NAME  TYPE\na  Opaque\n", Some("add -o yaml")),
            ("secret/a created\n", Some("--dry-run=client -o yaml")),
            ("secret/a created (dry run)\n", Some("add -o yaml to its")),
            ("error: no such thing: x\n", Some("error of another command")),
            ("NAME: app\nLAST DEPLOYED: x: y\n", Some("helm get manifest")),
            ("Release \"app\" has been upgraded.\n", Some("helm get manifest")),
            ("version https://git-lfs.github.com/spec/v1\noid sha256:x\n", Some("git lfs pull")),
            ("kind: Secret\n<<<<<<< HEAD\na: b\n", Some("conflict of Git")),
            ("metadata:\n  name: {{ .Release.Name }}\n", Some("it is a template")),
            ("metadata:\n\tname: a\n", Some("not with tabs")),
            ("- kind: Secret\n", Some("it is a list")),
            ("[{}]", Some("it is a list")),
            ("<!DOCTYPE html>", Some("web page")),
            ("\u{1f}\u{8b}", None),
            ("hello", None),
            ("a: b: c", None),
            ("", None),
        ] {
            let found = hint(text.as_bytes());
            assert!(found.is_some() == wanted.is_some(), "{text}: {found:?}");
            assert!(found.unwrap_or_default().contains(wanted.unwrap_or_default()), "{text}: {found:?}");
        }
        assert_eq!(hint(b"\x1f\x8b\x08"), Some(COMPRESSED));
    }
}
