//! The control plane: found or built, started, ready, and gone when dropped.

use std::fmt;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::control_plane::certificates::Authority;
use crate::node::Node;
use crate::process::Process;
use crate::report::say;

pub mod binaries;
mod certificates;
pub mod pod_network;

/// A running control plane with one node.
pub struct ControlPlane {
    /// All state: logs, audit log, kubeconfigs.
    pub folder: TempDir,
    /// Where the API server listens.
    pub server: String,
    /// The administrator's client.
    pub client: Client,
    /// The node that runs Pods.
    pub node: Node,
    authority: Authority,
    // In this order they end: writers first, the store last.
    _controller_manager: Process,
    api_server: Mutex<Process>,
    _etcd: Process,
    /// How the API server is started: its program and its arguments.
    api_server_start: (PathBuf, Vec<String>),
}

impl fmt::Debug for ControlPlane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ControlPlane({})", self.server)
    }
}

impl ControlPlane {
    /// Finds or builds the parts, and starts them.
    ///
    /// # Errors
    /// A part that can be neither found nor built, or that does not get ready.
    pub async fn start() -> Result<Self> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let [etcd, api_server, controller_manager] = binaries::find_or_build()?;
        let started = Instant::now();
        say("starting the control plane (about 10 seconds) …");
        let folder = state_folder()?;
        let path = folder.path();
        let authority = Authority::new()?;
        authority.write(path)?;
        let [etcd_port, port] = free_ports()?;
        let server = format!("https://127.0.0.1:{port}");
        let mut etcd = run(&etcd, "etcd", etcd_args(path, etcd_port), path)?;
        wait_for("etcd", path, &mut etcd, async || http_answers(etcd_port, "/health")).await?;
        let network = pod_network::PodNetwork::start(&path.join("egress.sock"))?;
        fs::write(path.join("egress.yaml"), egress(&path.join("egress.sock")))?;
        let api_server_start = (api_server, api_server_args(path, etcd_port, port));
        let mut api_server = run(&api_server_start.0, "kube-apiserver", api_server_start.1.clone(), path)?;
        write_kubeconfig(path, "admin", &server, &authority, &["system:masters"])?;
        let client = client(&path.join("admin.kubeconfig")).await?;
        wait_for("kube-apiserver", path, &mut api_server, async || is_ready(&client).await).await?;
        write_kubeconfig(path, "controller-manager", &server, &authority, &["system:masters"])?;
        let manager = run(&controller_manager, "kube-controller-manager", controller_manager_args(path), path)?;
        let node = Node::start(client.clone(), network, path, &server).await?;
        say(&format!("control plane ready after {:.1} s", started.elapsed().as_secs_f64()));
        Ok(Self {
            server,
            client,
            node,
            authority,
            _controller_manager: manager,
            api_server: Mutex::new(api_server),
            api_server_start,
            _etcd: etcd,
            folder,
        })
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("admin.kubeconfig")
    }

    /// A kubeconfig for a user with no rights but those of everybody who is authenticated.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn kubeconfig_of(&self, user: &str) -> Result<PathBuf> {
        write_kubeconfig(self.folder.path(), user, &self.server, &self.authority, &[])?;
        Ok(self.folder.path().join(format!("{user}.kubeconfig")))
    }

    /// Kills the API server, does something while it is away, and starts it again.
    ///
    /// # Errors
    /// It does not get ready again, or the work fails.
    pub async fn without_api_server(&self, work: impl AsyncFnOnce() -> Result<()>) -> Result<()> {
        self.api_server.lock().await.kill();
        let done = work().await;
        let (program, args) = &self.api_server_start;
        let mut again = run(program, "kube-apiserver", args.clone(), self.folder.path())?;
        let ready = async || is_ready(&self.client).await;
        wait_for("kube-apiserver", self.folder.path(), &mut again, ready).await?;
        *self.api_server.lock().await = again;
        done
    }

    /// A client without an identity, for calls that bring their own.
    ///
    /// # Errors
    /// The authority's file cannot be read.
    pub async fn anonymous(&self) -> Result<Client> {
        let mut config = config(&self.kubeconfig()).await?;
        config.auth_info = AuthInfo::default();
        // What is refused is to reach whoever asked.
        config.default_retry = false;
        Ok(Client::try_from(config)?)
    }

    /// Lines of the API server's audit log.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn audit(&self) -> Result<Vec<serde_json::Value>> {
        let text = fs::read_to_string(self.folder.path().join("audit.log"))?;
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }
}

/// A folder of our own. What a killed run left behind goes first: its processes ended with it.
fn state_folder() -> Result<TempDir> {
    let left_behind = |path: &PathBuf| {
        let name = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        let pid = fs::read_to_string(path.join(PID)).ok().filter(|_| name);
        pid.is_some_and(|pid| !Path::new("/proc").join(pid.trim()).exists())
    };
    let entries = fs::read_dir(std::env::temp_dir())?.filter_map(Result::ok).map(|entry| entry.path());
    for stale in entries.filter(left_behind) {
        // Somebody else may be cleaning too.
        let _ = fs::remove_dir_all(stale);
    }
    // It holds the administrator's key.
    let only_mine = fs::Permissions::from_mode(0o700);
    let folder = tempfile::Builder::new().prefix(PREFIX).permissions(only_mine).tempdir()?;
    fs::write(folder.path().join(PID), std::process::id().to_string())?;
    Ok(folder)
}

/// A client from a kubeconfig file.
///
/// # Errors
/// The file cannot be used.
pub async fn client(kubeconfig: &Path) -> Result<Client> {
    Ok(Client::try_from(config(kubeconfig).await?)?)
}

async fn config(kubeconfig: &Path) -> Result<Config> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    Ok(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)
}

/// Ports that were free a moment ago, each given once. They lie below those that the system gives to connections and to whoever
/// asks for any port, so that nobody takes one before it is listened on.
///
/// # Errors
/// None is free.
pub fn free_ports<const N: usize>() -> Result<[u16; N]> {
    // Two runs at a time begin at different places.
    static NEXT: LazyLock<AtomicU32> = LazyLock::new(|| AtomicU32::new(std::process::id().wrapping_mul(67)));
    let next = || PORTS.start + NEXT.fetch_add(1, Ordering::Relaxed) % (PORTS.end - PORTS.start);
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let tried = std::iter::repeat_with(next).take(PORTS.len()).filter_map(|port| u16::try_from(port).ok());
    let ports: Vec<u16> = tried.filter(is_free).take(N).collect();
    ports.try_into().map_err(|_| anyhow::anyhow!("no free ports"))
}

fn run(program: &Path, name: &str, args: Vec<String>, folder: &Path) -> Result<Process> {
    Process::start(program, &args, &[], &folder.join(format!("{name}.log")))
        .with_context(|| format!("cannot start {name}"))
}

fn etcd_args(folder: &Path, port: u16) -> Vec<String> {
    let address = format!("http://127.0.0.1:{port}");
    vec![
        format!("--listen-client-urls={address}"),
        format!("--advertise-client-urls={address}"),
        "--listen-peer-urls=http://127.0.0.1:0".to_owned(),
        "--unsafe-no-fsync".to_owned(),
        // Room for a hundred thousand objects and their history.
        "--quota-backend-bytes=8589934592".to_owned(),
        format!("--data-dir={}", folder.join("etcd").display()),
    ]
}

fn api_server_args(folder: &Path, etcd_port: u16, port: u16) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    vec![
        format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        "--advertise-address=127.0.0.1".to_owned(),
        "--endpoint-reconciler-type=none".to_owned(),
        format!("--tls-cert-file={}", file("server.crt")),
        format!("--tls-private-key-file={}", file("server.key")),
        format!("--client-ca-file={}", file("ca.crt")),
        "--authorization-mode=RBAC".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-key-file={}", file("accounts.key")),
        format!("--service-account-signing-key-file={}", file("accounts.key")),
        "--service-cluster-ip-range=10.96.0.0/24".to_owned(),
        "--allow-privileged=true".to_owned(),
        format!("--egress-selector-config-file={}", file("egress.yaml")),
        format!("--audit-log-path={}", file("audit.log")),
        format!("--audit-policy-file={}", file("audit.yaml")),
        // In MB: one file from the start to the end.
        "--audit-log-maxsize=10000".to_owned(),
    ]
}

fn controller_manager_args(folder: &Path) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    vec![
        format!("--kubeconfig={}", file("controller-manager.kubeconfig")),
        "--leader-elect=false".to_owned(),
        format!("--service-account-private-key-file={}", file("accounts.key")),
        format!("--root-ca-file={}", file("ca.crt")),
        "--kube-api-qps=200".to_owned(),
        "--kube-api-burst=400".to_owned(),
        "--secure-port=0".to_owned(),
        format!("--controllers={CONTROLLERS}"),
    ]
}

/// The API server reaches Pods through our socket; everything else directly.
fn egress(socket: &Path) -> String {
    let socket = socket.display();
    format!(
        "apiVersion: apiserver.k8s.io/v1beta1\nkind: EgressSelectorConfiguration\negressSelections:\n- name: cluster\n  \
         connection:\n    proxyProtocol: HTTPConnect\n    transport:\n      uds:\n        udsName: {socket}\n- name: controlplane\n  \
         connection:\n    proxyProtocol: Direct\n- name: etcd\n  connection:\n    proxyProtocol: Direct\n"
    )
}

fn write_kubeconfig(folder: &Path, user: &str, server: &str, authority: &Authority, groups: &[&str]) -> Result<()> {
    let (certificate, key) = authority.client(user, groups)?;
    fs::write(folder.join(format!("{user}.crt")), certificate)?;
    fs::write(folder.join(format!("{user}.key")), key)?;
    let text = format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: playground\n  cluster:\n    server: {server}\n    \
         certificate-authority: {ca}\nusers:\n- name: {user}\n  user:\n    client-certificate: {crt}\n    client-key: {key}\n\
         contexts:\n- name: playground\n  context:\n    cluster: playground\n    user: {user}\ncurrent-context: playground\n",
        ca = folder.join("ca.crt").display(),
        crt = folder.join(format!("{user}.crt")).display(),
        key = folder.join(format!("{user}.key")).display(),
    );
    fs::write(folder.join(format!("{user}.kubeconfig")), text)?;
    Ok(())
}

async fn is_ready(client: &Client) -> bool {
    let Ok(request) = http::Request::get("/readyz").body(Vec::new()) else { return false };
    client.request_text(request).await.is_ok_and(|text| text == "ok")
}

async fn wait_for(name: &str, folder: &Path, process: &mut Process, ready: impl AsyncFn() -> bool) -> Result<()> {
    let deadline = Instant::now() + START_TIMEOUT;
    while !ready().await {
        if process.ended().is_some() || Instant::now() > deadline {
            bail!("{name} does not get ready; the end of its log:\n{}", tail(&folder.join(format!("{name}.log"))));
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// Whether a plain HTTP server on loopback answers a path with 200.
pub fn http_answers(port: u16, path: &str) -> bool {
    use std::io::{Read as _, Write as _};
    let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) else { return false };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    let asked = write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    let mut start = [0; 12];
    asked.is_ok() && stream.read_exact(&mut start).is_ok() && start.ends_with(b"200")
}

/// The last lines of a log.
pub fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(30)).copied().collect::<Vec<_>>().join("\n")
}

const START_TIMEOUT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);
const PORTS: std::ops::Range<u32> = 18_000..30_000;
const PREFIX: &str = "sealer-playground-";
const PID: &str = "pid";
/// What the product depends on, and nothing that needs more of a cluster.
const CONTROLLERS: &str = "garbage-collector-controller,namespace-controller,serviceaccount-controller,\
                           root-ca-certificate-publisher-controller,endpoints-controller,endpointslice-controller,\
                           deployment-controller,replicaset-controller,\
                           validatingadmissionpolicy-status-controller";
