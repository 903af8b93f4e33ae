//! The flags that choose a cluster and a user, as every Kubernetes client names them.

use clap::{ArgMatches, Command, Error};
use sealer_go::pflag::{Flag, Kind, Values};

use super::flags::{Given, argument};
use crate::cluster::{Asking, Choice, PluginCache};

/// What a verb is told of the cluster.
#[derive(Debug)]
pub(crate) struct ClusterArgs {
    pub(crate) choice: Choice,
    /// The namespace, if it stood on the command line: a variable says where to seal for, not which object is meant.
    pub(crate) namespace: Option<String>,
}

impl clap::Args for ClusterArgs {
    fn augment_args(command: Command) -> Command {
        command.next_help_heading(HEADING).args(TABLE.iter().filter_map(argument)).next_help_heading(None::<&str>)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for ClusterArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let given = Given(matches);
        let choice =
            choice(|flag| given.text(flag), |flag| given.is_on(flag), given.texts("as-group"), given.integer("v"));
        let namespace = choice.namespace.clone().filter(|_| given.is_on_command_line("namespace"));
        Ok(Self { choice, namespace })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// What a verb is told that has two clusters: of both but their contexts, for which it has flags of its own.
#[derive(Debug)]
pub(crate) struct ClustersArgs(pub(crate) Choice);

impl clap::Args for ClustersArgs {
    fn augment_args(command: Command) -> Command {
        let shared = TABLE.iter().filter(|flag| flag.name != "context");
        command.next_help_heading(HEADING).args(shared.filter_map(argument)).next_help_heading(None::<&str>)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for ClustersArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        ClusterArgs::from_arg_matches(matches).map(|given| Self(given.choice))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// What those flags of pflag say.
pub(crate) fn chosen(values: &Values) -> Choice {
    let text = |flag: &str| Some(values.text(flag).to_owned()).filter(|text| !text.is_empty());
    choice(text, |flag| values.is_on(flag), values.list("as-group").to_vec(), values.integer("v"))
}

fn choice(
    text: impl Fn(&str) -> Option<String>,
    is_on: impl Fn(&str) -> bool,
    act_as_groups: Vec<String>,
    verbosity: i64,
) -> Choice {
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
        insecure: is_on("insecure-skip-tls-verify"),
        tls_server_name: text("tls-server-name"),
        proxy_url: text("proxy-url"),
        token: text("token"),
        username: text("username"),
        password: text("password"),
        act_as: text("as"),
        act_as_uid: text("as-uid"),
        act_as_groups,
        request_timeout: text("request-timeout"),
        verbosity,
        reads_stdin: false,
        plugins: PluginCache::default(),
        asking: Asking::default(),
        controller_name: text("controller-name").unwrap_or_default(),
        controller_namespace: text("controller-namespace").unwrap_or_default(),
    }
}

/// Above these flags in the help of a verb.
pub(crate) const HEADING: &str = "Cluster";

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
