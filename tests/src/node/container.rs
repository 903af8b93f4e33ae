//! From a Pod's spec to a process: program, arguments, environment, ports and probes.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::core::v1::{Container as Spec, EnvVar, HTTPGetAction, Pod, Probe, Secret};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt as _;
use kube::api::Api;
use serde_json::{Value, json};

use crate::control_plane::free_ports;
use crate::node::Host;
use crate::process::Process;

/// A container that can be started.
#[derive(Debug)]
pub(crate) struct Container {
    program: PathBuf,
    args: Vec<String>,
    environment: Vec<(String, String)>,
    log: PathBuf,
    /// Container port and the local one behind it.
    pub(crate) ports: Vec<(u16, u16)>,
    pub(crate) readiness: Option<HttpProbe>,
    pub(crate) liveness: Option<HttpProbe>,
}

/// An HTTP probe on loopback.
#[derive(Clone, Debug)]
pub(crate) struct HttpProbe {
    pub(crate) port: u16,
    pub(crate) path: String,
}

impl Container {
    pub(crate) fn start(&self, host: &Host) -> Result<Process> {
        fs::create_dir_all(host.folder.join("pods"))?;
        Ok(Process::start(&self.program, &self.args, &self.environment, &self.log)?)
    }
}

/// Reads a Pod. What is missing (an image, a Secret) is an error that may pass.
pub(crate) async fn prepare(host: &Host, pod: &Pod) -> Result<Container> {
    let spec = pod.spec.as_ref().and_then(|spec| spec.containers.first()).context("the Pod has no container")?;
    let image = spec.image.as_deref().unwrap_or_default();
    let program = host.images.find(image).with_context(|| format!("no local program stands for image {image}"))?;
    let ports = local_ports(spec)?;
    // `command` names the program, which the image table has replaced.
    let command = spec.command.iter().flatten().skip(1);
    let args = command.chain(spec.args.iter().flatten()).cloned().collect();
    let mut environment = environment(host, pod, spec).await?;
    environment.extend(service_account(host, pod).await?);
    environment.extend(host.connection.environment());
    let args = listen(args, &ports, &mut environment);
    let local = |probe: &Option<Probe>| {
        probe.as_ref().and_then(|probe| probe.http_get.as_ref()).and_then(|get| http_probe(get, spec, &ports))
    };
    let (readiness, liveness) = (local(&spec.readiness_probe), local(&spec.liveness_probe));
    let log = host.folder.join("pods").join(format!("{}_{}.log", pod.namespace().unwrap_or_default(), pod.name_any()));
    Ok(Container { program, args, environment, log, ports, readiness, liveness })
}

fn local_ports(spec: &Spec) -> Result<Vec<(u16, u16)>> {
    let ports = spec.ports.iter().flatten();
    ports
        .map(|port| Ok((u16::try_from(port.container_port)?, free_ports::<1>()?.first().copied().unwrap_or_default())))
        .collect()
}

/// All Pods share this machine, so that each listens on ports of its own: flags that name a port are turned to the
/// local one, and without such flags variables do it.
fn listen(args: Vec<String>, ports: &[(u16, u16)], environment: &mut Vec<(String, String)>) -> Vec<String> {
    let local =
        |wanted: u16| ports.iter().find(|(port, _)| *port == wanted).map(|(_, local)| format!("127.0.0.1:{local}"));
    for (variable, port) in [("SEALED_SECRETS_LISTEN_ADDR", 8080), ("SEALED_SECRETS_LISTEN_METRICS_ADDR", 8081)] {
        environment.extend(local(port).map(|address| (variable.to_owned(), address)));
    }
    let turn = |arg: String| {
        let (head, tail) = arg.split_at(arg.rfind(':').unwrap_or(arg.len()));
        let is_address = head.is_empty() || head.starts_with("--listen") && head.ends_with('=');
        let turned = tail.strip_prefix(':').and_then(|port| port.parse().ok()).and_then(local);
        turned.filter(|_| is_address).map_or_else(|| arg.clone(), |address| format!("{head}{address}"))
    };
    args.into_iter().map(turn).collect()
}

fn http_probe(get: &HTTPGetAction, spec: &Spec, ports: &[(u16, u16)]) -> Option<HttpProbe> {
    let port = match &get.port {
        IntOrString::Int(port) => u16::try_from(*port).ok()?,
        IntOrString::String(name) => {
            let named = spec.ports.iter().flatten().find(|port| port.name.as_deref() == Some(name))?;
            u16::try_from(named.container_port).ok()?
        }
    };
    let local = ports.iter().find(|(container, _)| *container == port)?.1;
    Some(HttpProbe { port: local, path: get.path.clone().unwrap_or_else(|| "/".to_owned()) })
}

async fn environment(host: &Host, pod: &Pod, spec: &Spec) -> Result<Vec<(String, String)>> {
    let mut resolved = Vec::new();
    for variable in spec.env.iter().flatten() {
        resolved.push((variable.name.clone(), value(host, pod, variable).await?));
    }
    Ok(resolved)
}

async fn value(host: &Host, pod: &Pod, variable: &EnvVar) -> Result<String> {
    let Some(source) = &variable.value_from else { return Ok(variable.value.clone().unwrap_or_default()) };
    if let Some(field) = &source.field_ref {
        return Ok(match field.field_path.as_str() {
            "metadata.namespace" => pod.namespace().unwrap_or_default(),
            "metadata.name" => pod.name_any(),
            other => bail!("fieldRef {other} is not supported"),
        });
    }
    if let Some(selector) = &source.secret_key_ref {
        let secrets: Api<Secret> = Api::namespaced(host.client.clone(), &pod.namespace().unwrap_or_default());
        let secret =
            secrets.get(&selector.name).await.with_context(|| format!("secret {} not found", selector.name))?;
        let bytes = secret.data.and_then(|mut data| data.remove(&selector.key));
        let bytes = bytes.with_context(|| format!("secret {} has no item {}", selector.name, selector.key))?;
        return Ok(String::from_utf8_lossy(&bytes.0).into_owned());
    }
    // Limits of this machine are not those of a container.
    Ok(String::new())
}

/// A kubeconfig with a token of the Pod's service account: what a kubelet would mount.
async fn service_account(host: &Host, pod: &Pod) -> Result<Vec<(String, String)>> {
    let namespace = pod.namespace().unwrap_or_default();
    let account =
        pod.spec.as_ref().and_then(|spec| spec.service_account_name.clone()).unwrap_or_else(|| "default".to_owned());
    let request = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": { "expirationSeconds": 7200 } });
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
    let request =
        http::Request::post(path).header("Content-Type", "application/json").body(request.to_string().into_bytes())?;
    let answer: Value =
        host.client.request(request).await.with_context(|| format!("no token for service account {account}"))?;
    let token = answer.pointer("/status/token").and_then(Value::as_str).context("the answer holds no token")?;
    let file = host.folder.join(format!("pod-{}.kubeconfig", pod.uid().unwrap_or_default()));
    fs::write(&file, kubeconfig(host, token))?;
    Ok(vec![("KUBECONFIG".to_owned(), file.display().to_string()), ("POD_NAMESPACE".to_owned(), namespace)])
}

fn kubeconfig(host: &Host, token: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster:\n    server: {}\n    certificate-authority: {}\n\
         users:\n- name: u\n  user:\n    token: {token}\ncontexts:\n- name: x\n  context:\n    cluster: c\n    user: u\n\
         current-context: x\n",
        host.connection.server().unwrap_or_else(|| host.server.clone()),
        host.folder.join("ca.crt").display(),
    )
}
