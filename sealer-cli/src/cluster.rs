//! The cluster as a client sees it: the kubeconfig's choice of API server, and the controller behind its service proxy.

use http::Request;
use k8s_openapi::api::core::v1::{Secret, Service};
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use sealer_core::api;
use tokio::runtime::Runtime;

use crate::diagnostics::CliError;

mod config;

/// What the flags choose.
#[derive(Clone, Debug, Default)]
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
    pub(crate) request_timeout: String,
    pub(crate) controller_name: String,
    pub(crate) controller_namespace: String,
}

/// The namespace to seal for, and whether a flag or variable named it.
pub(crate) fn namespace(choice: &Choice) -> Result<(String, bool), CliError> {
    match &choice.namespace {
        Some(namespace) => Ok((namespace.clone(), true)),
        None => config::namespace(choice).map(|namespace| (namespace, false)),
    }
}

/// A connection to the API server.
pub(crate) struct Cluster {
    runtime: Runtime,
    client: Client,
    name: String,
    namespace: String,
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
        // kube takes the process's provider; installing it twice is harmless.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::new(format!("cannot start the runtime: {error}")))?;
        let config = runtime.block_on(config::load(choice))?;
        let client = {
            let _inside = runtime.enter();
            Client::try_from(config).map_err(|error| CliError::new(chain(&error)))?
        };
        let (name, namespace) = (choice.controller_name.clone(), choice.controller_namespace.clone());
        Ok(Self { runtime, client, name, namespace })
    }

    /// The controller's certificate, as it serves it.
    pub(crate) fn certificate(&self) -> Result<Vec<u8>, CliError> {
        let path = self.path(api::CERTIFICATE)?;
        self.certificate_at(&path)
    }

    /// The path of a controller endpoint: the Service says the name of its port.
    pub(crate) fn path(&self, endpoint: &str) -> Result<String, CliError> {
        let services: Api<Service> = Api::namespaced(self.client.clone(), &self.namespace);
        let service = self.runtime.block_on(services.get(&self.name)).map_err(|error| self.no_service(&error))?;
        let ports = service.spec.and_then(|spec| spec.ports).unwrap_or_default();
        let port = ports.first().ok_or_else(|| {
            CliError::new(format!("cannot get sealed secret service: service \"{}\" has no ports.", self.name))
                .hint("is this the controller's Service? name it with --controller-name and --controller-namespace")
        })?;
        Ok(api::service_proxy_path(&self.namespace, &self.name, port.name.as_deref().unwrap_or_default(), endpoint))
    }

    /// The certificate behind a path of [`Cluster::path`].
    pub(crate) fn certificate_at(&self, path: &str) -> Result<Vec<u8>, CliError> {
        let accept = format!("{}, */*", api::PEM_MEDIA_TYPE);
        let request = Request::get(path).header("Accept", accept).body(Vec::new());
        let request = request.map_err(|error| CliError::new(format!("cannot fetch certificate: {error}")))?;
        let text = self.runtime.block_on(self.client.request_text(request)).map_err(|error| {
            CliError::new(format!("cannot fetch certificate: {}", cause(&error)))
                .hint(format!("is the controller running? kubectl get pods --namespace {}", self.namespace))
        })?;
        Ok(text.into_bytes())
    }

    /// Posts one object to the controller.
    pub(crate) fn post(&self, path: &str, body: String) -> Result<Answer, String> {
        let request = Request::post(path).header("Content-Type", "application/json").body(body.into_bytes());
        let request = request.map_err(|error| error.to_string())?;
        match self.runtime.block_on(self.client.request_text(request)) {
            Ok(text) => Ok(Answer::Ok(text)),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(Answer::Conflict),
            Err(error) => Err(cause(&error)),
        }
    }

    /// Stores a new key Secret in the controller's namespace; returns its name.
    pub(crate) fn create_secret(&self, secret: &Secret) -> Result<String, CliError> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let created = self.runtime.block_on(secrets.create(&PostParams::default(), secret));
        let created = created.map_err(|error| {
            CliError::new(format!("cannot create a sealing key in namespace `{}`: {}", self.namespace, cause(&error)))
                .hint(format!(
                    "you need the right to create secrets there: kubectl auth can-i create secrets --namespace {}",
                    self.namespace
                ))
        })?;
        Ok(created.metadata.name.unwrap_or_default())
    }

    /// Lets time pass while connections stay served.
    pub(crate) fn wait(&self, time: std::time::Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }

    fn no_service(&self, error: &kube::Error) -> CliError {
        let message = format!(
            "cannot get sealed secret service: {}.\nPlease, use the flag --controller-name and --controller-namespace to set up \
             the name and namespace of the sealed secrets controller",
            cause(error)
        );
        let failed = CliError::new(message);
        match self.other_name() {
            Some(other) => {
                failed.hint(format!("there is a controller with another name here: --controller-name {other}"))
            }
            None => failed,
        }
    }

    /// The chart installs the controller under its release's name; users trip on it.
    fn other_name(&self) -> Option<String> {
        let services: Api<Service> = Api::namespaced(self.client.clone(), &self.namespace);
        let chart = ListParams::default().labels("app.kubernetes.io/name=sealed-secrets").limit(10);
        let listed = self.runtime.block_on(services.list(&chart)).ok()?;
        let is_main = |service: &Service| {
            let labels = service.metadata.labels.as_ref();
            labels.is_none_or(|labels| labels.get("app.kubernetes.io/component").map(String::as_str) != Some("metrics"))
        };
        listed.items.into_iter().find(is_main)?.metadata.name
    }
}

/// What the API server said, or that it could not be asked.
fn cause(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        kube::Error::Api(status) => format!("the server answered {}", status.code),
        other => chain(other),
    }
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
