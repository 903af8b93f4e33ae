//! What does a large repository cost? `sealer reseal` on trees of files and `sealer` on long streams, beside the bare
//! private-key and public-key operations on all cores in the same run. RSA-4096 throughout.
//! `cargo bench --package sealer-cli --bench reseal`, with words behind `--` for a part of it: resealing, checking, flat, stream.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark may panic, and prints")]

mod measure;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use sealer_core::{Certificate, Keyring, Label, Plaintext, Scope, UnsealingKey, seal, unseal};

use measure::{Cost, cost};

fn main() {
    let world = World::new();
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let parts: [(&str, Part); 4] =
        [("resealing", resealing), ("checking", checking), ("flat", flat), ("stream", stream)];
    for (name, part) in parts {
        if words.is_empty() || words.iter().any(|word| word == name) {
            part(&world);
        }
    }
}

type Part = fn(&World);

/// Two keys and a folder.
struct World {
    folder: tempfile::TempDir,
    old: UnsealingKey,
    new: UnsealingKey,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (UnsealingKey::generate(4096).unwrap(), UnsealingKey::generate(4096).unwrap());
        let start = jiff::Timestamp::from_second(1_600_000_000).unwrap();
        let validity = Duration::from_secs(3600 * 24 * 36500);
        for (name, key) in [("old", &old), ("new", &new)] {
            fs::write(folder.path().join(format!("{name}.key")), key.secret_pkcs1_pem().as_bytes()).unwrap();
            let certificate = Certificate::self_signed(key, "", start, validity).unwrap();
            fs::write(folder.path().join(format!("{name}.pem")), certificate.to_pem()).unwrap();
        }
        Self { folder, old, new }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A tree of files with one value each, sealed for a key.
    fn tree(&self, files: usize, key: &UnsealingKey) -> tempfile::TempDir {
        let tree = tempfile::tempdir_in(self.folder.path()).unwrap();
        for folder in 0..files.div_ceil(100) {
            fs::create_dir(tree.path().join(folder.to_string())).unwrap();
        }
        (0..files).into_par_iter().for_each(|at| {
            let value = seal(&secret(), &label(at), key.sealing_key()).unwrap().to_base64();
            let text = format!(
                "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: secret-{at}\n  namespace: default\n\
                 spec:\n  encryptedData:\n    password: {value}\n  template:\n    metadata:\n      name: secret-{at}\n"
            );
            fs::write(tree.path().join((at / 100).to_string()).join(format!("{at}.yaml")), text).unwrap();
        });
        tree
    }

    fn reseal(&self, tree: &Path, flags: &[&str], status: i32) -> Cost {
        let (old, new) = (self.path("old.key"), self.path("new.key"));
        let certificate = self.path("new.pem");
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealer"));
        command.args(["reseal", "--private-key", &old, "--private-key", &new, "--cert", &certificate]);
        cost(command.args(flags).arg(tree).env("XDG_CACHE_HOME", self.path("cache")), &[], status)
    }

    /// Opening and sealing so many values, on all cores and with nothing around.
    fn bare(&self, values: usize) -> Duration {
        let sealed: Vec<_> =
            (0..values).map(|at| seal(&secret(), &label(at), self.old.sealing_key()).unwrap()).collect();
        let ring = Keyring::from_keys(vec![UnsealingKey::from_pem(&fs::read(self.path("old.key")).unwrap()).unwrap()]);
        let started = Instant::now();
        sealed.par_iter().enumerate().for_each(|(at, sealed)| {
            let opened = unseal(sealed, &label(at), &ring).unwrap();
            seal(&opened.plaintext, &label(at), self.new.sealing_key()).unwrap();
        });
        started.elapsed()
    }
}

fn secret() -> Plaintext {
    Plaintext::new(b"correct horse battery staple".to_vec())
}

fn label(at: usize) -> Label {
    Label::new_unchecked(Scope::Strict, "default", &format!("secret-{at}"))
}

fn resealing(world: &World) {
    // In turns, and the best of each: others may be at work on the machine.
    let (mut bare, mut whole, mut cpu) = (Duration::MAX, Duration::MAX, Duration::MAX);
    // All trees stay until the end: ext4 is slow to make files where others were deleted a moment ago.
    let trees: Vec<_> = (0..5).map(|_| world.tree(1000, &world.old)).collect();
    for tree in &trees {
        bare = bare.min(world.bare(1000));
        let cost = world.reseal(tree.path(), &["--no-cache"], 0);
        (whole, cpu) = (whole.min(cost.wall), cpu.min(cost.cpu));
    }
    println!(
        "reseal of 1000 files: {:.2} s ({:.2} s CPU), {:.2} of opening and sealing 1000 values on all cores ({:.2} s)",
        whole.as_secs_f64(),
        cpu.as_secs_f64(),
        whole.as_secs_f64() / bare.as_secs_f64(),
        bare.as_secs_f64()
    );
}

fn checking(world: &World) {
    let tree = world.tree(10_000, &world.new);
    for (what, flags) in [
        ("without a record", &["--check", "--no-cache"][..]),
        ("for the first time", &["--check"]),
        ("again", &["--check"]),
    ] {
        let cost = world.reseal(tree.path(), flags, 0);
        println!("reseal --check of 10000 current files {what}: {:.2} s", cost.wall.as_secs_f64());
    }
}

fn flat(world: &World) {
    for files in [1000, 10_000] {
        let tree = world.tree(files, &world.old);
        told(&format!("reseal of {files} files"), &world.reseal(tree.path(), &["--no-cache"], 0));
    }
}

fn stream(world: &World) {
    for documents in [1000, 10_000] {
        let input: String = (0..documents).map(document).collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealer"));
        let cost = cost(command.args(["--cert", &world.path("new.pem"), "--format", "yaml"]), input.as_bytes(), 0);
        told(&format!("sealer on a stream of {documents} documents"), &cost);
    }
}

fn document(at: usize) -> String {
    format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: secret-{at}\n  namespace: default\nstringData:\n  \
         user: admin\n  password: correct horse battery staple\n  url: postgres://db.example/app\n"
    )
}

fn told(what: &str, cost: &Cost) {
    println!(
        "{what}: {:.2} s, {:.2} cores busy, {:.1} MiB at most",
        cost.wall.as_secs_f64(),
        cost.cores(),
        cost.kibibytes as f64 / 1024.0
    );
}
