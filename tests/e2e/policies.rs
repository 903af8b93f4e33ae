//! What the chart's admission policies let through and what they refuse, asked of a real API server.

use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use sealer_core::Scope;
use sealer_tests::control_plane::{self, binaries};
use sealer_tests::product::repository;
use sealer_tests::report::say;
use serde_json::{Value, json};

use crate::scene::{Scene, resource};

const V: &[(&str, &str)] = &[("k", "v")];
const W: &[(&str, &str)] = &[("k", "w")];
/// All that may be done with SealedSecrets.
const SEALED_SECRETS: &str = "--verb=create,get,list,update,patch,delete --resource=sealedsecrets.bitnami.com";

/// Installs the chart's policies alone, for the scene's namespace.
async fn install(scene: &Scene, values: Value) -> Result<()> {
    let helm = tokio::task::spawn_blocking(binaries::helm).await??;
    let namespace = &scene.namespace;
    let mut all = json!({
        "createController": false, "serviceAccount": { "create": false }, "rbac": { "create": false },
        "admissionPolicies": {
            "enabled": true, "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } },
        },
    });
    merge(&mut all, values);
    let file = scene.suite.plane.folder.path().join(format!("{namespace}-values.json"));
    std::fs::write(&file, all.to_string())?;
    let (helm, chart, file) = (helm.display(), repository().join("deploy/chart"), file.display());
    let command = format!("{helm} install policies {} --skip-crds -n {namespace} --values {file}", chart.display());
    scene.shell().must(&command).await?;
    let all = scene.sealed_secrets();
    let without_rights = as_user(scene, "without-rights", &[SEALED_SECRETS]).await?;
    let probe = async || {
        let bounds = try_out(&all, &with(scene, "probe", json!({ "unknown": 1 }))).await?;
        let rights = try_out(&without_rights, &with(scene, "probe", json!({}))).await?;
        // Where several refuse, the answer names one of them.
        let holds = |told: Option<String>| told.is_some_and(|told| told.contains(".policies-sealed-secrets."));
        let both = holds(bounds) && holds(rights);
        Ok(both.then_some(()))
    };
    scene.eventually("policies that hold", probe).await
}

/// Values for a controller in a namespace that is not the scene's.
fn elsewhere(scene: &Scene) -> Value {
    json!({ "namespace": format!("{}-x", scene.namespace) })
}

/// The name of a policy of that controller.
fn policy(scene: &Scene, policy: &str) -> String {
    format!("{policy}.policies-sealed-secrets.{}-x", scene.namespace)
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            from.into_iter().for_each(|(name, value)| merge(into.entry(name).or_insert(Value::Null), value));
        }
        (into, from) => *into = from,
    }
}

/// The SealedSecrets of the scene, as a user sees them who has these rights here and none elsewhere.
async fn as_user(scene: &Scene, user: &str, rights: &[&str]) -> Result<Api<DynamicObject>> {
    let namespace = &scene.namespace;
    for (at, right) in rights.iter().enumerate() {
        let name = format!("{user}-{at}");
        let role = format!("kubectl create role {name} -n {namespace} {right} --dry-run=client -o yaml");
        let binding = format!(
            "kubectl create rolebinding {name} -n {namespace} --role={name} --user={user}.{namespace} --dry-run=client -o yaml"
        );
        scene.shell().must(&format!("{role} | kubectl apply -f - && {binding} | kubectl apply -f -")).await?;
    }
    let kubeconfig = scene.suite.plane.kubeconfig_of(&format!("{user}.{namespace}"))?;
    Ok(Api::namespaced_with(control_plane::client(&kubeconfig).await?, namespace, &resource()))
}

/// A SealedSecret with a template's metadata and nothing sealed in it that opens.
fn with(scene: &Scene, name: &str, metadata: Value) -> Value {
    json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": { "name": name, "namespace": scene.namespace },
        "spec": { "encryptedData": { "k": "AgA=" }, "template": { "metadata": metadata } },
    })
}

/// The refusal of what was asked for; none if it was done.
fn refusal<T>(answer: kube::Result<T>) -> Result<Option<String>> {
    match answer {
        Ok(_) => Ok(None),
        Err(kube::Error::Api(status)) => Ok(Some(format!("{} {}", status.code, status.message))),
        Err(error) => Err(error.into()),
    }
}

/// Whether an object would be refused, without making it.
async fn try_out(api: &Api<DynamicObject>, object: &Value) -> Result<Option<String>> {
    let params = PostParams { dry_run: true, ..PostParams::default() };
    refusal(api.create(&params, &serde_json::from_value(object.clone())?).await)
}

async fn create(api: &Api<DynamicObject>, object: &Value) -> Result<Option<String>> {
    refusal(api.create(&PostParams::default(), &serde_json::from_value(object.clone())?).await)
}

async fn change(api: &Api<DynamicObject>, name: &str, patch: Value) -> Result<Option<String>> {
    refusal(api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await)
}

fn is_refused(told: Option<String>, policy: &str, code: u16, words: &str) -> Result<()> {
    let told = told.with_context(|| format!("nothing was refused, but {policy} ought to: {words}"))?;
    ensure!(told.starts_with(&code.to_string()) && told.contains(policy) && told.contains(words), "{told}");
    Ok(())
}

fn is_done(told: Option<String>) -> Result<()> {
    told.map_or(Ok(()), |told| bail!("{told}"))
}

/// Rights arrive at the API server's authorizer a moment after they were given.
async fn is_done_soon(scene: &Scene, what: impl AsyncFn() -> Result<Option<String>>) -> Result<()> {
    scene.eventually("the right", async || Ok(what().await?.is_none().then_some(()))).await
}

pub(crate) async fn who_may_not_create_secrets_makes_and_changes_no_sealed_secret(scene: Scene) -> Result<()> {
    let gitops = format!("gitops.{}", scene.namespace);
    let mut values = elsewhere(&scene);
    values["admissionPolicies"] = json!({ "exempt": { "users": [gitops] } });
    install(&scene, values).await?;
    let tenant = as_user(&scene, "tenant", &[SEALED_SECRETS]).await?;
    let refused = |told: Option<String>| {
        let words =
            format!("needs the right to create Secrets in namespace {0}, and tenant.{0} does not", scene.namespace);
        is_refused(told, &policy(&scene, "rights"), 403, &words)
    };
    let object = scene.sealed("a", V, Scope::Strict).await?;
    scene.eventually("the tenant's rights", async || Ok(tenant.list(&Default::default()).await.ok())).await?;
    refused(create(&tenant, &object).await?)?;
    // The administrator's goes through, and the controller's status, too.
    scene.apply(&object).await?;
    scene.holds("a", V).await?;
    scene.synced("a", "True").await?;
    let other = scene.sealed("a", W, Scope::Strict).await?;
    let annotations = json!({ "sealedsecrets.bitnami.com/cluster-wide": "true" });
    for patch in [
        json!({ "spec": other["spec"] }),
        json!({ "spec": { "template": { "immutable": true } } }),
        json!({ "metadata": { "annotations": annotations } }),
        json!({ "metadata": { "labels": { "app.kubernetes.io/instance": "b" } } }),
    ] {
        refused(change(&tenant, "a", patch).await?)?;
    }
    // What the garbage collector does to objects is free, and so is a deletion: the Secret goes with it.
    is_done(change(&tenant, "a", json!({ "metadata": { "finalizers": ["example.com/hold"] } })).await?)?;
    is_done(change(&tenant, "a", json!({ "metadata": { "finalizers": [] } })).await?)?;
    is_done(refusal(tenant.delete("a", &DeleteParams::default()).await)?)?;
    scene.eventually("the end of the Secret", async || Ok(scene.secret("a").await?.is_none().then_some(()))).await?;

    let exempt = as_user(&scene, "gitops", &[SEALED_SECRETS]).await?;
    let by_exempt = scene.sealed("b", V, Scope::Strict).await?;
    is_done_soon(&scene, async || create(&exempt, &by_exempt).await).await?;
    scene.holds("b", V).await?;
    let allowed = as_user(&scene, "tenant", &[SEALED_SECRETS, "--verb=create --resource=secrets"]).await?;
    is_done_soon(&scene, async || create(&allowed, &object).await).await?;
    scene.holds("a", V).await?;
    is_done(change(&allowed, "a", json!({ "spec": other["spec"] })).await?)?;
    scene.holds("a", W).await.map(drop)
}

pub(crate) async fn who_may_not_get_secrets_writes_no_templates(scene: Scene) -> Result<()> {
    install(&scene, elsewhere(&scene)).await?;
    let rights = [SEALED_SECRETS, "--verb=create --resource=secrets"];
    let tenant = as_user(&scene, "tenant", &rights).await?;
    let plain = scene.sealed("plain", V, Scope::Strict).await?;
    is_done_soon(&scene, async || create(&tenant, &plain).await).await?;
    scene.holds("plain", V).await?;
    let template = json!({ "spec": { "template": { "data": { "t": "{{ .k }}" } } } });
    let refused = |told: Option<String>, name: &str| {
        let words = format!("needs the right to get the Secret {name} in namespace {}", scene.namespace);
        is_refused(told, &policy(&scene, "rights"), 403, &words)
    };
    refused(change(&tenant, "plain", template.clone()).await?, "plain")?;
    let mut object = scene.sealed("a", V, Scope::Strict).await?;
    merge(&mut object, template);
    refused(create(&tenant, &object).await?, "a")?;
    // Nor may other values go into templates that somebody else wrote.
    scene.apply(&object).await?;
    scene.holds("a", &[("k", "v"), ("t", "v")]).await?;
    let other =
        json!({ "spec": { "encryptedData": scene.sealed("a", W, Scope::Strict).await?["spec"]["encryptedData"] } });
    refused(change(&tenant, "a", other.clone()).await?, "a")?;
    // Whether other data goes into an immutable Secret tells whether it is other data.
    let freeze = json!({ "spec": { "template": { "immutable": true } } });
    refused(change(&tenant, "plain", freeze.clone()).await?, "plain")?;
    let mut frozen = scene.sealed("frozen", V, Scope::Strict).await?;
    merge(&mut frozen, freeze);
    scene.apply(&frozen).await?;
    scene.holds("frozen", V).await?;
    let guess = scene.sealed("frozen", W, Scope::Strict).await?["spec"]["encryptedData"].clone();
    refused(change(&tenant, "frozen", json!({ "spec": { "encryptedData": guess } })).await?, "frozen")?;
    let thawed = json!({ "spec": { "encryptedData": guess, "template": { "immutable": null } } });
    refused(change(&tenant, "frozen", thawed).await?, "frozen")?;
    // To empty templates is to take them out.
    is_done(change(&tenant, "plain", json!({ "spec": { "template": { "data": {} } } })).await?)?;
    let reader = [rights[0], rights[1], "--verb=get --resource=secrets --resource-name=a"];
    let reader = as_user(&scene, "tenant", &reader).await?;
    is_done_soon(&scene, async || change(&reader, "a", other.clone()).await).await?;
    scene.holds("a", &[("k", "w"), ("t", "w")]).await.map(drop)
}

pub(crate) async fn the_controllers_namespace_takes_no_sealed_secret(scene: Scene) -> Result<()> {
    scene.apply(&scene.sealed("from-before", V, Scope::Strict).await?).await?;
    scene.holds("from-before", V).await?;
    install(&scene, json!({ "admissionPolicies": { "ownNamespace": { "except": ["excepted"] } } })).await?;
    let (all, words) = (scene.sealed_secrets(), format!("namespace {} holds the sealing keys", scene.namespace));
    let policy = format!("own-namespace.policies-sealed-secrets.{}", scene.namespace);
    let holds = async || Ok(try_out(&all, &with(&scene, "a", json!({}))).await?.filter(|told| told.contains(&policy)));
    is_refused(Some(scene.eventually("a refusal", holds).await?), &policy, 403, &words)?;
    let object = scene.sealed("excepted", V, Scope::Strict).await?;
    is_done(create(&all, &object).await?)?;
    scene.holds("excepted", V).await?;
    let other = scene.sealed("from-before", W, Scope::Strict).await?;
    is_refused(change(&all, "from-before", json!({ "spec": other["spec"] })).await?, &policy, 403, &words)?;
    is_done(refusal(all.delete("from-before", &DeleteParams::default()).await)?)
}

/// Fields of the spec that a bound forbids, and words of the refusal.
fn hostile() -> Vec<(Value, &'static str)> {
    let many =
        |count: usize, value: &Value| -> Value { (0..count).map(|at| (format!("k{at}"), value.clone())).collect() };
    let in_metadata = |metadata: Value| json!({ "template": { "metadata": metadata } });
    let deep = (0..150).fold(json!([]), |inner, _| json!([inner]));
    let long = |bytes: usize| Value::from("A".repeat(bytes));
    let maps = |count: usize| Value::from(vec![json!({}); count]);
    let owner = json!({ "apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "b" });
    vec![
        (json!({ "encryptedData": many(501, &json!("AgA=")) }), "more than 500 items"),
        (json!({ "encryptedData": many(5_000, &json!("")) }), "more than 500 items"),
        (json!({ "encryptedData": { "k": long(1_048_576) } }), "sealed values are longer than 1048576 bytes"),
        (json!({ "data": long(1_048_576) }), "sealed values are longer than 1048576 bytes"),
        (json!({ "template": { "data": many(101, &json!("")) } }), "more than 100 templates"),
        (json!({ "template": { "data": many(5_000, &json!("")) } }), "more than 100 templates"),
        (json!({ "template": { "data": { "t": long(131_072) } } }), "templates are longer than 131072 bytes"),
        (
            in_metadata(json!({ "labels": many(60, &json!("")), "annotations": many(41, &json!("")) })),
            "labels and annotations",
        ),
        (in_metadata(json!({ "annotations": many(5_000, &json!("")) })), "more than 100 labels and annotations"),
        (in_metadata(json!({ "annotations": { "a": long(65_536) } })), "longer than 65536 bytes"),
        (in_metadata(json!({ "unknown": deep })), "field that no Secret needs"),
        (in_metadata(json!({ "unknown": maps(190_000) })), "field that no Secret needs"),
        (in_metadata(many(5_000, &json!(1))), "field that no Secret needs"),
        (in_metadata(json!({ "managedFields": [{ "fieldsV1": {} }] })), "such as managedFields"),
        (in_metadata(json!({ "generateName": deep })), "nested or longer than 1024"),
        (in_metadata(json!({ "uid": maps(20_000) })), "nested or longer than 1024"),
        (in_metadata(json!({ "selfLink": long(100_000) })), "nested or longer than 1024"),
        (in_metadata(json!({ "finalizers": vec!["a"; 20_000] })), "finalizers has more than 20"),
        (in_metadata(json!({ "finalizers": [long(1025)] })), "finalizers has more than 20"),
        (in_metadata(json!({ "ownerReferences": vec![owner; 21] })), "ownerReferences has more than 20"),
        (in_metadata(json!({ "ownerReferences": maps(20_000) })), "ownerReferences has more than 20"),
        (in_metadata(json!({ "ownerReferences": [{ "kind": deep }] })), "nested or very long"),
        (in_metadata(json!({ "ownerReferences": [many(5_000, &json!(""))] })), "nested or very long"),
        // Old definitions of the resource say nothing of types; by newer ones the API server refuses these itself.
        (json!({ "data": deep }), ""),
        (json!({ "encryptedData": { "k": deep } }), ""),
        (json!({ "encryptedData": [deep] }), ""),
        (json!({ "template": [deep] }), ""),
        (json!({ "template": { "immutable": deep } }), ""),
        (json!({ "template": { "type": deep } }), ""),
        (json!({ "template": { "data": { "t": deep } } }), ""),
        (in_metadata(json!([deep])), ""),
        (in_metadata(json!({ "labels": [deep] })), ""),
        (in_metadata(json!({ "annotations": { "a": deep } })), ""),
        (in_metadata(json!({ "finalizers": { "a": deep } })), ""),
        (json!({ "template": { "type": "kubernetes.io/service-account-token" } }), "gives access to the cluster"),
        (json!({ "template": { "type": "bootstrap.kubernetes.io/token" } }), "gives access to the cluster"),
    ]
}

/// As large as the bounds let it be.
fn largest(scene: &Scene) -> Value {
    let fill = |count: usize, bytes: usize| -> Value {
        let each = bytes / count;
        let name = |at: usize| format!("k{at:03}");
        let last = each + bytes % count;
        (0..count).map(|at| (name(at), Value::from("A".repeat(if at == 0 { last } else { each } - 4)))).collect()
    };
    let mut object = with(
        scene,
        "largest",
        json!({
            "name": "largest", "namespace": scene.namespace, "creationTimestamp": null, "annotations": fill(100, 65_536),
            "finalizers": vec!["f"; 20], "uid": "u".repeat(1024), "generation": 5,
            "ownerReferences": vec![json!({ "apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "b", "controller": true }); 20],
        }),
    );
    object["spec"]["encryptedData"] = fill(500, 1_048_576);
    object["spec"]["template"]["data"] = fill(100, 131_072);
    object["spec"]["template"]["type"] = json!("Opaque");
    object
}

pub(crate) async fn what_is_too_large_or_nested_is_refused_by_name(scene: Scene) -> Result<()> {
    let (all, largest) = (scene.sealed_secrets(), largest(&scene));
    let timed = async || {
        let started = Instant::now();
        let told = try_out(&all, &largest).await?;
        Ok::<_, anyhow::Error>((told, started.elapsed().as_millis()))
    };
    let (told, without) = timed().await?;
    is_done(told)?;
    install(&scene, elsewhere(&scene)).await?;
    let (told, first) = timed().await?;
    is_done(told)?;
    let (_, second) = timed().await?;
    say(&format!("  the largest object that passes: {without} ms without policies, {first} and {second} ms with them"));
    let mut slowest = 0;
    for (spec, words) in hostile() {
        let mut object = with(&scene, "hostile", json!({}));
        merge(&mut object, json!({ "spec": spec }));
        let started = Instant::now();
        let told = try_out(&all, &object).await?;
        slowest = slowest.max(started.elapsed().as_millis());
        let by = if words.is_empty() { String::new() } else { policy(&scene, "bounds") };
        is_refused(told, &by, 422, words)?;
    }
    say(&format!("  {} hostile objects were refused, the slowest after {slowest} ms", hostile().len()));
    for policy in ["rights", "bounds", "own-namespace"].map(|name| policy(&scene, name)) {
        let get = format!("kubectl get validatingadmissionpolicy {policy} -o json");
        let checked = async || {
            let object: Value = serde_json::from_str(&scene.shell().must(&get).await?)?;
            let current = object["status"]["observedGeneration"] == object["metadata"]["generation"];
            Ok(Some(object["status"].clone()).filter(|_| current))
        };
        let status = scene.eventually("checked types", checked).await?;
        ensure!(status.pointer("/typeChecking/expressionWarnings").is_none(), "{policy}: {status}");
    }
    Ok(())
}
