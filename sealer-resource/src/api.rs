//! The contract between client and controller: paths of the endpoints, and names, labels and annotations of key Secrets.

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
/// Label that marks a Secret as a sealing key; only the value [`KEY_LABEL_ACTIVE`] counts.
pub const KEY_LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";
/// Value of [`KEY_LABEL`] on a key in use.
pub const KEY_LABEL_ACTIVE: &str = "active";
/// Value of [`KEY_LABEL`] on a key that was retired: the controller does not use it, and nobody deleted it.
pub const KEY_LABEL_RETIRED: &str = "retired";
/// Annotation of a key Secret: when a backup that holds the key was last proven to open, in RFC 3339.
pub const BACKED_UP_AT_ANNOTATION: &str = "sealedsecrets.bitnami.com/backed-up-at";
/// Annotation of a key Secret: the fingerprint of the key that was in that backup under the Secret's name.
pub const BACKED_UP_FINGERPRINT_ANNOTATION: &str = "sealedsecrets.bitnami.com/backed-up-fingerprint";
/// Annotation of a retired key Secret: since when, in RFC 3339.
pub const RETIRED_AT_ANNOTATION: &str = "sealedsecrets.bitnami.com/retired-at";
/// Annotation of a key Secret that a rotation made and has not finished with yet.
pub const ROTATION_ANNOTATION: &str = "sealedsecrets.bitnami.com/rotation";
/// Value of [`ROTATION_ANNOTATION`].
pub const ROTATION_UNFINISHED: &str = "unfinished";
/// Annotation of a key Secret: the fingerprint of the key in it, which may be sealed with although the controller did not
/// make it.
pub const TRUSTED_KEY_ANNOTATION: &str = "sealedsecrets.bitnami.com/trusted-fingerprint";
/// Secret in the controller's namespace that says which keys are known.
pub const KEY_RECORD_SECRET: &str = "sealed-secrets-checkpoint-keys";
/// Item of [`KEY_RECORD_SECRET`] that holds a [`KeyRecord`](crate::KeyRecord).
pub const KEY_RECORD_ITEM: &str = "keys";
/// Prefix of the names of new key Secrets.
pub const DEFAULT_KEY_PREFIX: &str = "sealed-secrets-key";

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
