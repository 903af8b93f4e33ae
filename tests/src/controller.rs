//! A controller of a test's own: a local process with a service account's token, for one namespace, reached without Pods.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use kube::Client;
use serde_json::{Value, json};

use crate::control_plane::{ControlPlane, free_ports};
use crate::process::Process;

/// What a controller starts with.
#[derive(Clone, Debug)]
pub struct Start<'a> {
    /// The program.
    pub program: &'a Path,
    /// Where it lives: its keys, its objects, its service account `controller`.
    pub namespace: &'a str,
    /// The API server, or something that stands before it.
    pub server: &'a str,
    /// Further flags.
    pub args: &'a [&'a str],
}

/// A running controller. Dropping it kills it.
#[derive(Debug)]
pub struct Controller {
    process: Process,
    ports: [u16; 2],
    log: PathBuf,
}

impl Controller {
    /// Starts it; does not wait until it is ready.
    ///
    /// # Errors
    /// There is no such account, or the process does not start.
    pub async fn start(plane: &ControlPlane, start: &Start<'_>) -> Result<Self> {
        let folder = plane.folder.path();
        let token = token(&plane.client, start.namespace).await?;
        let file = folder.join(format!("controller-{}.kubeconfig", start.namespace));
        let ca = folder.join("ca.crt").display().to_string();
        fs::write(&file, kubeconfig(start.server, &ca, &token).to_string())?;
        let ports = free_ports::<2>()?;
        let [http, metrics] = ports;
        let mut args = vec![
            "--all-namespaces=false".to_owned(),
            "--key-size=2048".to_owned(),
            format!("--listen-addr=127.0.0.1:{http}"),
            format!("--listen-metrics-addr=127.0.0.1:{metrics}"),
        ];
        args.extend(start.args.iter().map(|arg| (*arg).to_owned()));
        let environment = [
            ("KUBECONFIG".to_owned(), file.display().to_string()),
            ("POD_NAMESPACE".to_owned(), start.namespace.to_owned()),
        ];
        // Beside the logs of Pods: there they are looked for when a test fails.
        fs::create_dir_all(folder.join("pods"))?;
        let log = folder.join("pods").join(format!("{}_controller-{http}.log", start.namespace));
        let process = Process::start(start.program, &args, &environment, &log)?;
        Ok(Self { process, ports, log })
    }

    /// Whether it serves a certificate: then its keys are loaded.
    pub fn is_ready(&self) -> bool {
        self.certificate().is_ok()
    }

    /// Whether its process has ended.
    pub fn has_ended(&mut self) -> bool {
        self.process.ended().is_some()
    }

    /// The certificate that it serves, in PEM.
    ///
    /// # Errors
    /// It serves none.
    pub fn certificate(&self) -> Result<String> {
        let answer = get(self.ports[0], "/v1/cert.pem")?;
        let (_, pem) = answer.split_once("\r\n\r\n").context("no HTTP")?;
        anyhow::ensure!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "no certificate: {answer}");
        Ok(pem.to_owned())
    }

    /// The status that it answers a posted body with; none if it says nothing that is HTTP.
    ///
    /// # Errors
    /// It does not answer.
    pub fn post(&self, path: &str, body: &[u8]) -> Result<Option<u16>> {
        let [port, _] = self.ports;
        let head = format!("POST {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len());
        let answer = ask(port, &[head.as_bytes(), body].concat())?;
        let code = answer.strip_prefix("HTTP/1.0 ").and_then(|rest| rest.get(..3));
        Ok(code.and_then(|code| code.parse().ok()))
    }

    /// The same with a bearer token; status and text.
    ///
    /// # Errors
    /// It does not answer, or not in HTTP.
    pub fn post_as(&self, token: &str, path: &str, body: &[u8]) -> Result<(u16, String)> {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
        );
        let answer = ask(self.http_port(), &[head.as_bytes(), body].concat())?;
        let (head, text) = answer.split_once("\r\n\r\n").context("no HTTP")?;
        let code = head.get("HTTP/1.0 ".len()..).and_then(|rest| rest.get(..3)).context("no status")?;
        Ok((code.parse()?, text.to_owned()))
    }

    /// Whether its liveness probe of old manifests is answered.
    ///
    /// # Errors
    /// It is not.
    pub fn healthz(&self) -> Result<()> {
        let answer = get(self.http_port(), "/healthz")?;
        anyhow::ensure!(answer.ends_with("\r\n\r\nok\n"), "{answer}");
        Ok(())
    }

    /// The port of the public endpoints.
    pub fn http_port(&self) -> u16 {
        self.ports[0]
    }

    /// The most memory that it has held since [`Self::forget_peak`], and what it holds now, in bytes (proc(5)).
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn memory(&self) -> Result<(u64, u64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.program()?))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such field")?;
            let kibibytes: u64 = line.split_whitespace().next().context("no number")?.parse()?;
            anyhow::Ok(kibibytes * 1024)
        };
        Ok((field("VmHWM:")?, field("VmRSS:")?))
    }

    /// Begins to look for the most memory anew.
    ///
    /// # Errors
    /// The kernel does not allow it.
    pub fn forget_peak(&self) -> Result<()> {
        Ok(fs::write(format!("/proc/{}/clear_refs", self.program()?), "5")?)
    }

    /// The id of the program, which is the first child of the shell around it.
    fn program(&self) -> Result<u32> {
        let shell = self.process.id();
        let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"))?;
        Ok(children.split_whitespace().next().context("it has ended")?.parse()?)
    }

    /// Its metrics.
    ///
    /// # Errors
    /// It does not answer.
    pub fn metrics(&self) -> Result<String> {
        get(self.ports[1], "/metrics")
    }

    /// The most memory that it ever had, in bytes, as the kernel counts it.
    ///
    /// # Errors
    /// It has ended.
    pub fn peak_memory(&self) -> Result<u64> {
        let shell = self.process.id();
        let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"))?;
        let statuses = children.split_whitespace().map(|id| fs::read_to_string(format!("/proc/{id}/status")));
        let program = statuses.flatten().find(|status| status.starts_with("Name:\tcontroller\n"));
        let program = program.context("the controller has ended")?;
        let line = program.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes * 1024)
    }

    /// All that it logged.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }

    /// Asks it for a new key (SIGUSR1).
    pub fn ask_for_new_key(&self) {
        self.process.signal("USR1");
    }

    /// Asks it to end (SIGTERM), and waits for that; returns its exit status, if it had one.
    pub fn end(mut self) -> Option<i32> {
        self.process.signal("TERM");
        let deadline = Instant::now() + END_TIMEOUT;
        while self.process.ended().is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.process.ended().and_then(|status| status.code())
    }

    /// Ends it without a chance to tidy up (SIGKILL).
    pub fn kill(mut self) {
        self.process.kill();
    }
}

async fn token(client: &Client, namespace: &str) -> Result<String> {
    let body = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {} });
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/controller/token");
    let request = http::Request::post(path).header("Content-Type", "application/json");
    let answer: Value = client.request(request.body(body.to_string().into_bytes())?).await?;
    let token = answer.pointer("/status/token").and_then(Value::as_str);
    token.map(str::to_owned).context("the answer holds no token")
}

fn kubeconfig(server: &str, ca: &str, token: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{ "name": "c", "cluster": { "server": server, "certificate-authority": ca } }],
        "users": [{ "name": "u", "user": { "token": token } }],
        "contexts": [{ "name": "x", "context": { "cluster": "c", "user": "u" } }],
    })
}

fn get(port: u16, path: &str) -> Result<String> {
    ask(port, format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes())
}

/// What a server answers before it closes the connection.
fn ask(port: u16, request: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(END_TIMEOUT))?;
    // A body that is too large is refused before all of it is read.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    anyhow::ensure!(read.is_ok() || !answer.is_empty(), "no answer");
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

const END_TIMEOUT: Duration = Duration::from_secs(10);
