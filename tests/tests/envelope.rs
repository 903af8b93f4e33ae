//! Values sealed by an independent implementation open here, and ours there: Go's standard library against sealer-core.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use sealer_core::{Keyring, Label, Plaintext, Scope, SealedValue, UnsealingKey, seal, unseal};
use sealer_encoding::base64;
use sealer_tests::product::repository;
use serde_json::{Value, json};

struct Case {
    key: usize,
    label: Label,
    value: Vec<u8>,
}

struct Key {
    pem: String,
    ring: Keyring,
}

fn keys() -> Vec<Key> {
    let folder = repository().join("sealer-core/tests/kit/keys");
    let read = |name: &str| {
        let pem = fs::read_to_string(folder.join(name)).unwrap();
        let ring = Keyring::from_keys(vec![UnsealingKey::from_pem(pem.as_bytes()).unwrap()]);
        Key { pem, ring }
    };
    ["2048.pem", "3072.pem", "4096.pem"].map(read).into()
}

/// Most values are short, as passwords are; the last one is as large as a Secret may be.
fn cases(count: usize) -> Vec<Case> {
    let mut random = StdRng::seed_from_u64(1);
    let mut case = |number: usize| {
        let most = if number + 1 == count { 1 << 20 } else { 1 << random.random_range(0..=14) };
        let length = if number + 1 == count { most } else { random.random_range(0..most) };
        let scope = Scope::ALL[random.random_range(0..3)];
        let name = |random: &mut StdRng| format!("n{}", random.random_range(0..1000));
        let label = Label::new(scope, &name(&mut random), &name(&mut random)).unwrap();
        Case { key: number % 3, label, value: (0..length).map(|_| random.random()).collect() }
    };
    (0..count).map(&mut case).collect()
}

/// Go is there wherever this suite runs: the control plane is built with it.
fn ask_go(questions: &[Value]) -> Vec<Value> {
    let mut go = Command::new("go")
        .args(["run", "."])
        .current_dir(repository().join("tests/envelope-oracle"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a Go toolchain on the PATH");
    let lines: String = questions.iter().map(|question| format!("{question}\n")).collect();
    let mut input = go.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = go.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).unwrap();
    answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn values_open_on_both_sides_whoever_sealed_them() {
    let (keys, cases) = (keys(), cases(500));
    let question = |case: &Case, field: &str, what: String| json!({"key": keys[case.key].pem, "label": base64::encode(case.label.as_bytes()), field: what});
    let to_seal = cases.iter().map(|case| question(case, "value", base64::encode(&case.value)));
    let ours = cases.iter().map(|case| {
        let key = keys[case.key].ring.entries().first().unwrap().key.sealing_key();
        let sealed = seal(&Plaintext::new(case.value.clone()), &case.label, key).unwrap();
        question(case, "sealed", sealed.to_base64())
    });
    let answers = ask_go(&to_seal.chain(ours).collect::<Vec<_>>());
    assert_eq!(answers.len(), 2 * cases.len());
    let (sealed, opened) = answers.split_at(cases.len());
    for (number, case) in cases.iter().enumerate() {
        let theirs = SealedValue::from_base64(sealed[number]["sealed"].as_str().unwrap()).unwrap();
        let value = unseal(&theirs, &case.label, &keys[case.key].ring).unwrap();
        assert_eq!(value.plaintext.expose(), case.value, "value {number}, sealed by Go");
        let there = base64::decode(opened[number]["value"].as_str().unwrap_or("?"));
        assert_eq!(there.as_deref(), Ok(case.value.as_slice()), "value {number}, sealed here");
    }
}
