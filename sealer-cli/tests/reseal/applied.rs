//! Values are bound to the names that objects are applied under, which their files may not say.

use std::fs;
use std::path::Path;

use crate::{SECRET, fixture, reseal, run, said};

/// A value sealed for `ns/x`, in a text that says something else.
fn written(folder: &Path, from: &str, to: &str) {
    let output = run(folder, &["--cert", &fixture("cert4096.pem"), "-o", "yaml"], SECRET);
    let text = String::from_utf8(output.stdout).unwrap();
    fs::write(folder.join("a.yaml"), text.replace(from, to)).unwrap();
}

fn told(folder: &Path, args: &[&str]) -> String {
    said(&reseal(folder, &[args, &["a.yaml"]].concat())).lines().next().unwrap_or_default().to_owned()
}

const DONE: &str = "2 values in 1 files sealed anew, 0 current, 0 failed";

#[test]
fn a_namespace_that_a_release_gives_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    written(place, "  namespace: ns\n", "");
    let reason = "it has no namespace, and the value is bound to one; name it with --namespace";
    assert_eq!(told(place, &[]), format!("a.yaml: document 1, /x, item a: {reason}"));
    let reason = "no key at hand opens it under this name, namespace and scope";
    assert_eq!(told(place, &["--namespace", "other"]), format!("a.yaml: document 1, /x, item a: {reason}"));
    assert_eq!(told(place, &["--namespace", "ns"]), DONE);
    written(place, "namespace: ns", "namespace: {{ .Release.Namespace }}");
    assert_eq!(told(place, &["--namespace", "ns"]), DONE);
    // A name from a template nobody can tell, and a namespace that is written is not replaced.
    written(place, "name: x", "name: {{ .Release.Name }}");
    assert!(told(place, &["--namespace", "ns"]).ends_with("is a template, and the value is bound to them"));
    assert_eq!(told(place, &["--namespace", "ns", "--name", "y", "--name", "x"]), DONE);
    written(place, "namespace: ns", "namespace: theirs");
    assert!(told(place, &["--namespace", "ns"]).ends_with(reason));
}

#[test]
fn a_kustomization_beside_the_file_gives_namespace_prefix_and_suffix() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let kustomization = |text: &str| fs::write(place.join("kustomization.yaml"), text).unwrap();
    kustomization("namespace: ns\nresources: [a.yaml]\n");
    written(place, "  namespace: ns\n", "");
    assert_eq!(told(place, &[]), DONE);
    written(place, "namespace: ns", "namespace: base");
    assert_eq!(told(place, &[]), DONE);
    assert!(fs::read_to_string(place.join("a.yaml")).unwrap().contains("namespace: base"));
    kustomization("namePrefix: ''\nnameSuffix: x\nnamespace: ns\n");
    written(place, "name: x", "name: ''");
    assert_eq!(told(place, &[]), DONE);
    kustomization("nameSuffix: -prod\n");
    written(place, "namespace: ns", "namespace: base");
    assert!(told(place, &[]).ends_with("no key at hand opens it under this name, namespace and scope"));
    kustomization(": no yaml [\n");
    assert!(told(place, &[]).ends_with("no key at hand opens it under this name, namespace and scope"));
}
