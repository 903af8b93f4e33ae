//! Carries a plan out. Every write of a Secret or a status is here, with GET and PUT alone: older installations grant
//! neither `patch` nor server-side apply.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, ObjectMeta, PostParams, Preconditions};
use kube::{Resource as _, ResourceExt as _};
use sealer_core::Fingerprint;
use sealer_resource::SealedSecret;
use sealer_resource::annotations::replaces_immutable;
use serde_json::{Value, json};

use crate::cache::object_state::SyncedSecret;
use crate::error::{Class, Failure, Reason};
use crate::kube::object_key::Key;
use crate::kube::refusal::answer;
use crate::kube::sealed_secret::State;
use crate::reconcile::Reconciler;
use crate::reconcile::plan::{Plan, Policy, can_be_recreated, is_orphan_of, plan};
use crate::reconcile::status;

/// A Secret that is as it should be.
pub(crate) struct Applied {
    pub(crate) secret: SyncedSecret,
    /// Whether it had to be written.
    pub(crate) wrote: bool,
}

/// Brings the Secret in line. Conflicts with other writers are planned anew on what they wrote.
pub(crate) async fn apply(
    reconciler: &Reconciler,
    sealed: &SealedSecret,
    desired: &Secret,
    policy: &Policy<'_>,
    keys: Arc<[Fingerprint]>,
) -> Result<Applied, Failure> {
    let key = Key::new(sealed.namespace().unwrap_or_default(), sealed.name_any());
    let uid = sealed.uid().unwrap_or_default();
    // A spec that nobody observed is most often new: trying to create saves a request.
    let mut live =
        if policy.spec_is_new && sealed.metadata.generation == Some(1) { None } else { get(reconciler, &key).await? };
    let (mut is_frozen, mut removed) = (false, None);
    for _ in 0..CONFLICTS {
        let attempt = match plan(desired, live.as_ref(), &uid, policy) {
            Plan::Nothing => {
                let secret = SyncedSecret::new(&live.unwrap_or_default().metadata, keys);
                return Ok(Applied { secret, wrote: false });
            }
            Plan::Refuse(failure) => return Err(*failure),
            Plan::Recreate => {
                let old = live.take().unwrap_or_default();
                may_be_made(reconciler, &key, desired).await?;
                reconciler.cache.expect_deletion(&key, old.metadata.uid.as_deref().unwrap_or_default());
                match delete(reconciler, &key, &old).await {
                    Ok(()) => removed = Some(old),
                    Err(error) => {
                        reconciler.cache.expect_deletion(&key, "");
                        live = if is_race(&error) {
                            get(reconciler, &key).await?
                        } else {
                            return Err(failed(&key, &error));
                        };
                    }
                }
                continue;
            }
            Plan::Create(secret) => {
                reconciler.context.secrets(&key.namespace).create(&reconciler.context.write(), &secret).await
            }
            Plan::Replace(secret) => {
                is_frozen = live.as_ref().is_some_and(|live| can_be_recreated(live, &secret, &uid));
                reconciler
                    .context
                    .secrets(&key.namespace)
                    .replace(&key.name, &reconciler.context.write(), &secret)
                    .await
            }
        };
        match attempt {
            Ok(written) => {
                return Ok(Applied { secret: SyncedSecret::new(&written.metadata, keys), wrote: true });
            }
            Err(error) if is_race(&error) => live = get(reconciler, &key).await?,
            Err(error) => {
                if let Some(old) = removed {
                    put_back(reconciler, &key, old).await;
                }
                let failure = failed(&key, &error);
                let remedy = if replaces_immutable(sealed.annotations()) { DELETE } else { DELETE_OR_LEAVE };
                let is_final = is_frozen && failure.class == Class::Permanent;
                return Err(if is_final { failure.with_remedy(remedy) } else { failure });
            }
        }
    }
    Err(Failure::new(Reason::Update, Class::Transient, "other writers keep changing the Secret"))
}

/// Makes a Secret again that was deleted for one that the cluster did not take in the end. A dry run says nothing of storage.
async fn put_back(reconciler: &Reconciler, key: &Key, old: Secret) {
    let ObjectMeta { name, namespace, labels, annotations, owner_references, .. } = old.metadata;
    let metadata = ObjectMeta { name, namespace, labels, annotations, owner_references, ..ObjectMeta::default() };
    let secret = Secret { metadata, ..old };
    if let Err(error) = reconciler.context.secrets(&key.namespace).create(&reconciler.context.write(), &secret).await {
        let error = answer(&error);
        tracing::error!(
            secret = key.to_string(),
            error,
            "cannot restore the Secret that was deleted to be replaced; the next retry makes it anew"
        );
    }
}

/// Whether validation and admission would take the Secret: the one that is there stays until then.
async fn may_be_made(reconciler: &Reconciler, key: &Key, desired: &Secret) -> Result<(), Failure> {
    let params = PostParams { dry_run: true, ..reconciler.context.write() };
    match reconciler.context.secrets(&key.namespace).create(&params, desired).await {
        Ok(_) => Ok(()),
        // That comes last, after validation and admission.
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        Err(error) => Err(failed(key, &error)),
    }
}

/// Whether the Secret that was in order is still there, as it was.
pub(crate) async fn is_still(reconciler: &Reconciler, key: &Key, secret: &SyncedSecret) -> Result<bool, Failure> {
    let live = get(reconciler, key).await?;
    Ok(live.is_some_and(|live| secret.is(&live.metadata)))
}

/// Writes a status; where the object changed meanwhile, over the newer one, unless that has a newer spec.
pub(crate) async fn write_status(
    reconciler: &Reconciler,
    object: &ObjectMeta,
    next: Value,
    message: Option<&str>,
) -> Result<(), Failure> {
    let namespace = object.namespace.clone().unwrap_or_default();
    let name = object.name.clone().unwrap_or_default();
    let api = reconciler.context.sealed_secrets(&namespace);
    let mut version = object.resource_version.clone();
    let mut next = next;
    for _ in 0..CONFLICTS {
        let target = with_status(object, version.as_deref(), &next);
        match api.replace_status(&name, &reconciler.context.write(), &target).await {
            Ok(()) => return Ok(()),
            Err(kube::Error::Api(answer)) if answer.is_not_found() => return Ok(()),
            Err(error) if is_race(&error) => {}
            Err(error) => {
                return Err(Failure {
                    class: Class::Transient,
                    ..Failure::api(Reason::Status, &namespace, &name, &error)
                });
            }
        }
        let fresh =
            api.get_opt(&name).await.map_err(|error| Failure::api(Reason::Status, &namespace, &name, &error))?;
        let same_spec =
            |fresh: &State| fresh.metadata.uid == object.uid && fresh.metadata.generation == object.generation;
        // A newer spec brings a look, and a status, of its own.
        let Some(fresh) = fresh.map(|fresh| fresh.state).filter(same_spec) else { return Ok(()) };
        let still = status::next(fresh.status.as_ref(), message, fresh.metadata.generation, reconciler.context.now());
        let Some(still) = still else { return Ok(()) };
        next = still;
        version = fresh.metadata.resource_version;
    }
    Err(Failure::new(Reason::Status, Class::Transient, "other writers keep changing the object"))
}

/// What a status is written with: which object, at which version, and the status. The server takes all else from what
/// it has.
fn with_status(object: &ObjectMeta, version: Option<&str>, status: &Value) -> Value {
    json!({
        "apiVersion": SealedSecret::api_version(&()),
        "kind": SealedSecret::kind(&()),
        "metadata": {
            "name": object.name, "namespace": object.namespace, "uid": object.uid, "resourceVersion": version,
        },
        "status": status,
    })
}

/// Deletes a Secret whose SealedSecret, of that uid, is gone, if it was that one's, and only as it was seen.
pub(crate) async fn delete_orphan(reconciler: &Reconciler, key: &Key, uid: &str) -> Result<(), Failure> {
    let Some(live) = get(reconciler, key).await? else { return Ok(()) };
    if !is_orphan_of(&live, &key.name, uid, &reconciler.context.config.own_namespace()) {
        return Ok(());
    }
    delete(reconciler, key, &live).await.map_err(|error| failed(key, &error))
}

/// Deletes a Secret as it was seen, and no other of its name.
async fn delete(reconciler: &Reconciler, key: &Key, live: &Secret) -> kube::Result<()> {
    let preconditions = Preconditions { uid: live.uid(), resource_version: live.resource_version() };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    match reconciler.context.secrets(&key.namespace).delete(&key.name, &params).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(answer)) if answer.is_not_found() => Ok(()),
        Err(error) => Err(error),
    }
}

async fn get(reconciler: &Reconciler, key: &Key) -> Result<Option<Secret>, Failure> {
    reconciler.context.secrets(&key.namespace).get_opt(&key.name).await.map_err(|error| failed(key, &error))
}

fn failed(key: &Key, error: &kube::Error) -> Failure {
    Failure::api(Reason::Update, &key.namespace, &key.name, error)
}

/// Somebody else was faster: the Secret exists by now, is gone by now, or has another version.
fn is_race(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_already_exists() || status.is_conflict() || (status.is_not_found() && !status.message.contains("namespaces")))
}

/// The ways out for a Secret that cannot be changed.
const DELETE: &str = "delete the Secret, and it is made again";
const DELETE_OR_LEAVE: &str = "delete the Secret, and it is made again; or set the annotation \
                               sealedsecrets.bitnami.com/replace-immutable: \"true\" on the SealedSecret";
/// More than that many writers in a row means that waiting is better.
const CONFLICTS: usize = 8;
