//! The contract between client and controller: paths of the endpoints, and where they are. That of key Secrets is
//! [`key_secret`](crate::key_secret).

/// Liveness; answers `ok`.
pub const HEALTHZ: &str = "/healthz";
/// The certificate to seal with, as PEM.
pub const CERTIFICATE: &str = "/v1/cert.pem";
/// Says whether a SealedSecret opens.
pub const VERIFY: &str = "/v1/verify";
/// Seals a SealedSecret anew under the newest key.
pub const ROTATE: &str = "/v1/rotate";
/// Media type of the certificate.
pub const PEM_MEDIA_TYPE: &str = "application/x-pem-file";
/// Namespace in which the controller is looked for unless told otherwise.
pub const DEFAULT_CONTROLLER_NAMESPACE: &str = "kube-system";
/// Service under which the controller is looked for unless told otherwise.
pub const DEFAULT_CONTROLLER_NAME: &str = "sealed-secrets-controller";

/// Path of a controller endpoint through the API server's service proxy. RBAC of existing clusters names exactly
/// this form, with the colon even when the port has no name.
pub fn service_proxy_path(namespace: &str, service: &str, port_name: &str, path: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/services/http:{service}:{port_name}/proxy{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unnamed_port_keeps_its_colon() {
        let path = service_proxy_path("kube-system", "sealed-secrets-controller", "", CERTIFICATE);
        assert_eq!(path, "/api/v1/namespaces/kube-system/services/http:sealed-secrets-controller:/proxy/v1/cert.pem");
    }
}
