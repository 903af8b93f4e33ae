#![expect(clippy::unwrap_used, reason = "tests may panic")]

use super::*;
use crate::manifest::read::{Wanted, documents};
use crate::manifest::secret::secrets;

fn found(text: &str) -> Strays {
    let documents = documents(text.as_bytes(), "stdin", Wanted::Secrets).unwrap();
    secrets(documents, false).unwrap().pop().unwrap().strays
}

#[test]
fn secrets_as_tools_write_them_have_no_strays() {
    for text in [
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: b, labels: {x: z}, creationTimestamp: null}\ntype: Opaque\nimmutable: true\ndata: {a: YQ==}\nstringData: {b: c}\n",
        "{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\",\"managedFields\":[]},\"data\":{}}",
    ] {
        assert_eq!(found(text), Strays::default(), "{text}");
    }
}

#[test]
fn values_that_would_be_lost_are_named_with_what_was_meant() {
    for (text, place, meant) in [
        ("kind: Secret\nstring_data: {a: b}\n", "`string_data`", "`stringData`"),
        ("kind: Secret\nstringDate: {a: b}\n", "`stringDate`", "`stringData`"),
        ("kind: Secret\ndatas: {a: YQ==}\n", "`datas`", "`data`"),
        ("kind: Secret\nmetadata:\n  name: a\n  data: {a: YQ==}\n", "`metadata.data`", "`data`"),
        ("kind: Secret\nmetadata:\n  name: a\n  stringData: {a: b}\n", "`metadata.stringData`", "`stringData`"),
        ("kind: Secret\npassword: hunter2\n", "`password`", "`stringData`"),
        ("kind: Secret\nmetadata: {lables: {a: hunter2}}\n", "`metadata.lables`", "`metadata.labels`"),
        ("kind: Secret\nmetadata:\n  name: a\n  password: hunter2\n", "`metadata.password`", "`stringData`"),
        ("kind: Secret\nmetadata:\n  name: a\n  pin: 2222\n", "`metadata.pin`", "`stringData`"),
        ("{\"kind\":\"Secret\",\"metadata\":{\"password\":\"hunter2\"}}", "`metadata.password`", "`stringData`"),
    ] {
        let strays = found(text);
        let [told] = strays.lost.as_slice() else { panic!("{text}: {strays:?}") };
        assert!(told.starts_with(place) && told.ends_with(&format!("is {meant} meant?")), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    for text in [
        "values: {a: b}",
        "spec: {password: hunter2}",
        "items: [{a: b}]",
        "x-common: {a: b}",
        "x-password: hunter2",
        "metadata: {secrets: {a: b}}",
    ] {
        assert!(found(&format!("kind: Secret\n{text}\n")).lost.len() == 1, "{text}");
    }
    assert!(found("{\"kind\":\"Secret\",\"stringData\":{\"a\":\"1\",\"a\":\"2\"}}").lost.len() == 1);
    assert!(found("defaults: &d {a: b, z: y}\nkind: Secret\nstringData: {a: b}\n").lost.len() == 1);
    for text in ["kind: Secret\nstringData: {PASSWORD=hunter2: }\n", "kind: Secret\nPASSWORD=hunter2: \n"] {
        let lost = found(text).lost;
        assert!(lost.len() == 1 && lost.iter().all(|lost| lost.contains("`PASSWORD…`")), "{text}: {lost:?}");
    }
    let sops = found("kind: Secret\nstringData: {a: \"ENC[AES256_GCM,data:x]\"}\nsops: {mac: x, version: 3.8.1}\n");
    assert_eq!(sops.encrypted.as_deref(), Some("it is encrypted with SOPS: decrypt it first (sops -d FILE)"));
    for text in [
        "kind: Secret\nstringData: {a: b, k: \"ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\"}\n",
        "kind: Secret\nData: {k: \"ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\"}\n",
    ] {
        let wanted = "the value of item `k` is encrypted with SOPS: decrypt it first (sops -d FILE)";
        let node = documents(text.as_bytes(), "stdin", Wanted::Secrets).unwrap().pop().unwrap().node;
        assert_eq!(strays(&node).encrypted.as_deref(), Some(wanted), "{text}");
    }
    let spaced = found("kind: Secret\n\u{2003}password: hunter2\n");
    assert!(spaced.lost.first().unwrap().contains("(its name has the invisible letter U+2003)"), "{spaced:?}");
}

#[test]
fn what_holds_no_value_is_told_and_no_more() {
    for (text, told) in [
        ("kind: Secret\nname: a\nstringData: {a: b}\n", None),
        (
            "kind: Secret\nSTRINGDATA: {a: b}\n",
            Some("`STRINGDATA` is read as `stringData`; a cluster takes that spelling alone"),
        ),
        (
            "kind: Secret\nmetadata: {Name: a}\n",
            Some("`metadata.Name` is read as `metadata.name`; a cluster takes that spelling alone"),
        ),
        ("kind: Secret\nstatus: {a: b}\n", Some("`status` is no field of a Secret and is left out")),
        (
            "x-common: &c {a: b, d: e}\nkind: Secret\nstringData: {<<: *c, d: other}\n",
            Some("`x-common` is no field of a Secret and is left out"),
        ),
        (
            "x-password: &p hunter2\nkind: Secret\nstringData: {a: *p}\n",
            Some("`x-password` is no field of a Secret and is left out"),
        ),
        ("kind: Secret\nx-common: {}\n", Some("`x-common` is no field of a Secret and is left out")),
        (
            "kind: Secret\nmetadata: {name: a, state: {name: active}}\n",
            Some("`metadata.state` is no field of a Secret and is left out"),
        ),
        (
            "{\"kind\":\"Secret\",\"stringData\":{\"a\":\"1\",\"a\":\"1\"}}",
            Some("`stringData.a` is there twice in one map; the last one counts"),
        ),
        (
            "defaults: &d {a: b}\nkind: Secret\nstringData: {<<: *d, c: d}\n",
            Some("`defaults` is no field of a Secret and is left out"),
        ),
        (
            "kind: Secret\nmetadata: {name: a, clusterName: b}\n",
            Some("`metadata.clusterName` is no field of a Secret and is left out"),
        ),
    ] {
        let strays = found(text);
        match told {
            Some(told) => {
                assert_eq!((strays.lost, strays.odd), (Vec::new(), vec![told.to_owned()]), "{text}");
            }
            None => assert_eq!(strays.lost.len(), 1, "a name beside the metadata is lost: {strays:?}"),
        }
    }
}
