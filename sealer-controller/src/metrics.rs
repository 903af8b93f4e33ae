//! What is counted. Names are those that existing alerts and dashboards know; labels come from enums.

use std::fmt::Write as _;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::VERSION;
use crate::error::Reason;

/// Every metric, and the text that is served.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) unseal_requests: Counter,
    unseal_errors: Family<Labels<2>, Counter>,
    condition: Family<Labels<4>, Gauge>,
    http_requests: Family<Labels<3>, Counter>,
    http_duration: Family<Labels<2>, Histogram>,
    pub(crate) queue: Gauge,
    pub(crate) keys: Gauge,
    pub(crate) broken_keys: Gauge,
    pub(crate) foreign_keys: Counter,
    pub(crate) keys_without_backup: Gauge,
    /// Seconds since 1970.
    pub(crate) active_key_created: Gauge,
    /// Seconds since 1970; 0 if never.
    pub(crate) active_key_backup: Gauge,
    /// Private-key operations for objects in the cluster.
    pub(crate) operations: Counter,
}

/// A fixed number of labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Labels<const N: usize>([(&'static str, String); N]);

impl<const N: usize> EncodeLabelSet for Labels<N> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.as_slice().encode(encoder)
    }
}

/// One SealedSecret in the condition gauge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Series {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) instance: String,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("sealed_secrets_controller");
        let metrics = Self {
            unseal_requests: Counter::default(),
            unseal_errors: Family::default(),
            condition: Family::default(),
            http_requests: Family::default(),
            http_duration: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            queue: Gauge::default(),
            keys: Gauge::default(),
            broken_keys: Gauge::default(),
            foreign_keys: Counter::default(),
            keys_without_backup: Gauge::default(),
            active_key_created: Gauge::default(),
            active_key_backup: Gauge::default(),
            operations: Counter::default(),
            registry: Registry::default(),
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
        registry.register(
            "condition_info",
            "State of each SealedSecret: 1 in sync, -1 not, 0 unknown",
            self.condition.clone(),
        );
        registry.register("http_requests", "Requests answered", self.http_requests.clone());
        registry.register("http_request_duration_seconds", "Time to answer", self.http_duration.clone());
        registry.register("queue_length", "Objects that wait to be looked at", self.queue.clone());
        registry.register("keys", "Sealing keys in use", self.keys.clone());
        registry.register("broken_keys", "Key Secrets that cannot be used", self.broken_keys.clone());
        registry.register("foreign_keys", "New keys that this controller did not make", self.foreign_keys.clone());
        self.register_key_ages(registry);
        registry.register(
            "private_key_operations",
            "RSA operations spent on SealedSecrets of the cluster",
            self.operations.clone(),
        );
    }

    fn register_key_ages(&self, registry: &mut Registry) {
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

    pub(crate) fn count_error(&self, reason: Reason, namespace: &str) {
        let labels = [("namespace", namespace.to_owned()), ("reason", reason.as_str().to_owned())];
        self.unseal_errors.get_or_create(&Labels(labels)).inc();
    }

    pub(crate) fn show_condition(&self, series: &Series, in_sync: bool) {
        self.condition.get_or_create(&condition_labels(series)).set(if in_sync { 1 } else { -1 });
    }

    pub(crate) fn drop_condition(&self, series: &Series) {
        self.condition.remove(&condition_labels(series));
    }

    pub(crate) fn count_request(&self, path: &'static str, method: &'static str, code: u16, seconds: f64) {
        let method = ("method", method.to_owned());
        let path = ("path", path.to_owned());
        self.http_requests.get_or_create(&Labels([("code", code.to_string()), method.clone(), path.clone()])).inc();
        self.http_duration.get_or_create(&Labels([method, path])).observe(seconds);
    }

    /// The text of `/metrics`.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a String does not fail.
        let _ = encode(&mut text, &self.registry);
        let marker = text.rfind("# EOF").unwrap_or(text.len());
        let mut process = String::new();
        let _ = write_process(&mut process);
        text.insert_str(marker, &process);
        text
    }
}

fn condition_labels(series: &Series) -> Labels<4> {
    Labels([
        ("condition", "Synced".to_owned()),
        ("name", series.name.clone()),
        ("namespace", series.namespace.clone()),
        ("ss_app_kubernetes_io_instance", series.instance.clone()),
    ])
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

/// Upper bounds that existing dashboards expect, in seconds.
const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn existing_alerts_find_their_series() {
        let metrics = Metrics::default();
        metrics.unseal_requests.inc();
        metrics.count_error(Reason::Unseal, "default");
        let series = Series { namespace: "default".into(), name: "a".into(), instance: String::new() };
        metrics.show_condition(&series, false);
        metrics.count_request("/v1/cert.pem", "get", 200, 0.01);
        let text = metrics.text();
        for line in [
            "sealed_secrets_controller_unseal_requests_total 1",
            "sealed_secrets_controller_unseal_errors_total{namespace=\"default\",reason=\"unseal\"} 1",
            "sealed_secrets_controller_condition_info{condition=\"Synced\",name=\"a\",namespace=\"default\",ss_app_kubernetes_io_instance=\"\"} -1",
            "sealed_secrets_controller_http_requests_total{code=\"200\",method=\"get\",path=\"/v1/cert.pem\"} 1",
            "sealed_secrets_controller_build_info{revision=",
            "process_resident_memory_bytes ",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
        metrics.drop_condition(&series);
        assert!(!metrics.text().contains("condition_info{"));
    }
}
