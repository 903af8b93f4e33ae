//! What to do about one Secret. Pure: the Secret as it should be, the Secret as it is, and out comes a plan.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Resource as _, ResourceExt as _};
use sealer_resource::annotations::{MANAGED_ANNOTATION, PATCH_ANNOTATION, SKIP_OWNER_ANNOTATION};
use sealer_resource::{SealedSecret, is_sealed_secret};

use crate::error::{Class, Failure, Reason};
use crate::reserved::OwnNamespace;

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Plan {
    /// There is none: make it.
    Create(Box<Secret>),
    /// It differs: write this over it. It carries the version it was planned on.
    Replace(Box<Secret>),
    /// It differs in what Kubernetes never changes, and is to give way: delete it as it was seen, and make it again.
    Recreate,
    /// It is as it should be.
    Nothing,
    /// It must not be touched.
    Refuse(Box<Failure>),
}

/// What the plan depends on besides the two Secrets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy<'a> {
    /// Where sealing keys live.
    pub(crate) own: OwnNamespace<'a>,
    /// Privileged types that may be made all the same.
    pub(crate) allowed_types: &'a [String],
    /// Whether the spec was not yet observed: then labels and annotations that others added go; otherwise they stay.
    pub(crate) spec_is_new: bool,
    /// Whether a Secret of ours that cannot be changed may be made again.
    pub(crate) replaces_immutable: bool,
}

/// Decides.
pub(crate) fn plan(desired: &Secret, live: Option<&Secret>, owner_uid: &str, policy: &Policy<'_>) -> Plan {
    let refusal = privileged(desired, policy).or_else(|| reserved(desired, policy));
    let refuse = |refusal: Failure| Plan::Refuse(Box::new(refusal));
    let Some(live) = live else { return refusal.map_or_else(|| Plan::Create(Box::new(desired.clone())), refuse) };
    let ours = is_owned_by(live, owner_uid);
    let next = if is_true(live, PATCH_ANNOTATION) {
        merged(desired, live, ours || is_true(live, MANAGED_ANNOTATION))
    } else {
        replaced(desired, live, policy.spec_is_new || !ours)
    };
    let same = next == *live;
    if !ours && !is_offered(desired, live, same) {
        return refuse(not_ours(live));
    }
    // What an earlier controller made stays, and stays in sync, for as long as nothing is to be written.
    if same {
        return Plan::Nothing;
    }
    // A merge keeps labels and annotations of the live Secret, and a replacement could destroy a key.
    let refusal = refusal.or_else(|| reserved(&next, policy)).or_else(|| reserved(live, policy));
    if let Some(refusal) = refusal {
        return refuse(refusal);
    }
    if !policy.replaces_immutable || !can_be_recreated(live, &next, owner_uid) {
        return Plan::Replace(Box::new(next));
    }
    if live.metadata.deletion_timestamp.is_some() {
        let message =
            "the Secret is being deleted and waits for its finalizers; it is made again when they are removed";
        return refuse(Failure::new(Reason::Update, Class::Transient, message));
    }
    Plan::Recreate
}

/// Whether a change is one that Kubernetes takes of no Secret, on a Secret that may be deleted for it: another type, or other
/// data in an immutable one. What others put into a Secret that is only patched would go with it.
pub(crate) fn can_be_recreated(live: &Secret, next: &Secret, owner_uid: &str) -> bool {
    let is_immutable = live.immutable == Some(true);
    let is_refused =
        live.type_ != next.type_ || (is_immutable && (live.data != next.data || next.immutable != Some(true)));
    is_refused && is_owned_by(live, owner_uid) && !is_true(live, PATCH_ANNOTATION)
}

/// Whether a Secret may be deleted because the SealedSecret of that name and uid is gone: it was that one's, and it
/// means nothing to the controller.
pub(crate) fn is_orphan_of(live: &Secret, name: &str, uid: &str, own: &OwnNamespace<'_>) -> bool {
    let is_owner = |owner: &OwnerReference| {
        owner.controller == Some(true) && is_sealed_secret(owner) && owner.name == name && owner.uid == uid
    };
    !uid.is_empty() && live.owner_references().iter().any(is_owner) && own.means_something_here(live).is_none()
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
    None
}

/// Secrets of the controller's namespace that it would take for its own state: its keys, its checkpoint.
fn reserved(secret: &Secret, policy: &Policy<'_>) -> Option<Failure> {
    let meaning = policy.own.means_something_here(secret)?;
    let namespace = policy.own.namespace;
    let message = format!(
        "refused in the controller's namespace {namespace}: {meaning}; no SealedSecret makes or changes such a Secret. \
         Use another name, type or label, or another namespace"
    );
    Some(Failure::new(Reason::Update, Class::Permanent, message))
}

fn is_owned_by(live: &Secret, uid: &str) -> bool {
    let is_owner = |owner: &OwnerReference| owner.controller == Some(true) && owner.uid == uid;
    !uid.is_empty() && live.owner_references().iter().any(is_owner)
}

/// The Secret of an earlier SealedSecret of this name goes with that one, and soon: Kubernetes deletes it. Where nobody
/// may watch Secrets, only another look shows it.
fn not_ours(live: &Secret) -> Failure {
    let name = live.name_any();
    let is_left_over = |owner: &OwnerReference| {
        owner.controller == Some(true) && owner.kind == SealedSecret::kind(&()) && owner.name == name
    };
    let passes = live.owner_references().iter().any(is_left_over);
    let class = if passes { Class::SoonCapped } else { Class::Permanent };
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

/// Items, labels and annotations added one by one; nothing removed. A Secret that is not to be owned keeps its owner,
/// can still be changed afterwards, and is handed over by nobody but whoever may write it: the template's own word on
/// that does not reach it, where the next look would find it.
fn merged(desired: &Secret, live: &Secret, to_be_owned: bool) -> Secret {
    let mut next = with_type(desired, live);
    overlay(&mut next.data, desired.data.as_ref());
    overlay(&mut next.metadata.labels, desired.metadata.labels.as_ref());
    let mut annotations = desired.metadata.annotations.clone();
    // A template never ends the patching of a Secret that somebody else's items are in.
    let decides = |name: &str| name == PATCH_ANNOTATION || (name == MANAGED_ANNOTATION && !to_be_owned);
    annotations.iter_mut().for_each(|all| all.retain(|name, _| !decides(name)));
    if to_be_owned {
        // The live Secret's annotation decides, before the merge.
        if is_true(live, MANAGED_ANNOTATION) {
            next.metadata.owner_references.clone_from(&desired.metadata.owner_references);
        }
    } else {
        next.immutable = live.immutable;
    }
    overlay(&mut next.metadata.annotations, annotations.as_ref());
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
