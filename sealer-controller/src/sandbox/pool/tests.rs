#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use sealer_go::template::{Environment, Functions};
use sealer_resource::render::Texts;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;
use crate::telemetry::captured::Captured;

#[tokio::test]
async fn a_kernel_without_filters_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let worker = folder.path().join("worker");
    fs::write(&worker, "#!/bin/sh\nprintf '\\022\\001\\000\\000\\000\\002'; cat >/dev/null\n").unwrap();
    fs::set_permissions(&worker, fs::Permissions::from_mode(0o755)).unwrap();
    let log = Captured::default();
    let writer = log.clone();
    let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let templates: Texts = [("out".to_owned(), "{{ 1 }}".to_owned())].into();
    let environment = Environment { now: jiff::Timestamp::UNIX_EPOCH, functions: Functions::default() };
    let job = Job { namespace: "ns", environment, templates: &templates };
    let pool = Pool::new(worker);
    for _ in 0..3 {
        // It goes on: everything parses, says this worker.
        assert!(pool.check(&job).await.unwrap().is_empty());
        pool.idle.lock().clear();
    }
    drop(guard);
    let log = log.text();
    assert_eq!(log.matches("the kernel takes no filter").count(), 1, "{log}");
}
