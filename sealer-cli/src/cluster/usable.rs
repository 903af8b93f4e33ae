//! Can the chosen entries of a kubeconfig be used at all? In the words that kubectl's users know.

use std::fs;

use kube::config::{AuthInfo, Cluster, Kubeconfig};

use crate::diagnostics::{CliError, os_text};

/// Looks at the files that the chosen user and cluster name.
pub(super) fn check(kubeconfig: &Kubeconfig, cluster: Option<&str>, user: Option<&str>) -> Result<(), CliError> {
    let user = kubeconfig.auth_infos.iter().find(|named| Some(named.name.as_str()) == user);
    let cluster = kubeconfig.clusters.iter().find(|named| Some(named.name.as_str()) == cluster);
    let mut wrong = Vec::new();
    if let Some((named, user)) = user.and_then(|named| Some((named, named.auth_info.as_ref()?))) {
        check_user(&named.name, user, &mut wrong);
    }
    if let Some((named, cluster)) = cluster.and_then(|named| Some((named, named.cluster.as_ref()?))) {
        check_cluster(&named.name, cluster, &mut wrong);
    }
    let text = match wrong.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    Err(CliError::new(format!("invalid configuration: {text}")).hint("kubectl config view shows what there is"))
}

fn check_user(name: &str, user: &AuthInfo, wrong: &mut Vec<String>) {
    let methods = [("token", user.token.is_some()), ("basicAuth", user.username.is_some() || user.password.is_some())];
    let has_certificate = user.client_certificate.is_some() || user.client_certificate_data.is_some();
    if has_certificate {
        if user.client_key.is_none() && user.client_key_data.is_none() {
            wrong.push(format!(
                "client-key-data or client-key must be specified for {name} to use the clientCert authentication method"
            ));
        }
        readable("client-cert", name, user.client_certificate.as_deref(), wrong);
        readable("client-key", name, user.client_key.as_deref(), wrong);
    }
    let used: Vec<&str> = methods.into_iter().filter(|(_, given)| *given).map(|(method, _)| method).collect();
    if used.len() > 1 {
        let found = used.join(" ");
        wrong.push(format!(
            "more than one authentication method found for {name}; found [{found}], only one is allowed"
        ));
    }
}

fn check_cluster(name: &str, cluster: &Cluster, wrong: &mut Vec<String>) {
    if cluster.server.as_deref().unwrap_or_default().is_empty() {
        wrong.push(format!("no server found for cluster \"{name}\""));
    }
    if cluster.insecure_skip_tls_verify != Some(true) {
        readable("certificate-authority", name, cluster.certificate_authority.as_deref(), wrong);
    }
}

fn readable(what: &str, name: &str, path: Option<&str>, wrong: &mut Vec<String>) {
    let Some(path) = path.filter(|path| !path.is_empty()) else { return };
    if let Err(error) = fs::File::open(path) {
        wrong.push(format!("unable to read {what} {path} for {name} due to open {path}: {}", os_text(&error)));
    }
}
