//! list, rotate and retire.

use std::thread;

use serde_json::{Value, json};

use crate::{KEYS, Place};

/// Two keys, and who needs them.
fn place() -> Place {
    let [_, old, new] = &*KEYS;
    let place = Place::with_keys(&[old, new]);
    place.cluster.with(|state| {
        state.sealed = vec![old.sealed("a", &["one", "two"]), new.sealed("b", &["one"]), new.sealed("c", &["one"])];
        let mut elsewhere = new.sealed("d", &["one"]);
        elsewhere["metadata"]["name"] = json!("renamed");
        let mut deprecated = old.sealed("e", &["one"]);
        deprecated["spec"] = json!({ "data": deprecated["spec"]["encryptedData"]["one"] });
        let malformed =
            json!({ "metadata": { "name": "f", "namespace": "ns" }, "spec": { "encryptedData": { "one": 7 } } });
        state.sealed.extend([elsewhere, deprecated, malformed]);
    });
    place.file("tree/old.json", &old.sealed("x", &["one"]).to_string());
    place
}

#[test]
fn list_shows_who_needs_which_key() {
    let (place, [_, old, new]) = (place(), &*KEYS);
    let list = place.json("keys list -o json --in tree");
    let told =
        |key: &Value| (key["secret"].clone(), key["state"].clone(), key["items"].clone(), key["backedUpAt"].clone());
    assert_eq!(
        told(&list["keys"][0]),
        (json!("key-c"), json!("active"), json!({ "cluster": 2, "files": 0 }), Value::Null)
    );
    assert_eq!(
        told(&list["keys"][1]),
        (json!("key-b"), json!("in use"), json!({ "cluster": 3, "files": 1 }), Value::Null)
    );
    assert_eq!(list["noKeyOpens"], json!({ "cluster": 2, "files": 0 }));
    assert_eq!(list["keys"][0]["fingerprint"], new.fingerprint());

    let text = place.must("keys list --renew-period 0");
    let lines: Vec<&str> = text.lines().collect();
    let words: Vec<&str> = lines[2].split_whitespace().collect();
    assert_eq!(
        (words[0], words[1], &words[4..]),
        (old.fingerprint(), "key-b", &["in", "use", "never", "3", "-", "-"][..])
    );
    assert_eq!(
        lines[3..],
        ["items opened by none of these keys: 2", "the controller makes no new key by itself (--renew-period 0)"]
    );
    let renewal = place.must("keys list");
    let renewal = renewal.lines().last().unwrap();
    assert!(
        renewal.starts_with("next renewal 20")
            && renewal.ends_with("Z if the controller runs with --key-renew-period 720h (say so with --renew-period)"),
        "{renewal}"
    );
}

#[test]
fn list_says_what_it_cannot_see() {
    let (place, [.., new]) = (place(), &*KEYS);
    place.file("tree/named.yaml", "kind: SealedSecret\nmetadata: {name: '{{ .Values.name }}', namespace: ns}\nspec: {encryptedData: {one: AgB4}}\n");
    place.file("tree/broken.yaml", "kind: SealedSecret\nspec: [\n");
    place.cluster.with(|state| {
        state.forbidden.insert("list sealedsecrets");
        let mut broken = state.secrets["key-b"].clone();
        broken["metadata"]["name"] = json!("no-key");
        broken["data"] = json!({});
        state.secrets.insert("no-key".to_owned(), broken);
    });
    let said = place.run("keys list --in tree");
    assert_eq!(said.status, Some(0));
    assert_eq!(
        said.err,
        "warning: Secret no-key: tls.key: data does not contain a valid RSA or ECDSA private key\n\
         warning: cannot list sealedsecrets.bitnami.com: sealedsecrets is forbidden: User \"eve\" cannot list resource \"sealedsecrets\"; items of the cluster are not counted\n\
         warning: tree/broken.yaml: line 2, column 7: is no YAML\n"
    );
    assert!(
        said.out
            .contains("\nitems without their name or namespace in the file; which key they need cannot be told: 1\n"),
        "{said:?}"
    );
    place.cluster.with(|state| state.forbidden.insert("list secrets"));
    let said = place.run("keys list");
    assert_eq!(
        said.err,
        "warning: cannot list secrets: secrets is forbidden: User \"eve\" cannot list resource \"secrets\"; only the certificate that the controller serves is shown\n"
    );
    assert!(said.out.starts_with(&format!("{}  active  from 20", new.fingerprint())), "{said:?}");
}

#[test]
fn rotate_asks_for_a_backup_first() {
    let (place, [.., new]) = (place(), &*KEYS);
    place.cluster.with(|state| state.follows = true);
    let rotate = "keys rotate --key-size 2048";
    let told = format!(
        "error: the newest key {} has no recorded backup\n\
         hint: back it up first: sealer keys backup -o FILE; or rotate all the same with --no-backup-check\n",
        new.fingerprint()
    );
    assert_eq!(place.refused(rotate), told);
    // A backup of another key, which had the same name, is none of this one.
    place.cluster.with(|state| {
        state.secrets.get_mut("key-c").unwrap()["metadata"]["annotations"] = json!({
            "sealedsecrets.bitnami.com/backed-up-at": "2026-01-01T00:00:00Z",
            "sealedsecrets.bitnami.com/backed-up-fingerprint": KEYS[0].fingerprint() });
    });
    assert_eq!(place.refused(rotate), told);
    place.must("keys backup -o keys.pem --passphrase-file passphrase");
    assert!(place.must(&format!("{rotate} --dry-run")).ends_with("\nnew key  would be made; nothing was done\n"));
    assert_eq!(place.cluster.with(|state| state.secrets.len()), 2);
    let made = place.json(&format!("{rotate} -o json"));
    assert_eq!(
        (&made["oldKey"], place.label(made["secret"].as_str().unwrap())),
        (&json!(new.fingerprint()), json!("active"))
    );
    assert_eq!(place.annotation(made["secret"].as_str().unwrap(), "rotation"), Value::Null);
    assert_eq!(place.annotation(made["secret"].as_str().unwrap(), "trusted-fingerprint"), made["newKey"]);
    place.cluster.with(|state| state.forbidden.insert("list secrets"));
    assert_eq!(
        place.refused(rotate),
        "error: cannot list secrets: secrets is forbidden: User \"eve\" cannot list resource \"secrets\"\n\
         hint: you need the right to: kubectl auth can-i list secrets --namespace kube-system\n\
         hint: --no-backup-check rotates without knowing whether the newest key has a backup\n"
    );
}

#[test]
fn rotate_goes_on_where_it_was_interrupted() {
    let (place, [.., new]) = (place(), &*KEYS);
    let rotate = "keys rotate --key-size 2048 --no-backup-check";
    let told = place.refused(&format!("{rotate} --timeout 1ms"));
    let made = place.cluster.with(|state| state.secrets.keys().find(|name| name.contains("made")).unwrap().clone());
    assert_eq!(
        told,
        format!(
            "error: the controller still serves another certificate after 0 seconds\n\
             hint: the key is stored as Secret `{made}`; restart the controller if it does not follow its keys live, and run this again\n"
        )
    );
    assert_eq!(place.annotation(&made, "rotation"), "unfinished");
    let pem = place.cluster.with(|state| state.secrets[&made]["data"]["tls.crt"].as_str().unwrap().to_owned());
    place
        .cluster
        .with(|state| state.certificate = String::from_utf8(sealer_encoding::base64::decode(pem).unwrap()).unwrap());
    place.cluster.with(|state| state.forbidden.insert("patch secrets"));
    let said = place.run("keys rotate");
    assert_eq!(said.status, Some(0), "{said:?}");
    let fingerprint = said.out.lines().nth(1).unwrap().split_whitespace().nth(2).unwrap();
    assert!(fingerprint != new.fingerprint());
    assert_eq!(
        said.err,
        format!(
            "going on with key {fingerprint} of an earlier run that was interrupted\n\
             warning: cannot mark Secret `{made}`: secrets is forbidden: User \"eve\" cannot patch resource \"secrets\"; until the key is backed up, another rotation goes on with it for a day\n"
        )
    );
    assert_eq!(place.cluster.with(|state| state.secrets.len()), 3);
    place.cluster.with(|state| state.forbidden.clear());
    place.must("keys backup -o keys.pem --passphrase-file passphrase");
    place.cluster.with(|state| state.follows = true);
    place.must(rotate);
    assert_eq!(place.cluster.with(|state| state.secrets.len()), 4, "with a backup the rotation before is over");
}

/// Waiting for a key that is never served would tell somebody to restart a controller that is right.
#[test]
fn of_two_rotations_at_once_one_says_that_the_other_made_the_key() {
    let (place, [oldest, ..]) = (place(), &*KEYS);
    let cluster = place.cluster.clone();
    let made = |secrets: &std::collections::BTreeMap<String, Value>| {
        secrets.keys().find(|name| name.contains("made")).cloned()
    };
    let other = thread::spawn(move || {
        while cluster.with(|state| made(&state.secrets).is_none()) {
            thread::yield_now();
        }
        cluster.with(|state| state.certificate.clone_from(&oldest.pem));
    });
    let told = place.refused("keys rotate --key-size 2048 --no-backup-check");
    other.join().unwrap();
    let name = place.cluster.with(|state| made(&state.secrets)).unwrap();
    let own = told.split("hint: key ").nth(1).unwrap().split(' ').next().unwrap();
    assert_eq!(
        told,
        format!(
            "error: another rotation ran at the same time: the controller serves key {}\n\
             hint: key {own} of this one is stored as Secret `{name}` and opens values; it may stay\n\
             hint: back both up: sealer keys backup -o FILE; then have files follow: sealer reseal PATH...\n",
            oldest.fingerprint()
        )
    );
    assert_eq!(place.annotation(&name, "rotation"), Value::Null);
}

#[test]
fn retire_refuses_while_the_key_is_needed() {
    let (place, [_, old, new]) = (place(), &*KEYS);
    place.file("tree/named.json", &old.sealed("q", &["k"]).to_string().replace("\"q\"", "\"{{ .Values.x }}\""));
    // Its namespace stands in another file of the tree.
    let mut bare = old.sealed("w", &["k"]);
    bare["metadata"].as_object_mut().unwrap().remove("namespace");
    place.file("tree/bare.json", &bare.to_string());
    place.file("tree/broken.yaml", "kind: SealedSecret\nspec: [\n");
    let said = place.run(&format!("keys retire {} --in tree", &old.fingerprint()[7..16]));
    assert_eq!(
        said.out,
        "tree/bare.json: document 1, /w, item k: needs the key\n\
         tree/named.json: document 1, ns/{{ .Values.x }}, item k: may need the key; its name or namespace does not stand in the file\n\
         tree/old.json: document 1, ns/x, item one: needs the key\n\
         cluster: ns/a, item one: needs the key\n\
         cluster: ns/a, item two: needs the key\n\
         cluster: ns/e, item spec.data: needs the key\n\
         tree/broken.yaml: line 2, column 7: is no YAML: may need the key\n"
    );
    let told = format!(
        "error: 7 need {}, or may need it; it stays in use\n\
         hint: seal them anew for the active key, and apply the files: sealer reseal PATH...\n\
         hint: files of other clusters need not be looked at: leave them out of --in\n",
        old.fingerprint()
    );
    assert_eq!((said.status, said.err), (Some(1), told));
    assert_eq!(place.label("key-b"), "active");
    assert_eq!(
        place.refused(&format!("keys retire {}", new.fingerprint())),
        format!(
            "error: {} is the active key: clients seal with it\nhint: make a new one first: sealer keys rotate\n",
            new.fingerprint()
        )
    );
    place.cluster.with(|state| state.forbidden.insert("list sealedsecrets"));
    assert_eq!(
        place.refused(&format!("keys retire {}", old.fingerprint())),
        "error: cannot list sealedsecrets.bitnami.com: sealedsecrets is forbidden: User \"eve\" cannot list resource \"sealedsecrets\"\n\
         hint: you need the right to: kubectl auth can-i list sealedsecrets.bitnami.com --all-namespaces\n"
    );
}

#[test]
fn retire_and_its_undo_change_the_label_and_nothing_else() {
    let [_, old, new] = &*KEYS;
    let place = Place::with_keys(&[old, new]);
    place.cluster.with(|state| state.sealed = vec![new.sealed("b", &["one"])]);
    place.file("tree/new.json", &new.sealed("x", &["one"]).to_string());
    place.file("tree/other.json", &old.sealed("y", &["one"]).to_string().replace("\"y\"", "\"z\""));
    let (retire, name) =
        (format!("keys retire {}", old.fingerprint()), format!("{} (Secret key-b)", old.fingerprint()));
    let said = place.run(&format!("{retire} --in tree --dry-run --allow-unopened"));
    assert_eq!((said.status, said.out), (Some(0), format!("{name} would be retired\n")));
    assert_eq!(
        said.err,
        "note: values and files that may need the key, and are passed over by --allow-unopened: 1\n\
         note: items of the files that no key of this cluster opens as they stand: 1\n"
    );
    assert_eq!(place.label("key-b"), "active");
    let said = place.run(&retire);
    assert_eq!(said.out, format!("{name} is retired; its Secret stays, and --undo takes it into use again\n"));
    assert_eq!(
        said.err,
        "note: no files were looked at; name your repositories with --in to look for what is not applied\n"
    );
    assert_eq!((place.label("key-b"), place.annotation("key-b", "retired-at").is_string()), (json!("retired"), true));
    assert_eq!(place.must(&retire), format!("{name} is so already; nothing was done\n"));
    assert_eq!(place.json("keys list -o json")["keys"][1]["state"], "retired");
    assert_eq!(place.json(&format!("{retire} --undo --dry-run -o json"))["outcome"], "would");
    assert_eq!(
        place.must(&format!("{retire} --undo")),
        format!("{name} is in use again; what waits for it opens within seconds\n")
    );
    assert_eq!(place.cluster.with(|state| state.secrets["key-b"]["data"].clone()), old.secret["data"]);
    assert_eq!((place.label("key-b"), place.annotation("key-b", "retired-at")), (json!("active"), Value::Null));
}

#[test]
fn retire_knows_the_keys_that_it_must_leave_alone() {
    let [oldest, old, new] = &*KEYS;
    let place = Place::with_keys(&[oldest, old, new]);
    let retire = |key: &str| place.refused(&format!("keys retire {key}"));
    assert_eq!(
        retire("SHA256:AAAAAAAA"),
        "error: no sealing key of the cluster begins with SHA256:AAAAAAAA\nhint: sealer keys list\n"
    );
    place.cluster.with(|state| {
        let mut again = state.secrets["key-a"].clone();
        again["metadata"]["name"] = json!("key-a-again");
        state.secrets.insert("key-a-again".to_owned(), again);
    });
    assert_eq!(
        retire(oldest.fingerprint()),
        format!(
            "error: {} is in several Secrets: key-a, key-a-again\nhint: delete all of them but one; they hold the same key\n",
            oldest.fingerprint()
        )
    );
    place.cluster.with(|state| {
        state.secrets.remove("key-a-again");
        let mut legacy = state.secrets.remove("key-a").unwrap();
        legacy["metadata"]["name"] = json!("sealed-secrets-key");
        legacy["metadata"]["labels"] = json!({});
        state.secrets.insert("sealed-secrets-key".to_owned(), legacy);
        state.secrets.get_mut("key-b").unwrap()["metadata"]["labels"]["sealedsecrets.bitnami.com/sealed-secrets-key"] =
            json!("compromised");
    });
    assert_eq!(
        retire(oldest.fingerprint()),
        "error: controllers use Secret `sealed-secrets-key` for its name, whatever its label\n\
         hint: store it under another name first: sealer keys backup, delete the Secret, sealer keys restore\n"
    );
    assert_eq!(
        retire(&format!("{} --undo", old.fingerprint())),
        "error: Secret `key-b` was not retired by this command: its label is `compromised`\n\
         hint: if it is to be used, label it yourself: kubectl label --overwrite secret NAME KEY=active\n"
    );
    place.cluster.with(|state| state.forbidden.insert("patch secrets"));
    assert_eq!(
        place.run(&format!("keys retire {}", old.fingerprint())).err.lines().last().unwrap(),
        "hint: you need the right to: kubectl auth can-i patch secrets --namespace kube-system"
    );
}

/// A controller that does not trust the newest key seals with another, which has to stay.
#[test]
fn retire_leaves_the_key_alone_that_the_controller_serves() {
    let [_, old, new] = &*KEYS;
    let place = Place::with_keys(&[new, old]);
    let retire = format!("keys retire {} --allow-unopened", old.fingerprint());
    let told = format!("error: the controller serves the certificate of {}: clients seal with it\n", old.fingerprint());
    assert!(place.refused(&retire).starts_with(&told));
    assert_eq!(place.label("key-b"), "active");
    place.cluster.with(|state| state.certificate = String::new());
    assert!(
        place
            .run(&format!("{retire} --dry-run"))
            .err
            .starts_with("note: whether the controller still seals with the key is not known: ")
    );
    place.cluster.with(|state| state.certificate.clone_from(&new.pem));
    assert_eq!(place.run(&format!("{retire} --dry-run")).status, Some(0));
}

/// It may be applied under a name that does not stand in the tree: an overlay elsewhere, a release.
#[test]
fn item_that_no_name_opens_may_need_each_key_of_its_size() {
    let [_, old, new] = &*KEYS;
    let place = Place::with_keys(&[old, new]);
    place.cluster.with(|state| state.sealed = vec![new.sealed("b", &["one"])]);
    let elsewhere = old.sealed("prod-db", &["one"]).to_string().replace("\"prod-db\"", "\"db\"");
    place.file("tree/db.json", &elsewhere);
    let retire = format!("keys retire {} --in tree", old.fingerprint());
    let said = place.run(&retire);
    assert_eq!(
        (said.status, said.out.as_str()),
        (Some(1), "tree/db.json: document 1, ns/db, item one: may need the key; no name that is known opens it\n")
    );
    assert!(said.err.contains("--allow-unopened"), "{}", said.err);
    assert_eq!(place.label("key-b"), "active");
    // A value that no key of the cluster is large enough for.
    let larger = sealer_core::UnsealingKey::generate(3072).unwrap();
    let label = sealer_core::Label::new_unchecked(sealer_core::Scope::ClusterWide, "", "");
    let value = sealer_core::seal(&sealer_core::Plaintext::new(vec![]), &label, larger.sealing_key()).unwrap();
    let mut other = new.sealed("db", &["one"]);
    other["spec"]["encryptedData"]["one"] = json!(value.to_base64());
    place.file("tree/db.json", &other.to_string());
    let said = place.run(&format!("{retire} --dry-run"));
    assert_eq!(
        (said.status, said.err.as_str()),
        (Some(0), "note: items of the files that no key of this cluster opens as they stand: 1\n")
    );
}
