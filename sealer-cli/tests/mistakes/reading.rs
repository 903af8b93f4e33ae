//! Nothing of what is read is lost in silence, and nothing that may be a value is repeated in a message: logs keep those.

use std::fs;
use std::path::Path;

use super::inputs::{done, fixture, sealer, secret};
use super::run_in;

/// No part of it may be shown.
const VALUE: &str = "Hunter2-Secret";

/// What the program says under a name; the certificate is there already.
fn says(folder: &Path, name: &str, args: &[&str], stdin: &[u8]) -> (Option<i32>, String) {
    let (certificate, key) = (fixture("cert2048.pem"), fixture("key2048.pem"));
    let args: Vec<&str> = args
        .iter()
        .map(|arg| match *arg {
            "CERT" => certificate.as_str(),
            "KEY" => key.as_str(),
            arg => arg,
        })
        .collect();
    let (status, out, says) = run_in(folder, name, &args, stdin);
    // The usage shows what was wrong in its last line.
    let last = String::from_utf8_lossy(&out).lines().last().unwrap_or_default().to_owned();
    (status, if status == Some(2) { format!("{says}{last}") } else { says })
}

#[test]
fn values_in_the_place_of_words_are_never_repeated() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("f.yaml"),
        "kind: SealedSecret\nmetadata: {name: a, namespace: b}\nspec: {encryptedData: {k: x}}\n",
    )
    .unwrap();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{VALUE}\n-----END PRIVATE KEY-----");
    let assigned = format!("a={VALUE}");
    let long = format!("--from-literal={assigned}");
    let (attached, raw, pair) = (format!("-p{VALUE}"), format!("--raw={VALUE}"), format!("--from-file={assigned}"));
    let (colon, empty) = (format!("--pass:{VALUE}"), format!("--={VALUE}"));
    let lines: Vec<Vec<&str>> = vec![
        vec!["set", "f.yaml", "a", VALUE],
        vec!["set", "f.yaml", &assigned],
        vec!["set", "f.yaml", VALUE, "--cert", "CERT", "--nope"],
        vec!["set", "f.yaml", "a", "--cert", "CERT", "--from-file", &pem],
        vec!["unset", "f.yaml", "a", VALUE],
        vec!["edit", "f.yaml", VALUE],
        vec!["view", "f.yaml", VALUE],
        vec!["view", "f.yaml", "--private-key", &pem],
        vec!["explain", "f.yaml", VALUE],
        vec!["unseal", "--raw", "--private-key", "KEY", "f.yaml", VALUE],
        vec!["keys", VALUE],
        vec!["keys", "backup", VALUE],
        vec!["keys", "rotate", VALUE],
        vec!["template", VALUE],
        vec!["completions", "bash", VALUE],
        vec!["man", VALUE],
        vec![VALUE],
        vec!["seal", VALUE],
        vec!["--raw", VALUE],
        vec!["--raw", &assigned],
        vec!["--raw", "--cert", "CERT", "-n", "a", "--name", "b", VALUE],
        vec!["--raw", "--cert", "CERT", "-n", "a", "--name", "b", &pair],
        vec!["--raw", "--cert", "CERT", "-n", "a", "--name", "b", "--from-file", VALUE],
        vec!["--raw", "--cert", "CERT", "-n", "a", "--name", "b", "--from-literal", &assigned],
        vec!["--raw", "--cert", "CERT", "-n", "a", "--name", "b", &long],
        vec!["--raw", "--cert", "CERT", "-n", "a", "--name", &assigned],
        vec!["--cert", "CERT", "--", "-o", VALUE],
        vec![&attached],
        vec![&raw],
        vec![&colon],
        vec![&empty],
        vec!["--scope", VALUE],
        vec!["--cert", &pem],
        vec!["--recovery-unseal", "--recovery-private-key", &pem],
        vec!["--fetch-cert", "--kubeconfig", &pem],
    ];
    for line in &lines {
        for name in ["sealer", "kubeseal"] {
            let (status, says) = says(folder.path(), name, line, b"");
            assert!(!says.contains("Hunter2") && !says.contains("Secret-"), "{name} {line:?}: {says}");
            assert!(name == "kubeseal" || status != Some(0) || line.contains(&assigned.as_str()), "{line:?}: {says}");
        }
    }
}

/// Where a name or a path belongs: what does not read as one is shown in part.
const NAMES: &str = "--VALUE
--VALUE=x
---VALUE
view --VALUE
keys list --VALUE
-name VALUE
-namespace VALUE
-format VALUE
view VALUE
explain VALUE
reseal VALUE
reseal f.yaml VALUE --private-key KEY --cert CERT
keys check VALUE
template check VALUE
--cert VALUE
-f VALUE
--kubeconfig VALUE --fetch-cert
unset f.yaml VALUE
unset VALUE a
--cert CERT -f s.yaml -n VALUE
--cert CERT -f s.yaml -nVALUE
set nameless.yaml k --cert CERT -n VALUE
explain nameless.yaml --private-key KEY -n VALUE
unseal --raw --private-key KEY -n VALUE --name VALUE
--fetch-cert --kubeconfig config --context VALUE
--fetch-cert --kubeconfig config --cluster VALUE
--fetch-cert --kubeconfig config --user VALUE
--raw --cert CERT --kubeconfig config --context VALUE";

#[test]
fn words_that_may_be_values_are_shown_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    put(
        "config",
        "contexts: [{name: c}]\ncurrent-context: c\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\n",
    );
    fs::write(folder.path().join("s.yaml"), secret("Secret", "stringData: {k: v}")).unwrap();
    put("f.yaml", "kind: SealedSecret\nmetadata: {name: a, namespace: b}\nspec: {encryptedData: {k: x}}\n");
    put("nameless.yaml", "kind: SealedSecret\nmetadata: {name: a}\nspec: {encryptedData: {k: x}}\n");
    for value in [VALUE, "hunter2Secret99", "hunter2", "correcthorsebatterystaple"] {
        for line in NAMES.lines() {
            let line = line.replace("VALUE", value);
            let words: Vec<&str> = line.split_whitespace().collect();
            for name in ["sealer", "kubeseal"] {
                let (_, says) = says(folder.path(), name, &words, b"");
                assert!(!says.contains(value), "{name} {line}: {says}");
            }
        }
    }
    // It is a name of an item, too.
    let (status, says) = says(folder.path(), "sealer", &["set", "f.yaml", VALUE, "--cert", "CERT"], b"x");
    assert_eq!((status, says.as_str()), (Some(0), "item `Hunt…` of b/a added\n"));
}

/// What reads as a name is shown, with what was meant.
#[test]
fn words_that_read_as_names_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let config = "contexts: [{name: kind-prod2}]\ncurrent-context: kind-prod2\n";
    fs::write(folder.path().join("config"), config).unwrap();
    fs::write(folder.path().join("s.yaml"), secret("Secret", "stringData: {k: v}")).unwrap();
    let sealed = "kind: SealedSecret\nmetadata: {name: a, namespace: b}\nspec: {encryptedData: {redis01: x}}\n";
    fs::write(folder.path().join("f.yaml"), sealed).unwrap();
    for (line, told) in [
        ("--namspace b", "unknown flag: --namspace"),
        ("--namspace b", "did you mean --namespace?"),
        ("view --privat-key k f.yaml", "unknown flag: --privat-key"),
        ("reseel x", "did you mean `sealer reseal`?"),
        ("view missing", "open missing: no such file"),
        ("view dir/k3y2048", "open dir/k3y2048: no such file"),
        ("view sealed2.yaml", "open sealed2.yaml: no such file"),
        ("unset f.yaml password", "there is no item `password` of b/a"),
        ("unset f.yaml redis01 --dry-run", "item `redis01` of b/a would be removed"),
        ("--cert CERT -f s.yaml -n shop-orders", "but \"shop-orders\" was specified"),
        ("--fetch-cert --kubeconfig config --context kind-prd2", "did you mean --context kind-prod2?"),
    ] {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (_, says) = says(folder.path(), "sealer", &words, b"");
        assert!(says.contains(told), "{line}: {says}");
    }
}

#[test]
fn values_in_the_place_of_names_are_never_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let base64 = sealer_encoding::base64::encode(VALUE.as_bytes());
    for rest in [
        format!("stringData: {{PASSWORD={VALUE}: }}"),
        format!("stringData: {{PASSWORD={VALUE}}}"),
        format!("stringData:\n  \"PASSWORD: {VALUE}\": x"),
        format!("data: {{PASSWORD={VALUE}: YQ==}}"),
        format!("data: {{PASSWORD={VALUE}: no base64}}"),
        format!("data: {{\"{base64}\": YQ==}}"),
        format!("data: {{a: YQ==}}\nPASSWORD={VALUE}: "),
        format!("data: {{a: YQ==}}\n\"PASSWORD: {VALUE}\": x"),
        format!("data: {{a: YQ==}}\npassword {VALUE}: x"),
        format!("data: {{a: YQ==, PASSWORD={VALUE}: x, PASSWORD={VALUE}: y}}"),
        format!("stringData: {{PASSWORD={VALUE}: x, PASSWORD={VALUE}: y}}"),
        format!("stringData: {{a: {VALUE}, a: {VALUE}x}}"),
        format!("stringData: [{VALUE}]"),
        format!("stringData: {VALUE}"),
        format!("data: {VALUE}"),
        format!("data: {{a: {VALUE}}}"),
        format!("stringData: {{a: b}}\ntype: [{VALUE}]"),
        format!("stringData: {{a: b}}\npassword: {VALUE}"),
        format!("stringData: {{a: {VALUE}\n"),
        format!("stringData: {{a: ${{X:-{VALUE}}}}}"),
        // Lines that slipped out of a block.
        format!("stringData:\n  a: |\n    b\n{VALUE}: x"),
        format!("stringData:\n  a: |\n    b\n  {VALUE}: x\n  {VALUE}: y"),
        format!("stringData:\n  a: |\n    b\n{VALUE} is it: x"),
        format!("stringData:\n  a: |\n    b\n{VALUE}, or so: x\n{VALUE}, or so: y"),
        format!("stringData:\n  a: |\n    b\n https://u:{VALUE}@db: x"),
        format!("stringData:\n  a: |\n    b\nurl: https://u:{VALUE}@db"),
        format!("data:\n  a: |\n    Yg==\n  {VALUE}: \"?\""),
        format!("data: {{a: YQ==}}\nmetadata:\n  {VALUE}: x"),
        format!("data: {{a: YQ==}}\nmetadata:\n  annotations:\n    {VALUE}: {{x: y}}"),
        format!("data: {{a: YQ==}}\nmetadata:\n  labels:\n    {VALUE}: [x]"),
        format!("data: {{a: YQ==}}\n{VALUE}:\n  data: {{x: y}}"),
    ] {
        let input = secret("Secret", &rest);
        for name in ["sealer", "kubeseal"] {
            let (_, says) = says(folder.path(), name, &["--cert", "CERT"], &input);
            assert!(
                !says.contains("Hunter2") && !says.contains("Secret-") && !says.contains(&base64),
                "{rest}: {says}"
            );
        }
    }
}

/// A blank that was forgotten makes a name of a value, and names are not sealed.
#[test]
fn names_of_items_that_may_hold_values_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (line, quoted) = (["--cert", "CERT"], |name: &str| format!("\"{name}\": x"));
    for (items, shown) in [
        (format!("password:{VALUE}, b: c"), "password…"),
        (format!("password:{VALUE}"), "password…"),
        (format!("PASSWORD={VALUE}: "), "PASSWORD…"),
        (quoted(&format!("password: {VALUE}")), "password…"),
        (quoted(&format!("password:{VALUE}")), "password…"),
        (quoted(&format!("postgres://u:{VALUE}@h/d")), "postgres…"),
        (quoted(&format!("pw {VALUE}")), "pw…"),
        (quoted(&format!("user@{VALUE}")), "user…"),
        (quoted(&format!("'{VALUE}'")), "…"),
    ] {
        for field in ["stringData", "data"] {
            let input =
                secret("Secret", &format!("{field}: {{{}}}", items.replace(": x", ": eA==").replace(": c", ": eA==")));
            let (status, out, told) = sealer(folder.path(), "--cert cert2048.pem", &input);
            assert_eq!((status, out.is_empty()), (Some(1), true), "{items}: {told}");
            assert!(
                told.starts_with("error: item `")
                    && told.contains("that may hold a value, which would stand in clear text"),
                "{told}"
            );
            assert!(
                told.contains(shown) && told.contains("--allow-unknown-fields") && !told.contains("Hunter2"),
                "{items}: {told}"
            );
            let (_, told) = done(folder.path(), "--cert cert2048.pem --allow-unknown-fields", &input);
            assert!(told.contains("that may hold a value"), "{told}");
            let (status, told) = says(folder.path(), "kubeseal", &line, &input);
            assert!(status == Some(0) && told.starts_with("warning: ") && told.contains("may hold a value"), "{told}");
        }
    }
    // What cannot be one is told of.
    for name in ["a/b", "\u{e4}", ".."] {
        let (_, told) =
            done(folder.path(), "--cert cert2048.pem", &secret("Secret", &format!("stringData: {{{name}: v}}")));
        assert!(told.contains("has a name that no cluster takes;"), "{name}: {told}");
    }
}

#[test]
fn values_in_what_a_template_says_are_never_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let (sealed, _) =
        done(folder.path(), "--cert cert2048.pem -o yaml", &secret("Secret", &format!("stringData: {{k: {VALUE}}}")));
    let sealed = String::from_utf8(sealed).unwrap();
    for (template, told) in [
        ("{{ range .k }}{{ end }}", "a value of this type has no elements"),
        ("{{ mustToDate \"2006\" .k }}", "executing \"t\" at <mustToDate"),
        ("{{ mustRegexMatch (printf \"(%s\" .k) \"x\" }}", "executing \"t\" at <mustRegexMatch"),
        ("{{ urlParse (printf \"http://%s:x/\" .k) }}", "executing \"t\" at <urlParse"),
        ("{{ semverCompare .k \"1.2.3\" }}", "executing \"t\" at <semverCompare"),
        ("{{ fail .k }}", "the template itself says that it fails"),
        ("{{ fail \"no password\" }}", "error calling fail: no password"),
    ] {
        let template = template.replace('"', "\\\"");
        let object = sealed.replace("  template:\n", &format!("  template:\n    data:\n      t: \"{template}\"\n"));
        for name in ["sealer", "kubeseal"] {
            let line = ["--recovery-unseal", "--recovery-private-key", "KEY"];
            let (status, says) = says(folder.path(), name, &line, object.as_bytes());
            assert_eq!(status, Some(1), "{template}");
            assert!(says.contains(told) && !says.contains("Hunter2"), "{template}: {says}");
        }
    }
}

/// What would be lost: refused, and told under the old name.
#[test]
fn what_stands_there_twice_is_not_lost_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let one = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: one\n  namespace: b\nstringData:\n  a: \"1\"\n";
    let two = one.replace("one", "two").replace("a: \"1\"", "z: \"2\"");
    let head = "apiVersion: v1\nkind: Secret\nmetadata: {name: one, namespace: b}\n";
    let unfinished = one.trim_end();
    for (input, told) in [
        (format!("{one}{two}"), "a second object begins at line 8 without a line `---` before it, and of the first one, `one` would be lost: `a`"),
        (format!("{one}\n# the second\n{two}"), "a second object begins at line 10"),
        (format!("{}---\n{two}", unfinished.replace("\"1\"", "x")), "a second object begins at line 8"),
        (format!("---\n{one}---\n{one}{two}"), "a second object begins at line 17"),
        (format!("{head}stringData: {{a: b}}\ndata: {{c: YQ==}}\nstringData: {{d: e}}\n"), "`stringData` is there twice (again in line 6), and the first one, with `a`, would be lost"),
        (format!("{head}data: {{a: YQ==}}\ndata: {{b: YQ==}}\n"), "`data` is there twice (again in line 5)"),
        (format!("{head}stringData: {{a: b, a: c}}\n"), "`stringData.a` is there twice (again in line 4)"),
        (format!("{head}stringData:\n  a: b\n  <<: {{a: c}}\n"), "`stringData.a` is there twice"),
        (format!("{head}type: a\ntype: b\nstringData: {{a: b}}\n"), "`type` is there twice"),
        (format!("{head}password: one\nstringData: {{a: b}}\n"), "`password` is no field of a Secret"),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: b, password: one}\nstringData: {a: b}\n".to_owned(), "`metadata.password` is no field of a Secret, and what stands there would be lost"),
        ("{\"kind\":\"Secret\",\"metadata\":{\"name\":\"a\",\"namespace\":\"b\"},\"stringData\":{\"a\":\"b\",\"a\":\"c\"}}".to_owned(), "`stringData.a` is there twice"),
    ] {
        let (status, out, says) = sealer(folder.path(), "--cert cert2048.pem", input.as_bytes());
        assert_eq!((status, out.is_empty()), (Some(1), true), "{input}");
        assert!(says.starts_with("error: ") && says.contains(told) && says.contains("--allow-unknown-fields"), "{says}");
        let (out, says) = done(folder.path(), "--cert cert2048.pem --allow-unknown-fields", input.as_bytes());
        assert!(!out.is_empty() && says.contains(told), "{says}");
        let (status, says) = self::says(folder.path(), "kubeseal", &["--cert", "CERT"], input.as_bytes());
        assert!(status == Some(0) && says.starts_with("warning: ") && says.contains(told), "{says}");
    }
    // What stands there twice in the same words is told, and nothing is lost.
    for input in [
        format!("{one}{one}"),
        format!("{head}stringData: {{a: b, a: b}}\n"),
        format!("{head}stringData: {{<<: {{a: b}}, a: c}}\n"),
    ] {
        let (out, says) = done(folder.path(), "--cert cert2048.pem", input.as_bytes());
        assert!(!out.is_empty() && says.lines().all(|line| line.starts_with("warning: ")), "{says}");
        assert_eq!(
            self::says(folder.path(), "kubeseal", &["--cert", "CERT"], input.as_bytes()),
            (Some(0), String::new())
        );
    }
    let sealed: Vec<String> = [one, two.as_str()]
        .map(|text| String::from_utf8(done(folder.path(), "--cert cert2048.pem -o yaml", text.as_bytes()).0).unwrap())
        .into();
    let joined = sealed.concat().replace("---\n", "");
    let (status, out, says) =
        sealer(folder.path(), "--recovery-unseal --recovery-private-key key2048.pem", joined.as_bytes());
    assert!(
        status == Some(1)
            && out.is_empty()
            && says.contains("a second object begins at line 13")
            && says.contains("`one` would be lost: `a`"),
        "{says}"
    );
    let (status, says) = self::says(
        folder.path(),
        "kubeseal",
        &["--recovery-unseal", "--recovery-private-key", "KEY"],
        joined.as_bytes(),
    );
    assert!(status == Some(0) && says.starts_with("warning: document 1: a second object"), "{says}");
}

/// What a List has beside its Secrets, and what is in a Secret that a cluster does not take.
#[test]
fn what_stands_beside_is_not_lost_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let head = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: b}\n";
    let item = "- apiVersion: v1\n  kind: Secret\n  metadata: {name: a, namespace: b}\n  stringData: {k: v}\n";
    let list = format!("apiVersion: v1\nkind: List\nitems:\n{item}");
    for (input, told) in [
        (
            format!("{list}Items:\n{item}").replace("Items:\n- apiVersion: v1", "Items:\n- apiVersion: v2"),
            "`items` is there twice",
        ),
        (
            format!("{list}stringData: {{a: b}}\n"),
            "`stringData` is no field of a List, and what stands there would be lost; it belongs into each Secret",
        ),
        (format!("{list}metadata: {{annotations: {{a: b}}}}\n"), "`metadata.annotations` is no field of a List"),
        (
            format!("{list}  stringData: {{z: \"2\"}}\n"),
            "`items.stringData` is there twice (again in line 8), and the first one, with `k`, would be lost",
        ),
        (
            format!("{head}stringData: {{a: b}}\ndata: {{k: YQ==}}\n")
                .replace("stringData: {a: b}", "stringData: {k: null}"),
            "`stringData.k` is empty, and the value of `data.k`",
        ),
        (
            format!("{head}stringData: {{a: b}}\n")
                .replace("namespace: b", "namespace: b, labels: {a: b}, labels: {c: d}"),
            "`metadata.labels` is there twice (again in line 3), and the first one, with `a`, would be lost",
        ),
        (
            format!("{head}stringData: {{a: b}}\nx-other: {{c: d}}\n"),
            "`x-other` is no field of a Secret, and what stands there would be lost",
        ),
        (
            format!("{head}stringData: {{a: b}}\nspec: {{c: d}}\n"),
            "`spec` is no field of a Secret, and what stands there would be lost",
        ),
    ] {
        let (status, out, says) = sealer(folder.path(), "--cert cert2048.pem", input.as_bytes());
        assert_eq!((status, out.is_empty()), (Some(1), true), "{input}");
        assert!(
            says.starts_with("error: ") && says.contains(told) && says.contains("--allow-unknown-fields"),
            "{says}"
        );
        let (out, says) = done(folder.path(), "--cert cert2048.pem --allow-unknown-fields", input.as_bytes());
        assert!(!out.is_empty() && says.contains(told), "{says}");
        let (status, says) = self::says(folder.path(), "kubeseal", &["--cert", "CERT"], input.as_bytes());
        assert!(status == Some(0) && says.starts_with("warning: document 1: ") && says.contains(told), "{says}");
    }
}

/// What is only odd is told by the new name alone.
#[test]
fn what_a_cluster_passes_over_or_reads_otherwise_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let head = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: b}\n";
    for (input, told) in [
        (
            format!("{head}stringData: {{a: b}}\n").replace("namespace: b", "namespace: b, clusterName: c"),
            "`metadata.clusterName` is no field of a Secret and is left out",
        ),
        (
            format!("x-all: &x {{a: b, c: d}}\n{head}stringData: {{<<: *x, c: e}}\n"),
            "`x-all` is no field of a Secret and is left out",
        ),
        (format!("{head}stringData: {{y: w}}\n"), "the name `y` under stringData is read as `true`; put it in quotes"),
        (format!("{head}data: {{on: eA==, n: eA==}}\n"), "the name `n` under data is read as `false`"),
        (format!("{head}stringData: {{0x10: w}}\n"), "the name `0x…` under stringData is read as `16`"),
        (
            format!("{head}stringData: {{k: w}}\n").replace("namespace: b", "namespace: b, annotations: {y: w}"),
            "the name `y` under annotations is read as `true`",
        ),
        (
            format!("{head}stringData: {{k: w}}\n").replace("namespace: b", "namespace: b, labels: {app: on}"),
            "label `app` is read as true or false",
        ),
        (format!("{head}stringData: {{k: }}\n"), "item `k` is sealed empty"),
        (
            format!("{head}data: {{k: eA==}}\nstringData: {{k: w}}\n"),
            "`stringData.k` is sealed, and not what stands under `data.k`",
        ),
    ] {
        let (out, says) = done(folder.path(), "--cert cert2048.pem", input.as_bytes());
        assert!(!out.is_empty() && says.starts_with("warning: document 1: ") && says.contains(told), "{input}: {says}");
        let kubeseal = self::says(folder.path(), "kubeseal", &["--cert", "CERT"], input.as_bytes());
        assert_eq!(kubeseal, (Some(0), String::new()), "{input}");
    }
    let many: String = (10..24).map(|number| format!("  k{number}: 0{number}\n")).collect();
    let (_, says) = done(folder.path(), "--cert cert2048.pem", format!("{head}stringData:\n{many}").as_bytes());
    assert_eq!(says.lines().count(), 9);
    assert!(
        says.ends_with("warning: document 1: 6 more are read as something else; put them in quotes, too\n"),
        "{says}"
    );
}

/// An input that holds no values is called what it is; scripts know another line.
#[test]
fn what_is_no_secret_is_called_that_first() {
    let folder = tempfile::tempdir().unwrap();
    let one = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: b}\nstringData: {k: v}\n";
    let nested = "apiVersion: v1\nkind: List\nitems:\n- kind: List\n  items:\n  - kind: Secret\n    metadata: {name: a, namespace: b}\n    stringData: {k: v}\n";
    let (out, says) = done(folder.path(), "--cert cert2048.pem", nested.as_bytes());
    assert!(!out.is_empty() && says.is_empty(), "{says}");
    for (input, told) in [
        (format!("{one}---\nkind: ConfigMap\n"), "document 2 of the input is a ConfigMap, not a Secret"),
        ("kind: Deployment\nspec: {}\n".to_owned(), "document 1 of the input is a Deployment, not a Secret"),
        ("kind: List\nitems: []\n".to_owned(), "document 1 of the input is a List with nothing under `items`"),
        ("error: no such file\n".to_owned(), "document 1 of the input is no Secret"),
    ] {
        let (status, out, says) = sealer(folder.path(), "--cert cert2048.pem", input.as_bytes());
        assert!(status == Some(1) && out.is_empty() && says.starts_with(&format!("error: {told}\n")), "{says}");
        let (_, says) = self::says(folder.path(), "kubeseal", &["--cert", "CERT"], input.as_bytes());
        assert!(says.starts_with("error: secret.data is empty") && says.contains(&format!("hint: {told}\n")), "{says}");
    }
}

/// SealedSecrets that were joined without `---`, and blocks that are there twice, by every door; files stay as they are.
#[test]
fn joined_sealed_secrets_are_refused_by_every_door() {
    let folder = tempfile::tempdir().unwrap();
    let sealed = |name: &str, items: &str| {
        let input = String::from_utf8(secret("Secret", &format!("stringData: {{{items}}}"))).unwrap();
        let (out, _) = done(
            folder.path(),
            "--cert cert2048.pem -o yaml",
            input.replace("name: a", &format!("name: {name}")).as_bytes(),
        );
        String::from_utf8(out).unwrap().replace("---\n", "")
    };
    let (one, two) = (sealed("one", "a: x"), sealed("two", "z: y"));
    let block = one.split_once("spec:\n").unwrap().1.split_once("  template:").unwrap().0.replace("    a:", "    b:");
    let doubled = one.replace("  template:", &format!("{block}  template:"));
    let input = secret("Secret", "stringData: {k: v}");
    for (text, told, in_place) in [
        (
            format!("{one}{two}"),
            "a second object begins at line",
            "a second object begins, or this field is there twice; a line `---` stands between objects",
        ),
        (doubled, "`spec.encryptedData` is there twice (again in line", "has a name that stands there twice"),
    ] {
        fs::write(folder.path().join("f.yaml"), &text).unwrap();
        for (line, told) in [
            ("--recovery-unseal --recovery-private-key key2048.pem -f f.yaml", told),
            ("--cert cert2048.pem --merge-into f.yaml", told),
            ("set f.yaml a --cert cert2048.pem", in_place),
            ("unset f.yaml a", in_place),
            ("edit f.yaml --cert cert2048.pem", in_place),
            ("view f.yaml", in_place),
            ("reseal f.yaml --private-key key2048.pem --cert cert2048.pem", in_place),
        ] {
            let (status, out, says) = sealer(folder.path(), line, &input);
            let all = format!("{says}{}", String::from_utf8_lossy(&out));
            assert!(status == Some(1) && all.contains(told), "{line}: {all}");
            assert_eq!(fs::read_to_string(folder.path().join("f.yaml")).unwrap(), text, "{line}");
        }
    }
    // In JSON the later one counts.
    let json =
        r#"{"kind":"SealedSecret","metadata":{"name":"a","namespace":"b"},"spec":{"encryptedData":{"a":"x","a":"y"}}}"#;
    let (status, _, says) =
        sealer(folder.path(), "--recovery-unseal --recovery-private-key key2048.pem", json.as_bytes());
    assert!(
        status == Some(1)
            && says.contains("`spec.encryptedData.a` is there twice, and what stands there first would be lost"),
        "{says}"
    );
}

/// A namespace that is missing is asked for; what was given is not asked for again.
#[test]
fn a_missing_namespace_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let input = "kind: Secret\nmetadata: {name: a}\nstringData: {k: v}\n";
    for (line, first) in [
        ("--raw --scope namespace-wide", "error: invalid configuration: no configuration has been provided"),
        ("--raw --name a", "error: invalid configuration: no configuration has been provided"),
        ("", "error: secret must declare a namespace\n"),
    ] {
        for kubeconfig in ["", "nowhere"] {
            let words = ["sealer", "--cert", &fixture("cert2048.pem"), line].join(" ");
            let script = format!("KUBECONFIG={kubeconfig} exec -a {words}").replace("-a sealer", "$0");
            let script = if kubeconfig.is_empty() { script.replace("KUBECONFIG= ", "") } else { script };
            let mut command = std::process::Command::new("sh");
            command.args([
                "-c",
                &format!("printf '{}' | ({script})", input.replace('\n', "\\n")),
                env!("CARGO_BIN_EXE_sealer"),
            ]);
            let output = command
                .current_dir(folder.path())
                .env_clear()
                .env("HOME", "/nonexistent")
                .env("PATH", "/usr/bin:/bin")
                .output()
                .unwrap();
            let says = String::from_utf8(output.stderr).unwrap();
            assert!(
                says.starts_with(first) && says.contains("--namespace") && !says.contains("--cert"),
                "{line}: {says}"
            );
        }
    }
}

/// Spaces that are none, as word processors and web pages write them, are named where YAML wants a space.
#[test]
fn spaces_that_are_none_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let head = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  namespace: b\n";
    for (input, told) in [
        (
            format!("{head}stringData:\n  z:\u{a0}{VALUE}\n"),
            "hint: a no-break space stands behind `z:`; type a plain space\n",
        ),
        (
            format!("{head}stringData:\n  y: x\n  z:\u{a0}{VALUE}\n"),
            "hint: line 8: a no-break space stands behind `z:`; type a plain space\n",
        ),
        (
            format!("kind:\u{2009}Secret\n{head}"),
            "hint: line 1: the invisible letter U+2009 stands behind `kind:`; type a plain space\n",
        ),
        (
            head.replace("  name: a", "  name:\u{a0}a"),
            "hint: line 4: a no-break space stands behind `name:`; type a plain space\n",
        ),
        (
            format!("{head}stringData:\n\u{a0}\u{a0}z: {VALUE}\n  y: x\n"),
            "hint: line 7: a no-break space is no indentation; type plain spaces\n",
        ),
        (
            "apiVersion: v1\nkind: List\nitems:\n-\u{a0}kind: Secret\n  data: {}\n".to_owned(),
            "hint: line 4: a no-break space stands behind `-`; type a plain space\n",
        ),
    ] {
        for name in ["sealer", "kubeseal"] {
            let (status, says) = says(folder.path(), name, &["--cert", "CERT"], input.as_bytes());
            assert!(status == Some(1) && says.contains(told) && !says.contains("Hunter2"), "{input}: {says}");
        }
    }
}

/// What is refused is not told as sealed before, and nothing is waited for that could not be changed in place.
#[test]
fn nothing_is_told_of_what_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let value = "q7Zk2mP9xW4vT8nR6bY3cL5d";
    let file = format!(
        "kind: SealedSecret\nmetadata: {{name: a, namespace: no, annotations: {{note: {value}}}}}\nspec: {{encryptedData: {{}}}}\n"
    );
    fs::write(folder.path().join("f.yaml"), &file).unwrap();
    let (status, _, says) = sealer(folder.path(), "set f.yaml k --cert cert2048.pem", format!("{value}\n").as_bytes());
    assert!(status == Some(1) && says.starts_with("error: annotation `note` holds the value of item `k`"), "{says}");
    let encrypted = b"ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\n";
    for line in ["set f.yaml k --cert cert2048.pem", "--raw --cert cert2048.pem -n B_ --name a"] {
        let (status, _, says) = sealer(folder.path(), line, encrypted);
        assert!(status == Some(1) && says.starts_with("error: the value is encrypted with SOPS"), "{line}: {says}");
    }
    let (_, says) = done(folder.path(), "set f.yaml k --cert cert2048.pem", b"x\n");
    assert!(
        says.starts_with("warning: metadata.namespace is read as `false`")
            && says.contains("warning: the value ends in a line end"),
        "{says}"
    );
    fs::write(folder.path().join("f.yaml"), &file).unwrap();
    for line in ["set /dev/stdout k --cert cert2048.pem", "unset /dev/stdin k", "edit /dev/null", "set /dev/fd/1 k"] {
        let (status, _, says) = sealer(folder.path(), line, b"");
        assert!(status == Some(1) && says.contains(" is no file, and cannot be changed in place\n"), "{line}: {says}");
    }
    assert_eq!(fs::read_to_string(folder.path().join("f.yaml")).unwrap(), file);
}

#[test]
fn placeholders_and_types_in_other_letters_are_told_and_sealed() {
    let folder = tempfile::tempdir().unwrap();
    for (rest, told) in [
        ("stringData: {a: \"${DB_PASSWORD}\"}", "item `a` looks like a placeholder"),
        ("stringData: {a: \"{{ .Values.x }}\"}", "item `a` looks like a placeholder"),
        ("stringData: {a: \"<no value>\"}", "item `a` looks like a placeholder"),
        ("data: {a: PG5vIHZhbHVlPg==}", "item `a` looks like a placeholder"),
        ("type: opaque\nstringData: {a: b}", "`type: opaque` is another type than `Opaque`"),
        ("stringData: {a: \"pa$$word\"}", ""),
        // At a terminal alone.
        ("stringData: {a: CHANGEME}", ""),
    ] {
        let input = secret("Secret", rest);
        let (out, says) = done(folder.path(), "--cert cert2048.pem", &input);
        assert!(!out.is_empty() && says.contains(told) && says.is_empty() == told.is_empty(), "{rest}: {says}");
        assert_eq!(
            self::says(folder.path(), "kubeseal", &["--cert", "CERT"], &input),
            (Some(0), String::new()),
            "{rest}"
        );
    }
}

#[test]
fn the_output_of_another_command_is_called_that() {
    let folder = tempfile::tempdir().unwrap();
    let object = String::from_utf8(secret("Secret", "stringData: {a: b}")).unwrap();
    for (input, told) in [
        ("error: no such file\n".to_owned(), "it is the error of another command"),
        ("Error from server (NotFound): secrets \"a\" not found\n".to_owned(), "it is the error of another command"),
        (
            "NAME: app\nLAST DEPLOYED: now\nSTATUS: deployed\nREVISION: 1\n".to_owned(),
            "it is what helm tells of a release",
        ),
        (format!("Warning: v1 is old\n{object}"), "the words of another command stand there"),
    ] {
        let (status, _, says) = sealer(folder.path(), "--cert cert2048.pem", input.as_bytes());
        assert!(status == Some(1) && says.contains(told) && !says.contains("stringData"), "{input}: {says}");
    }
}

/// Items that nobody reads: an empty Secret would come of them.
#[test]
fn items_in_another_place_are_refused_by_recovery() {
    let folder = tempfile::tempdir().unwrap();
    let head = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a, namespace: b}\n";
    let line = "--recovery-unseal --recovery-private-key key2048.pem -o yaml";
    let old = ["--recovery-unseal", "--recovery-private-key", "KEY", "-o", "yaml"];
    for (rest, told) in [
        (
            "spec:\n  encryptedData:\n  - x",
            "cannot unmarshal array into Go struct field SealedSecretSpec.spec.encryptedData",
        ),
        (
            "spec: {encryptedData: x}",
            "cannot unmarshal string into Go struct field SealedSecretSpec.spec.encryptedData",
        ),
        ("spec: {encryptData: {k: x}}", "the items stand below `spec.encryptData`"),
        ("spec: {encrypteddata: {k: x}}", "the items stand below `spec.encrypteddata`"),
        ("spec: {encrypted_data: {k: x}}", "the items stand below `spec.encrypted_data`"),
        ("spec: {sealedData: {k: x}}", "the items stand below `spec.sealedData`"),
        ("spec: {template: {encryptedData: {k: x}}}", "the items stand below `spec.template.encryptedData`"),
        ("Spec: {encryptedData: {k: x}}", "the items stand below `spec.encryptedData`"),
        ("encryptedData: {k: x}", "the items stand below `encryptedData`"),
        ("encryptedData: {k: x}\nspec: {}", "the items stand below `encryptedData`"),
    ] {
        let input = format!("{head}{rest}\n");
        let (status, out, told_now) = sealer(folder.path(), line, input.as_bytes());
        assert_eq!((status, out.is_empty()), (Some(1), true), "{rest}: {told_now}");
        assert!(
            told_now.starts_with("error: ") && told_now.contains(told) && told_now.contains("spec.encryptedData"),
            "{rest}: {told_now}"
        );
        // As it was recorded, with a word.
        let (status, told_now) = says(folder.path(), "kubeseal", &old, input.as_bytes());
        assert!(
            status == Some(0) && told_now.starts_with("warning: ") && told_now.contains(told),
            "{rest}: {told_now}"
        );
    }
    for (rest, is_told) in [
        ("", true),
        ("spec: {encryptedData: {}}", true),
        ("spec: {encryptedData: }", true),
        ("spec: {template: {data: {k: v}}}", false),
    ] {
        let input = format!("{head}{rest}\n");
        let (out, told) = done(folder.path(), line, input.as_bytes());
        assert!(out.starts_with(b"---\napiVersion: v1\n"), "{rest}");
        assert_eq!(told.contains("there is no item below spec.encryptedData"), is_told, "{rest}: {told}");
        assert_eq!(says(folder.path(), "kubeseal", &old, input.as_bytes()), (Some(0), String::new()), "{rest}");
    }
}

#[test]
fn items_of_another_form_are_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let head = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a, namespace: b}\n";
    for items in ["[x]", "x", "1"] {
        let path = folder.path().join("s.yaml");
        let text = format!("{head}spec: {{encryptedData: {items}}}\n");
        for name in ["sealer", "kubeseal"] {
            fs::write(&path, &text).unwrap();
            let line = ["--merge-into", "s.yaml", "--cert", "CERT"];
            let (status, told) = says(folder.path(), name, &line, &secret("Secret", "stringData: {k: v}"));
            assert!(
                status == Some(1) && told.contains("spec.encryptedData of s.yaml is no map of items"),
                "{name} {items}: {told}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}

/// What every cluster refuses, or makes an empty Secret of.
#[test]
fn sealed_secrets_of_another_form_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let head = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a, namespace: b}\n";
    for (rest, told) in [
        ("spec: {encryptData: {k: x}}", "object has its items in `spec.encryptData`"),
        ("spec: {encrypteddata: {k: x}}", "object has its items in `spec.encrypteddata`"),
        ("spec: {template: {encryptedData: {k: x}}}", "object has its items in `spec.template.encryptedData`"),
        ("encryptedData: {k: x}", "object has its items in `encryptedData`"),
        ("spec: {encryptedData: [Hunter2]}", "object has a list as `spec.encryptedData`"),
        ("spec: {encryptedData: Hunter2}", "object has a text as `spec.encryptedData`"),
        ("spec: [Hunter2]", "object has a list as `spec`"),
        ("", "object has no `spec`"),
        ("spec: {template: Hunter2}", "object has a text as `spec.template`"),
        ("spec: {template: {data: [Hunter2]}}", "object has a list as `spec.template.data`"),
        ("stringData: {k: Hunter2}\nspec: {encryptedData: {}}", "values in clear text in `stringData`"),
        ("spec: {stringData: {k: Hunter2}}", "values in clear text in `spec.stringData`"),
        ("spec: {template: {stringData: {k: Hunter2}}}", "values in clear text in `spec.template.stringData`"),
    ] {
        fs::write(folder.path().join("s.yaml"), format!("{head}{rest}\n")).unwrap();
        let (status, out, says) = sealer(folder.path(), "explain s.yaml --private-key key2048.pem", b"");
        let out = String::from_utf8(out).unwrap();
        assert_eq!(status, Some(1), "{rest}: {out}{says}");
        assert!(out.contains(told) && out.contains("hint: ") && !out.contains("Hunter2"), "{rest}: {out}{says}");
    }
    fs::write(folder.path().join("s.yaml"), format!("{head}spec: {{encryptedData: , template: {{data: }}}}\n"))
        .unwrap();
    done(folder.path(), "explain s.yaml --private-key key2048.pem", b"");
}

/// Objects and items that are called what a value is.
#[test]
fn values_in_the_place_of_names_of_objects_are_shown_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let head = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n";
    put("n.yaml", &format!("{head}metadata: {{name: a, namespace: pw={VALUE}}}\nspec: {{encryptedData: {{k: x}}}}\n"));
    put(
        "i.yaml",
        &format!("{head}metadata: {{name: a, namespace: b}}\nspec: {{encryptedData: {{PASSWORD={VALUE}: x}}}}\n"),
    );
    put(
        "v.yaml",
        &format!(
            "apiVersion: {VALUE}\nkind: SealedSecret\nmetadata: {{name: a, namespace: b, annotations: {{sealedsecrets.bitnami.com/cluster-wide: {VALUE}}}}}\nspec: {{encryptedData: {{k: x}}}}\n"
        ),
    );
    let kind = secret(VALUE, "stringData: {k: v}");
    let namespace = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: a, namespace: \"pg://u:{VALUE}@h\"}}\nstringData: {{k: v}}\n"
    )
    .into_bytes();
    let sealed = format!("apiVersion: {VALUE}\nkind: {VALUE}\nmetadata: {{name: a, namespace: b}}\n").into_bytes();
    for (line, input) in [
        ("--cert CERT", &kind),
        ("--cert CERT -n prod", &namespace),
        ("set n.yaml k --cert CERT", &kind),
        ("explain n.yaml --private-key KEY", &kind),
        ("unset n.yaml l", &kind),
        ("unset i.yaml password", &kind),
        ("explain v.yaml --private-key KEY", &kind),
        ("--recovery-unseal --recovery-private-key KEY", &sealed),
    ] {
        for name in ["sealer", "kubeseal"] {
            let (certificate, key) = (fixture("cert2048.pem"), fixture("key2048.pem"));
            let line = line.replace("CERT", &certificate).replace("KEY", &key);
            let (status, out, says) = run_in(folder.path(), name, &line.split_whitespace().collect::<Vec<_>>(), input);
            let says = format!("{}{says}", String::from_utf8_lossy(&out));
            assert!(
                status != Some(0) && !says.contains("Hunter2") && !says.contains("Secret-"),
                "{name} {line}: {says}"
            );
        }
    }
}
