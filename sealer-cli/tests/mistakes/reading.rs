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
    let input = secret("Secret", &format!("stringData: {{PASSWORD={VALUE}: }}"));
    let (status, _, says) = sealer(folder.path(), "--cert cert2048.pem", &input);
    assert_eq!(status, Some(1));
    assert!(
        says.starts_with("error: item `PASSWORD…` has a value in its name, which would stand in clear text"),
        "{says}"
    );
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
