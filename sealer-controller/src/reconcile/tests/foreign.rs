//! Secrets of others, and others that write at the same time.

use super::*;

#[tokio::test]
async fn lost_races_are_planned_anew_on_what_the_winner_wrote() {
    let mut exchanges = vec![
        (Method::POST, SECRETS, 409, refusal(409, "AlreadyExists", "exists")),
        (Method::GET, SECRET, 200, live("u1", "b2xk", "5")),
        (Method::PUT, SECRET, 409, refusal(409, "Conflict", "changed")),
        (Method::GET, SECRET, 200, live("u1", "b2xkZXI=", "6")),
        (Method::PUT, SECRET, 200, live("u1", "dg==", "7")),
    ];
    exchanges.extend(told(object(1, Some(1))));
    let script = Script::new(exchanges);
    script.process(&object(1, None)).await.unwrap();
    assert_eq!(script.body(4)["metadata"]["resourceVersion"], "6");
}

#[tokio::test]
async fn a_foreign_secret_made_between_look_and_write_is_not_touched() {
    let mut foreign = live("somebody", "eA==", "5");
    foreign["metadata"]["ownerReferences"] = json!([]);
    let mut exchanges = vec![
        (Method::POST, SECRETS, 409, refusal(409, "AlreadyExists", "exists")),
        (Method::GET, SECRET, 200, foreign),
    ];
    exchanges.extend(told(object(1, Some(1))));
    let script = Script::new(exchanges);
    let failure = script.process(&object(1, None)).await.unwrap_err();
    assert_eq!((failure.reason, failure.class), (Reason::Unmanaged, Class::Permanent));
    assert_eq!(script.body(2)["reason"], "ErrUpdateFailed");
    assert_eq!(script.body(3)["status"]["conditions"][0]["status"], "False");
}

/// A SealedSecret whose template asks for everything that it must not have on a foreign Secret.
fn grasping() -> Value {
    let mut object = object(1, None);
    object["spec"]["template"] = json!({ "immutable": true, "metadata": { "annotations": {
        "sealedsecrets.bitnami.com/managed": "true", "sealedsecrets.bitnami.com/patch": "true" } } });
    object
}

#[tokio::test]
async fn two_looks_at_a_patched_secret_take_neither_owner_nor_freedom() {
    let foreign = json!({ "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": { "own": "eA==" }, "metadata": {
        "name": "a", "namespace": "ns", "uid": "s", "resourceVersion": "5",
        "annotations": { "sealedsecrets.bitnami.com/patch": "true" } } });
    let mut patched = foreign.clone();
    patched["data"]["k"] = json!("dg==");
    patched["metadata"]["resourceVersion"] = json!("6");
    let mut exchanges = vec![
        (Method::POST, SECRETS, 409, refusal(409, "AlreadyExists", "exists")),
        (Method::GET, SECRET, 200, foreign.clone()),
        (Method::PUT, SECRET, 200, patched.clone()),
    ];
    exchanges.extend(told(object(1, Some(1))));
    // The second look is at the Secret as the first one left it.
    exchanges.push((Method::GET, SECRET, 200, patched));
    exchanges.extend(told(object(2, Some(2))));
    let script = Script::new(exchanges);
    let key = Key::new("ns", "a");
    for generation in [1, 2] {
        let mut object = grasping();
        object["metadata"]["generation"] = json!(generation);
        script.reconciler.cache.observe(Sighting::read(&object.to_string()).unwrap());
        look_once(&script.reconciler, &key).await.unwrap();
    }
    assert!(script.left.lock().unwrap().is_empty());
    let mut expected = foreign;
    expected["data"]["k"] = json!("dg==");
    assert_eq!(script.body(2), expected, "items alone are added");
}

/// One Secret in an API server that keeps to versions and uids, and other writers between any two calls.
struct Contested {
    secret: Option<Value>,
    version: u64,
    seed: u64,
    writes: u32,
}

impl Contested {
    /// Of the numbers below `below`, one by chance (Knuth's MMIX constants).
    fn chance(&mut self, below: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % below
    }

    fn put(&mut self, mut secret: Value, uid: Option<String>) -> Value {
        self.version += 1;
        let uid = uid.unwrap_or_else(|| format!("s{}", self.version));
        secret["metadata"]["uid"] = json!(uid);
        secret["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.secret = Some(secret.clone());
        secret
    }

    /// Somebody else makes, marks, unmarks, edits or deletes it, or does nothing.
    fn others_act(&mut self) {
        let mut secret = live("foreign", "b2xk", "0");
        secret["metadata"]["ownerReferences"] = json!([]);
        match self.chance(8) {
            0 if self.secret.is_none() => drop(self.put(secret, None)),
            1 => self.secret = None,
            2 => {
                self.secret = None;
                self.put(secret, None);
            }
            at @ (3 | 4) => {
                let mark =
                    ["sealedsecrets.bitnami.com/managed", "sealedsecrets.bitnami.com/patch"][usize::from(at == 4)];
                if let Some(mut there) = self.secret.clone() {
                    there["metadata"]["annotations"] = json!({ mark: "true" });
                    let uid = there["metadata"]["uid"].as_str().map(str::to_owned);
                    self.put(there, uid);
                }
            }
            5 => {
                if let Some(mut there) = self.secret.clone() {
                    there["metadata"]["annotations"] = json!({});
                    there["metadata"]["ownerReferences"] = json!([]);
                    let uid = there["metadata"]["uid"].as_str().map(str::to_owned);
                    self.put(there, uid);
                }
            }
            _ => {}
        }
    }

    fn answer(&mut self, method: &Method, path: &str, body: Value) -> (u16, Value) {
        if !path.contains("/secrets") {
            return (
                201,
                if path.ends_with("/status") { body } else { json!({ "metadata": {}, "involvedObject": {} }) },
            );
        }
        self.others_act();
        let there = self.secret.clone();
        match (method.as_str(), there) {
            ("GET", Some(there)) => (200, there),
            ("POST", None) => {
                self.writes += 1;
                (201, self.put(body, None))
            }
            ("POST", Some(_)) => (409, refusal(409, "AlreadyExists", "exists")),
            ("PUT", Some(there)) => {
                let same =
                    ["uid", "resourceVersion"].iter().all(|part| body["metadata"][*part] == there["metadata"][*part]);
                if !same {
                    return (409, refusal(409, "Conflict", "changed"));
                }
                // T-P3, T-P4: what is written over was ours, or its writer had handed it over.
                let marked = |mark: &str| {
                    there["metadata"]["annotations"][format!("sealedsecrets.bitnami.com/{mark}")] == "true"
                };
                let ours = there["metadata"]["ownerReferences"][0]["uid"] == "u1";
                assert!(ours || marked("managed") || marked("patch"), "an unowned Secret was modified: {there}");
                if !ours && !marked("managed") {
                    assert_eq!(body["metadata"]["ownerReferences"], there["metadata"]["ownerReferences"], "{body}");
                    assert!(
                        body["immutable"].is_null()
                            && body["metadata"]["annotations"]["sealedsecrets.bitnami.com/managed"].is_null(),
                        "{body}"
                    );
                }
                self.writes += 1;
                let uid = there["metadata"]["uid"].as_str().map(str::to_owned);
                (200, self.put(body, uid))
            }
            _ => (404, refusal(404, "NotFound", "not found")),
        }
    }
}

/// T-P3: whatever others do between our calls, no unowned Secret is ever modified.
#[tokio::test]
async fn no_interleaving_modifies_an_unowned_secret() {
    let (mut writes, mut refused) = (0, 0);
    let script = Script::new(Vec::new());
    let Object { state, spec } = Object::read(&grasping().to_string()).unwrap();
    let mut sealed = SealedSecret { metadata: state.metadata, spec: spec.unwrap(), status: None };
    let metadata = sealed.spec.template.metadata.clone().unwrap();
    let data = [("k".to_owned(), Plaintext::new(b"v".to_vec()))].into();
    let opened = UnsealedSecret { metadata, data, immutable: Some(true), ..UnsealedSecret::default() };
    let desired = opened.into_secret(&sealed).unwrap();
    for seed in 0..1000 {
        let state = Arc::new(Mutex::new(Contested { secret: None, version: 0, seed, writes: 0 }));
        let server = state.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move {
                let (method, path) = (request.method().clone(), request.uri().path().to_owned());
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let body: Value = serde_json::from_slice(&body).unwrap_or_default();
                check_request(&method, &path, &body);
                let (code, answer) = server.lock().unwrap().answer(&method, &path, body);
                let answer = Response::builder().status(code).body(Body::from(answer.to_string().into_bytes()));
                Ok::<_, std::convert::Infallible>(answer.unwrap())
            }
        });
        let context = Context::new(Client::new(service, "default"), script.reconciler.context.config.clone());
        let reconciler = reconciler(context, Arc::default());
        let policy = Policy {
            own: reconciler.context.config.own_namespace(),
            allowed_types: &[],
            spec_is_new: true,
            replaces_immutable: false,
        };
        for generation in [1, 2] {
            sealed.metadata.generation = Some(generation);
            let applied = apply::apply(&reconciler, &sealed, &desired, &policy, Arc::from([])).await;
            refused += u32::from(applied.is_err());
        }
        writes += state.lock().unwrap().writes;
    }
    assert!(writes > 500 && refused > 50, "{writes} writes, {refused} refusals: the others must meet both");
}
