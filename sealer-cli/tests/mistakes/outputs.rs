//! Where results go: links lead to their files, streams are written to, and nothing but a file is ever replaced.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use super::inputs::{fixture, secret};

/// Runs a command line of the shell, where `$sealer` is the program and `$cert` a certificate.
fn shell(folder: &Path, script: &str) -> Output {
    fs::write(folder.join("secret.yaml"), secret("Secret", "stringData: {k: v}")).unwrap();
    let mut command = Command::new("bash");
    command
        .args(["-c", script])
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", "/nonexistent");
    command.env("sealer", env!("CARGO_BIN_EXE_sealer")).env("golden", Path::new(&fixture("")).as_os_str());
    command.env("seal", format!("{} --cert {} -f secret.yaml", env!("CARGO_BIN_EXE_sealer"), fixture("cert2048.pem")));
    command.output().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn names_of_standard_output_are_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/../dev/stdout", "/dev/fd/../fd/1"] {
        let piped = shell(folder.path(), &format!("(echo before; $seal -w {name}; echo after) | cat"));
        let into_file =
            shell(folder.path(), &format!("(echo before; $seal -w {name}; echo after) > all; cat all; rm all"));
        for output in [piped, into_file] {
            let text = String::from_utf8(output.stdout).unwrap();
            let says = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                text.starts_with("before\n{") && text.ends_with("}\nafter\n") && says.is_empty(),
                "{name}: {text}{says}"
            );
        }
        assert_eq!(names(folder.path()), ["secret.yaml"], "{name}");
    }
    assert!(Path::new("/dev/stdout").is_symlink());
    // In clear text, too, which goes through no other link.
    let unseal = "$sealer --recovery-unseal --recovery-private-key $golden/key2048.pem -f $golden/sealed-2048.json";
    let output = shell(folder.path(), &format!("{unseal} -w /dev/stdout | cat"));
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"kind\": \"Secret\""));
    let output = shell(folder.path(), &format!("mkfifo pipe; {unseal} -w pipe"));
    assert!(String::from_utf8_lossy(&output.stderr).contains("values are never written to one"));
}

#[test]
fn streams_are_written_to() {
    let folder = tempfile::tempdir().unwrap();
    for script in [
        "$seal -w /dev/stderr 2>&1 >/dev/null | cat",
        "mkfifo pipe; cat pipe & $seal -w pipe; wait; test -p pipe && rm pipe",
        "$seal -w >(cat); wait $!",
        "echo '{' > all; exec 3>> all; $seal -w /dev/fd/3; echo '}' >&3; tail -n +2 all | head -n -1; rm all",
    ] {
        let output = shell(folder.path(), script);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.starts_with("{\n  \"kind\": \"SealedSecret\"") && text.ends_with("}\n"), "{script}: {text}");
        assert!(output.stderr.is_empty(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(names(folder.path()), ["secret.yaml"], "{script}");
    }
}

#[test]
fn only_files_are_replaced_and_links_lead_to_them() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("sub/real"), "old").unwrap();
    symlink("sub/real", folder.path().join("link")).unwrap();
    for script in ["$seal -w link", "$sealer --fetch-cert --cert $golden/cert2048.pem -w link"] {
        fs::write(folder.path().join("sub/real"), "old").unwrap();
        assert!(shell(folder.path(), script).status.success());
        assert!(
            folder.path().join("link").is_symlink() && fs::read(folder.path().join("sub/real")).unwrap().len() > 100
        );
    }
    for (script, told) in [
        ("$seal -w .", "error: write .: is a directory\nhint: name a file in it"),
        ("$seal -w sub/", "error: write sub/: is a directory\nhint: name a file in it"),
        ("$seal -w new/", "error: write new/: is a directory\nhint: name a file in it"),
        ("$seal -w /dev/fd/77", "error: open /dev/fd/77: no such file or directory"),
        ("$seal --merge-into /dev/stdin", "error: /dev/stdin is no file; --merge-into changes one in place"),
        ("$seal --merge-into -", "error: --merge-into changes a file in place; standard input is none"),
        ("$seal --merge-into .", "error: open .: is a directory"),
    ] {
        let output = shell(folder.path(), &format!("{script} < /dev/null"));
        let says = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && says.starts_with(told), "{script}: {says}");
        assert_eq!(names(folder.path()), ["link", "secret.yaml", "sub"], "{script}");
    }
}

/// What is read is not replaced, by whatever name it is called. The old name did so, and tells it.
#[test]
fn the_only_copy_of_what_is_read_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let run = |old_name: &str, script: &str| {
        let text = |name: &str| fs::read(fixture(name)).unwrap();
        let place = |name: &str| folder.path().join(name);
        ["link", "hard"].iter().for_each(|name| drop(fs::remove_file(place(name))));
        fs::write(place("key.pem"), text("key2048.pem")).unwrap();
        fs::write(place("cert.pem"), text("cert2048.pem")).unwrap();
        fs::write(place("sealed.json"), text("sealed-2048.json")).unwrap();
        fs::write(place("value"), "v").unwrap();
        symlink("secret.yaml", place("link")).unwrap();
        shell(
            folder.path(),
            &format!("ln secret.yaml hard; run() {{ (exec -a {old_name} $sealer \"$@\"); }}; {script}"),
        )
    };
    for (script, file, what) in [
        ("run --cert cert.pem -f secret.yaml -w secret.yaml", "secret.yaml", "the Secret"),
        ("run --cert cert.pem -f secret.yaml -w ./link", "secret.yaml", "the Secret"),
        ("run --cert cert.pem -f hard -w secret.yaml", "secret.yaml", "the Secret"),
        ("run --cert cert.pem -w secret.yaml < secret.yaml", "secret.yaml", "the Secret"),
        ("run --cert cert.pem -f secret.yaml -w cert.pem", "cert.pem", "the certificate"),
        ("run --cert cert.pem --raw --scope cluster-wide --from-file value -w value", "value", "the value"),
        ("run --cert cert.pem --raw --scope cluster-wide -w value < value", "value", "the value"),
        (
            "run --recovery-unseal --recovery-private-key key.pem -f sealed.json -w sealed.json",
            "sealed.json",
            "the SealedSecret",
        ),
        (
            "run --recovery-unseal --recovery-private-key key.pem -f sealed.json -w key.pem",
            "key.pem",
            "the private key",
        ),
    ] {
        let output = run("sealer", &format!("cp {file} before; {script}; cmp {file} before && echo kept"));
        let says = String::from_utf8(output.stderr).unwrap();
        let told = format!("-w names the file that {what} is read from, which would be replaced: ");
        assert!(
            says.starts_with(&format!("error: {told}")) && says.contains("hint: nothing was written"),
            "{script}: {says}"
        );
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "kept\n", "{script}");
        let output = run("kubeseal", script);
        let says = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && says.starts_with(&format!("warning: {told}")), "{script}: {says}");
    }
    for script in [
        "run --cert cert.pem -f secret.yaml -w hard.yaml",
        "run --cert cert.pem -f secret.yaml -w value",
        "run --fetch-cert --cert cert.pem -w cert.pem",
        "run --cert cert.pem -f secret.yaml -w - > value",
    ] {
        let output = run("sealer", script);
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{script}: {:?}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
