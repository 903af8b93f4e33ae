//! What is counted. Names are those that existing alerts and dashboards know; labels come from enums.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, MutexGuard};
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::error::Reason;
use crate::kube::object_key::Key;
use crate::metrics::conditions::Conditions;
use crate::metrics::labels::{ClosedConnection, Kind, Port, Refusal};
use crate::version::VERSION;

mod conditions;
pub(crate) mod labels;

/// Every metric, and the text that is served.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    /// How long the text will be, about.
    longest: AtomicUsize,
    pub(crate) unseal_requests: Counter,
    unseal_errors: Family<Labels<2>, Counter>,
    conditions: Conditions,
    objects: Family<Labels<1>, Gauge>,
    shown: Mutex<Shown>,
    http_requests: Family<Labels<3>, Counter>,
    http_duration: Family<Labels<2>, Histogram>,
    closed_connections: Family<Labels<2>, Counter>,
    refused_requests: Family<Labels<1>, Counter>,
    pub(crate) queue: Gauge,
    pub(crate) keys: Gauge,
    pub(crate) broken_keys: Gauge,
    pub(crate) foreign_keys: Counter,
    pub(crate) keys_gone: Counter,
    /// Keys that open and are not sealed with for want of trust.
    pub(crate) untrusted_keys: Gauge,
    pub(crate) keys_without_backup: Gauge,
    /// Seconds since 1970.
    pub(crate) active_key_created: Gauge,
    /// Seconds since 1970; 0 if never.
    pub(crate) active_key_backup: Gauge,
    /// Private-key operations for objects in the cluster.
    pub(crate) operations: Counter,
    unreadable: Family<Labels<1>, Counter>,
}

/// A fixed number of labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Labels<const N: usize>([(&'static str, String); N]);

impl<const N: usize> EncodeLabelSet for Labels<N> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.as_slice().encode(encoder)
    }
}

/// Which series there are, so that what is gone leaves none behind.
#[derive(Debug, Default)]
struct Shown {
    /// The reasons for which errors were counted in each namespace.
    errors: BTreeMap<String, BTreeSet<&'static str>>,
}

/// One SealedSecret in the condition gauge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Series {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) instance: String,
}

/// How many SealedSecrets are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ObjectCounts {
    /// Not looked at yet as they are now.
    pub(crate) pending: usize,
    pub(crate) synced: usize,
    pub(crate) failed: usize,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("sealed_secrets_controller");
        let metrics = Self {
            unseal_requests: Counter::default(),
            unseal_errors: Family::default(),
            conditions: Conditions::default(),
            objects: Family::default(),
            shown: Mutex::default(),
            http_requests: Family::default(),
            http_duration: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            closed_connections: Family::default(),
            refused_requests: Family::default(),
            queue: Gauge::default(),
            keys: Gauge::default(),
            broken_keys: Gauge::default(),
            foreign_keys: Counter::default(),
            keys_gone: Counter::default(),
            untrusted_keys: Gauge::default(),
            keys_without_backup: Gauge::default(),
            active_key_created: Gauge::default(),
            active_key_backup: Gauge::default(),
            operations: Counter::default(),
            unreadable: Family::default(),
            registry: Registry::default(),
            longest: AtomicUsize::default(),
        };
        let build: Family<Labels<1>, Gauge> = Family::default();
        build.get_or_create(&Labels([("revision", VERSION.to_owned())])).set(1);
        registry.register("build_info", "Build of the controller", build);
        metrics.register(&mut registry);
        Self { registry, ..metrics }
    }
}

impl Metrics {
    fn register(&self, registry: &mut Registry) {
        registry.register("unseal_requests", "Objects looked at", self.unseal_requests.clone());
        registry.register("unseal_errors", "Objects that failed", self.unseal_errors.clone());
        registry.register_collector(Box::new(self.conditions.clone()));
        registry.register("objects", "SealedSecrets in view, by state", self.objects.clone());
        registry.register("http_requests", "Requests answered", self.http_requests.clone());
        registry.register("http_request_duration_seconds", "Time to answer", self.http_duration.clone());
        registry.register(
            "http_connections_closed",
            "Connections that were closed before their time, or not taken",
            self.closed_connections.clone(),
        );
        registry.register(
            "http_requests_refused",
            "Requests to verify and rotate that were not carried out",
            self.refused_requests.clone(),
        );
        registry.register("queue_length", "Objects that wait to be looked at", self.queue.clone());
        registry.register("keys", "Sealing keys in use", self.keys.clone());
        registry.register("broken_keys", "Key Secrets that cannot be used", self.broken_keys.clone());
        registry.register("foreign_keys", "New keys that this controller did not make", self.foreign_keys.clone());
        registry.register(
            "keys_gone",
            "Sealing keys whose Secret was deleted or lost its label",
            self.keys_gone.clone(),
        );
        self.register_key_ages(registry);
        registry.register(
            "private_key_operations",
            "RSA operations spent on SealedSecrets of the cluster",
            self.operations.clone(),
        );
        registry.register(
            "unreadable_objects",
            "Objects from the API server that cannot be read, each time one comes",
            self.unreadable.clone(),
        );
    }

    fn register_key_ages(&self, registry: &mut Registry) {
        registry.register(
            "untrusted_keys",
            "Sealing keys that open values and are not sealed with, since nobody vouches for them",
            self.untrusted_keys.clone(),
        );
        registry.register(
            "keys_without_backup",
            "Sealing keys of which no backup is recorded",
            self.keys_without_backup.clone(),
        );
        registry.register(
            "active_key_created_timestamp_seconds",
            "First day of the certificate that is sealed with",
            self.active_key_created.clone(),
        );
        registry.register(
            "active_key_backup_timestamp_seconds",
            "When a backup was last proven to hold the active key; 0 if never",
            self.active_key_backup.clone(),
        );
    }

    /// Counts an error. Namespaces beyond a number that no cluster has share one series.
    pub(crate) fn count_error(&self, reason: Reason, namespace: &str) {
        let errors = &mut self.shown().errors;
        let is_new = !errors.contains_key(namespace);
        let namespace = if is_new && errors.len() >= MOST_NAMESPACES { OVERFLOW } else { namespace };
        errors.entry(namespace.to_owned()).or_default().insert(reason.as_str());
        self.unseal_errors.get_or_create(&error_labels(namespace, reason.as_str())).inc();
    }

    pub(crate) fn count_unreadable(&self, kind: Kind) {
        self.unreadable.get_or_create(&Labels([("kind", kind.as_str().to_owned())])).inc();
    }

    /// Whether errors were counted in a namespace.
    pub(crate) fn counts_errors_of(&self, namespace: &str) -> bool {
        self.shown().errors.contains_key(namespace)
    }

    /// Drops the errors of a namespace that has no SealedSecret any longer.
    pub(crate) fn drop_errors_of(&self, namespace: &str) {
        for reason in self.shown().errors.remove(namespace).unwrap_or_default() {
            self.unseal_errors.remove(&error_labels(namespace, reason));
        }
    }

    /// Shows the state of a SealedSecret, in place of the series under another instance that it had.
    pub(crate) fn show_condition(&self, series: &Series, in_sync: bool) {
        self.conditions.show(series, in_sync);
    }

    /// Drops the state of a SealedSecret that is gone.
    pub(crate) fn drop_condition(&self, key: &Key) {
        self.conditions.remove(key);
    }

    /// Shows how many SealedSecrets are in each state, in however large a cluster.
    pub(crate) fn show_objects(&self, counts: ObjectCounts) {
        let ObjectCounts { pending, synced, failed } = counts;
        for (state, count) in [("pending", pending), ("synced", synced), ("failed", failed)] {
            let gauge = self.objects.get_or_create(&Labels([("state", state.to_owned())]));
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock()
    }

    pub(crate) fn count_request(&self, path: &'static str, method: &'static str, code: u16, seconds: f64) {
        let method = ("method", method.to_owned());
        let path = ("path", path.to_owned());
        self.http_requests.get_or_create(&Labels([("code", code.to_string()), method.clone(), path.clone()])).inc();
        self.http_duration.get_or_create(&Labels([method, path])).observe(seconds);
    }

    pub(crate) fn count_closed(&self, port: Port, reason: ClosedConnection) {
        let labels = [("port", port.as_str().to_owned()), ("reason", reason.as_str().to_owned())];
        self.closed_connections.get_or_create(&Labels(labels)).inc();
    }

    pub(crate) fn count_refused(&self, refusal: Refusal) {
        self.refused_requests.get_or_create(&Labels([("reason", refusal.as_str().to_owned())])).inc();
    }

    /// The text of `/metrics`.
    pub(crate) fn text(&self) -> String {
        // Growing step by step would take twice the memory, which is megabytes in a large cluster.
        let mut text = String::with_capacity(self.longest.load(Ordering::Relaxed));
        // Writing into a String does not fail.
        let _ = encode(&mut text, &self.registry);
        let marker = text.rfind("# EOF").unwrap_or(text.len());
        let mut process = String::new();
        let _ = write_process(&mut process);
        text.insert_str(marker, &process);
        self.longest.store(text.len() + text.len() / 16, Ordering::Relaxed);
        text
    }
}

fn error_labels(namespace: &str, reason: &'static str) -> Labels<2> {
    Labels([("namespace", bounded(namespace).to_owned()), ("reason", reason.to_owned())])
}

/// The API server takes no longer names and labels; the metrics do not depend on it.
fn bounded(text: &str) -> &str {
    text.char_indices().nth(LONGEST_LABEL).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// Memory and descriptors of this process, from the kernel (proc(5)).
fn write_process(text: &mut String) -> std::fmt::Result {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    if let Some(kibibytes) = field("VmRSS:") {
        writeln!(
            text,
            "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes {}",
            kibibytes * 1024
        )?;
    }
    let descriptors = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    writeln!(text, "# TYPE process_open_fds gauge\nprocess_open_fds {descriptors}")
}

/// DNS-1123 subdomain, the longest of names and labels.
const LONGEST_LABEL: usize = 253;
/// As many as Kubernetes supports in one cluster.
const MOST_NAMESPACES: usize = 10_000;
/// No namespace can have this name.
const OVERFLOW: &str = "_overflow";
/// Upper bounds that existing dashboards expect, in seconds.
const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

#[cfg(test)]
mod tests;
