//! An API server that keeps key Secrets.

use super::*;

/// An API server that keeps key Secrets, under a clock of its own, and may lose the answers to the first creations.
#[derive(Clone, Default)]
pub(super) struct Cluster {
    pub(super) secrets: Arc<Mutex<Vec<Value>>>,
    pub(super) answers_to_lose: Arc<Mutex<u32>>,
    /// Its own clock; years behind if nobody sets it.
    pub(super) time: Arc<Mutex<Option<Timestamp>>>,
    /// Secrets that are no keys, and keys that are found by their name.
    pub(super) named: Arc<Mutex<BTreeMap<String, Value>>>,
    pub(super) events: Arc<Mutex<Vec<Value>>>,
    /// So many lists of Secrets to come are cut off.
    pub(super) lists_to_cut: Arc<Mutex<u32>>,
    /// So many lists of Secrets to come have lost all of theirs.
    pub(super) lists_to_empty: Arc<Mutex<u32>>,
    /// So many lists of Secrets to come show them at a newer version and without data.
    pub(super) lists_to_hollow: Arc<Mutex<u32>>,
    /// So many answers to come that hold the record of keys are cut off.
    pub(super) records_to_cut: Arc<Mutex<u32>>,
    /// So many answers to come that hold the record of keys have lost its data.
    pub(super) records_to_hollow: Arc<Mutex<u32>>,
    /// How often the record of keys was asked for.
    pub(super) record_reads: Arc<Mutex<u32>>,
    /// How often it was to be written.
    pub(super) record_writes: Arc<Mutex<u32>>,
    /// What writes of it are refused with.
    pub(super) record_refusal: Arc<Mutex<Option<(u16, &'static str)>>>,
    /// A verb that RBAC does not allow.
    pub(super) denied: Arc<Mutex<&'static str>>,
    /// What watches are answered with, in turn; after that they hear nothing.
    pub(super) watches: Arc<Mutex<std::collections::VecDeque<(u16, String)>>>,
}

impl Cluster {
    pub(super) fn client(&self) -> Client {
        let cluster = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let cluster = cluster.clone();
            async move {
                let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
                let told = if is_watch { lock(&cluster.watches).pop_front() } else { None };
                let answer = match told {
                    Some((code, text)) => {
                        let answer = Response::builder().status(code).body(Body::from(text.into_bytes())).unwrap();
                        answer.map(BodyExt::boxed_unsync)
                    }
                    None if is_watch => watch(),
                    None => cluster.answer(request).await.map(BodyExt::boxed_unsync),
                };
                Ok::<_, std::convert::Infallible>(answer)
            }
        });
        Client::new(service, "default")
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let query = request.uri().query().unwrap_or_default().to_owned();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let (folder, name) = path.rsplit_once('/').unwrap();
        let (code, answer) = match (method, name) {
            (Method::POST, "selfsubjectaccessreviews") => self.review(body),
            (Method::POST, "events") => {
                lock(&self.events).push(body.clone());
                (201, body)
            }
            (Method::POST, "secrets") if body["metadata"]["name"].is_null() => self.create(body),
            (Method::POST, "secrets") => self.put(None, body),
            (Method::PUT, name) if folder.ends_with("/secrets") => self.put(Some(name), body),
            (_, "secrets") => {
                let mut left = lock(&self.lists_to_cut);
                if *left > 0 {
                    *left -= 1;
                    return Response::new(Body::from(b"{\"kind\":\"SecretLi".to_vec()));
                }
                (200, json!({ "kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": self.listed(&query) }))
            }
            (_, name) => {
                *lock(&self.record_reads) += u32::from(name == KEY_RECORD_SECRET);
                let mut left = lock(&self.records_to_cut);
                if *left > 0 && name == KEY_RECORD_SECRET {
                    *left -= 1;
                    return Response::new(Body::from(b"{\"kind\":\"Sec".to_vec()));
                }
                let mut found = lock(&self.named).get(name).cloned();
                let mut left = lock(&self.records_to_hollow);
                if *left > 0 && name == KEY_RECORD_SECRET {
                    *left -= 1;
                    found.iter_mut().for_each(|record| record["data"] = Value::Null);
                }
                found.map_or_else(|| (404, refusal(404, "NotFound")), |found| (200, found))
            }
        };
        Response::builder().status(code).body(Body::from(answer.to_string().into_bytes())).unwrap()
    }

    /// The Secrets that a selector chooses, as far as the answer holds them.
    fn listed(&self, query: &str) -> Vec<Value> {
        let mut empty = lock(&self.lists_to_empty);
        let wanted = form(query, "labelSelector");
        let has_label = |secret: &&Value| match wanted.split_once('=') {
            Some((name, value)) => {
                let labels = secret.pointer("/metadata/labels").and_then(Value::as_object);
                labels.is_none_or(|all| all.get(name).is_some_and(|given| given == value))
            }
            None => wanted.is_empty(),
        };
        let mut items: Vec<Value> = lock(&self.secrets).iter().filter(has_label).cloned().collect();
        if *empty > 0 {
            *empty -= 1;
            items.clear();
        }
        let mut hollow = lock(&self.lists_to_hollow);
        if *hollow > 0 {
            *hollow -= 1;
            for item in &mut items {
                item["data"] = Value::Null;
                item["metadata"]["resourceVersion"] = json!("99");
            }
        }
        items
    }

    fn create(&self, mut secret: Value) -> (u16, Value) {
        let mut secrets = lock(&self.secrets);
        let name = format!("key-{}", secrets.len());
        let created = lock(&self.time).map_or_else(|| "2020-01-01T00:00:00Z".to_owned(), |time| time.to_string());
        let set =
            json!({ "name": name, "namespace": "kube-system", "resourceVersion": "1", "creationTimestamp": created });
        secret.pointer_mut("/metadata").unwrap().as_object_mut().unwrap().extend(set.as_object().unwrap().clone());
        secrets.push(secret.clone());
        let mut left = lock(&self.answers_to_lose);
        if *left > 0 {
            *left -= 1;
            return (500, refusal(500, "InternalError"));
        }
        (201, secret)
    }

    pub(super) fn count(&self) -> usize {
        lock(&self.secrets).len()
    }

    fn review(&self, mut question: Value) -> (u16, Value) {
        let verb = question["spec"]["resourceAttributes"]["verb"].clone();
        question["status"] = json!({ "allowed": verb != *lock(&self.denied) });
        (201, question)
    }

    /// Stores a Secret that is given its name, as an API server does.
    fn put(&self, over: Option<&str>, mut secret: Value) -> (u16, Value) {
        let mut named = lock(&self.named);
        let name = secret["metadata"]["name"].as_str().unwrap().to_owned();
        if name == KEY_RECORD_SECRET {
            *lock(&self.record_writes) += 1;
            if let Some((code, reason)) = *lock(&self.record_refusal) {
                return (code, refusal(code, reason));
            }
        }
        let there = named.get(&name);
        let version = there.map_or(0, |there| there["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap());
        match (over, there) {
            (None, Some(_)) => return (409, refusal(409, "AlreadyExists")),
            (Some(_), None) => return (404, refusal(404, "NotFound")),
            (Some(_), Some(there)) if there["metadata"]["resourceVersion"] != secret["metadata"]["resourceVersion"] => {
                return (409, refusal(409, "Conflict"));
            }
            _ => {}
        }
        secret["metadata"]["resourceVersion"] = json!((version + 1_u32).to_string());
        named.insert(name, secret.clone());
        (200, secret)
    }

    /// What the controllers recorded.
    pub(super) fn record(&self) -> KeyRecord {
        let stored = lock(&self.named).get(KEY_RECORD_SECRET).cloned().unwrap_or_default();
        let text = base64::decode(stored["data"]["keys"].as_str().unwrap_or_default()).unwrap();
        KeyRecord::from_json(&text).unwrap_or_default()
    }

    /// Somebody brings a key.
    pub(super) fn bring(&self, key: &UnsealingKey, days_old: i64, metadata: &Value) {
        lock(&self.secrets).push(key_secret(key, days_old, metadata));
    }
}

/// A watch whose list is through at once, and that tells nothing afterwards.
fn watch() -> Response<UnsyncBoxBody<Bytes, kube::Error>> {
    let listed = json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9",
        "annotations": {"k8s.io/initial-events-end": "true"}}}});
    let first = futures::stream::iter([Ok(Frame::data(Bytes::from(format!("{listed}\n"))))]);
    Response::new(StreamBody::new(first.chain(futures::stream::pending())).boxed_unsync())
}

/// A value of a query, decoded as far as label selectors need.
fn form(query: &str, name: &str) -> String {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.filter(|(given, _)| *given == name).map(|(_, value)| value).next().unwrap_or_default();
    value.replace("%2F", "/").replace("%3D", "=")
}
