//! The examples do what they say.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use sealer_core::{Keyring, Label, Scope, SealedValue, UnsealingKey, unseal};

include!("../../tests/example.rs");

const KEY: &str = "tests/keys/throwaway.pkcs1.pem";
const CERTIFICATE: &str = "tests/keys/throwaway.crt";

#[test]
fn a_value_of_the_example_opens_under_its_name() {
    let text = example("seal_value", &[CERTIFICATE, "shop", "db", "tests/keys/ec.crt"], b"");
    let sealed = SealedValue::from_base64(text.trim()).unwrap();
    let ring = Keyring::from_keys(vec![UnsealingKey::from_pem(&std::fs::read(KEY).unwrap()).unwrap()]);
    let label = Label::new(Scope::Strict, "shop", "db").unwrap();
    assert_eq!(unseal(&sealed, &label, &ring).unwrap().plaintext.expose(), std::fs::read("tests/keys/ec.crt").unwrap());
}

#[test]
fn the_example_adds_a_key_where_the_newest_is_too_old() {
    let kept = example("rotate_keys", &["365000", KEY], b"");
    assert_eq!(kept.trim(), format!("1 keys open, sealed is with {KEY}"));
    assert_eq!(example("rotate_keys", &["0", KEY], b"").trim(), "2 keys open, sealed is with new");
}
