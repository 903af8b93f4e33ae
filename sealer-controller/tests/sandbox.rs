//! Do templates run in processes that can reach nothing, and does nothing that happens there reach the controller?
//!
//! `cargo test -p sealer-controller --test sandbox -- --nocapture` prints memory and cost.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests may panic, and print figures")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sealer_controller::sandbox::{ARGUMENT, Cause, Job, NotRendered, Pool, SYSCALLS, Values};
use sealer_core::Plaintext;
use sealer_go::template::{Environment, ErrorClass, Functions, Limits, function_names};
use sealer_resource::render::{Rendering, Texts};
use tokio::sync::{Mutex, MutexGuard};

/// Held by the test that runs: tests look at the children of this process.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Waits for the turn of a test, and until the workers of the one before are gone.
async fn alone() -> MutexGuard<'static, ()> {
    let guard = ALONE.lock().await;
    let deadline = Instant::now() + Duration::from_secs(120);
    while !workers().is_empty() {
        assert!(Instant::now() < deadline, "workers outlive their pool");
        tokio::task::yield_now().await;
    }
    guard
}

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_controller"))
}

fn texts(templates: &[(&str, &str)]) -> Texts {
    templates.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn items() -> Values {
    Values::from([("value".to_owned(), Plaintext::new(b"a value".to_vec()))])
}

fn job(templates: &Texts, expensive: bool) -> Job<'_> {
    let environment = Environment { now: jiff::Timestamp::UNIX_EPOCH, functions: Functions { expensive } };
    Job { namespace: "ns", environment, templates }
}

async fn rendered(pool: &Pool, template: &str) -> Result<Vec<u8>, NotRendered> {
    let templates = texts(&[("out", template)]);
    let mut rendered = pool.render(&job(&templates, false), &items()).await?;
    Ok(rendered.remove("out").unwrap().expose().to_vec())
}

async fn renders(pool: &Pool) {
    assert_eq!(rendered(pool, "{{ .value }}!").await.unwrap(), b"a value!");
}

/// The workers of this process.
fn workers() -> Vec<u32> {
    let threads = fs::read_dir("/proc/self/task").unwrap().flatten();
    let children = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let children: Vec<u32> =
        children.flat_map(|ids| ids.split(' ').filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect();
    let is_worker =
        |id: &u32| fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| line.ends_with(b"template-worker\0"));
    children.into_iter().filter(is_worker).collect()
}

fn signal(process: u32, signal: Signal) {
    kill_process(Pid::from_raw(process.try_into().unwrap()).unwrap(), signal).unwrap();
}

/// A line of /proc/PID/status.
fn status(process: u32, field: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {field} in {status}")).trim().to_owned()
}

/// KiB of a process without what it shares with others that run the same file.
fn own_memory(process: u32) -> u64 {
    status(process, "RssAnon").split(' ').next().unwrap().parse().unwrap()
}

/// KiB that an idle worker may hold of its own.
const MEMORY: u64 = 4 << 10;

#[tokio::test]
async fn worker_starts_at_the_first_template_and_can_reach_nothing() {
    let _alone = alone().await;
    let pool = Pool::new(program());
    assert_eq!(workers(), Vec::<u32>::new(), "none before the first template");
    renders(&pool).await;
    renders(&pool).await;
    let [worker] = workers()[..] else { panic!("one worker, kept warm: {:?}", workers()) };
    for (field, expected) in [("NoNewPrivs", "1"), ("Seccomp", "2"), ("Seccomp_filters", "2"), ("Threads", "1")] {
        assert_eq!(status(worker, field), expected, "{field}");
    }
    let limits = fs::read_to_string(format!("/proc/{worker}/limits")).unwrap();
    for (name, value) in [
        ("Max core file size", "0"),
        ("Max file size", "0"),
        ("Max processes", "0"),
        ("Max open files", "3"),
        ("Max cpu time", "120"),
    ] {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        assert_eq!(line.split_whitespace().next().unwrap(), value, "{name}");
    }
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max address space")).unwrap();
    let limit: u64 = limit.split_whitespace().next().unwrap().parse().unwrap();
    println!(
        "idle worker: {} resident, of which {} its own; at most {} MiB of addresses",
        status(worker, "VmRSS"),
        status(worker, "RssAnon"),
        limit >> 20
    );
    assert!(own_memory(worker) <= MEMORY, "an idle worker holds {} KiB", own_memory(worker));
    assert!(limit < 512 << 20, "{limit}");
    // The private files of a process that is not dumpable belong to root, whoever runs it.
    let environment = fs::metadata(format!("/proc/{worker}/environ")).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&environment), 0);
    private_files(worker);
    println!("system calls: {}", SYSCALLS.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(" "));
}

/// What only root may read of a process that is not dumpable.
fn private_files(worker: u32) {
    let Ok(open) = fs::read_dir(format!("/proc/{worker}/fd")) else {
        println!("descriptors and environment are not readable by this user, which is the point");
        return;
    };
    let open: BTreeMap<String, PathBuf> = open
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_link(entry.path()).unwrap()))
        .collect();
    let pipe = |name: &str| open.get(name).is_some_and(|path| path.to_str().unwrap().starts_with("pipe:"));
    assert!(pipe("0") && pipe("1"), "{open:?}");
    assert_eq!(open.get("2").unwrap(), Path::new("/dev/null"));
    let own = ["0", "1", "2"].map(str::to_owned);
    // What the runner of the tests left open for everybody is of no use: reading and writing name their descriptor.
    let ours: BTreeSet<_> = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let others: Vec<_> = open.keys().filter(|name| !own.contains(name)).collect();
    assert!(others.iter().all(|name| ours.contains(std::ffi::OsStr::new(name.as_str()))), "{open:?}");
    assert_eq!(fs::read(format!("/proc/{worker}/environ")).unwrap(), b"", "the environment is empty");
}

#[test]
fn the_page_on_security_lists_the_system_calls_that_are_allowed() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/security.md")).unwrap();
    let row = page.lines().find(|line| line.starts_with("| system calls (")).unwrap();
    let quoted: BTreeSet<&str> = row.split('`').skip(1).step_by(2).filter(|word| !word.contains(':')).collect();
    assert_eq!(quoted, SYSCALLS.iter().map(|(name, ..)| *name).collect());
}

#[tokio::test]
async fn every_function_runs_within_the_filter() {
    let _alone = alone().await;
    let pool = Pool::new(program());
    let slow = [
        "{{ genPrivateKey \"ecdsa\" }}",
        "{{ genPrivateKey \"ed25519\" }}",
        "{{ $ca := genCA \"ca\" 1 }}{{ $ca.Cert }}{{ (genSignedCert \"a\" nil (list \"a.example\") 1 $ca).Cert }}",
        "{{ $k := genPrivateKey \"ecdsa\" }}{{ $ca := genCAWithKey \"ca\" 1 $k }}\
         {{ (genSignedCertWithKey \"a\" nil (list \"a.example\") 1 $ca $k).Cert }}{{ (buildCustomCert (b64enc $ca.Cert) (b64enc $ca.Key)).Cert }}",
        "{{ (genSelfSignedCert \"a\" (list \"127.0.0.1\") nil 1).Cert }}\
         {{ (genSelfSignedCertWithKey \"a\" nil nil 1 (genPrivateKey \"ecdsa\")).Key }}",
        "{{ bcrypt \"a\" }}{{ htpasswd \"a\" \"b\" }}",
        "{{ derivePassword 1 \"long\" \"a\" \"b\" \"c\" }}",
        "{{ encryptAES \"key\" \"text\" | decryptAES \"key\" }}",
    ];
    for template in slow {
        let templates = texts(&[("out", template)]);
        let rendered = pool.render(&job(&templates, true), &items()).await;
        assert!(rendered.is_ok_and(|rendered| !rendered.is_empty()), "{template}");
    }
    let plain = [
        "{{ uuidv4 }}{{ randAlphaNum 20 }}{{ randBytes 9 }}{{ randInt 1 9 }}{{ shuffle \"abc\" }}",
        "{{ now | date \"2006-01-02\" }}{{ dateInZone \"15:04 MST\" now \"Europe/Berlin\" }}{{ ago now }}",
        "{{ repeat 90000 \"a\" | sha256sum }}{{ until 900 | join \",\" | len }}",
    ];
    for template in plain {
        assert!(rendered(&pool, template).await.is_ok_and(|text| !text.is_empty()), "{template}");
    }
    let mut jobs = 0;
    for name in function_names().into_iter().filter(|name| !name.starts_with("gen") && !name.contains("crypt")) {
        for arguments in
            ["", ".value", "1", "(list .value 1)", ".value .value", "1 2", ".value 1 2", "\"a\" \"b\" .value"]
        {
            let outcome = rendered(&pool, &format!("{{{{ {name} {arguments} }}}}")).await;
            let is_told = matches!(outcome, Ok(_) | Err(NotRendered::Failed(Cause::Engine(_))));
            assert!(is_told, "{name} {arguments}: {outcome:?}");
            jobs += 1;
        }
    }
    println!("{jobs} jobs, no call outside of the filter");
    assert!(jobs > 1000);
}

#[tokio::test]
async fn hostile_templates_harm_their_object_alone() {
    let _alone = alone().await;
    let pool = Pool::new(program());
    let comments = "{{/**/}}".repeat(20_000);
    let parentheses = format!("{{{{ {}1{} }}}}", "(".repeat(100_000), ")".repeat(100_000));
    for (name, template) in [
        ("comments", comments.as_str()),
        ("nested lists", "{{ $x := list }}{{ range 100000 }}{{ $x = list $x }}{{ end }}"),
        ("nested lists, until", "{{ $x := list }}{{ range until 60000 }}{{ $x = list $x }}{{ end }}"),
        ("parentheses", parentheses.as_str()),
        ("endless", "{{ range until 60000 }}{{ range until 60000 }}{{ end }}{{ end }}"),
        ("one large text", "{{ $x := repeat 1000000 .value }}{{ $x }}{{ $x }}{{ $x }}"),
        ("pattern", "{{ regexMatch (repeat 50000 \"\\\\pL\") .value }}"),
    ] {
        let outcome = rendered(&pool, template).await;
        let told = outcome.as_ref().map_or_else(|error| format!("{error:?}"), |text| format!("{} bytes", text.len()));
        let peaks: Vec<_> = workers().into_iter().map(|worker| status(worker, "VmHWM")).collect();
        println!("{name:<20} {told} (peak {})", peaks.join(", "));
        assert!(matches!(outcome, Ok(_) | Err(NotRendered::Failed(_) | NotRendered::Unparsed(_))), "{name}: {told}");
        renders(&pool).await;
        for worker in workers() {
            assert!(own_memory(worker) <= MEMORY, "an idle worker holds {} KiB after {name}", own_memory(worker));
        }
    }
}

#[tokio::test]
async fn the_largest_object_renders() {
    let _alone = alone().await;
    let pool = Pool::new(program());
    let names = ["a", "b", "c", "d"];
    let templates: Texts = names.map(|name| (name.to_owned(), "{{ .value }}".to_owned())).into();
    let items = Values::from([("value".to_owned(), Plaintext::new(vec![b'v'; 1_000_000]))]);
    let rendered = pool.render(&job(&templates, false), &items).await.unwrap();
    assert!(rendered.values().all(|value| value.expose().len() == 1_000_000));
    let [worker] = workers()[..] else { return };
    println!("four results of 1 MB: peak {}, {} now", status(worker, "VmHWM"), status(worker, "VmRSS"));
}

#[tokio::test]
async fn killed_workers_are_replaced() {
    let _alone = alone().await;
    let pool = Arc::new(Pool::new(program()));
    // Two at a time, of two namespaces: both wait for work when they are killed, and the next object finds them dead.
    let templates = texts(&[("out", "{{ range until 200 }}{{ sha256sum $.value | len }}{{ end }}")]);
    let deadline = Instant::now() + Duration::from_secs(120);
    while workers().len() < 2 {
        assert!(Instant::now() < deadline, "one worker does everything");
        let (one, values) = (job(&templates, false), items());
        let other = Job { namespace: "other", ..job(&templates, false) };
        let (one, other) = tokio::join!(pool.render(&one, &values), pool.render(&other, &values));
        assert!(one.is_ok() && other.is_ok());
    }
    let before = workers();
    before.iter().for_each(|worker| signal(*worker, Signal::KILL));
    renders(&pool).await;
    assert!(workers().iter().all(|worker| !before.contains(worker)));
    // Under load: whatever is hit is done again or fails alone.
    let jobs = (0..200).map(|_| {
        let pool = pool.clone();
        tokio::spawn(
            async move { rendered(&pool, "{{ range until 200 }}{{ sha256sum $.value | len }}{{ end }}").await },
        )
    });
    let jobs: Vec<_> = jobs.collect();
    let mut kills = 0;
    while jobs.iter().any(|job| !job.is_finished()) && kills < 20 {
        tokio::task::yield_now().await;
        if let [worker, ..] = workers()[..] {
            let _ = kill_process(Pid::from_raw(worker.try_into().unwrap()).unwrap(), Signal::KILL);
            kills += 1;
        }
    }
    let (mut fine, mut failed) = (0, 0);
    for job in jobs {
        match job.await.unwrap() {
            Ok(_) => fine += 1,
            Err(NotRendered::Failed(Cause::Ended) | NotRendered::Unavailable(_)) => failed += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    println!("{kills} kills: {fine} rendered, {failed} failed");
    assert!(kills > 0 && fine + failed == 200 && failed <= kills);
    renders(&pool).await;
}

#[tokio::test]
async fn a_busy_namespace_keeps_no_other_waiting() {
    let _alone = alone().await;
    let pool = Arc::new(Pool::new(program()));
    renders(&pool).await;
    let busy = (0..40).map(|_| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let templates = texts(&[("out", "{{ range until 60000 }}{{ range until 60000 }}{{ end }}{{ end }}")]);
            let job = Job { namespace: "busy", ..job(&templates, false) };
            pool.render(&job, &items()).await
        })
    });
    let busy: Vec<_> = busy.collect();
    tokio::task::yield_now().await;
    let started = Instant::now();
    for _ in 0..5 {
        renders(&pool).await;
    }
    let (waited, unfinished) = (started.elapsed(), busy.iter().filter(|job| !job.is_finished()).count());
    let (mut failed, mut later) = (0, 0);
    for job in busy {
        match job.await.unwrap() {
            Err(NotRendered::Failed(_)) => failed += 1,
            Err(NotRendered::QueueFull) => later += 1,
            outcome => panic!("{outcome:?}"),
        }
    }
    println!("5 objects beside 40 of a busy namespace: {waited:?}; {unfinished} of those had no answer yet");
    assert!(unfinished > 20, "the honest ones came before most of the others: {unfinished}");
    assert_eq!(failed + later, 40);
}

#[tokio::test]
async fn stopped_worker_is_given_up_and_replaced() {
    let _alone = alone().await;
    let pool = Pool::new(program());
    renders(&pool).await;
    let [worker] = workers()[..] else { panic!("one worker") };
    signal(worker, Signal::STOP);
    let outcome = rendered(&pool, "{{ .value }}").await;
    // A node that stands still is no fault of the template: the object is tried again.
    assert!(matches!(outcome, Err(NotRendered::Unavailable(_))), "{outcome:?}");
    assert!(!workers().contains(&worker), "it is killed, and no zombie is left");
    renders(&pool).await;
}

#[tokio::test]
async fn failures_that_run_and_failures_that_parse_are_told_apart() {
    let _alone = alone().await;
    let pool = Pool::new(program());
    let outcome = rendered(&pool, "{{ fail .value }}").await;
    assert!(matches!(outcome, Err(NotRendered::Failed(Cause::Engine(ErrorClass::Execution)))), "{outcome:?}");
    let outcome = rendered(&pool, "{{ genCA \"a\" 1 }}").await;
    assert!(matches!(outcome, Err(NotRendered::Failed(Cause::Engine(ErrorClass::Refused)))), "{outcome:?}");
    let templates = texts(&[("a", "{{ fail .value }}"), ("b", "x\n {{ nofunction }}")]);
    let outcome = pool.render(&job(&templates, false), &items()).await;
    let Err(NotRendered::Unparsed(unparsed)) = outcome else { panic!("{outcome:?}") };
    let told: Vec<_> = unparsed.iter().map(|(name, failure)| format!("{name}: {failure}")).collect();
    assert_eq!(told, ["b: template parse error at line 2, column 5: there is no such function"]);
    assert_eq!(pool.check(&job(&templates, false)).await.unwrap(), unparsed);
}

/// A program in place of the worker.
async fn impostor(script: &str) -> Result<Vec<u8>, NotRendered> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("worker");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    rendered(&Pool::new(path), "{{ .value }}").await
}

#[tokio::test]
async fn nothing_that_a_worker_says_is_believed() {
    let _alone = alone().await;
    for (script, why) in [
        (r"printf '\021\377\377\377\377'; cat >/dev/null", "a length of 4 GiB"),
        (r"printf '\021\005\000\000\000hello'; cat >/dev/null", "an answer that is none"),
        (r"printf '\021\001\000\000\000\001'; cat >/dev/null", "values where numbers were asked for"),
        (r"printf '\021\001\000\000\000\002\001\000\000\000\001'; cat >/dev/null", "values that are missing"),
    ] {
        let outcome = impostor(script).await;
        assert!(matches!(outcome, Err(NotRendered::Failed(Cause::Nonsense))), "{why}: {outcome:?}");
    }
    let outcome = impostor(r"printf '\021'; exec 0<&-; exec 1>&-").await;
    assert!(matches!(outcome, Err(NotRendered::Failed(Cause::Ended))), "{outcome:?}");
    for script in ["exit 1", r"printf '\100'; cat >/dev/null"] {
        let outcome = impostor(script).await;
        assert!(matches!(outcome, Err(NotRendered::Unavailable(_))), "{script}: {outcome:?}");
    }
    let missing = rendered(&Pool::new("/nowhere/controller".into()), "{{ 1 }}").await;
    assert!(matches!(missing, Err(NotRendered::Unavailable(reason)) if reason == "entity not found"));
}

#[test]
fn worker_ends_with_its_controller() {
    // The input stays open, so only the death of the parent can end it.
    let script = "sleep 60 | \"$0\" template-worker >/dev/null 2>&1 & echo $!; wait";
    let mut parent = Command::new("sh").arg("-c").arg(script).arg(program()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(parent.stdout.take().unwrap()), &mut line).unwrap();
    let worker: u32 = line.trim().parse().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    let is_confined =
        || fs::read_to_string(format!("/proc/{worker}/status")).is_ok_and(|text| text.contains("Seccomp:\t2"));
    while !is_confined() {
        assert!(Instant::now() < deadline, "the worker does not start");
        std::thread::yield_now();
    }
    parent.kill().unwrap();
    parent.wait().unwrap();
    let is_there =
        || fs::read_to_string(format!("/proc/{worker}/status")).is_ok_and(|text| !text.contains("State:\tZ"));
    while is_there() {
        assert!(Instant::now() < deadline, "the worker outlives its parent");
        std::thread::yield_now();
    }
    assert_eq!(ARGUMENT, "template-worker");
}

#[test]
fn worker_ends_with_its_input() {
    let output = Command::new(program()).arg(ARGUMENT).stdin(Stdio::null()).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &[0x11][..]), "{output:?}");
    assert!(output.stderr.is_empty());
}

/// Time an object, here and in a worker: printed, not asserted.
#[tokio::test]
async fn cost_of_a_process_is_printed() {
    let _alone = alone().await;
    let pool = Pool::new(program());
    let small = "user: {{ .value | quote }}\npassword: {{ .value | b64enc }}".to_owned();
    let large = format!("{}\n{}", "# a comment of a configuration file\n".repeat(2000), small);
    for (name, text, count) in [("100 bytes", &small, 500), ("70 KB", &large, 100)] {
        let templates = texts(&[("out", text)]);
        let job = job(&templates, false);
        pool.render(&job, &items()).await.unwrap();
        let started = Instant::now();
        for _ in 0..count {
            pool.render(&job, &items()).await.unwrap();
        }
        let outside = started.elapsed() / count;
        let started = Instant::now();
        for _ in 0..count {
            let clock = move || started.elapsed();
            let limits = Limits { time: Duration::from_secs(100), ..Limits::default() };
            let rendering = Rendering { environment: job.environment, limits, clock: &clock };
            let items = items().iter().map(|(name, value)| (name.clone(), value.expose().to_vec())).collect();
            rendering.render(&templates, items).unwrap();
        }
        let inside = started.elapsed() / count;
        println!(
            "{name}: {outside:?} in a worker, {inside:?} in this process: {:?} more",
            outside.saturating_sub(inside)
        );
    }
}
