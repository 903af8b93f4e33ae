#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may panic")]

use futures::StreamExt as _;
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::client::Body;
use sealer_core::{Certificate, UnsealingKey};
use sealer_encoding::base64;
use sealer_resource::key_record::{KEY_RECORD_SECRET, KeyRecord};
use sealer_resource::key_secret::{self, KEY_LABEL, Naming, TRUSTED_KEY_ANNOTATION};
use serde_json::{Value, json};

use super::*;
use crate::args::{self, Request as Asked};

mod cluster;
mod following;
mod making;
mod reading;
mod record;
mod trust;

use cluster::Cluster;

fn refusal(code: u16, reason: &str) -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": "no" })
}

fn keys_of(cluster: &Cluster, args: &[&str]) -> Keys {
    let args: Vec<_> = args.iter().chain(&["--key-size=2048"]).map(|arg| (*arg).to_owned()).collect();
    let Ok(Asked::Run(config)) = args::read(&args, |_| None) else { panic!("arguments") };
    let shared = Shared {
        context: Arc::new(Context::new(cluster.client(), *config)),
        ring: Arc::default(),
        threads: Threads::all_cores(),
        progress: Arc::default(),
    };
    Keys::new(shared, || {})
}

/// A clock that is set by hand.
fn set_by_hand(keys: &mut Keys) -> Arc<Mutex<Timestamp>> {
    let time = Arc::new(Mutex::new(keys.context.now()));
    let clock = time.clone();
    Arc::get_mut(&mut keys.context).unwrap().clock = Arc::new(move || *lock(&clock));
    time
}

/// Keys that others bring.
static STRANGERS: std::sync::LazyLock<[UnsealingKey; 2]> =
    std::sync::LazyLock::new(|| std::array::from_fn(|_| UnsealingKey::generate(2048).unwrap()));

fn key_secret(key: &UnsealingKey, days_old: i64, metadata: &Value) -> Value {
    let now = Context::new(Cluster::default().client(), config(&[])).now();
    let begin = now - SignedDuration::from_hours(24 * days_old);
    let certificate = Certificate::self_signed(key, "", begin, Duration::from_secs(10 * 365 * 86_400)).unwrap();
    let mut secret = serde_json::to_value(key_secret::new(key, &certificate, &Naming::default())).unwrap();
    let set = json!({ "name": "brought", "resourceVersion": "1", "creationTimestamp": "2020-01-01T00:00:00Z" });
    let fields = secret["metadata"].as_object_mut().unwrap();
    fields.remove("generateName");
    for part in [&set, metadata] {
        fields.extend(part.as_object().unwrap().clone());
    }
    secret
}

fn config(given: &[&str]) -> args::Config {
    let given: Vec<_> = given.iter().chain(&["--key-size=2048"]).map(|arg| (*arg).to_owned()).collect();
    let Ok(Asked::Run(config)) = args::read(&given, |_| None) else { panic!("arguments") };
    *config
}

async fn started(cluster: &Cluster, given: &[&str]) -> Keys {
    let keys = keys_of(cluster, given);
    start(&keys).await.unwrap();
    keys
}
