//! Who may open a value: the whole matrix of scopes, and labels that never collide.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::HashMap;

use sealer_core::scope::{check_name, check_namespace};
use sealer_core::{Keyring, Label, Plaintext, Scope, UnsealingKey, seal, unseal};

#[test]
fn matrix_of_scopes_opens_exactly_where_it_may() {
    let key = UnsealingKey::from_pem(include_bytes!("keys/throwaway.pkcs1.pem")).unwrap();
    let certificate = key.sealing_key().clone();
    let keyring = Keyring::from_keys(vec![key]);
    let mut opened = Vec::new();
    for sealed_for in Scope::ALL {
        let own = Label::new(sealed_for, "shop", "db").unwrap();
        let value = seal(&Plaintext::new(b"value".to_vec()), &own, &certificate).unwrap();
        for claimed in Scope::ALL {
            for (namespace, name) in [("shop", "db"), ("shop", "app"), ("bank", "db"), ("bank", "app")] {
                let label = Label::new(claimed, namespace, name).unwrap();
                if unseal(&value, &label, &keyring).is_ok() {
                    opened.push(format!("{sealed_for} as {claimed} {namespace}/{name}"));
                }
            }
        }
    }
    assert_eq!(
        opened,
        [
            "strict as strict shop/db",
            "namespace-wide as namespace-wide shop/db",
            "namespace-wide as namespace-wide shop/app",
            "cluster-wide as cluster-wide shop/db",
            "cluster-wide as cluster-wide shop/app",
            "cluster-wide as cluster-wide bank/db",
            "cluster-wide as cluster-wide bank/app",
        ]
    );
}

/// Every text of one to three of these characters that is a name.
fn names(alphabet: &[char], fits: impl Fn(&str) -> bool) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut found = Vec::new();
    for _ in 0..3 {
        all = all.iter().flat_map(|start| alphabet.iter().map(move |c| format!("{start}{c}"))).collect();
        found.extend(all.iter().filter(|text| fits(text)).cloned());
    }
    found
}

#[test]
fn labels_of_all_short_names_are_one_to_one() {
    let namespaces = names(&['a', 'b', '0', '-'], |text| check_namespace(text).is_ok());
    let names = names(&['a', 'b', '0', '-', '.'], |text| check_name(text).is_ok());
    let mut owners: HashMap<Vec<u8>, (Scope, String, String)> = HashMap::new();
    for namespace in &namespaces {
        for name in &names {
            for scope in Scope::ALL {
                // What a scope leaves open does not count.
                let owner = match scope {
                    Scope::Strict => (scope, namespace.clone(), name.clone()),
                    Scope::NamespaceWide => (scope, namespace.clone(), String::new()),
                    Scope::ClusterWide => (scope, String::new(), String::new()),
                };
                let label = Label::new(scope, namespace, name).unwrap();
                let known = owners.entry(label.as_bytes().to_vec()).or_insert_with(|| owner.clone());
                assert_eq!(*known, owner);
            }
        }
    }
    // Each label was held against each other one.
    let pairs = owners.len() * (owners.len() - 1) / 2;
    assert!(pairs > 1_000_000, "{pairs} pairs");
}
