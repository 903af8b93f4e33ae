//! What an object says of its items: each is named by its name in the object, and fails alone.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use sealer_core::{Keyring, Label, Plaintext, Scope, UnsealingKey, seal};
use sealer_resource::SealedSecretSpec;
use sealer_resource::unseal::{OpenOptions, open};

/// A value is bound to its object and not to the name of its item.
#[test]
fn two_items_may_be_exchanged_within_one_object() {
    let key = UnsealingKey::generate(2048).unwrap();
    let label = Label::new(Scope::Strict, "ns", "name").unwrap();
    let text = seal(&Plaintext::new(b"value".to_vec()), &label, key.sealing_key()).unwrap().to_base64();
    let spec = SealedSecretSpec { encrypted_data: [("renamed".to_owned(), text)].into(), ..Default::default() };
    let options = OpenOptions { accept_v1_data: true, rendering: None };
    let opened = open(&label, &spec, &Keyring::from_keys(vec![key]), &options).unwrap();
    assert_eq!(opened.data["renamed"].expose(), b"value");
}

#[test]
fn failures_group_their_items_and_tell_nothing_else() {
    let spec: SealedSecretSpec = serde_json::from_value(serde_json::json!({
        "encryptedData": { "b": "AAAA", "a": "", "c": "not base64", "d": 7, "e": null },
    }))
    .unwrap();
    let options = OpenOptions { accept_v1_data: true, rendering: None };
    let error =
        open(&Label::new_unchecked(Scope::Strict, "ns", "name"), &spec, &Keyring::default(), &options).unwrap_err();
    assert_eq!(error.to_string(), "illegal base64 data at input byte 3 (c)\nno key could decrypt secret (a, b, d, e)");
    assert_eq!(error.go_text(), error.to_string(), "Go says the same of everything but templates");
}
