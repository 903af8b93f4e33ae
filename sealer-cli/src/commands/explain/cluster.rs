//! What a cluster says of a SealedSecret: the object's status, and whether the controller opens its values.

use std::cell::RefCell;

use sealer_core::{Certificate, Scope};
use sealer_resource::annotations::{MANAGED_ANNOTATION, PATCH_ANNOTATION};
use sealer_resource::api;

use super::{Asked, Finding, Verdict};
use crate::cluster::live::is_synced;
use crate::cluster::posted::posted;
use crate::cluster::{Answer, Cluster};
use crate::manifest::patch::Tree;
use crate::tree::SealedItem;

/// The controller of a cluster.
pub(super) struct Controller {
    cluster: Cluster,
    /// Where it says whether a value opens; or why it cannot be reached.
    verify: Result<String, String>,
    unasked: RefCell<Option<String>>,
}

impl Controller {
    pub(super) fn of(cluster: Cluster) -> Self {
        let verify = cluster.path(api::VERIFY).map_err(|error| first_line(error.message()));
        Self { cluster, verify, unasked: RefCell::new(None) }
    }

    /// Why it could not be asked.
    pub(super) fn unasked(&self) -> Option<String> {
        self.unasked.borrow().clone()
    }

    /// Its certificate, if it serves one.
    pub(super) fn certificate(&self) -> Option<Certificate> {
        self.cluster.served().ok()
    }

    /// Names of the SealedSecrets of a namespace, for those who may list them.
    pub(super) fn neighbours(&self, namespace: &str) -> Vec<String> {
        self.cluster.sealed_secret_names(namespace).unwrap_or_default()
    }

    /// Whether it opens a value as it stands, and if not, whether it would in another scope or for the names of the
    /// template.
    pub(super) fn verdict(&self, asked: &Asked<'_>, item: &SealedItem) -> Verdict {
        let object = asked.object;
        match self.opens(item, object.scope, &object.namespace, &object.name) {
            None => return Verdict::Unknown,
            Some(true) => return Verdict::Opens(None),
            Some(false) => {}
        }
        for scope in Scope::ALL.into_iter().filter(|scope| *scope != object.scope) {
            if self.opens(item, scope, &object.namespace, &object.name) == Some(true) {
                let remedy = match scope.annotation() {
                    Some(annotation) => {
                        format!("write the annotation {annotation}: \"true\", or {}", asked.seal_again(&item.name))
                    }
                    None => format!("take the annotation of the scope out, or {}", asked.seal_again(&item.name)),
                };
                return Verdict::Closed(Finding::new(
                    format!("is sealed with scope {scope}, not {}", object.scope),
                    remedy,
                ));
            }
        }
        let template = asked.tree().and_then(|tree| tree.field("spec")?.field("template")?.field("metadata"));
        let text = |field: &str, own: &str| {
            template.and_then(|it| it.field(field)).and_then(Tree::text).unwrap_or(own).to_owned()
        };
        let (namespace, name) = (text("namespace", &object.namespace), text("name", &object.name));
        let moved = (namespace.as_str(), name.as_str()) != (object.namespace.as_str(), object.name.as_str());
        if moved && self.opens(item, Scope::Strict, &namespace, &name) == Some(true) {
            let sentence = format!("is sealed for {namespace}/{name}, the names in spec.template");
            return Verdict::Closed(Finding::new(
                sentence,
                format!("take that name back, or {}", asked.seal_again(&item.name)),
            ));
        }
        Verdict::Closed(Finding::new(
            "is not opened by the controller: it is of another cluster, or of another name or namespace",
            format!("{}; or restore the key it was sealed for", asked.seal_again(&item.name)),
        ))
    }

    fn opens(&self, item: &SealedItem, scope: Scope, namespace: &str, name: &str) -> Option<bool> {
        let answer = match &self.verify {
            Ok(path) => {
                let values = [(item.name.as_str(), item.value.as_str())];
                self.cluster.post(path, posted(scope, namespace, name, values)).map_err(|cause| cause.to_string())
            }
            Err(cause) => Err(cause.clone()),
        };
        match answer {
            Ok(Answer::Ok(_)) => Some(true),
            Ok(Answer::Conflict) => Some(false),
            Err(cause) => {
                self.unasked.borrow_mut().get_or_insert(cause);
                None
            }
        }
    }

    /// How the object fares in the cluster.
    pub(super) fn of_object(&self, asked: &Asked<'_>) -> Vec<Finding> {
        let object = asked.object;
        if object.templated || object.namespace.is_empty() {
            return Vec::new();
        }
        // Whoever may not read it is told by the values alone.
        let Ok(live) = self.cluster.sealed_secret(&object.namespace, &object.name) else { return Vec::new() };
        let apply = format!("kubectl apply -f {}", asked.file);
        let Some(live) = live else {
            return vec![Finding::new("is not in the cluster", apply)];
        };
        let differs = object.items.len() != live.spec.encrypted_data.len()
            || object.items.iter().any(|item| live.spec.encrypted_data.get(&item.name) != Some(&item.value));
        if differs {
            return vec![Finding::new("has other sealed values in the cluster than in this file", apply)];
        }
        if is_synced(&live) {
            return Vec::new();
        }
        let conditions = live.status.iter().flat_map(|status| &status.conditions);
        let said = conditions.filter(|condition| condition.type_ == "Synced" && condition.status == "False");
        let said = said.filter_map(|condition| condition.message.clone()).next_back();
        let seen = live.status.as_ref().is_some_and(|it| it.observed_generation == live.metadata.generation);
        vec![match said.filter(|_| seen) {
            Some(message) => Finding::new(format!("is not in sync: {message}"), remedy(asked, &message)),
            None => Finding::new(
                "waits for the controller, which has not looked at it",
                "does it run, and does it look at this namespace? kubectl get pods -A -l app.kubernetes.io/name=sealed-secrets",
            ),
        }]
    }
}

/// What is to be done about an object that is not in sync.
fn remedy(asked: &Asked<'_>, message: &str) -> String {
    let (namespace, name) = (&asked.object.namespace, &asked.object.name);
    if !message.contains("already exists and is not managed by SealedSecret") {
        return format!("kubectl describe sealedsecret -n {namespace} {name}");
    }
    let template =
        asked.tree().and_then(|tree| tree.field("spec")?.field("template")?.field("metadata")?.field("annotations"));
    let in_template =
        [MANAGED_ANNOTATION, PATCH_ANNOTATION].iter().find(|name| template.is_some_and(|it| it.field(name).is_some()));
    let alone = in_template.map(|name| format!("{name} in spec.template does not count; ")).unwrap_or_default();
    format!(
        "{alone}the Secret that is there has to be handed over: \
         kubectl annotate secret -n {namespace} {name} {MANAGED_ANNOTATION}=true (or {PATCH_ANNOTATION}=true to add to it)"
    )
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
