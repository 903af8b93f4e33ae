//! What tools conclude from an object, by their own published rules.

use serde_json::Value;

fn conditions(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let all = object["status"]["conditions"].as_array().into_iter().flatten();
    all.map(|condition| (condition["type"].as_str().unwrap_or_default(), condition))
}

fn lags(object: &Value) -> bool {
    let observed = &object["status"]["observedGeneration"];
    !observed.is_null() && *observed != object["metadata"]["generation"]
}

/// kstatus, which Flux and Helm wait by (`status.Compute` for kinds that it has no rules for).
pub(crate) fn kstatus(object: &Value) -> &'static str {
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return "Terminating";
    }
    if lags(object) {
        return "InProgress";
    }
    for (kind, condition) in conditions(object) {
        match (kind, condition["status"].as_str()) {
            ("Reconciling", Some("True")) => return "InProgress",
            ("Stalled", Some("True")) => return "Failed",
            _ => {}
        }
    }
    match conditions(object).find(|(kind, _)| *kind == "Ready") {
        Some((_, ready)) if ready["status"] != "True" => "InProgress",
        _ => "Current",
    }
}

/// The expressions for SealedSecrets in Flux's documentation: `failed` before `current`, and `all` of nothing is true.
pub(crate) fn flux(object: &Value) -> &'static str {
    if lags(object) {
        return "InProgress";
    }
    if object["status"]["conditions"].is_null() {
        return "not yet";
    }
    let all = |word: &str| conditions(object).filter(|(kind, _)| *kind == "Synced").all(|(_, c)| c["status"] == word);
    if all("False") {
        "Failed"
    } else if all("True") {
        "Current"
    } else {
        "InProgress"
    }
}

/// `resource_customizations/bitnami.com/SealedSecret/health.lua` of Argo CD, and its rule for what is being deleted.
pub(crate) fn argo(object: &Value) -> (&'static str, String) {
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return ("Progressing", "Pending deletion".to_owned());
    }
    for (_, condition) in conditions(object).filter(|(kind, _)| *kind == "Synced") {
        let message = condition["message"].as_str().unwrap_or_default().to_owned();
        match condition["status"].as_str() {
            Some("False") => return ("Degraded", message),
            Some("True") => return ("Healthy", message),
            _ => {}
        }
    }
    ("Progressing", "Waiting for Sealed Secret to be decrypted".to_owned())
}
