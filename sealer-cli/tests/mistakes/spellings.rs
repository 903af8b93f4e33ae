//! Files that almost are Secrets: encrypted by other tools, spelt in other letters, with spaces that nobody sees. And who
//! hears of it: losses are told always, notices at a terminal to those who call the program by its old name.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::inputs::{done, fixture, sealer, secret};
use super::run_in;
use super::terminal::Terminal;

const SOPS: &str = "ENC[AES256_GCM,data:p673w==,iv:YY=,tag:UQ=,type:str]";

/// What the program says under its old name, and what it writes, without a terminal and at one.
fn old_name(folder: &Path, input: &[u8]) -> [(Option<i32>, String); 2] {
    let cert = fixture("cert2048.pem");
    let (status, _, says) = run_in(folder, "kubeseal", &["--cert", &cert], input);
    let terminal = Terminal::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealer"));
    command.arg0("kubeseal").args(["--cert", &cert]).current_dir(folder).env_clear().env("HOME", "/nonexistent");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(terminal.end());
    let mut child = command.spawn().unwrap();
    drop(command);
    drop(child.stdin.take().unwrap().write_all(input));
    let ended = child.wait().unwrap();
    [(status, says), (ended.code(), terminal.shown())]
}

#[test]
fn encrypted_value_is_refused_and_told_under_the_old_name() {
    let folder = tempfile::tempdir().unwrap();
    let inner = base64(SOPS.as_bytes());
    let refused = "error: the value of item `k` is encrypted with SOPS: decrypt it first (sops -d FILE)\n";
    for input in [
        secret("Secret", &format!("stringData: {{k: \"{SOPS}\"}}")),
        secret("Secret", &format!("StringData: {{a: b, k: \"{SOPS}\"}}")),
        secret("Secret", &format!("data: {{k: {inner}}}")),
        format!("{{\"kind\":\"Secret\",\"metadata\":{{\"name\":\"a\",\"namespace\":\"b\"}},\"stringData\":{{\"k\":\"{SOPS}\"}}}}")
            .into_bytes(),
    ] {
        let (status, out, says) = sealer(folder.path(), "--cert cert2048.pem", &input);
        assert_eq!((status, out.is_empty()), (Some(1), true));
        assert!(says.starts_with(refused) && says.contains("--allow-encrypted-values"), "{says}");
        let (_, says) = done(folder.path(), "--cert cert2048.pem --allow-encrypted-values", &input);
        let told = "the value of item `k` is encrypted with SOPS";
        assert!(says.contains(told) && says.starts_with("warning: document 1: "), "{says}");
        for (status, says) in old_name(folder.path(), &input) {
            assert!(status == Some(0) && says.contains(told), "{says}");
        }
    }
    // Base64 is wanted there: why it is none is told.
    let (status, _, says) =
        sealer(folder.path(), "--cert cert2048.pem", &secret("Secret", &format!("data: {{k: \"{SOPS}\"}}")));
    assert!(status == Some(1) && says.contains("illegal base64") && says.contains("sops -d FILE"), "{says}");
    assert!(!says.contains("stringData"), "{says}");
    for value in [SOPS.as_bytes(), b"ENC[PKCS7,MIIB]", b"\0GITCRYPT\0\x01"] {
        let raw = "--raw --cert cert2048.pem --scope cluster-wide";
        let (status, out, says) = sealer(folder.path(), raw, value);
        assert!(status == Some(1) && out.is_empty() && says.contains("error: the value is encrypted with "), "{says}");
        done(folder.path(), &format!("{raw} --allow-encrypted-values"), value);
    }
    for (file, tool) in [
        (&b"\0GITCRYPT\0\x01\x02"[..], "git-crypt"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n3132\n", "Ansible Vault"),
        (b"-----BEGIN PGP MESSAGE-----\n\nhQE\n", "OpenPGP"),
        (b"age-encryption.org/v1\n-> X25519 a\n", "age"),
    ] {
        let (status, _, says) = sealer(folder.path(), "--cert cert2048.pem", file);
        let told = format!("hint: document 1 of stdin cannot be read: it is encrypted with {tool}: ");
        assert!(status == Some(1) && says.contains(&told), "{says}");
    }
}

#[test]
fn what_is_spelt_otherwise_is_read_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let spelling = |field: &str, read: &str| {
        format!("warning: document 1: `{field}` is read as `{read}`; a cluster takes that spelling alone\n")
    };
    for (rest, told) in [
        ("StringData: {k: v}", spelling("StringData", "stringData")),
        ("stringdata: {k: v}", spelling("stringdata", "stringData")),
        ("Data: {k: dg==}", spelling("Data", "data")),
        ("TYPE: Opaque\nstringData: {k: v}", spelling("TYPE", "type")),
    ] {
        let input = secret("Secret", rest);
        assert_eq!(done(folder.path(), "--cert cert2048.pem", &input).1, told);
        let quiet_and_told = [(Some(0), String::new()), (Some(0), told)];
        assert_eq!(old_name(folder.path(), &input), quiet_and_told, "{rest}");
    }
}

#[test]
fn what_is_lost_is_told_to_scripts_too() {
    let folder = tempfile::tempdir().unwrap();
    for (rest, told) in [
        ("string_data: {l: v}\nstringData: {k: v}", "`string_data` is no field of a Secret, and what stands there"),
        (
            "stringData: {k: v, k: w}",
            "`stringData.k` is there twice (again in line 4), and what stands there first would be lost",
        ),
        ("stringData: {\"\u{a0}k\": v}", "(a no-break space stands in it)"),
        ("stringData: {\"k\u{200b}\": v}", "(the invisible letter U+200B stands in it)"),
    ] {
        for (status, says) in old_name(folder.path(), &secret("Secret", rest)) {
            assert!(status == Some(0) && says.starts_with("warning: document 1: ") && says.contains(told), "{says}");
        }
    }
    // Where nothing is left to seal, the line that scripts know comes with the reason.
    let spaced = "stringData:\n\u{a0}\u{a0}k: v";
    for (status, says) in old_name(folder.path(), &secret("Secret", spaced)) {
        assert!(status == Some(1) && says.starts_with("error: secret.data is empty"), "{says}");
        assert!(says.contains("(its name has a no-break space)") && says.contains("is `stringData` meant?"), "{says}");
    }
}

#[test]
fn texts_of_four_bytes_a_letter_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let text = "kind: Secret\nmetadata: {name: a}\n";
    let little: Vec<u8> = text.chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect();
    let big: Vec<u8> = text.chars().flat_map(|letter| u32::from(letter).to_be_bytes()).collect();
    for bytes in
        [little.clone(), big.clone(), [&b"\xff\xfe\0\0"[..], &little].concat(), [&b"\0\0\xfe\xff"[..], &big].concat()]
    {
        let (status, _, says) = sealer(folder.path(), "--cert cert2048.pem", &bytes);
        assert!(status == Some(1) && says.contains("it is UTF-32\nhint: save it as UTF-8: iconv -f UTF-32"), "{says}");
    }
}

/// A private key that opens nothing here: what the value is bound to decides what to look at.
#[test]
fn what_does_not_open_is_told_in_the_terms_of_its_scope() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(fixture("cert4096.pem"), folder.path().join("other.pem")).unwrap();
    let (sealed, _) = done(folder.path(), "--raw --cert other.pem --scope cluster-wide", b"x");
    let sealed = String::from_utf8(sealed).unwrap();
    for (flags, told, never) in [
        ("--scope cluster-wide", "was sealed for?", "were namespace and name the same"),
        ("--scope namespace-wide -n b", "and was the namespace the same?", "and name"),
        ("-n b --name a", "and were namespace and name the same?", "--scope"),
    ] {
        let line = format!("unseal --raw --private-key key2048.pem {flags}");
        let (status, _, says) = sealer(folder.path(), &line, sealed.as_bytes());
        assert_eq!(status, Some(1));
        assert!(says.contains(told) && !says.contains(never), "{flags}: {says}");
    }
}

/// As kubectl names files.
#[test]
fn files_are_named_with_f_too() {
    let folder = tempfile::tempdir().unwrap();
    let (sealed, _) = done(folder.path(), "--cert cert2048.pem -o yaml", &secret("Secret", "stringData: {k: v, l: w}"));
    std::fs::write(folder.path().join("a.yaml"), &sealed).unwrap();
    for line in ["view FILE", "explain FILE --private-key key2048.pem", "template check FILE"] {
        let plain = done(folder.path(), &line.replace("FILE", "a.yaml"), b"");
        for named in ["-f a.yaml", "-fa.yaml", "--filename a.yaml", "--filename=a.yaml"] {
            assert_eq!(done(folder.path(), &line.replace("FILE", named), b""), plain, "{line} {named}");
        }
        assert_eq!(done(folder.path(), &line.replace("FILE", "-f -"), &sealed).0, plain.0, "{line}");
    }
    let reseal = "reseal --dry-run --private-key key2048.pem --cert other.pem --no-cache";
    std::fs::copy(fixture("cert4096.pem"), folder.path().join("other.pem")).unwrap();
    let both = done(folder.path(), &format!("{reseal} -f a.yaml"), b"");
    assert_eq!(both, done(folder.path(), &format!("{reseal} a.yaml"), b""));
    done(folder.path(), "set -f a.yaml k --cert cert2048.pem", b"x");
    done(folder.path(), "set k -f a.yaml --cert cert2048.pem", b"y");
    done(folder.path(), "unset l -f a.yaml", b"");
    let (raw, _) = done(folder.path(), "--raw --cert cert2048.pem -n b --name a", b"x");
    std::fs::write(folder.path().join("raw"), raw).unwrap();
    assert_eq!(done(folder.path(), "unseal --raw -f raw --private-key key2048.pem -n b --name a", b"").0, b"x");
    let (status, _, says) = sealer(folder.path(), "view -f a.yaml -f b.yaml", b"");
    assert!(status == Some(2) && says.contains("not also `b.yaml`"), "{says}");
}

#[test]
fn empty_arguments_are_named_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let cert = fixture("cert2048.pem");
    let empty = "error: an argument is empty\nhint: a variable in the command line may be unset\n";
    for args in [&["", "--cert", &cert][..], &["view", ""], &["view", "-f", ""], &["set", "", "k"], &["reseal", ""]] {
        let (status, _, says) = run_in(folder.path(), "sealer", args, b"");
        assert_eq!((status, says.as_str()), (Some(2), empty), "{args:?}");
    }
    // Scripts pass empty variables: what came of it is told where the command fails.
    for name in ["sealer", "kubeseal"] {
        let args = ["--raw", "--cert", &cert, "--name", "", "-n", "b"];
        let (status, _, says) = run_in(folder.path(), name, &args, b"x");
        let told = "hint: --name was given an empty text; a variable in the command line may be unset\n";
        assert!(status == Some(1) && says.starts_with("error: must provide the --name flag"), "{says}");
        assert!(says.contains(told), "{name}: {says}");
        let args = ["--raw", "--cert", &cert, "--name", "a", "-n", "b", "--context", ""];
        let (status, _, says) = run_in(folder.path(), name, &args, b"x");
        assert_eq!((status, says.as_str()), (Some(0), ""), "{name}");
    }
}

/// Every switch of the surface without verbs: the word behind it is no value, as in Go.
#[test]
fn a_word_behind_a_switch_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (_, help, _) = run_in(folder.path(), "kubeseal", &["--help"], b"");
    let help = String::from_utf8(help).unwrap();
    let switch = |line: &str| {
        let (head, _) = line.trim_start().split_once("   ")?;
        let name = head.strip_prefix("--")?;
        (!name.contains(' ') && !matches!(name, "help" | "version")).then(|| name.to_owned())
    };
    let switches: Vec<String> = help.lines().filter_map(switch).collect();
    assert!(switches.len() >= 15, "{switches:?}");
    for name in switches {
        for word in ["false", "no"] {
            let (status, _, says) = run_in(folder.path(), "sealer", &[&format!("--{name}"), word], b"");
            let told = format!("hint: did you mean --{name}=false?\n");
            assert!(status == Some(2) && says.ends_with(&told), "{name}: {says}");
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    sealer_encoding::base64::encode(bytes)
}

/// `sealer seal` is what `sealer` does without a verb, and every verb tells of itself with an example.
#[test]
fn the_verb_seal_is_the_surface_without_verbs() {
    let folder = tempfile::tempdir().unwrap();
    let secret = b"{kind: Secret, metadata: {name: a, namespace: b}, stringData: {k: v}}";
    let (sealed, _) = done(folder.path(), "seal --cert cert2048.pem -o yaml", secret);
    assert!(String::from_utf8(sealed).unwrap().contains("kind: SealedSecret"));
    let (status, _, says) = sealer(folder.path(), "seal --nope", b"");
    assert!(status == Some(2) && says.contains("Usage of sealer:"), "{says}");
    for verb in ["set", "keys", "keys list", "template", "template check", "move", "completions"] {
        let (help, says) = done(folder.path(), &format!("{verb} --help"), b"");
        let help = String::from_utf8(help).unwrap();
        assert!(help.contains("Examples:\n") && help.contains(&format!("Usage: sealer {verb}")), "{help}");
        assert_eq!(says, "", "{verb}");
    }
}

/// All but the last would be lost in silence.
#[test]
fn several_files_for_one_flag_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let secret =
        |name: &str| format!("{{kind: Secret, metadata: {{name: {name}, namespace: b}}, stringData: {{k: v}}}}");
    for name in ["one", "two"] {
        std::fs::write(folder.path().join(name), secret(name)).unwrap();
    }
    let cert = fixture("cert2048.pem");
    for (args, flag) in [
        (&["-f", "one", "-f", "two"][..], "secret-file"),
        (&["-f", "one", "--secret-file="], "secret-file"),
        (&["-f", "one", "-w", "x", "-w", "y"], "sealed-secret-file"),
        (&["-f", "one", "--merge-into", "x", "--merge-into", "y"], "merge-into"),
    ] {
        let args = [args, &["--cert", &cert]].concat();
        let (status, _, says) = run_in(folder.path(), "sealer", &args, b"");
        let told = format!("error: --{flag} was given several times, and only the last one would count\n");
        assert!(status == Some(2) && says.starts_with(&told), "{args:?}: {says}");
        assert!(!folder.path().join("y").exists(), "{args:?}");
    }
    let args = ["-f", "one", "-f", "two", "--cert", &cert];
    let (status, out, _) = run_in(folder.path(), "kubeseal", &args, b"");
    assert!(status == Some(0) && String::from_utf8_lossy(&out).contains("\"two\""));
}

#[test]
fn variable_that_fits_no_flag_is_refused_without_its_value() {
    let told = |name: &str, variable: (&str, &str)| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealer"));
        command.arg0(name);
        let cert = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/fixtures/cert2048.pem");
        let command = command.args(["--raw", "-n", "b", "--name", "a", "--cert", cert]).env_clear();
        let output = command.env(variable.0, variable.1).stdin(Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let switch = ("SEALED_SECRETS_VALIDATE", "hunter2");
    assert_eq!(
        told("sealer", switch),
        (
            Some(1),
            "error: environment variable SEALED_SECRETS_VALIDATE does not fit --validate: strconv.ParseBool: parsing its value: \
             invalid syntax\nhint: correct or unset it\n"
                .to_owned()
        )
    );
    assert_eq!(told("kubeseal", switch), (Some(0), String::new()));
}

#[test]
fn nothing_to_check_in_standard_input_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for input in [&b""[..], b"Error: helm failed\n", b"# nothing\n"] {
        let (status, _, says) = sealer(folder.path(), "template check -", input);
        assert!(status == Some(1) && says.contains("nothing was checked"), "{says}");
    }
    done(folder.path(), "template check -", b"kind: ConfigMap\nmetadata: {name: a}\n");
}
