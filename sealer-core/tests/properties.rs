//! What holds for every value, label and input?
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::sync::LazyLock;

use proptest::prelude::*;
use sealer_core::{
    Backup, Certificate, Keyring, Label, Passphrase, Plaintext, Scope, SealedValue, UnsealingKey, seal, unseal,
};
use sealer_encoding::base64;

static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
    Keyring::from_keys(vec![UnsealingKey::from_pem(include_bytes!("keys/throwaway.pkcs1.pem")).unwrap()])
});

fn sealed(value: &[u8], label: &Label) -> SealedValue {
    let key = KEYRING.entries().first().unwrap().key.sealing_key().clone();
    seal(&Plaintext::new(value.to_vec()), label, &key).unwrap()
}

fn scope() -> impl Strategy<Value = Scope> {
    prop::sample::select(&Scope::ALL[..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_sealed_opens_again(value: Vec<u8>, scope in scope(), namespace in "[a-z]{1,9}", name in "[a-z.]{1,9}") {
        let label = Label::new_unchecked(scope, &namespace, &name);
        let text = sealed(&value, &label).to_base64();
        let opened = unseal(&SealedValue::from_base64(&text).unwrap(), &label, &KEYRING).unwrap();
        prop_assert_eq!(opened.plaintext.expose(), value);
    }

    #[test]
    fn only_the_label_it_was_sealed_for_opens_a_value(a in scope(), b in scope(), namespace in "[a-z]{1,3}", name in "[a-z]{1,3}", other in "[a-z]{1,3}") {
        let label = Label::new_unchecked(a, &namespace, &name);
        let claimed = Label::new_unchecked(b, &namespace, &other);
        let opened = unseal(&sealed(b"value", &label), &claimed, &KEYRING);
        prop_assert_eq!(opened.is_ok(), label == claimed);
    }

    #[test]
    fn two_seals_of_one_value_share_nothing(value in prop::collection::vec(any::<u8>(), 16..64)) {
        let label = Label::new_unchecked(Scope::ClusterWide, "", "");
        let (one, two) = (sealed(&value, &label), sealed(&value, &label));
        prop_assert_ne!(one.wrapped_key(), two.wrapped_key());
        prop_assert!(one.ciphertext().chunks_exact(16).all(|block| two.ciphertext().chunks_exact(16).all(|other| block != other)));
    }
}

proptest! {
    #[test]
    fn parsers_never_panic(bytes: Vec<u8>, text: String) {
        let _ = SealedValue::from_bytes(&bytes);
        let _ = SealedValue::from_base64(&text);
        let _ = Certificate::bundle_from_pem(&bytes);
        let _ = UnsealingKey::from_pem(&bytes);
        let _ = base64::decode(&bytes);
        let passphrase = Passphrase::new(bytes.clone().into());
        let _ = Backup::decrypt(&bytes, &passphrase);
        for label in ["ENCRYPTED PRIVATE KEY", "SEALING KEY BACKUP MANIFEST"] {
            let block = format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64::encode(&bytes));
            let _ = Backup::decrypt(block.as_bytes(), &passphrase);
        }
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64::encode(&bytes));
        prop_assert!(Certificate::first_from_pem(pem.as_bytes()).is_err());
    }

    #[test]
    fn labels_of_valid_names_never_collide(a in "[a-z0-9]{1,4}", b in "[a-z0-9.]{1,4}", c in "[a-z0-9]{1,4}", d in "[a-z0-9.]{1,4}") {
        let one = Label::new_unchecked(Scope::Strict, &a, &b);
        let two = Label::new_unchecked(Scope::Strict, &c, &d);
        prop_assert_eq!(one == two, (a == c) && (b == d));
        prop_assert_ne!(one, Label::new_unchecked(Scope::NamespaceWide, &c, &d));
    }

    #[test]
    fn base64_reads_what_it_writes(bytes: Vec<u8>) {
        prop_assert_eq!(base64::decode(base64::encode(&bytes)).unwrap(), bytes);
    }
}
