//! The examples do what they say.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

include!("../../tests/example.rs");

#[test]
fn a_secret_of_one_example_opens_in_the_other() {
    let secret = br#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db","namespace":"shop"},"stringData":{"k":"hunter2"}}"#;
    let sealed = example("seal_secret", &["../sealer-core/tests/keys/throwaway.crt"], secret);
    assert!(!sealed.contains("hunter2"));
    let opened = example("open_secret", &["../sealer-core/tests/keys/throwaway.pkcs1.pem"], sealed.as_bytes());
    assert_eq!(opened, "k: 7 bytes\n");
}
