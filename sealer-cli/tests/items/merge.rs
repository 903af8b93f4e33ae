//! What `--merge-into` leaves as it is: comments, the order of fields, quotes, line ends and other documents.

use std::os::unix::process::CommandExt as _;

use super::{Place, SECRET, fixture, said};

/// Merges a Secret into a file, under a name of the program.
fn merge(place: &Place, name: &str, args: &[&str], secret: &str) -> (Option<i32>, String) {
    let certificate = fixture("cert4096.pem");
    let args = [&["--cert", &certificate], args].concat();
    let output = place.finish(place.command(&args).arg0(name), secret.as_bytes());
    (output.status.code(), said(&output))
}

/// Lines of one text that the other does not have.
fn differing<'t>(one: &'t str, other: &str) -> Vec<&'t str> {
    one.lines().filter(|line| !other.lines().any(|known| known == *line)).collect()
}

/// A file as somebody keeps it: with comments, and with its fields in another order than the program writes them.
fn kept_by_hand(place: &Place) -> String {
    let sealed = place.read("db.yaml").replace("    user:", "    # the owner of the schema\n    user:");
    let (head, spec) = sealed.trim_start_matches("---\n").split_once("spec:\n").unwrap();
    let head = head.replace("kind: SealedSecret\n", "").replace("metadata:", "metadata: # of the shop");
    format!("# Sealed by hand.\nkind: SealedSecret\nspec:\n{spec}{head}")
}

fn done() -> (Option<i32>, String) {
    (Some(0), String::new())
}

#[test]
fn merging_changes_the_lines_of_its_items_and_no_others() {
    let place = Place::new();
    let before = kept_by_hand(&place);
    let secret = SECRET.replace("hunter2", "3").replace("\"user\": \"root\"", "\"new\": \"4\"");
    for (name, format) in [("sealer", &[][..]), ("sealer", &["-o", "yaml"]), ("kubeseal", &["-o", "yaml"])] {
        for text in [before.clone(), before.replace('\n', "\r\n")] {
            place.write("db.yaml", &text);
            assert_eq!(merge(&place, name, &[&["--merge-into", "db.yaml"], format].concat(), &secret), done());
            let after = place.read("db.yaml");
            assert_eq!(after.matches("\r\n").count() > 0, text.contains("\r\n"));
            let gone = differing(&text, &after);
            assert!(gone.len() == 1 && gone[0].starts_with("    password: Ag"), "{gone:?}");
            let new = differing(&after, &text);
            assert!(new.len() == 2 && new[1].starts_with("    new: Ag"), "{new:?}");
            assert_eq!(place.opened("db.yaml").to_string(), r#"{"new":"NA==","password":"Mw==","user":"cm9vdA=="}"#);
        }
    }
}

#[test]
fn labels_and_annotations_are_merged_as_texts() {
    let place = Place::new();
    place.write("db.yaml", &kept_by_hand(&place));
    let metadata = r#""namespace": "shop", "labels": {"app": "true", "n": "8"}, "annotations": {"note": "it's: a\nb # c", "x/y": "\"q\""}"#;
    let secret = SECRET.replace("\"namespace\": \"shop\"", metadata);
    for _ in 0..2 {
        assert_eq!(merge(&place, "sealer", &["--merge-into", "db.yaml"], &secret), done());
        let text = place.read("db.yaml");
        assert!(text.starts_with("# Sealed by hand.\n") && text.contains("        app: \"true\"\n"), "{text}");
        let key = fixture("key4096.pem");
        let output = place.run(&["--recovery-unseal", "--recovery-private-key", &key, "-f", "db.yaml"], "");
        let opened: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(opened["metadata"]["labels"].to_string(), r#"{"app":"true","n":"8"}"#);
        assert_eq!(opened["metadata"]["annotations"]["note"], "it's: a\nb # c");
        assert_eq!(opened["metadata"]["annotations"]["x/y"], "\"q\"");
    }
}

#[test]
fn other_documents_stay_and_the_name_says_which_one_is_meant() {
    let place = Place::new();
    let (db, map) = (kept_by_hand(&place), "# of everybody\nkind: ConfigMap\nmetadata: {name: c}\n");
    let web = place.sealed(&["-o", "yaml"], &SECRET.replace("\"db\"", "\"web\""));
    let text = format!("{map}---\n{db}{web}---\n{map}");
    for name in ["db", "web"] {
        place.write("all.yaml", &text);
        let secret = SECRET.replace("\"db\"", &format!("\"{name}\"")).replace("user", "new");
        assert_eq!(merge(&place, "sealer", &["--merge-into", "all.yaml"], &secret), done());
        let after = place.read("all.yaml");
        assert_eq!((differing(&text, &after).len(), differing(&after, &text).len()), (1, 2));
        assert_eq!(after.find("    new: Ag") > after.find("# of the shop"), name == "web");
    }
    place.write("all.yaml", &text);
    let told = merge(&place, "sealer", &["--merge-into", "all.yaml"], &SECRET.replace("\"db\"", "\"x\""));
    let wanted = "error: all.yaml holds 2 SealedSecrets, and none alone has the name of the Secret\n\
                  hint: they are db, web; nothing was written\n";
    assert_eq!(told, (Some(1), wanted.to_owned()));
    // As JSON the others would be lost.
    let told = merge(&place, "sealer", &["-o", "json", "--merge-into", "all.yaml"], SECRET);
    assert!(told.0 == Some(1) && told.1.starts_with("error: all.yaml holds 4 documents; one is wanted"), "{told:?}");
    assert_eq!(place.read("all.yaml"), text);
}

#[test]
fn a_file_stays_in_its_form_unless_another_is_asked_for() {
    let place = Place::new();
    let json = place.sealed(&["-o", "json"], SECRET);
    let compact = json.lines().map(str::trim_start).collect::<String>();
    let secret = SECRET.replace("user", "new");
    place.write("db.json", &compact);
    assert_eq!(merge(&place, "sealer", &["--merge-into", "db.json"], &secret), done());
    assert!(!place.read("db.json").contains('\n'), "it stays on its line");
    assert_eq!(place.opened("db.json").as_object().unwrap().len(), 3);
    assert_eq!(merge(&place, "sealer", &["-o", "yaml", "--merge-into", "db.json"], &secret), done());
    assert!(place.read("db.json").starts_with("---\napiVersion: "));
    // Scripts that call it by the old name get the JSON that they know.
    assert_eq!(merge(&place, "kubeseal", &["--merge-into", "db.yaml"], &secret), done());
    assert!(place.read("db.yaml").starts_with("{\n  \"kind\": \"SealedSecret\",\n"));
    // UTF-16 becomes UTF-8, with all that stands in it.
    let wide: Vec<u8> =
        format!("\u{feff}{}", kept_by_hand(&Place::new())).encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(place.path("db.yaml"), wide).unwrap();
    let told = merge(&place, "sealer", &["--merge-into", "db.yaml"], &secret);
    assert_eq!(told, (Some(0), "warning: db.yaml was UTF-16, and is written as UTF-8\n".to_owned()));
    assert!(place.read("db.yaml").starts_with("# Sealed by hand.\n"));
    // What is not certain is written anew, and says so.
    let shared = kept_by_hand(&Place::new()).replace("    password: ", "    password: &p ") + "status: {spare: *p}\n";
    place.write("db.yaml", &shared);
    let (status, says) = merge(&place, "sealer", &["--merge-into", "db.yaml"], &secret);
    assert_eq!(status, Some(0), "{says}");
    assert!(
        says.starts_with("warning: db.yaml is written anew, and its comments are lost: the value at line "),
        "{says}"
    );
    assert_eq!(place.opened("db.yaml").as_object().unwrap().len(), 3);
}

/// Anchors, aliases and blocks in the file cost no comment, and nothing else of it changes.
#[test]
fn anchors_aliases_and_blocks_cost_no_comment() {
    let place = Place::new();
    let sealed = kept_by_hand(&place);
    let password = sealed.lines().find_map(|line| line.strip_prefix("    password: ")).unwrap();
    let user = sealed.lines().find_map(|line| line.strip_prefix("    user: ")).unwrap();
    let aliased = sealed.replace(password, &format!("&p {password}")).replace(user, "*p # the same");
    let template = "    metadata:\n      name: db\n";
    assert!(sealed.contains(template));
    let labelled = sealed.replace(template, &format!("{template}      labels: *l # shared\n"));
    let labelled =
        labelled.replace("metadata: # of the shop\n", "metadata: # of the shop\n  labels: &l\n    app: shop # why\n");
    // An alias stands behind its anchor.
    let (head, spec) = labelled.split_once("spec:\n").unwrap();
    let (spec, metadata) = spec.split_at(spec.find("metadata: # of").unwrap());
    let labelled = format!("{head}{metadata}spec:\n{spec}");
    let noted = sealed.replace(template, &format!("{template}      annotations:\n        # says why\n        note: | # long\n          old\n          text\n        other: x\n"));
    let with = |metadata: &str| {
        let new = SECRET.replace("\"password\": \"hunter2\", \"user\": \"root\"", "\"new\": \"4\"");
        new.replace("\"namespace\": \"shop\"", &format!("\"namespace\": \"shop\"{metadata}"))
    };
    for (text, metadata, gone_are) in [
        (&aliased, "", vec![]),
        (&labelled, r#", "labels": {"tier": "8"}"#, vec!["      labels: *l # shared"]),
        (&labelled, "", vec![]),
        (
            &noted,
            r#", "annotations": {"note": "new\nnote"}"#,
            vec!["        note: | # long", "          old", "          text"],
        ),
        (&noted, r#", "annotations": {"more": "1\n2\n"}"#, vec![]),
    ] {
        for text in [text.clone(), text.replace('\n', "\r\n")] {
            place.write("db.yaml", &text);
            assert_eq!(merge(&place, "sealer", &["--merge-into", "db.yaml"], &with(metadata)), done(), "{text}");
            let after = place.read("db.yaml");
            assert_eq!(differing(&text, &after), gone_are, "{after}");
            assert_eq!(after.matches('#').count(), text.matches('#').count(), "{after}");
            assert_eq!(after.matches("\r\n").count(), if text.contains('\r') { after.lines().count() } else { 0 });
            assert_eq!(place.opened("db.yaml")["new"], "NA==");
            if !metadata.is_empty() && text.contains("*l") {
                assert!(after.contains("      labels: {app: shop, tier: \"8\"} # shared"), "{after}");
            }
        }
    }
    // An alias gives way to a value of its own; what others stand for cannot.
    place.write("db.yaml", &aliased);
    assert_eq!(
        merge(&place, "sealer", &["--merge-into", "db.yaml"], &SECRET.replace("\"password\": \"hunter2\", ", "")),
        done()
    );
    assert_eq!(differing(&aliased, &place.read("db.yaml")), ["    user: *p # the same"]);
    assert_eq!(place.opened("db.yaml").to_string(), r#"{"password":"aHVudGVyMg==","user":"cm9vdA=="}"#);
}

#[test]
fn what_is_not_merged_is_told() {
    let place = Place::new();
    let typed = |rest: &str| SECRET.replace("\"apiVersion\": \"v1\"", &format!("\"apiVersion\": \"v1\"{rest}"));
    for name in ["sealer", "kubeseal"] {
        let merged = |secret: &str| merge(&place, name, &["--merge-into", "db.yaml", "-o", "yaml"], secret);
        assert_eq!(merged(&typed(r#", "type": "Opaque", "immutable": false"#)), done());
        let (status, says) = merged(&typed(r#", "type": "example.com/own", "immutable": true"#));
        assert_eq!(status, Some(0));
        assert_eq!(
            says,
            "warning: db.yaml: its `type` stays Opaque; the input has example.com/own, which is changed under spec.template by hand\n\
             warning: db.yaml: its `immutable` stays false; the input has true, which is changed under spec.template by hand\n"
        );
    }
}

/// Whether it is the right file is asked where names differ; a flag is the answer. Scripts go on as before.
#[test]
fn a_secret_of_another_name_is_merged_only_where_that_is_said() {
    let place = Place::new();
    let before = kept_by_hand(&place);
    for (own, other, flag) in [
        (r#""name": "db""#, r#""name": "web""#, ["--name", "db"]),
        (r#""namespace": "shop""#, r#""namespace": "other""#, ["--namespace", "shop"]),
    ] {
        let secret = SECRET.replace(own, other).replace("user", "new");
        let field = flag[0].trim_start_matches('-');
        for secret in [secret.clone(), format!("{{\"kind\": \"List\", \"items\": [{secret}]}}")] {
            place.write("db.yaml", &before);
            let (status, says) = merge(&place, "sealer", &["--merge-into", "db.yaml"], &secret);
            let told =
                format!("error: db.yaml holds a SealedSecret of {field} `{}`, and the Secret has {field} `", flag[1]);
            assert!(status == Some(1) && says.starts_with(&told), "{says}");
            assert!(says.ends_with(&format!("say so with --{field} {}\n", flag[1])), "{says}");
            assert_eq!(place.read("db.yaml"), before);
            assert_eq!(merge(&place, "sealer", &["--merge-into", "db.yaml", flag[0], flag[1]], &secret), done());
            assert_eq!(place.opened("db.yaml").as_object().unwrap().len(), 3);
            place.write("db.yaml", &before);
            assert_eq!(merge(&place, "kubeseal", &["--merge-into", "db.yaml", "-o", "yaml"], &secret), done());
            assert_eq!(place.opened("db.yaml").as_object().unwrap().len(), 3);
        }
        // What the Secret leaves open is the file's to say.
        let secret = SECRET.replace(&format!("{own}, "), "").replace(&format!(", {own}"), "");
        assert_eq!(merge(&place, "sealer", &["--merge-into", "db.yaml"], &secret), done(), "{secret}");
    }
}

/// What kubectl reads otherwise is told of the input and of the file.
#[test]
fn names_that_are_read_otherwise_are_told() {
    let place = Place::new();
    let secret = "kind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {y: v}\n";
    let file = kept_by_hand(&place).replace("    user:", "    on:");
    place.write("db.yaml", &file);
    let (status, says) = merge(&place, "sealer", &["--merge-into", "db.yaml"], secret);
    assert_eq!(status, Some(0), "{says}");
    assert_eq!(
        says,
        "warning: document 1: the name `on` under encryptedData is read as `true`; put it in quotes if it is meant as text\n\
         warning: document 1: the name `y` under stringData is read as `true`; put it in quotes if it is meant as text\n"
    );
    // Both are one item, whose value is replaced.
    let after = place.read("db.yaml");
    assert_eq!((differing(&file, &after).len(), differing(&after, &file).len()), (1, 1), "{after}");
    place.write("db.yaml", &file);
    assert_eq!(merge(&place, "kubeseal", &["--merge-into", "db.yaml", "-o", "yaml"], secret), done());
}
