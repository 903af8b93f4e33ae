//! What does a user wait for? Whole processes, offline: one Secret of three values, and a stream of a thousand.
//! `cargo bench --package sealer-cli`
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark may panic, and prints")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use sealer_core::{Certificate, Label, Plaintext, Scope, seal};

const RUNS: u32 = 200;
const DOCUMENTS: usize = 1000;

fn main() {
    let certificate = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/fixtures/cert4096.pem");
    let certificate = certificate.to_str().unwrap();
    one_secret(certificate);
    thousand_secrets(certificate);
}

fn document(at: usize) -> String {
    format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: secret-{at}\n  namespace: default\nstringData:\n  \
         user: admin\n  password: correct horse battery staple\n  url: postgres://db.example/app\n"
    )
}

fn run(certificate: &str, input: &[u8]) -> usize {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sealer"))
        .args(["--cert", certificate, "--format", "yaml"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).unwrap());
        child.wait_with_output().unwrap().stdout.len()
    })
}

fn one_secret(certificate: &str) {
    let input = document(0);
    let (cpu, wall) = (children_cpu(), Instant::now());
    for _ in 0..RUNS {
        assert!(run(certificate, input.as_bytes()) > 0);
    }
    let cpu = (children_cpu() - cpu) / RUNS;
    println!(
        "one Secret of three values: {:.1} ms CPU, {:.1} ms wall",
        milliseconds(cpu),
        milliseconds(wall.elapsed() / RUNS)
    );
}

fn thousand_secrets(certificate: &str) {
    let input: String = (0..DOCUMENTS).map(document).collect();
    let started = Instant::now();
    let bytes = run(certificate, input.as_bytes());
    let sealed = started.elapsed();
    let key = Certificate::first_from_pem(&fs::read(certificate).unwrap()).unwrap().key().clone();
    let label = Label::new(Scope::Strict, "default", "secret").unwrap();
    let started = Instant::now();
    (0..DOCUMENTS * 3).into_par_iter().for_each(|_| {
        seal(&Plaintext::new(b"correct horse battery staple".to_vec()), &label, &key).unwrap();
    });
    let bare = started.elapsed();
    let ratio = sealed.as_secs_f64() / bare.as_secs_f64();
    println!(
        "{DOCUMENTS} Secrets in one stream: {:.0} ms for {bytes} bytes, {ratio:.2} of the bare sealing of their values",
        milliseconds(sealed)
    );
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// User and system time of all processes waited for, from proc(5); a tick is 10 ms.
fn children_cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(')').next().unwrap().split_whitespace();
    let ticks: u64 = fields.skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
