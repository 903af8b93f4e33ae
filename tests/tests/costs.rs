//! Does a change make what users wait for dearer? Instructions are counted by callgrind and the heap at its peak by DHAT: both
//! are the same on every run, where a clock is not. The counts stand in `tests/costs.txt`; one that is more than 3 % off fails,
//! also when it fell, so that the record says what is. `WRITE=1 cargo test --workspace --locked --test costs` writes it anew: in the
//! same commit, with the reason in its message.
//!
//! The programs are those of the dev profile, whose counts follow the code as those of the shipped one do. Another compiler or C
//! library counts differently; with one, and without valgrind, the test says so in one line and compares nothing.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "tests may panic and tell")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sealer_tests::product::{Product, repository};
use serde_json::{Value, json};
use tempfile::TempDir;

const RECORD: &str = "tests/costs.txt";
/// Of a hundred.
const TOLERANCE: u64 = 3;
const IN_SYNC: &str = "reconcile::tests::outcomes::an_object_that_is_in_sync_costs_one_look_and_no_write";

type Counts = BTreeMap<String, u64>;

#[test]
fn costs_are_those_of_the_record() {
    let Some(tools) = tools() else { return println!("costs: NOT MEASURED, valgrind and size are needed") };
    let path = repository().join(RECORD);
    let counts = Bench::new().counts();
    if std::env::var_os("WRITE").is_some() {
        fs::write(&path, written(&tools, &counts)).unwrap();
        return;
    }
    let (with, record) = read(&fs::read_to_string(&path).unwrap());
    if with != tools {
        return println!("costs: NOT COMPARED: counted with {tools}, and the record with {with}");
    }
    let told = compared(&record, &counts);
    assert!(told.is_empty(), "{}\nis it meant? {HOW}", told.join("\n"));
}

const HOW: &str =
    "WRITE=1 cargo test --workspace --locked --test costs writes the record anew; say why in the same commit";

/// What the counts depend on besides our own sources.
fn tools() -> Option<String> {
    let first_line = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).lines().next()?.trim().to_owned())
    };
    let (rustc, valgrind) = (first_line("rustc", &["--version"])?, first_line("valgrind", &["--version"])?);
    let library = first_line("ldd", &["--version"])?;
    first_line("size", &["--version"])?;
    Some(format!("{rustc}; {valgrind}; {library}; {}", std::env::consts::ARCH))
}

/// The programs and files that are measured.
struct Bench {
    product: Product,
    place: TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { product: Product::build().unwrap(), place: TempDir::new().unwrap() };
        bench.put("secret.yaml", SECRET);
        bench.put("sealed.json", &sealed(&json!({})).to_string());
        let template = include_str!("../benches/ten-lines.tmpl");
        bench.put("template.json", &sealed(&json!({ "data": { "out": template } })).to_string());
        bench
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.place.path().join(name), text).unwrap();
    }

    fn counts(&self) -> Counts {
        let (cert, key) = (fixture("cert4096.pem"), fixture("key4096.pem"));
        let (cert, key, other) = (cert.as_str(), key.as_str(), fixture("cert4096b.pem"));
        let seal = ["--cert", cert, "-o", "yaml"];
        let open = ["--recovery-unseal", "--recovery-private-key", key];
        let reseal = ["reseal", "--no-cache", "--private-key", key, "--cert", other.as_str(), "resealed.json"];
        let mut counts = Counts::new();
        let mut add = |what: &str, count: u64| assert!(counts.insert(what.to_owned(), count).is_none());
        add("instructions, sealing one Secret of three values", self.instructions(&seal, "secret.yaml"));
        add("bytes of heap, sealing one Secret of three values", self.heap(&seal, "secret.yaml"));
        add("instructions, opening one object of one value", self.instructions(&open, "sealed.json"));
        fs::copy(self.place.path().join("sealed.json"), self.place.path().join("resealed.json")).unwrap();
        add("instructions, resealing a file of one value", self.instructions(&reseal, "secret.yaml"));
        let check = ["template", "check", "template.json"];
        add("instructions, rendering a template of ten lines", self.instructions(&check, "secret.yaml"));
        add("instructions, --version", self.instructions(&["--version"], "secret.yaml"));
        add("instructions, one reconcile of an object in sync", self.reconcile());
        for program in ["sealer", "controller"] {
            add(&format!("bytes of {program} in memory, as the file says"), size(&self.product.folder.join(program)));
        }
        counts
    }

    /// Of a whole process of `sealer`.
    fn instructions(&self, args: &[&str], stdin: &str) -> u64 {
        let told = self.valgrind(&["--tool=callgrind"], &self.product.folder.join("sealer"), args, stdin);
        number(&told, "Collected :")
    }

    /// The heap of a whole process of `sealer` at its peak.
    fn heap(&self, args: &[&str], stdin: &str) -> u64 {
        let told = self.valgrind(&["--tool=dhat"], &self.product.folder.join("sealer"), args, stdin);
        number(&told, "At t-gmax:")
    }

    /// Of the controller's own code, in a test that answers for the API server.
    fn reconcile(&self) -> u64 {
        let options = ["--tool=callgrind", "--toggle-collect=*bring_in_sync*"];
        let told =
            self.valgrind(&options, &controller_tests(), &["--exact", IN_SYNC, "--test-threads=1"], "secret.yaml");
        number(&told, "Collected :")
    }

    /// Runs a program in the folder of the files; returns what valgrind says.
    fn valgrind(&self, options: &[&str], program: &Path, args: &[&str], stdin: &str) -> String {
        let place = self.place.path();
        let (says, out) = (place.join("says"), place.join("out"));
        let output = Command::new("valgrind")
            .args(options)
            .args([format!("--log-file={}", says.display()), format!("--{}={}", out_file(options), out.display())])
            .arg(program)
            .args(args)
            .current_dir(place)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", place)
            .stdin(Stdio::from(File::open(place.join(stdin)).unwrap()))
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        fs::read_to_string(says).unwrap()
    }
}

fn out_file(options: &[&str]) -> &'static str {
    if options.contains(&"--tool=dhat") { "dhat-out-file" } else { "callgrind-out-file" }
}

/// The number behind some words.
fn number(text: &str, words: &str) -> u64 {
    let line = text.lines().find_map(|line| line.split_once(words)).unwrap_or_else(|| panic!("{words}: {text}"));
    let digits = line.1.trim_start().chars().take_while(|c| c.is_ascii_digit() || *c == ',');
    digits.filter(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

fn fixture(name: &str) -> String {
    repository().join("sealer-cli/tests/golden/fixtures").join(name).to_str().unwrap().to_owned()
}

/// The recorded object with one of its values.
fn sealed(template: &Value) -> Value {
    let text = fs::read_to_string(fixture("sealed-strict.json")).unwrap();
    let mut object: Value = serde_json::from_str(&text).unwrap();
    let items = object["spec"]["encryptedData"].as_object_mut().unwrap();
    items.retain(|name, _| name == "foo");
    object["spec"]["template"] = template.clone();
    object
}

/// The controller's unit tests, as cargo built them for this run.
fn controller_tests() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["test", "--workspace", "--locked", "--lib", "--no-run", "--message-format=json"])
        .current_dir(repository())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success());
    let of_controller = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_it = message["target"]["name"] == "sealer_controller" && message["profile"]["test"] == true;
        is_it.then(|| message["executable"].as_str().map(PathBuf::from))?
    };
    String::from_utf8_lossy(&output.stdout).lines().find_map(of_controller).unwrap()
}

/// Code and data, without what debuggers read.
fn size(program: &Path) -> u64 {
    let output = Command::new("size").arg(program).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let sum = text.lines().nth(1).and_then(|line| line.split_whitespace().nth(3));
    sum.unwrap().parse().unwrap()
}

fn written(tools: &str, counts: &Counts) -> String {
    let lines: String = counts.iter().map(|(what, count)| format!("{count:>12}  {what}\n")).collect();
    format!("# What things cost: tests/tests/costs.rs counts it, and says how this file is made.\n# {tools}\n{lines}")
}

fn read(record: &str) -> (String, Counts) {
    let tools = record.lines().nth(1).unwrap().trim_start_matches("# ").to_owned();
    let counts = record.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let (count, what) = line.trim().split_once("  ").unwrap();
        (what.to_owned(), count.parse().unwrap())
    });
    (tools, counts.collect())
}

/// What differs by more than is tolerated.
fn compared(record: &Counts, counts: &Counts) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = record.keys().chain(counts.keys()).collect();
    let told = |what: &&String| match (record.get(*what), counts.get(*what)) {
        (Some(before), Some(now)) if now.abs_diff(*before) * 100 > before * TOLERANCE => {
            let percent = (*now as f64 / *before as f64 - 1.0) * 100.0;
            Some(format!("{what}: {now}, and the record says {before} ({percent:+.1} %)"))
        }
        (Some(_), Some(_)) => None,
        (before, now) => Some(format!("{what}: {now:?}, and the record says {before:?}")),
    };
    names.iter().filter_map(told).collect()
}

#[test]
fn more_than_three_percent_off_is_told_either_way() {
    let record = Counts::from([("a".to_owned(), 1000), ("b".to_owned(), 10)]);
    let with = |a: u64| Counts::from([("a".to_owned(), a), ("b".to_owned(), 10)]);
    for same in [970, 1000, 1030] {
        assert_eq!(compared(&record, &with(same)), [""; 0]);
    }
    assert_eq!(compared(&record, &with(1031)), ["a: 1031, and the record says 1000 (+3.1 %)"]);
    assert_eq!(compared(&record, &with(969)), ["a: 969, and the record says 1000 (-3.1 %)"]);
    let less = Counts::from([("a".to_owned(), 1000), ("c".to_owned(), 1)]);
    let told = ["b: None, and the record says Some(10)", "c: Some(1), and the record says None"];
    assert_eq!(compared(&record, &less), told);
    assert_eq!(read(&written("tools", &record)), ("tools".to_owned(), record));
}

const SECRET: &str = "apiVersion: v1
kind: Secret
metadata:
  name: mysecret
  namespace: myns
stringData:
  user: admin
  password: correct horse battery staple
  url: postgres://db.example/app
";
