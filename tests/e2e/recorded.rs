//! Does the controller leave in a cluster what the one that it replaces left, and take over what that one left?
//!
//! `golden/live.json` holds recorded scenes: objects, status, Secrets, events, and the key that they were sealed for.

use anyhow::{Context as _, Result, bail, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use sealer_resource::SealedSecret;
use sealer_tests::report::say;
use serde_json::{Map, Value, json};

use crate::scene::Scene;

const RECORDED: &str = include_str!("../golden/live.json");
/// The namespace that the values are bound to.
const NAMESPACE: &str = "rec";

/// What is answered otherwise: scene, status and its message, and the event. All else is as recorded.
const DIFFERENCES: &[Difference] = &[
    // A template's failure is told without the engine's words, which may hold values.
    Difference {
        scene: "template-error",
        status: "False",
        message: Some(TEMPLATE_FAILED),
        event: [
            "Warning",
            "ErrUnsealFailed",
            "Failed to unseal: template execution error (rendered): where and why is not told, because it may depend on a \
             value; try `sealer template check` on the file, or `sealer --recovery-unseal` with the keys; a Secret that the cluster refuses, \
             such as other data in an immutable one, reads the same",
        ],
    },
    // The known line goes on with the cause.
    Difference {
        scene: "wrong-name",
        status: "False",
        message: Some(
            "no key could decrypt secret (a): is sealed for the name `orig`; rename the object or seal it again",
        ),
        event: [
            "Warning",
            "ErrUnsealFailed",
            "Failed to unseal: no key could decrypt secret (a): is sealed for the name `orig`; rename the object or seal it again",
        ],
    },
    // A Secret that was made without an owner, as its author asked, is not foreign to who made it.
    Difference {
        scene: "skip-owner",
        status: "True",
        message: None,
        event: ["Normal", "Unsealed", "SealedSecret unsealed successfully"],
    },
];
const TEMPLATE_FAILED: &str = "template execution error (rendered): where and why is not told, because it may depend on \
                               a value; try `sealer template check` on the file, or `sealer --recovery-unseal` with the \
                               keys; a Secret that the cluster refuses, such as other data in an immutable one, reads the same";

struct Difference {
    scene: &'static str,
    status: &'static str,
    message: Option<&'static str>,
    event: [&'static str; 3],
}

pub(crate) async fn recorded_scenes_are_taken_over_untouched_and_end_as_recorded(scene: Scene) -> Result<()> {
    let world = World::new(&scene)?;
    let shell = scene.shell();
    shell.must(&format!("kubectl create namespace {NAMESPACE}")).await?;
    let prepared = scene.without_controller(async || world.leave_as_the_other_controller_did().await).await?;
    world.nothing_is_touched(&prepared).await?;
    shell.must(&format!("kubectl -n {NAMESPACE} delete sealedsecrets,secrets --all --wait")).await?;
    scene
        .eventually("an empty namespace", async || {
            Ok(world.secrets().list(&ListParams::default()).await?.items.is_empty().then_some(()))
        })
        .await?;
    world.everything_ends_as_recorded().await
}

struct World<'a> {
    scene: &'a Scene,
    recorded: Value,
}

impl<'a> World<'a> {
    fn new(scene: &'a Scene) -> Result<Self> {
        Ok(Self { scene, recorded: serde_json::from_str(RECORDED)? })
    }

    fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.scene.client(), NAMESPACE)
    }

    fn sealed_secrets(&self) -> Api<DynamicObject> {
        let resource = ApiResource::erase::<SealedSecret>(&());
        Api::namespaced_with(self.scene.client(), NAMESPACE, &resource)
    }

    fn scenes(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.recorded["scenes"].as_object().into_iter().flatten()
    }

    /// The recorded keys, objects with their status, and Secrets with their owners' new uids.
    async fn leave_as_the_other_controller_did(&self) -> Result<Vec<(String, String)>> {
        for key in self.recorded["keyInUse"].as_array().context("there are no keys")? {
            let keys: Api<Secret> = Api::namespaced(self.scene.client(), "kube-system");
            keys.create(&PostParams::default(), &serde_json::from_value(fresh(key, "kube-system"))?).await?;
        }
        let mut versions = Vec::new();
        for (name, recorded) in self.scenes() {
            let object: DynamicObject = serde_json::from_value(fresh(&recorded["sealedSecret"], NAMESPACE))?;
            let made = self.sealed_secrets().create(&PostParams::default(), &object).await?;
            let status = json!({ "status": recorded["sealedSecret"]["status"] });
            let name_of_object = made.name_any();
            let with_status = self.sealed_secrets();
            let with_status =
                with_status.patch_status(&name_of_object, &PatchParams::default(), &Patch::Merge(&status)).await?;
            if recorded["sealedSecret"]["status"]["conditions"][0]["status"] == "True" {
                versions.push((
                    format!("{name}: object {name_of_object}"),
                    with_status.resource_version().unwrap_or_default(),
                ));
            }
            if recorded["secret"].is_null() {
                continue;
            }
            let mut secret = fresh(&recorded["secret"], NAMESPACE);
            if let Some(owner) = secret.pointer_mut("/metadata/ownerReferences/0/uid") {
                *owner = json!(made.uid());
            }
            let secret = self.secrets().create(&PostParams::default(), &serde_json::from_value(secret)?).await?;
            versions.push((format!("{name}: Secret {name_of_object}"), secret.resource_version().unwrap_or_default()));
        }
        Ok(versions)
    }

    /// After a look at everything no version of what was in order has changed.
    async fn nothing_is_touched(&self, versions: &[(String, String)]) -> Result<()> {
        // What is made last is looked at last.
        self.scene.apply(&self.scene.sealed("last", &[("k", "v")], sealer_core::Scope::Strict).await?).await?;
        self.scene.synced("last", "True").await?;
        let mut now = Vec::new();
        for (name, recorded) in self.scenes() {
            let object = recorded["sealedSecret"]["metadata"]["name"].as_str().unwrap_or_default();
            let version = self.sealed_secrets().get(object).await?.resource_version().unwrap_or_default();
            now.push((format!("{name}: object {object}"), version));
            if let Some(secret) = self.secrets().get_opt(object).await? {
                now.push((format!("{name}: Secret {object}"), secret.resource_version().unwrap_or_default()));
            }
        }
        let touched: Vec<_> = versions.iter().filter(|version| !now.contains(version)).collect();
        ensure!(touched.is_empty(), "written again at take-over: {touched:?}\nnow: {now:?}");
        say(&format!("  taken over: {} objects and Secrets, none written again", versions.len()));
        Ok(())
    }

    async fn everything_ends_as_recorded(&self) -> Result<()> {
        for (name, recorded) in self.scenes() {
            self.put_in_the_way(name, recorded).await?;
            let object: DynamicObject = serde_json::from_value(fresh(&recorded["sealedSecret"], NAMESPACE))?;
            self.sealed_secrets().create(&PostParams::default(), &object).await?;
        }
        let mut wrong = Vec::new();
        for (name, recorded) in self.scenes() {
            if let Err(error) = self.ends_as_recorded(name, recorded).await {
                wrong.push(format!("{name}: {error:#}"));
            }
        }
        ensure!(wrong.is_empty(), "{}", wrong.join("\n\n"));
        self.metrics_are_as_recorded().await?;
        say(&format!(
            "  {} recorded scenes ended as recorded, {} with a listed difference",
            self.scenes().count(),
            DIFFERENCES.len()
        ));
        Ok(())
    }

    /// Every recorded series is there under its name and labels, and the gauge of the conditions has its values.
    async fn metrics_are_as_recorded(&self) -> Result<()> {
        let now: Vec<Series> = self.scene.metrics().await?.lines().filter_map(series).collect();
        for line in self.recorded["metrics"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let Some(mut wanted) = series(line) else { continue };
            // Versions, codes of requests that nobody made here, and histogram bounds are not the recording's.
            if ["build_info", "_bucket", "http_request"].iter().any(|part| wanted.name.contains(part)) {
                ensure!(now.iter().any(|series| series.name == wanted.name), "no metric {}", wanted.name);
                continue;
            }
            let known = now.iter().find(|series| series.name == wanted.name && series.labels == wanted.labels);
            let known = known.with_context(|| format!("no series {line}"))?;
            if wanted.labels.iter().any(|label| label == "name=\"skipo\"") {
                wanted.value = "1".to_owned();
            }
            ensure!(!wanted.name.ends_with("condition_info") || known.value == wanted.value, "{line}: {}", known.value);
        }
        Ok(())
    }

    /// The Secret that some scenes begin with.
    async fn put_in_the_way(&self, name: &str, recorded: &Value) -> Result<()> {
        let annotation = |name: &str| format!("sealedsecrets.bitnami.com/{name}");
        let annotations = match name {
            "foreign-secret-in-the-way" => json!({}),
            "existing-with-managed" => json!({ annotation("managed"): "true" }),
            "existing-with-patch" => json!({ annotation("patch"): "true" }),
            "existing-with-managed-patch" => json!({ annotation("managed"): "true", annotation("patch"): "true" }),
            _ => return Ok(()),
        };
        let labels = if name.starts_with("existing") { json!({ "keep": "me" }) } else { json!({}) };
        let name = &recorded["sealedSecret"]["metadata"]["name"];
        let secret = json!({ "metadata": { "name": name, "annotations": annotations, "labels": labels }, "data": { "x": "eQ==" } });
        self.secrets().create(&PostParams::default(), &serde_json::from_value(secret)?).await?;
        Ok(())
    }

    async fn ends_as_recorded(&self, name: &str, recorded: &Value) -> Result<()> {
        let object = recorded["sealedSecret"]["metadata"]["name"].as_str().unwrap_or_default();
        let difference = DIFFERENCES.iter().find(|difference| difference.scene == name);
        let condition = |object: &Value| -> Value {
            let condition = &object["status"]["conditions"][0];
            json!([
                condition["type"],
                condition["status"],
                condition["message"],
                object["status"]["observedGeneration"]
            ])
        };
        let mut wanted = condition(&recorded["sealedSecret"]);
        if let Some(difference) = difference {
            (wanted[1], wanted[2]) = (json!(difference.status), json!(difference.message));
        }
        let mut seen = Value::Null;
        for _ in 0..100 {
            let now = self.sealed_secrets().get(object).await?;
            seen = condition(&serde_json::to_value(&now)?);
            if seen == wanted {
                return self.leaves(object, now.uid().unwrap_or_default(), recorded, difference).await;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        bail!("status\n  want {wanted}\n  got  {seen}")
    }

    async fn leaves(&self, object: &str, uid: String, recorded: &Value, difference: Option<&Difference>) -> Result<()> {
        let mut wanted = plain(&recorded["secret"]);
        if let Some(owner) = wanted.pointer_mut("/metadata/ownerReferences/0/uid") {
            *owner = json!(uid);
        }
        let found = self.secrets().get_opt(object).await?;
        let found = found.map_or(Value::Null, |secret| plain(&serde_json::to_value(secret).unwrap_or_default()));
        ensure!(found == wanted, "Secret\n  want {wanted}\n  got  {found}");
        let told =
            |event: &Value| json!([event["type"], event["reason"], event["message"], event["source"]["component"]]);
        let mut wanted = told(&recorded["events"][0]);
        if let Some([kind, reason, message]) = difference.map(|difference| difference.event) {
            wanted = json!([kind, reason, message, wanted[3]]);
        }
        let command = format!("kubectl -n {NAMESPACE} get events --field-selector involvedObject.uid={uid} -o json");
        let events = self
            .scene
            .eventually("its event", async || {
                let events: Value = serde_json::from_str(&self.scene.shell().must(&command).await?)?;
                let events: Vec<Value> = events["items"].as_array().into_iter().flatten().map(told).collect();
                Ok((!events.is_empty()).then_some(events))
            })
            .await?;
        ensure!(events == [wanted.clone()], "events\n  want {wanted}\n  got  {events:?}");
        Ok(())
    }
}

struct Series {
    name: String,
    labels: Vec<String>,
    value: String,
}

/// A line of metrics; comments are none.
fn series(line: &str) -> Option<Series> {
    let (series, value) = line.rsplit_once(' ').filter(|_| !line.starts_with('#'))?;
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let mut labels: Vec<String> = labels.trim_end_matches('}').split(',').map(str::to_owned).collect();
    labels.sort();
    Some(Series { name: name.to_owned(), labels, value: value.to_owned() })
}

/// An object without what a server set.
fn fresh(recorded: &Value, namespace: &str) -> Value {
    let mut object = recorded.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink"] {
            metadata.remove(field);
        }
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    if let Some(object) = object.as_object_mut() {
        object.remove("status");
    }
    object
}

/// What of a Secret is its maker's.
fn plain(secret: &Value) -> Value {
    if secret.is_null() {
        return Value::Null;
    }
    let mut metadata = Map::new();
    for field in ["name", "labels", "annotations", "ownerReferences"] {
        if let Some(value) = secret["metadata"].get(field).filter(|value| !value.is_null()) {
            metadata.insert(field.to_owned(), value.clone());
        }
    }
    json!({ "metadata": metadata, "data": secret["data"], "type": secret["type"], "immutable": secret["immutable"] })
}
