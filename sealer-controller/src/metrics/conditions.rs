//! The state of each SealedSecret: a line an object, written from what is known of it and kept nowhere else.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::kube::object_key::Key;
use crate::metrics::{Series, bounded};

/// One line for each SealedSecret, under its present instance. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions(Arc<Mutex<BTreeMap<Key, Condition>>>);

#[derive(Debug)]
struct Condition {
    instance: Box<str>,
    in_sync: bool,
}

impl Conditions {
    pub(super) fn show(&self, series: &Series, in_sync: bool) {
        let key = Key::new(series.namespace.as_str(), series.name.as_str());
        let condition = Condition { instance: series.instance.as_str().into(), in_sync };
        self.0.lock().insert(key, condition);
    }

    pub(super) fn remove(&self, key: &Key) {
        self.0.lock().remove(key);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }
}

impl Collector for Conditions {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help = "State of each SealedSecret: 1 in sync, -1 not, 0 unknown";
        let mut all = encoder.encode_descriptor("condition_info", help, None, MetricType::Gauge)?;
        for (key, condition) in &*self.0.lock() {
            let labels = [
                ("condition", "Synced"),
                ("name", bounded(&key.name)),
                ("namespace", bounded(&key.namespace)),
                ("ss_app_kubernetes_io_instance", bounded(&condition.instance)),
            ];
            let value = ConstGauge::new(if condition.in_sync { 1_i64 } else { -1 });
            value.encode(all.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
