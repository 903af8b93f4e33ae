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
