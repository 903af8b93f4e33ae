//! `sealer view`.

use serde_json::json;

use super::*;

#[test]
fn items_scope_label_size_and_key_are_shown() {
    let place = Place::new();
    let wide = place.sealed(&["-o", "yaml", "--scope", "cluster-wide"], SECRET);
    place.write("all.yaml", &format!("{}{}", place.read("db.yaml"), wide.replace("    user: Ag", "    user: x")));
    let output = place.run(&["view", "all.yaml", "--private-key", &fixture("key4096.pem")], "");
    let key = "SHA256:";
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().map(|line| line.split(key).next().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "document 1 shop/db",
            "  scope  strict",
            "  label  shop/db",
            "  item   password  537 bytes  key ",
            "  item   user      534 bytes  key ",
            "",
            "document 2 shop/db",
            "  scope  cluster-wide",
            "  label  empty",
            "  item   password  537 bytes  key ",
            "  item   user      no sealed value  key unknown",
        ]
    );
    let json = place.run(&["view", "-o", "json", "db.yaml"], "");
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    let items = json!([{"name": "password", "bytes": 537, "key": null}, {"name": "user", "bytes": 534, "key": null}]);
    assert_eq!(
        json,
        json!([{"document": 1, "namespace": "shop", "name": "db", "scope": "strict", "label": "shop/db", "items": items}])
    );
    let none = "error: x.yaml holds no SealedSecret\nhint: write a first one with: sealer -w FILE\n";
    place.write("x.yaml", "a: b\n");
    assert_eq!(place.told(&["view", "x.yaml"], ""), (Some(1), none.to_owned()));
}

#[test]
fn names_command_no_terminal() {
    let place = Place::new();
    let odd = place
        .read("db.yaml")
        .replace("    user:", "    \"us\\e]0;x\\a\\u202eer\":")
        .replace("name: db", "name: \"d\\e[2Jb\"");
    place.write("odd.yaml", &odd);
    let output = place.run(&["view", "odd.yaml"], "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("document 1 shop/d…\n  scope  strict\n  label  shop/d\\u{1b}[2Jb\n")
            && text.contains("us\\u{1b}]0;x\\u{7}\\u{202e}er "),
        "{text}"
    );
    assert_eq!(
        place.told(&["unset", "odd.yaml", "nope"], ""),
        (Some(1), "error: there is no item `nope` of shop/d…\nhint: it has password, us…\n".to_owned())
    );
    let output = place.run(&["explain", "--private-key", &fixture("key4096.pem"), "odd.yaml"], "");
    assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b));
    let json: Value = serde_json::from_slice(&place.run(&["view", "-o", "json", "odd.yaml"], "").stdout).unwrap();
    assert_eq!(json[0]["name"], "d\u{1b}[2Jb");
}

#[test]
fn a_file_that_another_tool_encrypted_says_which_one() {
    let place = Place::new();
    for (bytes, told) in [
        (&b"\0GITCRYPT\0\x01\xff\xfe"[..], "is encrypted with git-crypt: unlock the repository first (git-crypt unlock)\n"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n3132\n", "is encrypted with Ansible Vault: decrypt it first (ansible-vault decrypt FILE)\n"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\nYQ==\n", "is encrypted with age: decrypt it first (age -d FILE)\n"),
        (
            b"kind: Secret\ndata:\n  a: ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\nsops:\n  mac: ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\n",
            "is encrypted with SOPS: decrypt it first (sops -d FILE)\nhint: x.yaml holds no SealedSecret\n",
        ),
    ] {
        fs::write(place.path("x.yaml"), bytes).unwrap();
        assert_eq!(place.told(&["view", "x.yaml"], ""), (Some(1), format!("error: x.yaml {told}")));
    }
    let sealed = place.read("db.yaml");
    let user = sealed.lines().find_map(|line| line.strip_prefix("    user: ")).unwrap();
    place.write("x.yaml", &sealed.replace(user, "ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]"));
    let text = String::from_utf8(place.run(&["view", "x.yaml"], "").stdout).unwrap();
    assert!(text.contains("no sealed value: it is encrypted with SOPS: decrypt it first (sops -d FILE)"), "{text}");
}
