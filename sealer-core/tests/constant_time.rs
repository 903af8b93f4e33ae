//! T-C4: what a private-key operation costs does not depend on what the block decrypts to. Instructions are counted by
//! callgrind, which is exact where a clock is not. The blocks are those of Manger's attack, and one for another label.
//!
//! The test runs itself under valgrind; without valgrind it says so in one line.
#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "tests may panic and tell")]

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};

use num_bigint::BigUint;
use pkcs1::der::Decode as _;
use sealer_core::{Keyring, Label, Plaintext, Scope, SealedValue, UnsealingKey, seal, unseal};
use sha2::{Digest as _, Sha256};

/// What a block decrypts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// A zero byte, as it should, and then no OAEP.
    ZeroFirst,
    /// Another byte first: what an attacker could tell from the class above would give the value away (Manger, 2001).
    NonZeroFirst,
    /// OAEP of another label.
    OtherLabel,
}

const CLASSES: [Class; 3] = [Class::ZeroFirst, Class::NonZeroFirst, Class::OtherLabel];
/// Blocks of each class in one round. A key makes its blinding anew after 32 operations, which a round must not reach.
const BLOCKS: usize = 8;
const WARM_UP: usize = 2;
const ROUNDS: usize = 3;
/// Instructions of some 6.4 million between the medians of two classes, and between the dearest and the cheapest call: what
/// the allocator and the alignment of the stack add.
const MEDIANS: u64 = 800;
const SPREAD: u64 = 3_000;
/// Turns of the loop that the planted early exit saves.
const SAVED: u64 = 500;
const KEY: &str = include_str!("keys/throwaway.pkcs1.pem");

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("measure") => measure(std::env::args().nth(2).as_deref() == Some("early-exit")),
        Some("--list") => {}
        _ if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() => {
            println!("constant_time: NOT MEASURED, valgrind is not installed");
        }
        _ => compare(),
    }
}

/// The library's own cost is the same for all classes; a planted early exit is noticed.
fn compare() {
    let counts = counted("as-it-is");
    println!("constant_time: {}", told(&counts));
    assert!(distance(&counts) <= MEDIANS && spread(&counts) <= SPREAD, "the classes differ: {counts:?}");
    // T-C4': the same measurement finds what it is for.
    let control = counted("early-exit");
    println!("constant_time: with an early exit: {}", told(&control));
    assert!(distance(&control) > MEDIANS, "an early exit went unnoticed: {control:?}");
}

fn spread(counts: &BTreeMap<Class, Vec<u64>>) -> u64 {
    let all = || counts.values().flatten();
    all().max().unwrap() - all().min().unwrap()
}

/// Between the medians of the classes.
fn distance(counts: &BTreeMap<Class, Vec<u64>>) -> u64 {
    let medians: Vec<u64> = counts.values().map(|counts| median(counts)).collect();
    medians.iter().max().unwrap() - medians.iter().min().unwrap()
}

fn median(counts: &[u64]) -> u64 {
    let mut sorted = counts.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

fn told(counts: &BTreeMap<Class, Vec<u64>>) -> String {
    let class = |(class, counts): (&Class, &Vec<u64>)| format!("{class:?} {}", median(counts));
    let classes: Vec<String> = counts.iter().map(class).collect();
    let calls: usize = counts.values().map(Vec::len).sum();
    format!(
        "medians {}, {} apart; {calls} calls, {} from the cheapest to the dearest",
        classes.join(", "),
        distance(counts),
        spread(counts)
    )
}

/// The instructions of each call by the class of its block.
fn counted(mode: &str) -> BTreeMap<Class, Vec<u64>> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("constant-time-{mode}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=constant_time::measured_call"])
        .args(["--dump-after=constant_time::measured_call", "--dump-instr=no"])
        .arg(format!("--callgrind-out-file={}", folder.join("calls").display()))
        .arg(std::env::current_exe().unwrap())
        .args(["measure", mode])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let classes = String::from_utf8(output.stdout).unwrap();
    let mut counts: BTreeMap<Class, Vec<u64>> = BTreeMap::new();
    for (number, class) in (1..).zip(classes.lines()) {
        let dump = fs::read_to_string(folder.join(format!("calls.{number}"))).unwrap();
        let total = dump.lines().find_map(|line| line.strip_prefix("summary: ")).unwrap();
        if let Some(class) = CLASSES.into_iter().find(|known| format!("{known:?}") == class) {
            counts.entry(class).or_default().push(total.trim().parse().unwrap());
        }
    }
    fs::remove_dir_all(&folder).unwrap();
    assert!(CLASSES.iter().all(|class| counts[class].len() == BLOCKS * ROUNDS), "{counts:?}");
    counts
}

/// Runs under callgrind: one line a call, with the class of its block.
fn measure(early_exit: bool) {
    let label = Label::new(Scope::Strict, "ns", "name").unwrap();
    for round in 0..ROUNDS {
        let ring = Keyring::from_keys(vec![UnsealingKey::from_pem(KEY.as_bytes()).unwrap()]);
        for number in 0..WARM_UP {
            assert!(!measured_call(&block(Class::ZeroFirst, number), &label, &ring, false));
            println!("warm-up");
        }
        for number in 0..BLOCKS {
            for turn in 0..CLASSES.len() {
                // No class always comes first.
                let class = CLASSES[(turn + number + round) % CLASSES.len()];
                let value = block(class, round * BLOCKS + number);
                let exits = early_exit && class == Class::NonZeroFirst;
                assert!(!measured_call(&value, &label, &ring, exits));
                println!("{class:?}");
            }
        }
    }
}

#[inline(never)]
fn measured_call(value: &SealedValue, label: &Label, ring: &Keyring, exits_early: bool) -> bool {
    // Instructions that a check which stops at the first byte would save.
    if !exits_early {
        for number in 0..SAVED {
            let _ = black_box(number);
        }
    }
    unseal(value, label, ring).is_ok()
}

/// A sealed value whose block decrypts to what the class says.
fn block(class: Class, number: usize) -> SealedValue {
    if class == Class::OtherLabel {
        let other = Label::new(Scope::Strict, "ns", "other").unwrap();
        let key = UnsealingKey::from_pem(KEY.as_bytes()).unwrap();
        return seal(&Plaintext::new(vec![0; 32]), &other, key.sealing_key()).unwrap();
    }
    let (_, der) = pem_rfc7468::decode_vec(KEY.as_bytes()).unwrap();
    let key = pkcs1::RsaPrivateKey::from_der(&der).unwrap();
    let integer = |value: pkcs1::UintRef<'_>| BigUint::from_bytes_be(value.as_bytes());
    let (modulus, exponent) = (integer(key.modulus), integer(key.public_exponent));
    let mut encoded: Vec<u8> =
        (0..8u8).flat_map(|part| Sha256::digest([part, u8::try_from(number).unwrap(), class as u8])).collect();
    encoded[0] = if class == Class::ZeroFirst { 0 } else { 1 + u8::try_from(number).unwrap() };
    let wrapped = BigUint::from_bytes_be(&encoded).modpow(&exponent, &modulus).to_bytes_be();
    let padded = [vec![0; encoded.len() - wrapped.len()], wrapped].concat();
    let length = u16::try_from(padded.len()).unwrap().to_be_bytes();
    SealedValue::from_bytes(&[&length[..], &padded, &[0; 48]].concat()).unwrap()
}
