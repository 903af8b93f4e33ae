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
    // A name from a template nobody can tell.
    written(place, "name: x", "name: {{ .Release.Name }}");
    assert!(told(place, &["--namespace", "ns"]).ends_with("is a template, and the value is bound to them"));
    assert_eq!(told(place, &["--namespace", "ns", "--name", "y", "--name", "x"]), DONE);
    // What is said counts also where another namespace is written, as `keys check` has it.
    written(place, "namespace: ns", "namespace: theirs");
    assert!(told(place, &["--namespace", "other"]).ends_with(reason));
    assert_eq!(told(place, &["--namespace", "ns"]), DONE);
}

#[test]
fn kustomization_gives_namespace_prefix_and_suffix() {
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

/// Sealed for `ns/eu-x-y`, in `base/a.yaml` as `base/x`.
fn overlaid(place: &Path) {
    for folder in ["base", "eu"] {
        fs::create_dir_all(place.join(folder)).unwrap();
    }
    let secret = SECRET.replace("\"x\"", "\"eu-x-y\"");
    let output = run(place, &["--cert", &fixture("cert4096.pem"), "-o", "yaml"], &secret);
    let text = String::from_utf8(output.stdout).unwrap();
    let text = text.replace("name: eu-x-y", "name: x").replace("namespace: ns", "namespace: base");
    fs::write(place.join("base/a.yaml"), text).unwrap();
    fs::write(place.join("base/kustomization.yaml"), "resources: [a.yaml]\nnameSuffix: -y\n").unwrap();
    fs::write(place.join("eu/kustomization.yaml"), "resources: [../base]\nnamePrefix: eu-\nnamespace: ns\n").unwrap();
}

/// What is tried, what makes the tree, and what is said.
type Case = (&'static str, fn(&Path), &'static [&'static str]);

/// One rule for all commands: what `keys check` opens, `reseal` seals anew, with keys or through the controller.
#[test]
fn overlays_and_names_of_the_tree_count_with_and_without_keys() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let cases: [Case; 4] = [
        ("overlay", overlaid, &[]),
        ("namespace", |place| written(place, "namespace: ns", "namespace: theirs"), &["--namespace", "ns"]),
        (
            "namespace of the tree",
            |place| {
                written(place, "  namespace: ns\n", "");
                fs::write(place.join("app.tf"), "namespace = \"ns\"\n").unwrap();
            },
            &[],
        ),
        (
            "name of the tree",
            |place| {
                written(place, "name: x", "name: {{ .Values.name }}");
                fs::write(place.join("values.yaml"), "name: x\n").unwrap();
            },
            &[],
        ),
    ];
    for (what, make, args) in cases {
        for is_online in [false, true] {
            fs::remove_dir_all(place).unwrap();
            fs::create_dir(place).unwrap();
            make(place);
            let args = [args, &["."]].concat();
            let told = if is_online {
                let (controller, cache) = (crate::online::Controller::start(), tempfile::tempdir().unwrap());
                controller.reseal(cache.path(), place, &args).1
            } else {
                said(&reseal(place, &args))
            };
            assert_eq!(told, format!("{DONE}\n"), "{what} {is_online}");
        }
    }
}

/// Of an object, what opens is sealed anew whatever does not, with keys or through the controller.
#[test]
fn one_item_that_does_not_open_keeps_no_other_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    for is_online in [false, true] {
        written(place, "", "");
        let text = fs::read_to_string(place.join("a.yaml")).unwrap();
        let line = |text: &str| text.lines().find(|line| line.starts_with("    a: ")).unwrap().to_owned();
        let foreign =
            run(place, &["--cert", &fixture("cert4096.pem"), "-o", "yaml"], &SECRET.replace("\"x\"", "\"other\""));
        let foreign = line(&String::from_utf8(foreign.stdout).unwrap());
        fs::write(place.join("a.yaml"), text.replace(&line(&text), &foreign)).unwrap();
        let told = if is_online {
            let (controller, cache) = (crate::online::Controller::start(), tempfile::tempdir().unwrap());
            controller.reseal(cache.path(), place, &["a.yaml"]).1
        } else {
            said(&reseal(place, &["a.yaml"]))
        };
        let reason = if is_online {
            "the controller cannot open it"
        } else {
            "no key at hand opens it under this name, namespace and scope"
        };
        assert_eq!(
            told,
            format!(
                "a.yaml: document 1, ns/x, item a: {reason}\n1 values in 1 files sealed anew, 0 current, 1 failed\nerror: 1 could not be sealed anew; they are as they were\n"
            )
        );
    }
}

#[test]
fn excluded_files_stay_and_every_file_that_is_named_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    written(place, "", "");
    fs::create_dir_all(place.join("vendor")).unwrap();
    fs::copy(place.join("a.yaml"), place.join("vendor/a.yaml")).unwrap();
    fs::copy(place.join("a.yaml"), place.join("c.yaml")).unwrap();
    let vendored = fs::read_to_string(place.join("vendor/a.yaml")).unwrap();
    fs::write(place.join("b.yaml"), "a: b\n").unwrap();
    let output = reseal(place, &["--exclude", "vendor/", "--exclude", "/a.yaml", "--dry-run", "."]);
    assert_eq!(
        (output.status.code(), said(&output)),
        (
            Some(0),
            "files that --exclude leaves out, and that were not looked at: 2\n2 values in 1 files to be sealed anew, 0 current, 0 failed\n".to_owned()
        )
    );
    let output = reseal(place, &["a.yaml", "missing.yaml", "b.yaml", "vendor", "c.yaml", "--exclude", "vendor"]);
    assert_eq!(
        (output.status.code(), said(&output)),
        (
            Some(1),
            "b.yaml: holds no sealed value\nmissing.yaml: cannot be opened: no such file or directory\n\
             files that --exclude leaves out, and that were not looked at: 1\n\
             4 values in 2 files sealed anew, 0 current, 2 failed\n\
             error: 2 could not be sealed anew; they are as they were\n"
                .to_owned()
        )
    );
    assert_eq!(fs::read_to_string(place.join("vendor/a.yaml")).unwrap(), vendored);
}

/// Values of others in any number take no more than a number of tries, of which nobody's own goes without one.
#[test]
fn tries_of_reseal_are_limited_in_all_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let raw = |args: &[&str]| {
        let output = run(
            place,
            &[&["--raw", "--cert", &fixture("cert4096.pem"), "--from-file", "/dev/stdin"], args].concat(),
            "v",
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let foreign: String =
        (0..30).map(|at| format!("v{at}: {}\n", raw(&["--namespace", "theirs", "--name", "x"]))).collect();
    fs::write(place.join("foreign.yaml"), foreign).unwrap();
    fs::write(place.join("own.yaml"), format!("a: {}\n", raw(&["--scope", "cluster-wide"]))).unwrap();
    let names: String = (0..50).map(|at| format!("name: n{at}\nnamespace: s{at}\n")).collect();
    fs::write(place.join("names.yaml"), names).unwrap();
    let told = said(&reseal(place, &["--dry-run", "--max-tries", "100", "."]));
    let limited = "not every name that is known was tried on it; say what it is sealed for with --namespace and --name, leave files of others out with --exclude, or allow more with --max-tries";
    assert_eq!(told.lines().filter(|line| line.ends_with(limited)).count(), 30, "{told}");
    assert!(told.contains("1 values in 1 files to be sealed anew, 0 current, 30 failed"), "{told}");
    // Through the controller, each is a request.
    let (controller, cache) = (crate::online::Controller::start(), tempfile::tempdir().unwrap());
    let (_, told) = controller.reseal(cache.path(), place, &["--dry-run", "--max-tries", "100", "."]);
    assert!(controller.posts() <= 100 && told.contains("31 failed") | told.contains("30 failed"), "{told}");
}
