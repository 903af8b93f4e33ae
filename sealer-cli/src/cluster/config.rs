//! From flags and kubeconfig files to one server and one user, with the precedence that kubectl has.

use std::env;
use std::fs;
use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Duration;

use http::Uri;
use sealer_encoding::base64;
use sealer_go::pflag::duration;

use crate::cluster::Choice;
use crate::cluster::credentials::{Credentials, Headers, PluginCache};
use crate::cluster::kubeconfig::{self, ClusterEntry, Kubeconfig, UserEntry};
use crate::cluster::plugin::{Plugin, Stdin};
use crate::cluster::usable::{self, no_configuration};
use crate::diagnostics::CliError;
use crate::input::{self, Input};
use crate::names;
use crate::network::address;
use crate::network::identity::{self, Identity};
use crate::network::proxy::{self, Proxy};
use crate::network::tls::Trust;
use crate::spelling::nearest;

/// A server, and how it is spoken to.
pub(super) struct Target {
    pub(super) server: Uri,
    pub(super) trust: Trust,
    pub(super) server_name: Option<String>,
    pub(super) proxy: proxy::Choice,
    pub(super) identity: Option<Identity>,
    pub(super) credentials: Credentials,
    pub(super) headers: Headers,
    pub(super) timeout: Option<Duration>,
    /// The limit as it was given, to be told to the server.
    pub(super) told_timeout: Option<String>,
}

/// The chosen server and user.
pub(super) fn load(choice: &Choice) -> Result<Target, CliError> {
    let timeout = request_timeout(choice.request_timeout.as_deref())?;
    let (cluster, user) = match kubeconfig::load(choice)? {
        Some(kubeconfig) => chosen(&kubeconfig, choice)?,
        None if choice.server.is_none() => in_cluster().ok_or_else(no_kubeconfig)?,
        None => (("flags".to_owned(), ClusterEntry::default()), ("flags".to_owned(), UserEntry::default())),
    };
    let stdin = match (std::io::stdin().is_terminal(), choice.reads_stdin) {
        (false, _) => Stdin::NoTerminal,
        (true, true) => Stdin::Taken,
        (true, false) => Stdin::Terminal,
    };
    let mut target = target(overlaid_cluster(cluster, choice), overlaid_user(user, choice), (stdin, &choice.plugins))?;
    target.timeout = timeout;
    // The API server reads Go's durations, which have a unit.
    let told = |text: &String| text.parse::<u64>().map_or_else(|_| text.clone(), |seconds| format!("{seconds}s"));
    target.told_timeout = choice.request_timeout.as_ref().filter(|_| timeout.is_some()).map(told);
    Ok(target)
}

/// The namespace of the chosen context, of the Pod, or `default`; none where there is no kubeconfig to take it from.
pub(super) fn namespace(choice: &Choice) -> Result<Option<String>, CliError> {
    let Some(kubeconfig) = kubeconfig::load(choice)? else {
        return Ok(if choice.server.is_some() { Some("default".to_owned()) } else { pod_namespace() });
    };
    let name = choice.context.clone().or_else(|| kubeconfig.current_context.clone()).unwrap_or_default();
    let context = kubeconfig.context(&name);
    if context.is_none() && choice.context.is_some() {
        let shown = names::name(&name);
        let wrong = format!("context was not found for specified context: {shown}, cluster has no server defined");
        let error = CliError::new(format!("invalid configuration: [{wrong}]"));
        return Err(error.hint(there_is(&name, "--context", &kubeconfig.contexts, CONTEXTS)));
    }
    Ok(Some(context.and_then(|context| context.namespace.clone()).unwrap_or_else(|| "default".to_owned())))
}

/// An entry with its name.
type Named<T> = (String, T);

/// The entries that flags and context choose.
fn chosen(kubeconfig: &Kubeconfig, choice: &Choice) -> Result<(Named<ClusterEntry>, Named<UserEntry>), CliError> {
    let name = choice.context.clone().or_else(|| kubeconfig.current_context.clone()).unwrap_or_default();
    let context = kubeconfig.context(&name).cloned();
    if context.is_none() && choice.context.is_some() {
        let error = CliError::new(format!("context \"{}\" does not exist", names::name(&name)));
        return Err(error.hint(there_is(&name, "--context", &kubeconfig.contexts, CONTEXTS)));
    }
    if context.is_none() && !name.is_empty() {
        return Err(CliError::new(format!(
            "invalid configuration: context was not found for specified context: {name}"
        ))
        .hint("it is the current-context of the kubeconfig; kubectl config get-contexts shows what there is"));
    }
    let context = context.unwrap_or_default();
    let missing =
        |kind: &str, name: &str, hint: String| CliError::new(format!("{kind} \"{name}\" does not exist")).hint(hint);
    let cluster_name = choice.cluster.clone().unwrap_or(context.cluster);
    let user_name = choice.user.clone().unwrap_or(context.user);
    let cluster = match kubeconfig.cluster(&cluster_name) {
        Some(cluster) => cluster.clone(),
        // Flags may say all that is needed.
        None if choice.server.is_some() && choice.cluster.is_none() => ClusterEntry::default(),
        None if choice.cluster.is_none() && cluster_name.is_empty() => {
            let is_unchosen = name.is_empty() && !kubeconfig.contexts.is_empty();
            let unchosen = is_unchosen.then_some("the kubeconfig has no current-context; choose one with --context");
            return Err(unchosen.into_iter().fold(no_configuration(), CliError::hint));
        }
        None if choice.cluster.is_some() => {
            let hint = there_is(&cluster_name, "--cluster", &kubeconfig.clusters, ENTRIES);
            return Err(missing("cluster", &names::name(&cluster_name), hint));
        }
        None => return Err(missing("cluster", &cluster_name, ENTRIES.to_owned())),
    };
    let user = match kubeconfig.user(&user_name) {
        Some(user) => user.clone(),
        None if choice.user.is_some() => {
            let hint = there_is(&user_name, "--user", &kubeconfig.users, ENTRIES);
            return Err(missing("auth info", &names::name(&user_name), hint));
        }
        // As in client-go, nobody in particular asks then.
        None => UserEntry::default(),
    };
    Ok(((cluster_name, cluster), (user_name, user)))
}

/// What was meant by a name that a flag gave and the kubeconfig does not have.
fn there_is<T>(name: &str, flag: &str, entries: &[Named<T>], others: &str) -> String {
    let known = entries.iter().map(|(known, _)| known.as_str()).filter(|known| !known.is_empty());
    nearest(name, known).map_or_else(|| others.to_owned(), |meant| format!("did you mean {flag} {meant}? {others}"))
}

/// The flags laid over the cluster: client-go's `getCluster`.
fn overlaid_cluster((name, mut cluster): Named<ClusterEntry>, choice: &Choice) -> Named<ClusterEntry> {
    if choice.server.is_some() || choice.tls_server_name.is_some() {
        cluster.tls_server_name.clone_from(&choice.tls_server_name);
    }
    replace(&mut cluster.server, &choice.server);
    replace(&mut cluster.proxy_url, &choice.proxy_url);
    if choice.certificate_authority.is_some() || choice.insecure {
        cluster.certificate_authority.clone_from(&choice.certificate_authority);
        cluster.certificate_authority_data = None;
        cluster.insecure_skip_tls_verify = choice.insecure;
    }
    (name, cluster)
}

/// The flags laid over the user: client-go's `getAuthInfo`.
fn overlaid_user((name, mut user): Named<UserEntry>, choice: &Choice) -> Named<UserEntry> {
    if let Some(token) = &choice.token {
        user.token = Some(token.clone().into());
        user.token_file = None;
    }
    replace(&mut user.username, &choice.username);
    if let Some(password) = &choice.password {
        user.password = Some(password.clone().into());
    }
    if choice.client_certificate.is_some() {
        user.client_certificate.clone_from(&choice.client_certificate);
        user.client_certificate_data = None;
    }
    if choice.client_key.is_some() {
        user.client_key.clone_from(&choice.client_key);
        user.client_key_data = None;
    }
    replace(&mut user.act_as, &choice.act_as);
    replace(&mut user.act_as_uid, &choice.act_as_uid);
    if !choice.act_as_groups.is_empty() {
        user.act_as_groups.clone_from(&choice.act_as_groups);
    }
    (name, user)
}

fn replace(field: &mut Option<String>, with: &Option<String>) {
    if with.is_some() {
        field.clone_from(with);
    }
}

/// Everything that a connection needs, read from the files that the entries name.
fn target(
    (cluster_name, cluster): Named<ClusterEntry>,
    (user_name, user): Named<UserEntry>,
    (stdin, plugins): (Stdin, &PluginCache),
) -> Result<Target, CliError> {
    usable::check((&cluster_name, &cluster), (&user_name, &user))?;
    let trust = trust(&cluster)?;
    let identity = identity(&user)?;
    let server = cluster.server.as_deref().unwrap_or_default();
    // client-go's `defaultServerUrlFor`: what would be of no use without TLS means TLS.
    let is_tls = identity.is_some() || !matches!(trust, Trust::System);
    let server = address::server(server, if is_tls { "https" } else { "http" })
        .map_err(|reason| unusable(&reason).hint("the server of a cluster is an address such as https://host:6443"))?;
    let proxy = match &cluster.proxy_url {
        Some(text) => Proxy::parse(text, &format!("proxy-url of cluster \"{cluster_name}\""))
            .map(proxy::Choice::Fixed)
            .map_err(|reason| unusable(&reason))?,
        None => proxy::Choice::Environment,
    };
    let headers = Headers::impersonating(&user).map_err(|reason| unusable(&reason))?;
    let plugin = user.exec.clone().map(|exec| Plugin::new(exec, &cluster, &server, stdin));
    // As client-go: credentials are for connections that nobody can read. Within this machine there is nobody.
    let is_private = server.scheme_str() == Some("https") || address::is_loopback(address::host(&server));
    let credentials =
        if is_private { Credentials::new(&user_name, &user, plugin, plugins)? } else { Credentials::None };
    let server_name = cluster.tls_server_name;
    Ok(Target { server, trust, server_name, proxy, identity, credentials, headers, timeout: None, told_timeout: None })
}

fn trust(cluster: &ClusterEntry) -> Result<Trust, CliError> {
    let pem = match (&cluster.certificate_authority_data, &cluster.certificate_authority) {
        _ if cluster.insecure_skip_tls_verify => return Ok(Trust::Anybody),
        (Some(data), _) => decoded("certificate-authority-data", data)?,
        (None, Some(path)) => input::read_text(Some(path), Input::Certificate)?,
        (None, None) => return Ok(Trust::System),
    };
    let roots = identity::certificates(&pem);
    if roots.is_empty() {
        return Err(unusable("unable to load root certificates: no PEM certificate in certificate-authority(-data)")
            .hint("it is to hold the certificate of the authority that signed the API server's"));
    }
    Ok(Trust::Roots(roots))
}

fn identity(user: &UserEntry) -> Result<Option<Identity>, CliError> {
    let part = |name: &str, data: Option<&str>, file: Option<&str>| match (data, file) {
        (Some(data), _) => decoded(&format!("{name}-data"), data).map(Some),
        (None, Some(path)) => input::read_text(Some(path), Input::Certificate).map(Some),
        (None, None) => Ok(None),
    };
    let certificate =
        part("client-certificate", user.client_certificate_data.as_deref(), user.client_certificate.as_deref())?;
    let key = part("client-key", user.client_key_data.as_deref().map(String::as_str), user.client_key.as_deref())?;
    let (Some(certificate), Some(key)) = (certificate, key) else { return Ok(None) };
    super::install_provider();
    Identity::parse(&certificate, &key).map(Some).map_err(|reason| {
        unusable(&reason)
            .hint("client-certificate(-data) and client-key(-data) are to be PEM texts that belong together")
    })
}

/// The text is never told: it may be a key.
fn decoded(field: &str, text: &str) -> Result<Vec<u8>, CliError> {
    let bytes = base64::decode(text)
        .map_err(|_| unusable(&format!("{field} is no base64")).hint("a path belongs in the field without -data"))?;
    input::text(bytes, Input::Certificate).map_err(|error| unusable(&format!("{field} {error}")))
}

fn unusable(reason: &str) -> CliError {
    CliError::new(format!("invalid configuration: {reason}"))
}

/// Reads a kubeconfig and chooses from it; one that names files is passed over.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn chosen_from(text: &str) -> Option<bool> {
    let kubeconfig = kubeconfig::parse(text.as_bytes(), "text").ok()?;
    let of_cluster = |(_, cluster): &(String, ClusterEntry)| cluster.certificate_authority.is_some();
    let of_user = |(_, user): &(String, UserEntry)| {
        user.client_certificate.is_some() || user.client_key.is_some() || user.token_file.is_some()
    };
    if kubeconfig.clusters.iter().any(of_cluster) || kubeconfig.users.iter().any(of_user) {
        return None;
    }
    Some(
        chosen(&kubeconfig, &Choice::default())
            .and_then(|(cluster, user)| target(cluster, user, (Stdin::NoTerminal, &PluginCache::default())))
            .is_ok(),
    )
}

/// `0` is no limit; a bare number is seconds.
pub(super) fn request_timeout(text: Option<&str>) -> Result<Option<Duration>, CliError> {
    let Some(text) = text else { return Ok(Some(USUAL_TIMEOUT)) };
    let seconds = text.parse::<u64>().ok().map(Duration::from_secs);
    let parsed =
        seconds.or_else(|| duration::parse(text).ok().map(|length| Duration::from_nanos(length.unsigned_abs())));
    let parsed = parsed.ok_or_else(|| {
        CliError::new("Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)")
    })?;
    Ok(Some(parsed).filter(|timeout| !timeout.is_zero()))
}

/// The API server of the cluster whose Pod this is: client-go's `InClusterConfig`.
fn in_cluster() -> Option<(Named<ClusterEntry>, Named<UserEntry>)> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let (host, port) = (variable("KUBERNETES_SERVICE_HOST")?, variable("KUBERNETES_SERVICE_PORT")?);
    let file = |name: &str| Some(format!("{SERVICE_ACCOUNT}/{name}")).filter(|path| Path::new(path).exists());
    let user = UserEntry { token_file: Some(file("token")?), ..UserEntry::default() };
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let cluster = ClusterEntry {
        server: Some(format!("https://{host}:{port}")),
        certificate_authority: file("ca.crt"),
        ..ClusterEntry::default()
    };
    Some((("in-cluster".to_owned(), cluster), ("in-cluster".to_owned(), user)))
}

fn pod_namespace() -> Option<String> {
    env::var_os("KUBERNETES_SERVICE_HOST")?;
    let from_pod = || fs::read_to_string(format!("{SERVICE_ACCOUNT}/namespace")).ok();
    let namespace = env::var("POD_NAMESPACE").ok().or_else(from_pod)?;
    Some(namespace.trim().to_owned()).filter(|namespace| !namespace.is_empty())
}

/// The same where there is no kubeconfig at all.
fn no_kubeconfig() -> CliError {
    unused_variable().into_iter().fold(no_configuration(), CliError::hint)
}

/// That the variable for kubeconfigs names none that says anything.
pub(super) fn unused_variable() -> Option<&'static str> {
    let is_set = env::var_os("KUBECONFIG").is_some_and(|list| !list.is_empty());
    is_set.then_some("KUBECONFIG is set, and no file that it names is there and has a cluster or a context")
}

const CONTEXTS: &str = "kubectl config get-contexts shows what there is";
const ENTRIES: &str = "kubectl config view shows what there is";
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// A server that says nothing for that long will not.
const USUAL_TIMEOUT: Duration = Duration::from_secs(60);
