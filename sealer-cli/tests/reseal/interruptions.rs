//! Killed, full, forbidden, beside others: is each file as it was or complete?

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::{SECRET, finished, fixture, reseal, reseal_with, resealing, run, said};

/// A document of two values, sealed for the key of that name.
fn sealed(folder: &Path, certificate: &str) -> String {
    let output = run(folder, &["--cert", &fixture(certificate), "-o", "yaml"], SECRET);
    String::from_utf8(output.stdout).unwrap()
}

/// A folder of files that all hold the same.
fn files(count: usize, text: &str) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let path = |at: usize| folder.path().join(format!("{at:03}.yaml"));
    let paths: Vec<PathBuf> = (0..count).map(path).collect();
    paths.iter().for_each(|path| fs::write(path, text).unwrap());
    (folder, paths)
}

fn names(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn killed_run_leaves_whole_files_and_the_next_one_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let old = sealed(folder.path(), "cert4096.pem");
    let (folder, paths) = files(60, &old);
    let mut halfway = 0;
    // Ever later, until some were met in the middle of their work; how long that takes depends on the machine.
    for round in 0..200 {
        let mut command = resealing(&["key4096.pem"], folder.path(), &["."]);
        let mut child = command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(5 + round * 3));
        child.kill().unwrap();
        child.wait().unwrap();
        let texts: Vec<String> = paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        for text in texts.iter().filter(|text| **text != old) {
            assert!(text.ends_with(old.rsplit("  template:").next().unwrap()) && text.len() < old.len(), "{text}");
        }
        let changed = texts.iter().filter(|text| **text != old).count();
        halfway += usize::from(changed > 0 && changed < paths.len());
        if changed == paths.len() {
            paths.iter().for_each(|path| fs::write(path, &old).unwrap());
        }
        if halfway >= 10 {
            break;
        }
    }
    assert!(halfway >= 1, "none was killed in the middle");
    let output = reseal(folder.path(), &["."]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let check = reseal(folder.path(), &["--check", "."]);
    assert_eq!(said(&check), "0 values in 0 files to be sealed anew, 120 current, 0 failed\n");
    assert_eq!(names(folder.path()), paths.len(), "something was left behind");
}

#[test]
fn two_runs_at_once_lose_nothing_of_each_other() {
    let folder = tempfile::tempdir().unwrap();
    // In every file one document for each key; each run can open only one of them.
    let both = format!("{}{}", sealed(folder.path(), "cert4096.pem"), sealed(folder.path(), "cert2048.pem"));
    let (folder, paths) = files(80, &both);
    let run = |key: &str| {
        let certificate = fixture("cert4096b.pem");
        let mut command = resealing(&[key], folder.path(), &["--cert", &certificate, "."]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let runs = [run("key4096.pem"), run("key2048.pem")];
    for run in runs {
        let output = run.wait_with_output().unwrap();
        let summary = said(&output);
        let line = "160 values in 80 files sealed anew, 0 current, 160 failed\n";
        assert!(summary.contains(line), "{summary}");
    }
    let check = reseal_with(&["key4096b.pem"], folder.path(), &["--check", "--cert", &fixture("cert4096b.pem"), "."]);
    assert_eq!(said(&check), "0 values in 0 files to be sealed anew, 320 current, 0 failed\n");
    assert_eq!(names(folder.path()), paths.len());
}

#[test]
fn a_full_disk_leaves_every_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let large = format!("{}# {}\n", sealed(folder.path(), "cert4096.pem"), "x".repeat(8000));
    let (folder, paths) = files(2, &large);
    fs::write(folder.path().join("small.yaml"), sealed(folder.path(), "cert4096.pem")).unwrap();
    // A limit on the size of files stands for the disk. Without the trap the signal would end the command.
    let command = resealing(&["key4096.pem"], folder.path(), &["."]);
    let words: Vec<String> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_sealer")]).args(words);
    let output = finished(shell.current_dir(folder.path()), "");
    let wanted = "./000.yaml: cannot be written: file too large\n./001.yaml: cannot be written: file too large\n\
                  2 values in 1 files sealed anew, 0 current, 2 failed\n\
                  error: 2 could not be sealed anew; they are as they were\n";
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(1), wanted));
    assert!(paths.iter().all(|path| fs::read_to_string(path).unwrap() == large));
    assert_eq!(names(folder.path()), 3, "something was left behind");
}

/// Has root run the command as somebody else, whom modes hold back; everybody else is that already.
fn as_somebody(command: &mut Command, folder: &Path) {
    if fs::metadata(folder).unwrap().uid() == 0 {
        command.uid(65534).gid(65534);
    }
}

#[test]
fn protected_files_are_named_and_all_others_resealed() {
    let folder = tempfile::tempdir().unwrap();
    let text = sealed(folder.path(), "cert4096.pem");
    let place = |name: &str| folder.path().join(name);
    let mode = |path: PathBuf, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for name in ["free", "read-only", "closed", "keys"] {
        fs::create_dir(place(name)).unwrap();
    }
    for name in ["free/one.yaml", "free/secret.yaml", "read-only/one.yaml", "closed/one.yaml"] {
        fs::write(place(name), &text).unwrap();
    }
    // The program, which is no text, the key and the certificate where that somebody can read them.
    fs::copy(env!("CARGO_BIN_EXE_sealer"), place("keys/sealer")).unwrap();
    for name in ["key4096.pem", "cert2048.pem"] {
        fs::copy(fixture(name), place("keys").join(name)).unwrap();
        mode(place("keys").join(name), 0o644);
    }
    mode(folder.path().to_owned(), 0o755);
    mode(place("free"), 0o777);
    mode(place("free/secret.yaml"), 0o000);
    mode(place("read-only/one.yaml"), 0o444);
    mode(place("read-only"), 0o555);
    mode(place("closed"), 0o000);
    let mut command = Command::new(place("keys/sealer"));
    command.args(["reseal", "--private-key", "keys/key4096.pem", "--cert", "keys/cert2048.pem", "."]);
    command.current_dir(folder.path()).env_clear();
    as_somebody(&mut command, folder.path());
    let output = finished(&mut command, "");
    mode(place("closed"), 0o755);
    mode(place("read-only"), 0o755);
    let wanted = "./free/secret.yaml: cannot be read: permission denied\n\
                  ./read-only/one.yaml: cannot be written: permission denied\n\
                  ./closed: cannot be looked into: permission denied\n\
                  files that were not looked at: 1 that are no text, 0 larger than 16 MiB\n\
                  2 values in 1 files sealed anew, 0 current, 3 failed\n\
                  error: 3 could not be sealed anew; they are as they were\n";
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(1), wanted));
    assert_eq!(fs::read_to_string(place("read-only/one.yaml")).unwrap(), text);
    assert_ne!(fs::read_to_string(place("free/one.yaml")).unwrap(), text);
}

#[test]
fn a_hundred_broken_files_keep_no_other_from_being_done() {
    let folder = tempfile::tempdir().unwrap();
    let text = sealed(folder.path(), "cert4096.pem");
    let (folder, paths) = files(120, &text);
    for (at, path) in paths.iter().take(100).enumerate() {
        let broken = match at % 4 {
            0 => text.replace("spec:", "spec: ["),
            1 => text.replace("    a: Ag", "    a: &x Ag") + "again: *x\n",
            // All of the value goes: what is left of one may look like another.
            2 => text
                .lines()
                .map(|line| if line.starts_with("    a: Ag") { "    a: !x\n".to_owned() } else { format!("{line}\n") })
                .collect(),
            _ => text.replace("name: x", "name: \"x\\e[2J\""),
        };
        fs::write(path, broken).unwrap();
    }
    fs::write(&paths[0], b"kind: SealedSecret \xff\n").unwrap();
    let output = reseal(folder.path(), &["."]);
    let told: Vec<String> = said(&output).lines().map(str::to_owned).collect();
    let none = "no key at hand opens it under this name, namespace and scope";
    let first = [
        "./000.yaml: is no UTF-8".to_owned(),
        "./001.yaml: document 1, ns/x, item a: the value at line 9 has an anchor or is an alias".to_owned(),
        "./002.yaml: document 1, ns/x, item a: sealed value is too short".to_owned(),
        // A name may hold anything; the terminal gets letters.
        format!("./003.yaml: document 1, ns/x\\u{{1b}}[2J, item a: {none}"),
        format!("./003.yaml: document 1, ns/x\\u{{1b}}[2J, item b: {none}"),
        "./004.yaml: line 9, column 6: is no YAML".to_owned(),
    ];
    assert_eq!((output.status.code(), &told[..6]), (Some(1), &first[..]));
    // Of a broken file's values those that can be sealed anew are.
    let summary = [
        "90 values in 70 files sealed anew, 0 current, 125 failed",
        "error: 125 could not be sealed anew; they are as they were",
    ];
    assert_eq!((&told[125..], told.len()), (&summary.map(str::to_owned)[..], 127));
    assert!(paths.iter().skip(100).all(|path| fs::read_to_string(path).unwrap() != text));
}
