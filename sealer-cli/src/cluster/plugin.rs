//! Credential plugins: asked and believed as client-go does it (`plugin/pkg/client/auth/exec`), once a process.

use http::Uri;
use jiff::Timestamp;
use sealer_encoding::base64;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::cluster::kubeconfig::{ClusterEntry, ExecEntry};
use crate::input::{self, Input};
use crate::manifest::node::Node;
use crate::manifest::read::{self, Wanted};
use crate::network::Failure;
use crate::network::identity::Identity;

mod run;
pub(crate) use run::{RUN_PLUGIN, become_plugin};

/// A plugin that is ready to be run.
pub(super) struct Plugin {
    exec: ExecEntry,
    /// What it is told of the cluster, if it wants to know.
    cluster: Option<Value>,
    stdin: Stdin,
}

/// What the standard input of this process is to a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stdin {
    /// A terminal that nobody else reads.
    Terminal,
    /// A terminal, which the command itself reads from.
    Taken,
    /// No terminal: it may hold a Secret.
    NoTerminal,
}

/// What a plugin gave.
pub(super) struct Issued {
    pub(super) token: Option<Zeroizing<String>>,
    pub(super) identity: Option<Identity>,
    pub(super) expires: Option<Timestamp>,
}

impl Plugin {
    pub(super) fn new(exec: ExecEntry, cluster: &ClusterEntry, server: &Uri, stdin: Stdin) -> Self {
        let cluster = exec.provide_cluster_info.then(|| cluster_info(cluster, server));
        Self { exec, cluster, stdin }
    }

    /// Everything that it is told, to know it again.
    pub(super) fn told(&self) -> String {
        let ExecEntry { command, args, env, api_version, interactive_mode, .. } = &self.exec;
        format!("{command:?} {args:?} {env:?} {api_version:?} {interactive_mode:?} {:?}", self.cluster)
    }

    /// Runs it.
    pub(super) async fn issue(&self) -> Result<Issued, Failure> {
        let Self { exec, .. } = self;
        if !API_VERSIONS.contains(&exec.api_version.as_str()) {
            let told = format!("exec plugin: invalid apiVersion \"{}\"", exec.api_version);
            return Err(Failure::new(told).hint(
                "set apiVersion of the user's exec to client.authentication.k8s.io/v1 or v1beta1, with a version of the plugin that speaks it",
            ));
        }
        let is_interactive = self.is_interactive()?;
        let mut info = json!({
            "kind": "ExecCredential", "apiVersion": exec.api_version, "spec": { "interactive": is_interactive },
        });
        if let (Some(spec), Some(cluster)) = (info.get_mut("spec").and_then(Value::as_object_mut), &self.cluster) {
            spec.insert("cluster".to_owned(), cluster.clone());
        }
        let stdout = run::output(exec, &info.to_string(), is_interactive).await?;
        self.issued(&stdout).map_err(|reason| {
            Failure::new(format!("exec: {reason}"))
                .hint(format!("this is about the output of the credential plugin {}", exec.command))
        })
    }

    /// client-go's `isInteractive`.
    fn is_interactive(&self) -> Result<bool, Failure> {
        let refused = |why: &str| {
            Failure::new(format!("exec plugin cannot support interactive mode: {why}"))
                .hint("run it on a terminal, with the Secret in a file (-f FILE), or log in beforehand")
        };
        match (self.exec.interactive_mode.as_str(), self.stdin) {
            ("Never", _) => Ok(false),
            ("Always", Stdin::NoTerminal) => Err(refused("standard input is not a terminal")),
            ("Always", Stdin::Taken) => Err(refused("standard input is unavailable: the command itself reads it")),
            (_, stdin) => Ok(stdin == Stdin::Terminal),
        }
    }

    /// Reads what it printed. What stands there is a credential, and is never told.
    fn issued(&self, stdout: &[u8]) -> Result<Issued, String> {
        let undecoded = "decoding stdout: it is no ExecCredential object";
        let documents = read::documents(stdout, "the output", Wanted::Secrets).map_err(|_| undecoded)?;
        let node = &documents.first().ok_or(undecoded)?.node;
        let text = |node: &Node, name: &str| {
            let text = node.field(name).and_then(Node::as_text).filter(|text| !text.is_empty());
            text.map(|text| Zeroizing::new(text.to_owned()))
        };
        if text(node, "kind").is_none_or(|kind| *kind != "ExecCredential") {
            return Err(undecoded.to_owned());
        }
        let returned = text(node, "apiVersion").unwrap_or_default();
        if *returned != self.exec.api_version {
            let returned = if API_VERSIONS.contains(&returned.as_str()) { returned.as_str() } else { "another one" };
            return Err(format!(
                "exec plugin is configured to use API version {}, plugin returned version {returned}",
                self.exec.api_version
            ));
        }
        let status = node.field("status").filter(|status| !matches!(status, Node::Null));
        let status = status.ok_or("exec plugin didn't return a status field")?;
        let token = text(status, "token");
        let pair = (text(status, "clientCertificateData"), text(status, "clientKeyData"));
        let identity = match (&token, pair) {
            (_, (Some(certificate), Some(key))) => {
                let identity = Identity::parse(certificate.as_bytes(), key.as_bytes());
                Some(identity.map_err(|reason| format!("failed parsing client key/certificate: {reason}"))?)
            }
            (Some(_), (None, None)) => None,
            (None, (None, None)) => return Err("exec plugin didn't return a token or cert/key pair".to_owned()),
            _ => return Err("exec plugin returned only certificate or key, not both".to_owned()),
        };
        let expires = text(status, "expirationTimestamp").map(|time| time.parse::<Timestamp>()).transpose();
        let expires = expires.map_err(|_| "decoding stdout: its expirationTimestamp is no time")?;
        Ok(Issued { token, identity, expires })
    }
}

/// client-go's `ConfigToExecCluster`.
fn cluster_info(cluster: &ClusterEntry, server: &Uri) -> Value {
    let mut info = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            info.insert(name.to_owned(), value);
        }
    };
    let given = cluster.server.clone().unwrap_or_else(|| server.to_string());
    put("server", Some(Value::String(given)));
    put("tls-server-name", cluster.tls_server_name.clone().map(Value::String));
    put("insecure-skip-tls-verify", cluster.insecure_skip_tls_verify.then_some(Value::Bool(true)));
    let authority = cluster.certificate_authority_data.clone().or_else(|| {
        let file = cluster.certificate_authority.as_deref()?;
        input::read_text(Some(file), Input::Certificate).ok().map(base64::encode)
    });
    put("certificate-authority-data", authority.map(Value::String));
    put("proxy-url", cluster.proxy_url.clone().map(Value::String));
    put("disable-compression", cluster.disable_compression.then_some(Value::Bool(true)));
    put("config", cluster.plugin_config.clone());
    Value::Object(info)
}

const API_VERSIONS: [&str; 2] = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];
