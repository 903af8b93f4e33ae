//! What the templates of an object add to its opened items. They run in processes of their own; what is told of those
//! that fail depends on the templates alone.

use sealer_go::template::Environment;
use sealer_resource::SealedSecretSpec;
use sealer_resource::failure::OpenError;
use sealer_resource::failure::Unrendered;
use sealer_resource::render::Texts;
use sealer_resource::unseal::UnsealedSecret;

use crate::error::{Class, Failure};
use crate::kube::object_key::Key;
use crate::reconcile::Reconciler;
use crate::sandbox::{Job, NotRendered};
use crate::workers::slot::WorkerSlot;

/// The templates of an object that has any. A deprecated blob brings all of its items along.
pub(super) fn templates(spec: &SealedSecretSpec) -> Option<&Texts> {
    spec.template.data.as_ref().filter(|templates| !templates.is_empty() && spec.data.is_none())
}

/// Renders the templates over what was opened; where that failed, says which of them do not parse.
///
/// The first error says that it was not found out; the second one is the object's.
pub(super) async fn render(
    reconciler: &Reconciler,
    key: &Key,
    (templates, environment): (&Texts, Environment),
    opened: Result<UnsealedSecret, OpenError>,
    slot: &mut WorkerSlot,
) -> Result<Result<UnsealedSecret, OpenError>, Failure> {
    let job = Job { namespace: &key.namespace, environment, templates };
    let failed = match opened {
        Ok(mut unsealed) => match slot.wait(reconciler.templates.render(&job, &unsealed.data)).await {
            Ok(rendered) => {
                // An item wins over a template of its name.
                for (name, value) in rendered {
                    unsealed.data.entry(name).or_insert(value);
                }
                return Ok(Ok(unsealed));
            }
            Err(failed) => failed,
        },
        Err(OpenError::Items(mut failures)) => match slot.wait(reconciler.templates.check(&job)).await {
            Ok(unparsed) => {
                failures.extend(unparsed.into_iter().map(Into::into));
                return Ok(Err(OpenError::Items(failures)));
            }
            // That an item does not open is what there is to know.
            Err(NotRendered::Failed(_) | NotRendered::Unparsed(_)) => return Ok(Err(OpenError::Items(failures))),
            Err(failed) => failed,
        },
        Err(error) => return Ok(Err(error)),
    };
    match failed {
        NotRendered::Unparsed(unparsed) => Ok(Err(OpenError::Items(unparsed.into_iter().map(Into::into).collect()))),
        NotRendered::Failed(_) => Ok(Err(OpenError::Templates(Unrendered::new(templates, environment.functions)))),
        NotRendered::QueueFull => Err(Failure::overloaded()),
        NotRendered::Unavailable(reason) => Err(unavailable(&reason)),
    }
}

fn unavailable(reason: &str) -> Failure {
    let message = format!(
        "the templates cannot be rendered now: the controller cannot start or run a process for them ({reason}); it tries again"
    );
    Failure { class: Class::Transient, ..Failure::unseal(message) }
}
