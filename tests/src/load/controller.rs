//! The controller as one process that is measured: its metrics, its processor time, its memory.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::control_plane::{free_ports, http_answers, tail};
use crate::process::Process;
use crate::product::repository;
use crate::report::say;

/// A running controller.
#[derive(Debug)]
pub(super) struct Controller {
    process: Process,
    port: u16,
    metrics: u16,
    log: PathBuf,
    started: Instant,
    patience: Duration,
}

/// Builds what is shipped, unless a program is named.
pub(super) fn program(named: Option<&str>) -> Result<PathBuf> {
    if let Some(path) = named {
        return Ok(PathBuf::from(path));
    }
    say("building the controller as it is shipped (some minutes the first time) …");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let args = ["build", "--quiet", "--locked", "--profile", "dist", "--package", "sealer-controller", "--bins"];
    let status = Command::new(cargo).args(args).current_dir(repository()).status().context("cannot run cargo")?;
    if !status.success() {
        bail!("the controller does not build");
    }
    let own = std::env::current_exe()?;
    let built = own.ancestors().map(|folder| folder.join("dist/controller")).find(|path| path.is_file());
    built.context("cannot find the program that cargo built")
}

impl Controller {
    /// Starts it on some namespaces, or on the whole cluster, with further flags.
    pub(super) fn start(
        program: &Path,
        kubeconfig: &Path,
        log: &Path,
        namespaces: &[&str],
        flags: &[&str],
    ) -> Result<Self> {
        let [port, metrics] = free_ports()?;
        let mut args = vec![
            format!("--listen-addr=127.0.0.1:{port}"),
            format!("--listen-metrics-addr=127.0.0.1:{metrics}"),
            format!("--additional-namespaces={}", namespaces.join(",")),
        ];
        args.extend(flags.iter().map(|flag| (*flag).to_owned()));
        let environment = [
            ("KUBECONFIG".to_owned(), kubeconfig.display().to_string()),
            ("POD_NAMESPACE".to_owned(), "kube-system".to_owned()),
        ];
        let process = Process::start(program, &args, &environment, log)?;
        Ok(Self { process, port, metrics, log: log.to_owned(), started: Instant::now(), patience: SYNC_TIMEOUT })
    }

    /// What it does from now on may take so long.
    pub(super) fn may_take(&mut self, patience: Duration) {
        self.patience = self.age() + patience;
    }

    /// The port of the public endpoints.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Time since it was started.
    pub(super) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Waits for the certificate; returns how long that took from the start.
    pub(super) async fn serves(&mut self) -> Result<Duration> {
        while !http_answers(self.port, "/v1/cert.pem") {
            self.check()?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(self.age())
    }

    /// Waits until so many objects are in sync; returns how long that took from the start.
    pub(super) async fn synced(&mut self, objects: usize) -> Result<Duration> {
        loop {
            let synced =
                self.text().lines().filter(|line| line.contains("condition_info{") && line.ends_with("} 1")).count();
            if synced >= objects {
                return Ok(self.age());
            }
            self.check()?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until it calls itself ready; returns how long that took from the start.
    pub(super) async fn ready(&mut self) -> Result<Duration> {
        while !http_answers(self.metrics, "/readyz") {
            self.check()?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(self.age())
    }

    /// Waits until it knows of so many objects that they are in sync. It is asked seldom, since a long answer costs what
    /// is measured.
    pub(super) async fn reaches(&mut self, objects: usize) -> Result<()> {
        loop {
            let begun = Instant::now();
            if self.in_sync() >= objects {
                return Ok(());
            }
            self.check()?;
            tokio::time::sleep((begun.elapsed() * 20).max(Duration::from_millis(50))).await;
        }
    }

    /// The same, and nothing waits.
    pub(super) async fn settles(&mut self, objects: usize) -> Result<()> {
        self.reaches(objects).await?;
        self.quiet().await
    }

    fn in_sync(&self) -> usize {
        let text = self.text();
        let total =
            |line: &str| line.strip_prefix("sealed_secrets_controller_objects{state=\"synced\"} ")?.parse().ok();
        let listed = || text.lines().filter(|line| line.contains("condition_info{") && line.ends_with("} 1")).count();
        text.lines().find_map(total).unwrap_or_else(listed)
    }

    /// Fails once it has ended, or takes far too long.
    fn check(&mut self) -> Result<()> {
        if self.process.ended().is_some() || self.age() > self.patience {
            bail!("the controller does not get there; the end of its log:\n{}", tail(&self.log));
        }
        Ok(())
    }

    /// The text of its metrics; empty while it does not answer.
    pub(super) fn text(&self) -> String {
        use std::io::{Read as _, Write as _};
        let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", self.metrics)) else { return String::new() };
        let mut text = String::new();
        let asked = stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n");
        let _ = asked.and_then(|()| stream.read_to_string(&mut text));
        text
    }

    /// Private-key operations so far.
    pub(super) fn operations(&self) -> u64 {
        self.number("private_key_operations_total")
    }

    /// Waits until nothing has waited, and nothing was opened, for a while.
    pub(super) async fn quiet(&mut self) -> Result<()> {
        let (mut before, mut rounds) = (u64::MAX, 0);
        while rounds < QUIET_ROUNDS {
            self.check()?;
            let now = self.operations();
            rounds = if now == before && self.number("queue_length") == 0 { rounds + 1 } else { 0 };
            before = now;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }

    /// A metric without labels.
    fn number(&self, name: &str) -> u64 {
        let name = format!("sealed_secrets_controller_{name} ");
        let text = self.text();
        text.lines().find_map(|line| line.strip_prefix(&name)?.trim().parse().ok()).unwrap_or_default()
    }

    /// Seconds of processor time.
    pub(super) fn cpu(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid()?))?;
        // Behind the name in parentheses, utime and stime are the 12th and 13th field (proc(5)), in hundredths.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u32>().ok()).unwrap_or_default();
        Ok(f64::from(ticks(11) + ticks(12)) / 100.0)
    }

    /// Memory in MiB: now, and at most so far.
    pub(super) fn memory(&self) -> Result<(f64, f64)> {
        memory_of(self.pid()?)
    }

    /// The same of each process that renders templates.
    pub(super) fn memory_of_workers(&self) -> Result<Vec<(f64, f64)>> {
        let mut found = Vec::new();
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.pid()?))? {
            let children = std::fs::read_to_string(thread?.path().join("children")).unwrap_or_default();
            // One that ends meanwhile has none.
            found.extend(children.split_whitespace().filter_map(|pid| memory_of(pid.parse().ok()?).ok()));
        }
        Ok(found)
    }

    /// Ends it as Kubernetes would.
    pub(super) fn stop(mut self) {
        self.process.stop(Duration::from_secs(30));
    }

    /// The program below its watchdog.
    fn pid(&self) -> Result<u32> {
        let parent = self.process.id();
        let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
        let is_it = |pid: &&str| {
            std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "controller")
        };
        children.split_whitespace().find(is_it).and_then(|pid| pid.parse().ok()).context("the controller has ended")
    }
}

/// Memory of a process in MiB: now, and at most so far.
fn memory_of(pid: u32) -> Result<(f64, f64)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or_default() / 1024.0
    };
    Ok((field("VmRSS:"), field("VmHWM:")))
}

const QUIET_ROUNDS: u32 = 5;
const SYNC_TIMEOUT: Duration = Duration::from_secs(1200);
