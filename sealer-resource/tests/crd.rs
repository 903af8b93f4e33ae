//! Is `deploy/crd.yaml` what the types say? `SEALER_REGENERATE=1 cargo test -p sealer-resource --test crd` writes it anew.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::fs;

use kube::CustomResourceExt as _;
use sealer_resource::SealedSecret;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/crd.yaml");
const HEADER: &str =
    "# Generated from sealer-resource/src/sealed_secret.rs; a test holds the two against each other.\n";

#[test]
fn the_committed_crd_is_current() {
    let document = serde_json::to_value(SealedSecret::crd()).unwrap();
    let text = format!("{HEADER}{}", serde_saphyr::to_string(&document).unwrap());
    if std::env::var_os("SEALER_REGENERATE").is_some() {
        fs::write(FILE, &text).unwrap();
    }
    let committed = fs::read_to_string(FILE).unwrap_or_default();
    assert_eq!(committed, text, "deploy/crd.yaml is stale: run with SEALER_REGENERATE=1");
}

#[test]
fn what_existing_clusters_rely_on_stands_in_it() {
    let crd = serde_json::to_value(SealedSecret::crd()).unwrap();
    let version = &crd["spec"]["versions"][0];
    let spec = &version["schema"]["openAPIV3Schema"]["properties"]["spec"];
    assert_eq!(spec["required"], serde_json::json!(["encryptedData"]));
    assert_eq!(spec["properties"]["template"]["properties"]["metadata"]["x-kubernetes-preserve-unknown-fields"], true);
    assert_eq!(spec["properties"]["encryptedData"]["x-kubernetes-preserve-unknown-fields"], true);
    assert_eq!(version["subresources"]["status"], serde_json::json!({}));
    let columns: Vec<_> = version["additionalPrinterColumns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| column["jsonPath"].as_str().unwrap())
        .collect();
    assert_eq!(
        columns,
        [".status.conditions[0].message", ".status.conditions[0].status", ".metadata.creationTimestamp"]
    );
}
