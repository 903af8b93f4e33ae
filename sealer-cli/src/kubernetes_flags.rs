//! The flags that choose a cluster and a user, as every Kubernetes client names them.

use sealer_go::pflag::{Flag, Kind, Values};

use crate::cluster::{Choice, PluginCache};

/// The rows that all commands with a cluster share.
pub(crate) const TABLE: &[Flag] = &[
    Flag::new("as", Kind::Text, "", "User to act as."),
    Flag::new("as-group", Kind::Repeated, "", "Group to act as; may be given again."),
    Flag::new("as-uid", Kind::Text, "", "UID to act as."),
    Flag::new("certificate-authority", Kind::Text, "", "File with the certificate authority of the API server."),
    Flag::new("client-certificate", Kind::Text, "", "File with the client certificate."),
    Flag::new("client-key", Kind::Text, "", "File with the client key."),
    Flag::new("cluster", Kind::Text, "", "Cluster of the kubeconfig to use."),
    Flag::new("context", Kind::Text, "", "Context of the kubeconfig to use."),
    Flag::new(
        "controller-name",
        Kind::Text,
        sealer_resource::api::DEFAULT_CONTROLLER_NAME,
        "Service of the controller.",
    ),
    Flag::new(
        "controller-namespace",
        Kind::Text,
        sealer_resource::api::DEFAULT_CONTROLLER_NAMESPACE,
        "Namespace of the controller.",
    ),
    Flag::new("disable-compression", Kind::Switch, "", "Do not compress answers of the API server."),
    Flag::new("insecure-skip-tls-verify", Kind::Switch, "", "Do not check the API server's certificate."),
    Flag::new("kubeconfig", Kind::Text, "", "Path of the kubeconfig."),
    Flag::new("namespace", Kind::Text, "", "Namespace to seal for.").short('n'),
    Flag::new("password", Kind::Text, "", "Password for basic authentication."),
    Flag::new("proxy-url", Kind::Text, "", "Proxy on the way to the API server."),
    Flag::new("request-timeout", Kind::Text, "", "Time for one request, such as 5s; 60s if not given, 0 is no limit."),
    Flag::new("server", Kind::Text, "", "Address of the API server."),
    Flag::new("tls-server-name", Kind::Text, "", "Name that the API server's certificate must have."),
    Flag::new("token", Kind::Text, "", "Bearer token."),
    Flag::new("user", Kind::Text, "", "User of the kubeconfig to use."),
    Flag::new("username", Kind::Text, "", "User name for basic authentication."),
    Flag::new(
        "v",
        Kind::Integer,
        "0",
        "6 to 10 show requests to the API server on standard error, without credentials.",
    )
    .short('v')
    .without_variable(),
];

/// What those flags say.
pub(crate) fn choice(values: &Values) -> Choice {
    let text = |name: &str| Some(values.text(name).to_owned()).filter(|text| !text.is_empty());
    Choice {
        kubeconfig: text("kubeconfig"),
        context: text("context"),
        cluster: text("cluster"),
        user: text("user"),
        namespace: text("namespace"),
        server: text("server"),
        certificate_authority: text("certificate-authority"),
        client_certificate: text("client-certificate"),
        client_key: text("client-key"),
        insecure: values.is_on("insecure-skip-tls-verify"),
        tls_server_name: text("tls-server-name"),
        proxy_url: text("proxy-url"),
        token: text("token"),
        username: text("username"),
        password: text("password"),
        act_as: text("as"),
        act_as_uid: text("as-uid"),
        act_as_groups: values.list("as-group").to_vec(),
        request_timeout: text("request-timeout"),
        verbosity: values.integer("v"),
        reads_stdin: false,
        plugins: PluginCache::default(),
        controller_name: values.text("controller-name").to_owned(),
        controller_namespace: values.text("controller-namespace").to_owned(),
    }
}
