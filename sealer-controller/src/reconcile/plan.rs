//! What to do about one Secret. Pure: the Secret as it should be, the Secret as it is, and out comes a plan.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Resource as _, ResourceExt as _};
use sealer_core::SealedSecret;
use sealer_core::api::KEY_LABEL;
use sealer_core::scope::{MANAGED_ANNOTATION, PATCH_ANNOTATION, SKIP_OWNER_ANNOTATION};

use crate::error::{Class, Failure, Reason};

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Plan {
    /// There is none: make it.
    Create(Box<Secret>),
    /// It differs: write this over it. It carries the version it was planned on.
    Replace(Box<Secret>),
    /// It is as it should be.
    Nothing,
    /// It must not be touched.
    Refuse(Box<Failure>),
}

/// What the plan depends on besides the two Secrets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy<'a> {
    /// Where sealing keys live.
    pub(crate) key_namespace: &'a str,
    /// Privileged types that may be made all the same.
    pub(crate) allowed_types: &'a [String],
    /// Whether the spec was not yet observed: then labels and annotations that others added go; otherwise they stay.
    pub(crate) spec_is_new: bool,
}

/// Decides.
pub(crate) fn plan(desired: &Secret, live: Option<&Secret>, owner_uid: &str, policy: &Policy<'_>) -> Plan {
    let refusal = privileged(desired, policy).map(|refusal| Plan::Refuse(Box::new(refusal)));
    let Some(live) = live else { return refusal.unwrap_or_else(|| Plan::Create(Box::new(desired.clone()))) };
    let ours = is_owned_by(live, owner_uid);
    let next = if is_true(live, PATCH_ANNOTATION) {
        merged(desired, live)
    } else {
        replaced(desired, live, policy.spec_is_new || !ours)
    };
    let same = next == *live;
    if !ours && !is_offered(desired, live, same) {
        return Plan::Refuse(Box::new(not_ours(live)));
    }
    // What an earlier controller made stays, and stays in sync, for as long as nothing is to be written.
    if same { Plan::Nothing } else { refusal.unwrap_or_else(|| Plan::Replace(Box::new(next))) }
}

/// Secrets that would hand out rights: a tenant who may create SealedSecrets gets none through them.
fn privileged(desired: &Secret, policy: &Policy<'_>) -> Option<Failure> {
    let refuse = |message: String| Some(Failure::new(Reason::Update, Class::Permanent, message));
    let type_ = desired.type_.as_deref().unwrap_or_default();
    if PRIVILEGED_TYPES.contains(&type_) && !policy.allowed_types.iter().any(|allowed| allowed == type_) {
        return refuse(format!(
            "Secrets of type {type_} are refused; start the controller with --allow-secret-types={type_} to allow them"
        ));
    }
    let in_key_namespace = desired.namespace().as_deref() == Some(policy.key_namespace);
    if in_key_namespace && desired.labels().contains_key(KEY_LABEL) {
        return refuse(format!(
            "a Secret with the label {KEY_LABEL} would become a sealing key; keys are not made from SealedSecrets"
        ));
    }
    None
}

fn is_owned_by(live: &Secret, uid: &str) -> bool {
    live.owner_references().iter().any(|owner| owner.controller == Some(true) && owner.uid == uid)
}

/// The Secret of an earlier SealedSecret of this name goes with that one, and soon: Kubernetes deletes it. Where nobody
/// may watch Secrets, only another look shows it.
fn not_ours(live: &Secret) -> Failure {
    let name = live.name_any();
    let is_left_over = |owner: &OwnerReference| {
        owner.controller == Some(true) && owner.kind == SealedSecret::kind(&()) && owner.name == name
    };
    let passes = live.owner_references().iter().any(is_left_over);
    let class = if passes { Class::Brief } else { Class::Permanent };
    Failure { class, ..Failure::unmanaged(&name) }
}

/// Whether a Secret that is not ours was handed to us: by an annotation on the live one. One whose SealedSecret asked
/// for no owner passes too while it is as it should be, since nothing is written.
fn is_offered(desired: &Secret, live: &Secret, same: bool) -> bool {
    let unowned_and_right = same && is_true(desired, SKIP_OWNER_ANNOTATION);
    is_true(live, MANAGED_ANNOTATION) || is_true(live, PATCH_ANNOTATION) || unowned_and_right
}

fn is_true(secret: &Secret, annotation: &str) -> bool {
    secret.annotations().get(annotation).is_some_and(|value| value == "true")
}

/// Everything as desired. While the spec stays the same, what other tools put on the Secret is theirs.
fn replaced(desired: &Secret, live: &Secret, wholesale: bool) -> Secret {
    let mut next = with_type(desired, live);
    next.data.clone_from(&desired.data);
    next.metadata.owner_references.clone_from(&desired.metadata.owner_references);
    let (labels, annotations) = (&desired.metadata.labels, &desired.metadata.annotations);
    if wholesale {
        next.metadata.labels.clone_from(labels);
        next.metadata.annotations.clone_from(annotations);
    } else {
        overlay(&mut next.metadata.labels, labels.as_ref());
        overlay(&mut next.metadata.annotations, annotations.as_ref());
    }
    next
}

/// Items, labels and annotations added one by one; nothing removed. Ownership only where it was offered.
fn merged(desired: &Secret, live: &Secret) -> Secret {
    let mut next = with_type(desired, live);
    overlay(&mut next.data, desired.data.as_ref());
    overlay(&mut next.metadata.labels, desired.metadata.labels.as_ref());
    overlay(&mut next.metadata.annotations, desired.metadata.annotations.as_ref());
    if is_true(&next, MANAGED_ANNOTATION) {
        next.metadata.owner_references.clone_from(&desired.metadata.owner_references);
    }
    next
}

fn with_type(desired: &Secret, live: &Secret) -> Secret {
    let mut next = live.clone();
    if desired.type_.is_some() {
        next.type_.clone_from(&desired.type_);
    }
    if desired.immutable == Some(true) {
        next.immutable = Some(true);
    }
    next
}

fn overlay<V: Clone>(onto: &mut Option<BTreeMap<String, V>>, from: Option<&BTreeMap<String, V>>) {
    if let Some(from) = from {
        onto.get_or_insert_default().extend(from.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
}

const PRIVILEGED_TYPES: [&str; 2] = ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"];

#[cfg(test)]
mod tests;
