//! Can the chosen entries of a kubeconfig be used at all? In the words that kubectl's users know: the rules of client-go's
//! `clientcmd/validation.go`.

use std::fs;

use crate::cluster::kubeconfig::{ClusterEntry, ExecEntry, UserEntry};
use crate::diagnostics::{CliError, os_text};

/// Looks at the chosen cluster and user, and at the files that they name.
pub(super) fn check(cluster: (&str, &ClusterEntry), user: (&str, &UserEntry)) -> Result<(), CliError> {
    let mut wrong = Vec::new();
    let (user_name, user) = user;
    check_user(user_name, user, &mut wrong);
    if let Some(exec) = &user.exec {
        check_plugin(user_name, exec, user.auth_provider.is_some(), &mut wrong);
    }
    if cluster.1.server.is_none() && wrong.is_empty() {
        return Err(no_configuration());
    }
    check_cluster(cluster.0, cluster.1, &mut wrong);
    let text = match wrong.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    Err(CliError::new(format!("invalid configuration: {text}")).hint("kubectl config view shows what there is"))
}

fn check_user(name: &str, user: &UserEntry, wrong: &mut Vec<String>) {
    let methods = [
        ("token", user.token.is_some() || user.token_file.is_some()),
        ("basicAuth", user.username.is_some() || user.password.is_some()),
    ];
    if user.client_certificate.is_some() || user.client_certificate_data.is_some() {
        if user.client_key.is_none() && user.client_key_data.is_none() {
            wrong.push(format!(
                "client-key-data or client-key must be specified for {name} to use the clientCert authentication method"
            ));
        }
        // Data wins over a file, which then need not exist.
        if user.client_certificate_data.is_none() {
            readable("client-cert", name, user.client_certificate.as_deref(), wrong);
        }
        if user.client_key_data.is_none() {
            readable("client-key", name, user.client_key.as_deref(), wrong);
        }
    }
    let used: Vec<&str> = methods.into_iter().filter(|(_, given)| *given).map(|(method, _)| method).collect();
    if used.len() > 1 {
        let found = used.join(" ");
        wrong.push(format!(
            "more than one authentication method found for {name}; found [{found}], only one is allowed"
        ));
    }
    let is_acting = user.act_as.is_some();
    if !is_acting && (user.act_as_uid.is_some() || !user.act_as_groups.is_empty() || !user.act_as_extra.is_empty()) {
        wrong.push(format!("requesting uid, groups or user-extra for {name} without impersonating a user"));
    }
}

fn check_plugin(name: &str, exec: &ExecEntry, has_provider: bool, wrong: &mut Vec<String>) {
    let plugin = "to use exec authentication plugin";
    if has_provider {
        wrong.push(format!("authProvider cannot be provided in combination with an exec plugin for {name}"));
    }
    if exec.command.is_empty() {
        wrong.push(format!("command must be specified for {name} {plugin}"));
    }
    if exec.api_version.is_empty() {
        wrong.push(format!("apiVersion must be specified for {name} {plugin}"));
    }
    if exec.env.iter().any(|(variable, _)| variable.is_empty()) {
        wrong.push(format!("env variable name must be specified for {name} {plugin}"));
    }
    match exec.interactive_mode.as_str() {
        "Never" | "IfAvailable" | "Always" => {}
        // The older versions have a default.
        "" if exec.api_version != "client.authentication.k8s.io/v1" => {}
        "" => wrong.push(format!("interactiveMode must be specified for {name} {plugin}")),
        other => wrong.push(format!("invalid interactiveMode for {name}: \"{other}\"")),
    }
}

fn check_cluster(name: &str, cluster: &ClusterEntry, wrong: &mut Vec<String>) {
    if cluster.server.is_none() {
        wrong.push(format!("no server found for cluster \"{name}\""));
    }
    let has_authority = cluster.certificate_authority.is_some() || cluster.certificate_authority_data.is_some();
    if cluster.insecure_skip_tls_verify && has_authority {
        wrong.push("specifying a root certificates file with the insecure flag is not allowed".to_owned());
    } else if cluster.certificate_authority_data.is_none() {
        readable("certificate-authority", name, cluster.certificate_authority.as_deref(), wrong);
    }
}

fn readable(what: &str, name: &str, path: Option<&str>, wrong: &mut Vec<String>) {
    let Some(path) = path else { return };
    if let Err(error) = fs::File::open(path) {
        wrong.push(format!("unable to read {what} {path} for {name} due to open {path}: {}", os_text(&error)));
    }
}

/// The words that scripts know, and what is missing.
pub(super) fn no_configuration() -> CliError {
    CliError::new(NO_CONFIGURATION).hint("point --kubeconfig or KUBECONFIG at a kubeconfig")
}

pub(super) const NO_CONFIGURATION: &str =
    "invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable";
