//! The cluster as a client sees it: the kubeconfig's choice of API server, and the controller behind its service proxy.

use std::fmt;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt as _;
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use kube::client::Body;
use kube::{Api, Client};
use tokio::runtime::Runtime;

use crate::diagnostics::CliError;
use crate::network::trace::Trace;
use crate::network::{self, Failure};
use transport::Advice;

mod config;
mod credentials;
mod kubeconfig;
pub(crate) mod live;
mod namespace;
pub(crate) mod objects;
mod plugin;
pub(crate) mod posted;
mod service;
mod transport;
mod usable;

pub(crate) use credentials::PluginCache;
pub(crate) use namespace::namespace;
pub(crate) use plugin::{RUN_PLUGIN, become_plugin};

/// What the flags choose.
#[derive(Clone, Default)]
pub(crate) struct Choice {
    pub(crate) kubeconfig: Option<String>,
    pub(crate) context: Option<String>,
    pub(crate) cluster: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) server: Option<String>,
    pub(crate) certificate_authority: Option<String>,
    pub(crate) client_certificate: Option<String>,
    pub(crate) client_key: Option<String>,
    pub(crate) insecure: bool,
    pub(crate) tls_server_name: Option<String>,
    pub(crate) proxy_url: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) act_as: Option<String>,
    pub(crate) act_as_uid: Option<String>,
    pub(crate) act_as_groups: Vec<String>,
    /// `None` is the usual limit.
    pub(crate) request_timeout: Option<String>,
    /// How much of requests is shown.
    pub(crate) verbosity: i64,
    /// Whether the command reads its input from standard input.
    pub(crate) reads_stdin: bool,
    pub(crate) plugins: PluginCache,
    pub(crate) asking: Asking,
    pub(crate) controller_name: String,
    pub(crate) controller_namespace: String,
}

/// How the controller's certificate is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Asking {
    /// At the usual ports of the Service, which saves the round trip of reading it.
    #[default]
    Shortest,
    /// The Service first, as the other program does.
    AsRecorded,
}

/// Token and password do not show.
impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kubeconfig, context, cluster, server, .. } = self;
        write!(f, "Choice({kubeconfig:?}, {context:?}, {cluster:?}, {server:?}, [redacted])")
    }
}

/// Whether an error says that there is no kubeconfig at all.
pub(crate) fn is_unconfigured(error: &CliError) -> bool {
    error.message() == usable::NO_CONFIGURATION
}

/// Reads a kubeconfig and chooses from it; one that names files is passed over.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn chosen_from(text: &str) -> Option<bool> {
    install_provider();
    config::chosen_from(text)
}

/// A connection to the API server.
pub(crate) struct Cluster {
    runtime: Runtime,
    client: Client,
    name: String,
    namespace: String,
    /// Address of the API server, for messages.
    root: String,
    advice: Advice,
    asking: Asking,
}

/// What the controller said to a posted object.
pub(crate) enum Answer {
    Ok(String),
    /// It does not open.
    Conflict,
}

impl Cluster {
    /// Loads the kubeconfig and prepares the client; nothing is sent yet.
    pub(crate) fn connect(choice: &Choice) -> Result<Self, CliError> {
        install_provider();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::new(format!("cannot start the runtime: {error}")))?;
        let target = config::load(choice)?;
        let root = network::address::without_user(&target.server).to_string().trim_end_matches('/').to_owned();
        let (client, advice) = {
            let _inside = runtime.enter();
            transport::client(target, Trace(choice.verbosity), "default").map_err(CliError::new)?
        };
        let (name, namespace) = (choice.controller_name.clone(), choice.controller_namespace.clone());
        Ok(Self { runtime, client, name, namespace, root, advice, asking: choice.asking })
    }

    /// Posts one object to the controller. A server that says when to come back is asked again.
    pub(crate) fn post(&self, path: &str, body: String) -> Result<Answer, Failure> {
        for _ in 0..MOST_RETRIES {
            let request = Request::post(path).header("Content-Type", "application/json");
            let request = request.body(Body::from(body.clone().into_bytes()));
            let request = request.map_err(|error| Failure::new(error.to_string()))?;
            let sent = self.runtime.block_on(self.client.send(request));
            let response = sent.map_err(|error| self.cause("post", path, &error))?;
            match retry_after(&response) {
                Some(pause) => self.wait(pause),
                None => return self.answer(path, response),
            }
        }
        Err(Failure::new(format!("the server is busy after {MOST_RETRIES} attempts")))
    }

    fn answer(&self, path: &str, response: Response<Body>) -> Result<Answer, Failure> {
        let code = response.status().as_u16();
        let body = self.runtime.block_on(response.into_body().collect());
        let body = body.map_err(|error| Failure::new(error.to_string()))?;
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        match code {
            200..=299 => Ok(Answer::Ok(text)),
            409 => Ok(Answer::Conflict),
            _ => {
                let told = serde_json::from_str::<serde_json::Value>(&text).unwrap_or_default();
                let is_status = told.get("kind").is_some_and(|kind| kind == "Status");
                let message = told.get("message").and_then(serde_json::Value::as_str).filter(|_| is_status);
                let message = message.unwrap_or_else(|| text.trim());
                Err(self.refused("post", path, code, message, is_status))
            }
        }
    }

    /// Stores a new key Secret in the controller's namespace; returns its name.
    pub(crate) fn create_secret(&self, secret: &Secret) -> Result<String, CliError> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        self.created(self.runtime.block_on(secrets.create(&PostParams::default(), secret)))
    }

    fn created(&self, created: Result<Secret, kube::Error>) -> Result<String, CliError> {
        let created = created.map_err(|error| {
            let failure = self.cause("create", "/secrets", &error);
            failure
                .beneath(&format!("cannot create a sealing key in namespace `{}`", self.namespace))
                .into_error()
                .hint(format!(
                    "you need the right to create secrets there: kubectl auth can-i create secrets --namespace {}",
                    self.namespace
                ))
        })?;
        Ok(created.metadata.name.unwrap_or_default())
    }

    /// Lets time pass while connections stay served.
    pub(crate) fn wait(&self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }

    /// What the API server said, or why it could not be asked.
    fn cause(&self, verb: &str, path: &str, error: &kube::Error) -> Failure {
        match error {
            kube::Error::Api(status) => {
                let is_status = status.reason != UNPARSED;
                self.refused(verb, path, status.code, &status.message, is_status)
            }
            kube::Error::Service(error) => match error.downcast_ref::<Failure>() {
                Some(failure) => failure.clone(),
                None => network::unanswered("Get", &format!("{}{path}", self.root), &**error),
            },
            kube::Error::SerdeError(error) => Failure::new(undecoded(error)),
            other => Failure::new(chain(other)),
        }
    }

    /// An answer that is an error, with what else is known about it.
    fn refused(&self, verb: &str, path: &str, code: u16, message: &str, is_status: bool) -> Failure {
        let mut failure = network::refused(verb, &resource(path), code, message, is_status);
        if code == 401 {
            let advice = std::mem::take(&mut *self.advice.lock());
            failure = advice.into_iter().fold(failure, Failure::hint);
        }
        if code == 403 && path.contains("/services/") {
            failure = failure.hint(self.right(verb, path));
        }
        failure
    }

    /// The right that is missing, as a question to the cluster.
    fn right(&self, verb: &str, path: &str) -> String {
        let namespace = &self.namespace;
        if path.contains("/proxy/") {
            let verb = if verb == "post" { "create" } else { "get" };
            let name = resource(path);
            let name = name.trim_start_matches("services ");
            return format!(
                "the controller may be well: you lack the right to reach it through the API server: kubectl auth can-i {verb} \
                 services/{name} --subresource=proxy --namespace {namespace}; the Role of the chart that gives it is \
                 bound to the group system:authenticated"
            );
        }
        format!("you need the right to: kubectl auth can-i {verb} services/{} --namespace {namespace}", self.name)
    }
}

/// The limit of time for one request.
pub(crate) fn request_timeout(choice: &Choice) -> Result<Option<Duration>, CliError> {
    config::request_timeout(choice.request_timeout.as_deref())
}

/// kube and rustls take the process's provider; installing it twice is harmless.
pub(crate) fn install_provider() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// What a path asks for, as messages name it.
fn resource(path: &str) -> String {
    let name = path.rsplit_once("/services/").map_or(path, |(_, name)| name);
    format!("services {}", name.split('/').next().unwrap_or_default())
}

/// Names the place alone: the decoder's text quotes what stands there, and that may be a value of a Secret.
fn undecoded(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    format!("the answer of the API server is not what was asked for, at line {line}, column {column} of its JSON")
}

/// How long a busy server asks to wait.
fn retry_after<B>(response: &Response<B>) -> Option<Duration> {
    let status = response.status();
    let seconds = response.headers().get("Retry-After")?.to_str().ok()?.parse().ok()?;
    (status.as_u16() == 429 || status.is_server_error()).then_some(Duration::from_secs(seconds))
}

/// An error and everything below it, once each.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(source) = below {
        let next = source.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        below = source.source();
    }
    text
}

/// The reason that the client gives an answer which is no Status object.
const UNPARSED: &str = "Failed to parse error data";
/// As often as the usual client asks.
const MOST_RETRIES: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_does_not_decode_is_never_quoted() {
        for answer in [
            r#"{"data": {"a": "hunter2!"}}"#,
            r#"{"data": "hunter2!"}"#,
            r#"{"metadata": {"labels": "hunter2!"}}"#,
            r#"{"metadata": {"creationTimestamp": "hunter2!"}}"#,
            r#"{"type": {"hunter2!": 1}}"#,
            r#"{"hunter2!"#,
        ] {
            let error = serde_json::from_str::<Secret>(answer).err();
            let text = error.map(|error| undecoded(&error)).unwrap_or_default();
            assert!(text.contains("line 1, column ") && !text.contains("hunter2"), "{answer}: {text}");
        }
    }
}
