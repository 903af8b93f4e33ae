//! The controller behind its Service: the path through the API server's proxy, and the certificate that it serves.

use http::Request;
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::ListParams;
use sealer_core::Certificate;
use sealer_resource::api;

use super::{Asking, Cluster};
use crate::diagnostics::CliError;
use crate::manifest::holds;
use crate::network::Failure;

impl Cluster {
    /// The controller's certificate, as it serves it. The Service tells the name of its port; unless the recorded requests are
    /// wanted, the usual names are tried first, which saves the round trip of reading it.
    pub(crate) fn certificate(&self) -> Result<Vec<u8>, CliError> {
        let tries_usual = self.asking == Asking::Shortest && !self.name.is_empty();
        for port in USUAL_PORTS.iter().filter(|_| tries_usual) {
            let path = api::service_proxy_path(&self.namespace, &self.name, port, api::CERTIFICATE);
            match self.asked_for_certificate(&path) {
                Ok(text) if holds(&text, CERTIFICATE_BEGIN) => return Ok(text),
                Err(kube::Error::Api(status)) if status.code == 503 && status.message.contains(NO_SUCH_PORT) => {}
                Err(kube::Error::Api(status)) if status.message.contains(NOT_REACHED) => {
                    return Err(self.no_certificate(&path, &kube::Error::Api(status)));
                }
                // Nobody was reached, or the credentials are not taken: it would be the same for the Service, after as long a wait.
                Err(error) if is_for_all_paths(&error) => {
                    let service = self.service_path();
                    let cause = self.cause("get", &service, &error).told_of(&path, &service);
                    return Err(self.no_service(cause, false));
                }
                _ => break,
            }
        }
        self.certificate_at(&self.path(api::CERTIFICATE)?)
    }

    fn asked_for_certificate(&self, path: &str) -> Result<Vec<u8>, kube::Error> {
        let accept = format!("{}, */*", api::PEM_MEDIA_TYPE);
        let request = Request::get(path).header("Accept", accept).body(Vec::new());
        let request = request.map_err(kube::Error::HttpError)?;
        self.runtime.block_on(self.client.request_text(request)).map(String::into_bytes)
    }

    fn no_certificate(&self, path: &str, error: &kube::Error) -> CliError {
        let failure = self.cause("get", path, error).beneath("cannot fetch certificate");
        if failure.has_hints() { failure } else { failure.hint(self.proxy_hint(error)) }.into_error()
    }

    fn service_path(&self) -> String {
        format!("/api/v1/namespaces/{}/services/{}", self.namespace, self.name)
    }

    /// The path of a controller endpoint: the Service says the name of its port.
    pub(crate) fn path(&self, endpoint: &str) -> Result<String, CliError> {
        if self.name.is_empty() {
            return Err(self.no_service(Failure::new("resource name may not be empty"), false));
        }
        let services: Api<Service> = Api::namespaced(self.client.clone(), &self.namespace);
        let service = self.runtime.block_on(services.get(&self.name)).map_err(|error| {
            let absent = matches!(&error, kube::Error::Api(status) if status.code == 404);
            self.no_service(self.cause("get", &self.service_path(), &error), absent)
        })?;
        let ports = service.spec.and_then(|spec| spec.ports).unwrap_or_default();
        let port = ports.first().ok_or_else(|| {
            CliError::new(format!("cannot get sealed secret service: service \"{}\" has no ports.", self.name))
                .hint("is this the controller's Service? name it with --controller-name and --controller-namespace")
        })?;
        Ok(api::service_proxy_path(&self.namespace, &self.name, port.name.as_deref().unwrap_or_default(), endpoint))
    }

    /// The certificate behind a path of [`Cluster::path`].
    pub(crate) fn certificate_at(&self, path: &str) -> Result<Vec<u8>, CliError> {
        self.asked_for_certificate(path).map_err(|error| self.no_certificate(path, &error))
    }

    /// That certificate, read.
    pub(crate) fn served_at(&self, path: &str) -> Result<Certificate, CliError> {
        Certificate::first_from_pem(&self.certificate_at(path)?).map_err(|error| {
            CliError::new(format!("the controller does not serve a certificate: {error}"))
                .hint("is this the controller's Service? name it with --controller-name and --controller-namespace")
        })
    }

    /// The certificate that the controller serves, read.
    pub(crate) fn served(&self) -> Result<Certificate, CliError> {
        self.served_at(&self.path(api::CERTIFICATE)?)
    }

    fn no_service(&self, cause: Failure, absent: bool) -> CliError {
        if cause.is_unasked() {
            return cause.beneath("cannot get sealed secret service").into_error();
        }
        let failed = cause.around(
            "cannot get sealed secret service: ",
            ".\nPlease, use the flag --controller-name and --controller-namespace to set up the name and namespace of the sealed \
             secrets controller",
        );
        let failed = failed.into_error();
        match absent.then(|| self.other_name()).flatten() {
            Some(other) => {
                failed.hint(format!("there is a controller with another name here: --controller-name {other}"))
            }
            None => failed,
        }
    }

    /// What to look at where the controller itself gave no certificate.
    fn proxy_hint(&self, error: &kube::Error) -> String {
        match error {
            kube::Error::Api(status) if status.code < 500 && status.code != 404 => {
                "the answer comes from the API server, or from what stands before it; kubectl get --raw with the same path shows it"
                    .to_owned()
            }
            _ => format!("is the controller running? kubectl get pods --namespace {}", self.namespace),
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

fn is_for_all_paths(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => status.code == 401,
        kube::Error::Service(_) => true,
        _ => false,
    }
}

/// Names of the port in the chart and in the plain manifest.
const USUAL_PORTS: [&str; 2] = ["http", ""];
/// What the API server says of a port that the Service does not have, or that nothing stands behind.
const NO_SUCH_PORT: &str = "no endpoints available for service";
/// What it says of a Pod that it cannot reach.
const NOT_REACHED: &str = "error trying to reach service";
const CERTIFICATE_BEGIN: &str = "-----BEGIN CERTIFICATE-----";
