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
    metrics.drop_condition(&Key::new("default", "a"));
    assert!(!metrics.text().contains("condition_info{"));
}

#[test]
fn objects_are_counted_without_a_series_for_each() {
    let metrics = Metrics::default();
    metrics.show_objects(ObjectCounts { pending: 1, synced: 2, failed: 3 });
    metrics.show_objects(ObjectCounts { pending: 0, synced: 3, failed: 3 });
    for (state, count) in [("pending", 0), ("synced", 3), ("failed", 3)] {
        let line = format!("sealed_secrets_controller_objects{{state=\"{state}\"}} {count}\n");
        assert!(metrics.text().contains(&line), "{line}");
    }
}

fn lines(metrics: &Metrics, series: &str) -> usize {
    metrics.text().lines().filter(|line| line.starts_with(&format!("sealed_secrets_controller_{series}{{"))).count()
}

#[test]
fn an_object_has_one_series_whatever_its_instances_were() {
    let metrics = Metrics::default();
    let mut series = Series { namespace: "default".into(), name: "a".into(), instance: String::new() };
    for at in 0..10_000 {
        series.instance = format!("instance-{at}");
        metrics.show_condition(&series, at % 2 == 0);
    }
    assert_eq!(lines(&metrics, "condition_info"), 1);
    assert!(metrics.text().contains("instance-9999"));
    metrics.drop_condition(&Key::new("default", "a"));
    assert_eq!((lines(&metrics, "condition_info"), metrics.conditions.len()), (0, 0));
}

#[test]
fn errors_of_empty_namespaces_are_dropped_and_bounded() {
    let metrics = Metrics::default();
    for at in 0..MOST_NAMESPACES + 500 {
        metrics.count_error(Reason::Unseal, &format!("ns-{at}"));
        metrics.count_error(Reason::Update, &format!("ns-{at}"));
    }
    assert_eq!(lines(&metrics, "unseal_errors_total"), (MOST_NAMESPACES + 1) * 2);
    assert!(metrics.text().contains("unseal_errors_total{namespace=\"_overflow\",reason=\"unseal\"} 500\n"));
    for at in 0..MOST_NAMESPACES {
        assert!(metrics.counts_errors_of(&format!("ns-{at}")));
        metrics.drop_errors_of(&format!("ns-{at}"));
    }
    assert_eq!(lines(&metrics, "unseal_errors_total"), 2, "the shared ones");
}

#[test]
fn no_label_is_longer_than_a_name() {
    let metrics = Metrics::default();
    let long = "x".repeat(1 << 20);
    metrics.show_condition(&Series { namespace: long.clone(), name: long.clone(), instance: long.clone() }, true);
    metrics.count_error(Reason::Unseal, &long);
    assert!(metrics.text().len() < 8_000, "{}", metrics.text().len());
}
