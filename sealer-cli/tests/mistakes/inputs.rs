//! What users type and pipe: texts of every form of Unicode, values with a line end, words that no command takes, names and
//! sizes that no cluster takes.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::run_in;

const CERT: &str = "cert2048.pem";
const KEY: &str = "key2048.pem";

pub(super) fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/fixtures").join(name).to_str().unwrap().to_owned()
}

/// Status, results and what is said, of a command line whose words have no spaces.
pub(super) fn sealer(folder: &Path, line: &str, stdin: &[u8]) -> (Option<i32>, Vec<u8>, String) {
    let line = line.replace(CERT, &fixture(CERT)).replace(KEY, &fixture(KEY));
    run_in(folder, "sealer", &line.split_whitespace().collect::<Vec<_>>(), stdin)
}

/// The same, which has to succeed.
pub(super) fn done(folder: &Path, line: &str, stdin: &[u8]) -> (Vec<u8>, String) {
    let (status, out, says) = sealer(folder, line, stdin);
    assert_eq!(status, Some(0), "{line}: {says}");
    (out, says)
}

pub(super) fn secret(kind: &str, rest: &str) -> Vec<u8> {
    format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: a, namespace: b}}\n{rest}\n").into_bytes()
}

/// A text in every form that is read, with a mark and without.
fn forms(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let wide = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let (little, big) = (wide(u16::to_le_bytes), wide(u16::to_be_bytes));
    vec![
        ("UTF-8", text.as_bytes().to_vec()),
        ("UTF-8 with a mark", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        ("UTF-16LE", [b"\xff\xfe", &little[..]].concat()),
        ("UTF-16BE", [b"\xfe\xff", &big[..]].concat()),
        ("UTF-16LE without a mark", little),
        ("UTF-16BE without a mark", big),
    ]
}

#[test]
fn text_files_of_every_form_pass_every_door() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let read = |name: &str| fs::read_to_string(fixture(name)).unwrap().replace('\n', "\r\n");
    let kubeconfig = "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts:\n- name: c\n  context: {cluster: c, user: u, namespace: shop}\nclusters:\n- {name: c, cluster: {server: \"https://127.0.0.1:1\"}}\n";
    let (certificate, key) = (forms(&read(CERT)), forms(&read(KEY)));
    for (((form, certificate), (_, key)), (_, kubeconfig)) in certificate.iter().zip(&key).zip(forms(kubeconfig)) {
        put("cert", certificate);
        put("key", key);
        put("config", &kubeconfig);
        let (sealed, _) = done(folder.path(), "--raw --cert cert --kubeconfig config --name a", b"hunter2");
        for (_, text) in forms(std::str::from_utf8(&sealed).unwrap()) {
            let opened = done(folder.path(), "unseal --raw --private-key key -n shop --name a", &text);
            assert_eq!(opened, (b"hunter2".to_vec(), String::new()), "{form}");
        }
        let (object, _) = done(folder.path(), "--cert cert -o yaml", &secret("Secret", "stringData: {k: v}"));
        let (opened, _) = done(folder.path(), "--recovery-unseal --recovery-private-key key", &object);
        assert!(String::from_utf8(opened).unwrap().contains("\"k\": \"dg==\""), "{form}");
        let (seen, _) = done(folder.path(), "view - --private-key key", &object);
        assert!(String::from_utf8(seen).unwrap().contains("key SHA256:"), "{form}");
        // `--fetch-cert` passes on what there is.
        assert_eq!(done(folder.path(), "--fetch-cert --cert cert", b"").0, *certificate, "{form}");
    }
}

#[test]
fn documents_are_read_with_a_mark_and_refused_clearly_without() {
    let folder = tempfile::tempdir().unwrap();
    let text = String::from_utf8(secret("Secret", "stringData: {k: v\u{e4}}")).unwrap();
    for (form, bytes) in forms(&text) {
        let (status, out, says) = sealer(folder.path(), "--cert cert2048.pem -o yaml", &bytes);
        if form.ends_with("without a mark") {
            assert_eq!(status, Some(1), "{form}");
            assert!(
                says.contains("hint: document 1 of stdin cannot be read: it is UTF-16 without its mark (BOM)"),
                "{says}"
            );
            assert!(says.contains("hint: save it as UTF-8"), "{says}");
            continue;
        }
        assert_eq!((status, says.as_str()), (Some(0), ""), "{form}");
        done(folder.path(), "--cert cert2048.pem -f -", &bytes);
        for (form, bytes) in forms(std::str::from_utf8(&out).unwrap()).into_iter().take(4) {
            fs::write(folder.path().join("sealed.yaml"), &bytes).unwrap();
            for verb in ["view", "explain --private-key key2048.pem", "template check"] {
                let from_file = done(folder.path(), &format!("{verb} sealed.yaml"), b"");
                assert_eq!(done(folder.path(), &format!("{verb} -"), &bytes), from_file, "{form} {verb}");
            }
            let line = "--recovery-unseal --recovery-private-key key2048.pem -f sealed.yaml";
            assert!(String::from_utf8(done(folder.path(), line, b"").0).unwrap().contains("dsOk"), "{form}");
        }
    }
    // Files with a mark that were joined.
    let marked = [b"\xef\xbb\xbf---\n", text.as_bytes()].concat();
    let (out, _) = done(folder.path(), "--cert cert2048.pem -o yaml", &[&marked[..], &marked].concat());
    assert_eq!(String::from_utf8(out).unwrap().matches("kind: SealedSecret").count(), 2);
    let (status, _, says) = sealer(folder.path(), "--cert cert2048.pem", b"\xff\xfek\0i");
    assert!(status == Some(1) && says.contains("it is UTF-16 that is cut off"), "{says}");
    let (_, _, says) = sealer(folder.path(), "--cert /dev/stdin --raw --scope cluster-wide", b"0\x82\x01\0\0");
    assert!(says.contains("openssl x509 -inform der"), "{says}");
}

#[test]
fn a_value_for_a_name_that_no_cluster_takes_is_sealed_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let (sealed, says) = done(folder.path(), "--raw --cert cert2048.pem -n b --name A_b", b"x");
    assert!(!sealed.is_empty() && says.contains("no cluster will accept") && says.contains("A_b"), "{says}");
}

#[test]
fn a_piped_value_with_more_than_was_meant_is_told_and_trimmed() {
    let folder = tempfile::tempdir().unwrap();
    let sealed = "kind: SealedSecret\napiVersion: bitnami.com/v1alpha1\nmetadata:\n  name: a\n  namespace: b\nspec:\n  encryptedData:\n    k: x\n";
    let bound = "--cert cert2048.pem -n b --name a";
    for (value, told, trimmed) in [
        (&b"hunter2"[..], &[][..], &b"hunter2"[..]),
        (b"hunter2\n", &["ends in a line end"], b"hunter2"),
        (b"hunter2\r\n", &["ends in a line end"], b"hunter2"),
        (b"\xef\xbb\xbfhunter2", &["begins with a byte order mark"], b"hunter2"),
        (b"\xff\xfeh\0\n\0", &["is a text in UTF-16", "ends in a line end"], b"h"),
    ] {
        let open =
            |sealed: &[u8]| done(folder.path(), "unseal --raw --private-key key2048.pem -n b --name a", sealed).0;
        for trim in [false, true] {
            let flag = if trim { "--trim" } else { "" };
            let wanted = if trim { trimmed } else { value };
            let (raw, says) = done(folder.path(), &format!("--raw {bound} {flag}"), value);
            assert_eq!(open(&raw), wanted, "{value:?}");
            let told: Vec<&str> = told.iter().filter(|_| !trim).copied().collect();
            assert_eq!(says.lines().count(), told.len(), "{says}");
            assert!(
                says.lines().zip(&told).all(|(line, told)| line.contains(told) && line.contains("--trim")),
                "{says}"
            );
            fs::write(folder.path().join("sealed.yaml"), sealed).unwrap();
            let (_, says) = done(folder.path(), &format!("set sealed.yaml k --cert cert2048.pem {flag}"), value);
            assert_eq!(says.lines().filter(|line| line.starts_with("warning: ")).count(), told.len(), "{says}");
            let text = fs::read_to_string(folder.path().join("sealed.yaml")).unwrap();
            assert_eq!(open(text.rsplit_once("k: ").unwrap().1.as_bytes()), wanted, "{value:?}");
        }
        // Scripts that call it by the old name hear nothing new.
        let line = format!("--raw {bound}").replace(CERT, &fixture(CERT));
        let (status, _, says) = run_in(folder.path(), "kubeseal", &line.split(' ').collect::<Vec<_>>(), value);
        assert_eq!((status, says.as_str()), (Some(0), ""), "{value:?}");
    }
    fs::write(folder.path().join("value"), "of a file\n").unwrap();
    let (raw, says) = done(folder.path(), &format!("--raw {bound} --from-file value"), b"");
    assert_eq!(says, "", "the text of a file ends in a line end");
    assert_eq!(done(folder.path(), "unseal --raw --private-key key2048.pem -n b --name a", &raw).0, b"of a file\n");
    let (status, _, says) = sealer(folder.path(), "--cert cert2048.pem --trim", b"");
    assert!(status == Some(1) && says.starts_with("error: --trim requires --raw\n"), "{says}");
}

#[test]
fn the_value_of_a_named_file_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("value"), "of the file").unwrap();
    let args = ["--raw", "--scope", "cluster-wide", "--cert", &fixture(CERT), "-f", "value"];
    for (name, stdin, wanted, says) in [
        ("sealer", "", "of the file", ""),
        ("sealer", "piped", "of the file", ""),
        ("kubeseal", "", "of the file", ""),
        // As recorded: scripts hear nothing.
        ("kubeseal", "piped", "piped", ""),
    ] {
        let (status, raw, said) = run_in(folder.path(), name, &args, stdin.as_bytes());
        assert_eq!((status, said.as_str()), (Some(0), says), "{name} {stdin}");
        let line = "unseal --raw --private-key key2048.pem --scope cluster-wide";
        assert_eq!(done(folder.path(), line, &raw).0, wanted.as_bytes(), "{name} {stdin}");
    }
}

#[test]
fn what_no_cluster_takes_is_sealed_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let half = "x".repeat(1 << 19);
    for (input, told) in [
        (secret("Secret", "stringData: {k: v}"), ""),
        (secret("secret", "stringData: {k: v}"), "`kind: secret` is sealed as a Secret"),
        (secret("SECRET", "stringData: {k: v}"), "`kind: SECRET` is sealed as a Secret"),
        (secret("Secret", "stringData: {a/b: v}"), "item `a/b` has a name that no cluster takes"),
        (secret("Secret", &format!("stringData: {{{}: v}}", "k".repeat(254))), "has a name that no cluster takes"),
        (secret("Secret", &format!("stringData: {{a: {half}, b: {half}}}")), ""),
        (secret("Secret", &format!("stringData: {{a: {half}, b: {half}x}}")), "the values are 1048577 bytes together"),
        (
            secret("Secret", "type: kubernetes.io/service-account-token\nstringData: {k: v}"),
            "gives access to the cluster, and the controller refuses it",
        ),
        (secret("Secret", "type: bootstrap.kubernetes.io/token\nstringData: {k: v}"), "gives access to the cluster"),
    ] {
        let (out, says) = done(folder.path(), "--cert cert2048.pem", &input);
        assert!(out.starts_with(b"{\n  \"kind\": \"SealedSecret\""));
        assert_eq!(says.lines().count(), usize::from(!told.is_empty()), "{told}: {says}");
        assert!(told.is_empty() || says.starts_with("warning: document 1: ") && says.contains(told), "{says}");
    }
    // What was sealed before counts when more is merged into it.
    fs::write(
        folder.path().join("sealed.json"),
        done(folder.path(), "--cert cert2048.pem", &secret("Secret", &format!("stringData: {{a: {half}x}}"))).0,
    )
    .unwrap();
    let (_, says) = done(
        folder.path(),
        "--cert cert2048.pem --merge-into sealed.json",
        &secret("Secret", &format!("stringData: {{b: {half}}}")),
    );
    assert!(says.starts_with("warning: sealed.json: the values are 1048577 bytes together"), "{says}");
    let (_, says) = done(folder.path(), "set sealed.json b --cert cert2048.pem", format!("{half}x").as_bytes());
    assert!(says.starts_with("warning: the values are 1048578 bytes together"), "{says}");
}

#[test]
fn stray_words_of_scripts_are_told_only_on_failure() {
    let folder = tempfile::tempdir().unwrap();
    let input = secret("Secret", "stringData: {k: v}");
    fs::write(folder.path().join("secret.yaml"), &input).unwrap();
    let cert = fixture(CERT);
    let (status, out, says) = run_in(folder.path(), "kubeseal", &["reseel", "secret.yaml", "--cert", &cert], &input);
    assert_eq!((status, out.is_empty(), says.as_str()), (Some(0), false, ""));
    let (status, _, says) = run_in(folder.path(), "kubeseal", &["secret.yaml", "--cert", &cert], b"");
    assert_eq!(status, Some(1));
    assert!(says.starts_with("error: no secrets found."), "{says}");
    assert!(
        says.ends_with("hint: no command takes the word `secret.yaml`; it is a file; did you mean -f secret.yaml?\n"),
        "{says}"
    );
    let (status, out, says) = sealer(folder.path(), "secret.yaml --cert cert2048.pem", &input);
    assert_eq!((status, out.is_empty()), (Some(2), true));
    assert_eq!(
        says,
        "error: no command takes the word `secret.yaml`\nhint: it is a file; did you mean -f secret.yaml?\n"
    );
    assert_eq!(sealer(folder.path(), "- --cert cert2048.pem", &input).0, Some(0), "standard input has this name");
}

#[test]
fn one_value_opens_offline_and_goes_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let value = b"\0binary\xff\n";
    for (scope, needed) in [("strict", "-n b --name a"), ("namespace-wide", "-n b"), ("cluster-wide", "")] {
        let (sealed, _) = done(
            folder.path(),
            &format!("--raw --cert cert2048.pem --scope {scope} {needed} --from-file /dev/stdin"),
            value,
        );
        let unseal = "unseal --raw --private-key key2048.pem";
        assert_eq!(done(folder.path(), &format!("{unseal} --scope {scope} {needed}"), &sealed).0, value);
        // As it is copied out of a file.
        let text = String::from_utf8(sealed.clone()).unwrap();
        let folded: String =
            text.as_bytes().chunks(64).map(|line| format!("    {}\n", String::from_utf8_lossy(line))).collect();
        for copied in [format!("\"{text}\"\n"), folded] {
            fs::write(folder.path().join("text"), &copied).unwrap();
            assert_eq!(done(folder.path(), &format!("{unseal} text --scope {scope} {needed}"), b"").0, value);
        }
        for other in ["strict", "namespace-wide", "cluster-wide"].iter().filter(|other| **other != scope) {
            let (status, out, says) =
                sealer(folder.path(), &format!("{unseal} --scope {other} -n b --name a"), &sealed);
            assert_eq!((status, out.is_empty()), (Some(1), true));
            assert!(
                says.contains("error: no key at hand opens the value as ")
                    && says.contains(&format!("hint: it opens with --scope {scope}\n")),
                "{says}"
            );
        }
    }
    for (line, stdin, status, told) in [
        ("unseal", "", 2, "--raw says so"),
        (
            "unseal --raw --private-key key2048.pem",
            "",
            2,
            "must provide the --namespace flag with --raw and --scope strict",
        ),
        (
            "unseal --raw --private-key key2048.pem -n b",
            "",
            2,
            "must provide the --name flag with --raw and --scope strict",
        ),
        ("unseal --raw -n b --name a", "", 2, "needs a private key"),
        ("unseal --raw --private-key - -n b --name a", "", 2, "the private key is to be a file"),
        ("unseal --raw --private-key key2048.pem -n b --name a", "", 1, "stdin is empty"),
        ("unseal --raw --private-key key2048.pem -n b --name a", "hunter2", 1, "is no sealed value"),
        ("unseal --raw --private-key key2048.pem -n b --name a", "spec: {encryptedData: {}}", 1, "is a manifest"),
        ("unseal --raw --private-key cert2048.pem -n b --name a", "x", 1, "no private key in"),
    ] {
        let (got, out, says) = sealer(folder.path(), line, stdin.as_bytes());
        assert_eq!((got, out.is_empty()), (Some(status), true), "{line}: {says}");
        assert!(says.contains(told) && says.contains("hint: ") && !says.contains("hunter2"), "{line}: {says}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "only what this test wrote");
}

/// A folder that cannot be written, with one file in it that can.
struct Closed(tempfile::TempDir);

impl Closed {
    /// The program and its files lie beside it, where that somebody can read them.
    fn new() -> Self {
        let closed = Self(tempfile::tempdir().unwrap());
        fs::copy(env!("CARGO_BIN_EXE_sealer"), closed.place("sealer")).unwrap();
        for (name, from) in [("cert.pem", CERT), ("key.pem", KEY), ("object.json", "sealed-2048.json")] {
            fs::copy(fixture(from), closed.place(name)).unwrap();
            closed.mode(name, 0o644);
        }
        fs::write(closed.place("secret.yaml"), secret("Secret", "stringData: {k: v, l: v, m: v}")).unwrap();
        fs::create_dir(closed.place("closed")).unwrap();
        closed.mode("", 0o755);
        closed
    }

    fn place(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.place(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Puts the file there, with a mode.
    fn put(&self, text: &str, bits: u32) {
        self.mode("closed", 0o755);
        drop(fs::remove_file(self.place(FILE)));
        fs::write(self.place(FILE), text).unwrap();
        self.mode(FILE, bits);
        if fs::metadata(self.0.path()).unwrap().uid() == 0 {
            chown(self.place(FILE), Some(65534), Some(65534)).unwrap();
        }
        self.mode("closed", 0o555);
    }

    /// What the file holds, and its mode.
    fn held(&self) -> (String, u32) {
        let mode = fs::metadata(self.place(FILE)).unwrap().permissions().mode();
        (fs::read_to_string(self.place(FILE)).unwrap(), mode & 0o777)
    }

    /// Status, and what is said, of a command below a limit of the shell.
    fn run(&self, limit: &str, line: &str) -> (Option<i32>, String) {
        let mut command = Command::new("sh");
        let script = format!("{limit} exec ./sealer {line}");
        command.args(["-c", &script]).current_dir(self.0.path()).env_clear().env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::null());
        // Root runs it as somebody else, whom modes hold back; everybody else is that already.
        if fs::metadata(self.0.path()).unwrap().uid() == 0 {
            command.uid(65534).gid(65534);
        }
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        self.mode("closed", 0o755);
    }
}

const FILE: &str = "closed/sealed.yaml";
const TOLD: &str = "closed/sealed.yaml is in a folder where no other file can be put in its place; it is written over in place, and is not whole if that is interrupted\n";

#[test]
fn a_file_in_a_folder_that_cannot_be_written_is_written_over() {
    let closed = Closed::new();
    closed.put("what it held\n", 0o640);
    let (status, says) = closed.run("", "--cert cert.pem -f secret.yaml -w closed/sealed.yaml");
    assert_eq!((status, says), (Some(0), format!("warning: {TOLD}")));
    let (sealed, mode) = closed.held();
    assert!(
        sealed.starts_with("---\napiVersion: bitnami.com/v1alpha1\n") && !sealed.contains("what it held"),
        "{sealed}"
    );
    assert_eq!(mode, 0o640);
    for (line, lines) in
        [("set closed/sealed.yaml n --cert cert.pem --from-file secret.yaml", 1), ("unset closed/sealed.yaml n", 0)]
    {
        let (status, says) = closed.run("", line);
        assert!(status == Some(0) && says.contains(TOLD), "{line}: {says}");
        let (text, mode) = closed.held();
        assert_eq!((text.lines().count(), mode), (sealed.lines().count() + lines, 0o640), "{line}");
    }
    // Values in clear text are their owner's.
    closed.put("what it held\n", 0o644);
    let unseal = "--recovery-unseal --recovery-private-key key.pem -f object.json -w closed/sealed.yaml";
    assert_eq!(closed.run("", unseal), (Some(0), format!("warning: {TOLD}")));
    let (text, mode) = closed.held();
    assert!(text.contains("kind: Secret") && mode == 0o600, "{mode:o}: {text}");
}

#[test]
fn a_file_that_cannot_be_written_over_holds_what_it_held() {
    let closed = Closed::new();
    let before = "what it held\n".repeat(20);
    let seal = "--cert cert.pem -f secret.yaml -w closed/sealed.yaml";
    // The disk is full in the middle: 512 bytes are written of more than a thousand.
    closed.put(&before, 0o644);
    let (status, says) = closed.run("trap '' XFSZ; ulimit -f 1;", seal);
    assert_eq!(status, Some(1));
    assert!(says.ends_with("error: write closed/sealed.yaml: file too large\n"), "{says}");
    assert_eq!(closed.held().0, before);
    // What may not be written at all says so as before, and so does a file that is not there.
    closed.put(&before, 0o444);
    let denied = |name: &str| (Some(1), format!("error: open closed/{name}.yaml: permission denied\n"));
    assert_eq!(closed.run("", seal), denied("sealed"));
    assert_eq!(closed.run("", &seal.replace("sealed.yaml", "new.yaml")), denied("new"));
    let (status, says) = closed.run("", "unset closed/sealed.yaml n");
    assert!(status == Some(1) && says.starts_with("error: "), "{says}");
    assert_eq!(closed.held().0, before);
}

/// A file that was mounted alone, as containers have them: no other can take its place.
#[cfg(target_os = "linux")]
#[test]
fn a_mounted_file_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    fs::write(place("secret.yaml"), secret("Secret", "stringData: {k: v}")).unwrap();
    let (sealed, _) = done(folder.path(), "--cert cert2048.pem -o yaml", &fs::read(place("secret.yaml")).unwrap());
    let run = |line: &str| {
        fs::write(place("host.yaml"), &sealed).unwrap();
        fs::set_permissions(place("host.yaml"), fs::Permissions::from_mode(0o640)).unwrap();
        fs::write(place("sealed.yaml"), "the place of the mount").unwrap();
        let line = line.replace(CERT, &fixture(CERT)).replace(KEY, &fixture(KEY));
        let script = format!("mount --bind host.yaml sealed.yaml && exec {} {line}", env!("CARGO_BIN_EXE_sealer"));
        // A namespace of users gives everybody the right to mount, where the kernel has them.
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]).current_dir(folder.path());
        let output =
            command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").stdin(Stdio::null()).output().unwrap();
        let says = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{line}: {says}");
        assert_eq!(fs::metadata(place("host.yaml")).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_to_string(place("sealed.yaml")).unwrap(), "the place of the mount");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing stays beside it");
        (fs::read(place("host.yaml")).unwrap(), says)
    };
    for line in [
        "--cert cert2048.pem -f secret.yaml -w sealed.yaml",
        "set sealed.yaml k --cert cert2048.pem --from-file secret.yaml",
        "reseal sealed.yaml --private-key key2048.pem --cert cert2048.pem",
        "unset sealed.yaml k",
    ] {
        let (written, says) = run(line);
        let is_current = line.starts_with("reseal");
        assert_eq!(written == sealed, is_current, "{line}: {says}");
        let told = says.contains(
            "sealed.yaml is a mount point, as a file in a container is that was mounted alone; it is written over",
        );
        assert_eq!(told, !is_current, "{line}: {says}");
        assert!(String::from_utf8(written).unwrap().contains("kind: SealedSecret"));
    }
}

/// Sealed as kubectl reads it, and told: the item and what it is read as, never the value.
#[test]
fn texts_that_yaml_takes_for_something_else_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let document = |items: &str| {
        format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  namespace: b\nstringData:\n{items}")
    };
    for (written, read_as) in [
        ("0123", "a number"),
        ("3.10", "a number"),
        ("1e5", "a number"),
        ("1_000", "a number"),
        ("0x1F", "a number"),
        ("+5", "a number"),
        ("yes", "true or false"),
        ("No", "true or false"),
        ("~", "nothing"),
        ("null", "nothing"),
        ("", "nothing"),
        ("#hunter2", "nothing"),
        ("!hunter2", "a tag of YAML"),
        ("!Sup3r hunter2", "a tag of YAML"),
        ("&hunter2", "an anchor of YAML"),
        ("&hunter2 x", "an anchor of YAML"),
        ("abc #def", "a comment of YAML"),
        ("yes #hunter2", "a comment of YAML"),
    ] {
        let (_, says) =
            done(folder.path(), "--cert cert2048.pem", document(&format!("  pin: {written}\n  z: x\n")).as_bytes());
        let mut wanted = format!(
            "warning: document 1: item `pin` is read as {read_as}, in whole or in part; put it in quotes if it is meant as text\n"
        );
        if read_as == "nothing" {
            wanted = "warning: document 1: item `pin` is sealed empty: nothing, `~` or `null` stands there, which is no text; write a text in quotes, or \"\" for an empty one\n".to_owned();
        }
        // An anchor alone leaves the item empty, which is told, too.
        assert!(if written == "&hunter2" { says.ends_with(&wanted) } else { says == wanted }, "{written}: {says}");
        let line = format!("--cert {}", fixture(CERT));
        let input = document(&format!("  pin: {written}\n  z: x\n"));
        let (status, _, says) =
            run_in(folder.path(), "kubeseal", &line.split(' ').collect::<Vec<_>>(), input.as_bytes());
        assert_eq!((status, says.as_str()), (Some(0), ""), "{written}");
    }
    for items in [
        "  a: 123\n  b: true\n  c: 1.5\n  d: x\n  e: 2020-01-01\n  f: 12:30\n",
        "  a: \"0123\"\n  b: 'yes'\n  c: !!str 0123\n  d: |\n    yes\n",
        "  a: &x hunter2\n  b: *x\n",
        "  a: abc # rotated in May\n  b: \"abc\" #def\n  c: abc#def\n",
        "  a: \"\"\n  b: ''\n",
    ] {
        assert_eq!(done(folder.path(), "--cert cert2048.pem", document(items).as_bytes()).1, "", "{items}");
    }
    // A list and `data` are read alike.
    let listed = "apiVersion: v1\nkind: List\nitems:\n- kind: Secret\n  apiVersion: v1\n  metadata: {name: 0123, namespace: no}\n  stringData: {pin: 0123}\n";
    let (_, says) = done(folder.path(), "--cert cert2048.pem", listed.as_bytes());
    let told: Vec<&str> = says.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(
        told,
        [
            "warning: document 1: metadata.name is read as a number",
            "warning: document 1: metadata.namespace is read as true or false",
            "warning: document 1: item `pin` is read as a number"
        ]
    );
}

/// `seal` and `set` read a namespace alike: what the one seals, the other's values are bound to.
#[test]
fn a_namespace_that_is_no_text_is_read_alike() {
    let folder = tempfile::tempdir().unwrap();
    for (namespace, read) in [("no", "false"), ("0123", "83"), ("+4", "4")] {
        let sealed = format!(
            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: a\n  namespace: {namespace}\nspec:\n  encryptedData: {{}}\n"
        );
        fs::write(folder.path().join("sealed.yaml"), sealed).unwrap();
        let (_, says) = done(folder.path(), "set sealed.yaml k --cert cert2048.pem", b"hunter2");
        assert!(says.starts_with(&format!("warning: metadata.namespace is read as `{read}`")), "{says}");
        let text = fs::read_to_string(folder.path().join("sealed.yaml")).unwrap();
        let value = text.rsplit_once("k: ").unwrap().1.trim().trim_matches('"').to_owned();
        let line = format!("unseal --raw --private-key key2048.pem -n {read} --name a");
        assert_eq!(done(folder.path(), &line, value.as_bytes()).0, b"hunter2");
        let secret = format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  namespace: {namespace}\nstringData: {{k: hunter2}}\n"
        );
        let (sealed, _) = done(folder.path(), "--cert cert2048.pem", secret.as_bytes());
        assert!(String::from_utf8(sealed).unwrap().contains(&format!("\"namespace\": \"{read}\"")));
    }
}
