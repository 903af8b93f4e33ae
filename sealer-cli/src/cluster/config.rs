//! From flags and kubeconfig files to a client's configuration, with the precedence that kubectl has.

use std::env;
use std::fs;
use std::path::Path;
use std::time::Duration;

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use sealer_core::flags::duration;

use crate::cluster::{Choice, usable};
use crate::diagnostics::CliError;
use crate::input::{self, Input};

/// The configuration of the chosen cluster and user.
pub(crate) async fn load(choice: &Choice) -> Result<Config, CliError> {
    let timeout = request_timeout(&choice.request_timeout)?;
    let mut config = match kubeconfig(choice)? {
        Some(kubeconfig) => from_kubeconfig(kubeconfig, choice).await?,
        None if choice.server.is_none() => Config::incluster().map_err(|_| no_configuration())?,
        None => from_kubeconfig(bare(), choice).await?,
    };
    if timeout.is_some() {
        config.read_timeout = timeout;
        config.connect_timeout = timeout;
    }
    Ok(config)
}

/// The namespace of the chosen context, of the Pod, or `default`.
pub(crate) fn namespace(choice: &Choice) -> Result<String, CliError> {
    let Some(kubeconfig) = kubeconfig(choice)? else {
        return if choice.server.is_some() {
            Ok("default".to_owned())
        } else {
            pod_namespace().ok_or_else(no_configuration)
        };
    };
    let name = choice.context.clone().or_else(|| kubeconfig.current_context.clone()).unwrap_or_default();
    let context = kubeconfig.contexts.iter().find(|context| context.name == name);
    if context.is_none() && choice.context.is_some() {
        let wrong = format!("context was not found for specified context: {name}, cluster has no server defined");
        return Err(CliError::new(format!("invalid configuration: [{wrong}]"))
            .hint("kubectl config get-contexts shows what there is"));
    }
    let namespace = context.and_then(|context| context.context.as_ref()).and_then(|context| context.namespace.clone());
    Ok(namespace.filter(|namespace| !namespace.is_empty()).unwrap_or_else(|| "default".to_owned()))
}

/// The files in their order: the flag alone, else the variable's list, else the user's own. `None` if there is none.
fn kubeconfig(choice: &Choice) -> Result<Option<Kubeconfig>, CliError> {
    if let Some(path) = &choice.kubeconfig {
        fs::metadata(path).map_err(|error| CliError::file("stat", path, &error))?;
        return read(path).map(Some);
    }
    let list = env::var_os("KUBECONFIG").filter(|list| !list.is_empty());
    let own = || env::home_dir().map(|home| home.join(".kube/config").into_os_string());
    let Some(list) = list.or_else(own) else { return Ok(None) };
    let mut merged: Option<Kubeconfig> = None;
    for path in env::split_paths(&list).filter(|path| path.exists()) {
        let next = read(&path.to_string_lossy())?;
        merged = Some(match merged {
            Some(before) => before.merge(next).map_err(|error| unusable(&path.to_string_lossy(), &error))?,
            None => next,
        });
    }
    Ok(merged.filter(|config| !config.clusters.is_empty() || !config.contexts.is_empty()))
}

fn read(path: &str) -> Result<Kubeconfig, CliError> {
    let bytes = input::read(Some(path), Input::Kubeconfig);
    // A file is read once more, with the paths in it; what is no file has none beside it, and can be read only once.
    let parsed = if fs::metadata(path).is_ok_and(|found| found.is_file()) {
        bytes.map(|_| Kubeconfig::read_from(path))?
    } else {
        bytes.map(|bytes| Kubeconfig::from_yaml(&String::from_utf8_lossy(&bytes)))?
    };
    parsed.map_err(|error| unusable(path, &error))
}

/// Names the place alone: the parser's text quotes what stands there, and a kubeconfig holds credentials.
fn unusable(path: &str, error: &KubeconfigError) -> CliError {
    let reason = match error {
        KubeconfigError::Parse(error) => error.location().map_or_else(
            || "it cannot be read as a kubeconfig".to_owned(),
            |place| format!("line {}, column {} cannot be read as part of a kubeconfig", place.line(), place.column()),
        ),
        other => other.to_string().lines().next().unwrap_or_default().to_owned(),
    };
    CliError::new(format!("error loading config file \"{path}\": {reason}"))
        .hint(format!("check it with: kubectl config view --kubeconfig {path}"))
}

async fn from_kubeconfig(mut kubeconfig: Kubeconfig, choice: &Choice) -> Result<Config, CliError> {
    let name = choice.context.clone().or_else(|| kubeconfig.current_context.clone()).unwrap_or_default();
    if choice.context.is_some() && !kubeconfig.contexts.iter().any(|context| context.name == name) {
        return Err(no_context(&name));
    }
    absent("cluster", choice.cluster.as_ref(), kubeconfig.clusters.iter().map(|named| &named.name))?;
    absent("auth info", choice.user.as_ref(), kubeconfig.auth_infos.iter().map(|named| &named.name))?;
    let (cluster, user) = chosen(&kubeconfig, choice, &name);
    overlay(&mut kubeconfig, choice, cluster.as_deref(), user.as_deref());
    usable::check(&kubeconfig, cluster.as_deref(), user.as_deref())?;
    let options = KubeConfigOptions {
        context: choice.context.clone(),
        cluster: choice.cluster.clone(),
        user: choice.user.clone(),
    };
    let loaded = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    loaded.map_err(|error| match error.to_string() {
        text if text.contains("failed to determine current context") || text.contains("cluster url is missing") => {
            no_configuration()
        }
        text => CliError::new(format!("invalid configuration: {text}"))
            .hint("kubectl config get-contexts shows what there is"),
    })
}

/// Reads a kubeconfig and chooses from it; one that names files is passed over.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn chosen_from(text: &str) -> Option<bool> {
    let kubeconfig = Kubeconfig::from_yaml(text).ok()?;
    let clusters = kubeconfig.clusters.iter().filter_map(|named| named.cluster.as_ref());
    let users = kubeconfig.auth_infos.iter().filter_map(|named| named.auth_info.as_ref());
    let mut files = clusters.map(|cluster| cluster.certificate_authority.is_some()).chain(
        users.map(|user| user.client_certificate.is_some() || user.client_key.is_some() || user.token_file.is_some()),
    );
    if files.any(|named| named) {
        return None;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().ok()?;
    Some(runtime.block_on(from_kubeconfig(kubeconfig, &Choice::default())).is_ok())
}

/// A flag that names an entry which no kubeconfig has.
fn absent<'a>(
    kind: &str,
    wanted: Option<&String>,
    mut names: impl Iterator<Item = &'a String>,
) -> Result<(), CliError> {
    match wanted {
        Some(wanted) if !names.any(|name| name == wanted) => {
            Err(CliError::new(format!("{kind} \"{wanted}\" does not exist"))
                .hint("kubectl config view shows what there is"))
        }
        _ => Ok(()),
    }
}

/// The names of the cluster and the user that flags and context choose.
fn chosen(kubeconfig: &Kubeconfig, choice: &Choice, context: &str) -> (Option<String>, Option<String>) {
    let context = kubeconfig.contexts.iter().find(|named| named.name == context);
    let context = context.and_then(|named| named.context.clone());
    let cluster = choice.cluster.clone().or_else(|| context.as_ref().map(|context| context.cluster.clone()));
    (cluster, choice.user.clone().or_else(|| context.and_then(|context| context.user)))
}

/// Puts the flags over the chosen cluster and user.
fn overlay(kubeconfig: &mut Kubeconfig, choice: &Choice, cluster_name: Option<&str>, user_name: Option<&str>) {
    for named in kubeconfig.clusters.iter_mut().filter(|named| Some(named.name.as_str()) == cluster_name) {
        let cluster = named.cluster.get_or_insert_default();
        replace(&mut cluster.server, &choice.server);
        replace(&mut cluster.tls_server_name, &choice.tls_server_name);
        replace(&mut cluster.proxy_url, &choice.proxy_url);
        if choice.certificate_authority.is_some() || choice.insecure {
            cluster.certificate_authority.clone_from(&choice.certificate_authority);
            cluster.certificate_authority_data = None;
        }
        if choice.insecure {
            cluster.insecure_skip_tls_verify = Some(true);
        }
    }
    for named in kubeconfig.auth_infos.iter_mut().filter(|named| Some(named.name.as_str()) == user_name) {
        overlay_user(named.auth_info.get_or_insert_default(), choice);
    }
}

fn overlay_user(user: &mut kube::config::AuthInfo, choice: &Choice) {
    if let Some(token) = &choice.token {
        user.token = Some(token.clone().into());
        user.token_file = None;
        user.exec = None;
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
    replace(&mut user.impersonate, &choice.act_as);
    replace(&mut user.impersonate_uid, &choice.act_as_uid);
    if !choice.act_as_groups.is_empty() {
        user.impersonate_groups = Some(choice.act_as_groups.clone());
    }
}

fn replace(field: &mut Option<String>, with: &Option<String>) {
    if with.is_some() {
        field.clone_from(with);
    }
}

/// A kubeconfig with one empty entry of each kind, for `--server` without any file.
fn bare() -> Kubeconfig {
    Kubeconfig::from_yaml(BARE).unwrap_or_default()
}

/// `0` is no limit; a bare number is seconds.
fn request_timeout(text: &str) -> Result<Option<Duration>, CliError> {
    let seconds = text.parse::<u64>().ok().map(Duration::from_secs);
    let parsed =
        seconds.or_else(|| duration::parse(text).ok().map(|length| Duration::from_nanos(length.unsigned_abs())));
    let parsed = parsed.ok_or_else(|| {
        CliError::new("Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)")
    })?;
    Ok(Some(parsed).filter(|timeout| !timeout.is_zero()))
}

fn pod_namespace() -> Option<String> {
    env::var_os("KUBERNETES_SERVICE_HOST")?;
    let from_pod = || fs::read_to_string(Path::new(NAMESPACE_FILE)).ok();
    let namespace = env::var("POD_NAMESPACE").ok().or_else(from_pod)?;
    Some(namespace.trim().to_owned()).filter(|namespace| !namespace.is_empty())
}

fn no_configuration() -> CliError {
    CliError::new(
        "invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable",
    )
    .hint("point --kubeconfig or KUBECONFIG at a kubeconfig, or seal offline with --cert cert.pem")
}

fn no_context(name: &str) -> CliError {
    CliError::new(format!("context \"{name}\" does not exist")).hint("kubectl config get-contexts shows what there is")
}

const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
const BARE: &str = "{clusters: [{name: flags, cluster: {}}], users: [{name: flags, user: {}}], \
                    contexts: [{name: flags, context: {cluster: flags, user: flags}}], current-context: flags}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubeconfig_that_cannot_be_read_is_named_by_its_place_and_never_quoted() {
        for text in [
            "users:\n- name: u\n  user: hunter2hunter2\n",
            "users: hunter2hunter2\n",
            "users:\n- name: u\n  user:\n    as-groups: hunter2hunter2\n    exec: hunter2hunter2\n",
            "users:\n- name: u\n  user: {token: hunter2hunter2\n",
            "clusters:\n- name: c\n  cluster: {insecure-skip-tls-verify: hunter2hunter2}\n",
            "hunter2hunter2: &x [\n",
            "- hunter2hunter2\n",
        ] {
            let error = Kubeconfig::from_yaml(text).map_err(|error| unusable("config", &error));
            let message = error.err().map(|error| format!("{error:?}")).unwrap_or_default();
            assert!(message.contains("error loading config file") && !message.contains("hunter2"), "{text}{message}");
        }
    }
}
