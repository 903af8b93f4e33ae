//! What carries a secret can be neither copied, printed nor serialised, and shows nothing where it is debugged.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::fmt::{Debug, Display};
use std::sync::Arc;

use sealer_core::key::keyring::KeyEntry;
use sealer_core::{Backup, Keyring, Opened, Passphrase, Plaintext, StoredKey, UnsealingKey};
use sealer_encoding::base64;
use sealer_go::template::Context;
use sealer_resource::unseal::UnsealedSecret;

/// Does not compile if the type has one of the traits: then it would have two functions of that name.
macro_rules! lacks {
    ($type:ty: $($trait:path),+) => {$(
        const _: fn() = || {
            trait Ambiguous<A> {
                fn one_of_two() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            impl<T: ?Sized + $trait> Ambiguous<u8> for T {}
            let _ = <$type as Ambiguous<_>>::one_of_two;
        };
    )+};
}

lacks!(Plaintext: Clone, Display, AsRef<[u8]>, serde::Serialize);
lacks!(UnsealingKey: Clone, Display, serde::Serialize);
lacks!(Passphrase: Clone, Display, AsRef<[u8]>, serde::Serialize);
lacks!(Opened: Clone, Display, serde::Serialize);
lacks!(UnsealedSecret: Clone, Display, serde::Serialize);
lacks!(StoredKey: Display, serde::Serialize);
lacks!(Backup: Display, serde::Serialize);
lacks!(KeyEntry: Display, serde::Serialize);
lacks!(Keyring: Display, serde::Serialize);
lacks!(Context: Display, serde::Serialize);

#[test]
fn secrets_lack_the_traits_that_would_copy_or_print_them() {
    // The lists above are the test; what they would find does not compile. This shows that the trick works.
    trait Ambiguous<A> {
        fn one_of_two() -> usize {
            1
        }
    }
    impl<T: ?Sized> Ambiguous<()> for T {}
    assert_eq!(<Plaintext as Ambiguous<_>>::one_of_two(), 1);
}

/// Every way in which bytes usually show.
fn shows(shown: &impl Debug, secret: &[u8]) -> bool {
    let text = format!("{shown:?} {shown:#?}");
    let numbers = format!("{secret:?}");
    let forms = [
        String::from_utf8_lossy(secret).into_owned(),
        base64::encode(secret),
        secret.iter().map(|byte| format!("{byte:02x}")).collect(),
        numbers.trim_matches(['[', ']']).to_owned(),
    ];
    let flat: String = text.split_whitespace().collect();
    forms.iter().any(|form| text.contains(form) || flat.contains(&form.replace(' ', "")))
}

#[test]
fn nothing_secret_shows_when_it_is_debugged() {
    let value = b"correct horse battery".as_slice();
    assert!(
        shows(&value.to_vec(), value) && shows(&String::from_utf8_lossy(value), value),
        "the search finds what it should"
    );
    assert!(!shows(&Plaintext::new(value.to_vec()), value));
    assert!(!shows(&Passphrase::new(value.to_vec().into()), value));
    let data = [("item".to_owned(), Plaintext::new(value.to_vec()))].into();
    assert!(!shows(&UnsealedSecret { data, ..UnsealedSecret::default() }, value));
    let items = [("item".to_owned(), value.to_vec())].into();
    assert!(!shows(&Context::new(items, &Default::default()), value));

    let pem = include_str!("../../sealer-core/tests/keys/throwaway.pkcs1.pem");
    let key = Arc::new(UnsealingKey::from_pem(pem.as_bytes()).unwrap());
    let stored = StoredKey {
        name: "key".to_owned(),
        created: None,
        labels: Default::default(),
        annotations: Default::default(),
        key: key.clone(),
        certificates: Vec::new(),
    };
    let backup = Backup { made: jiff::Timestamp::UNIX_EPOCH, keys: vec![stored.clone()] };
    let der = base64::decode(pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap();
    // Any run of the private part will do; the modulus at the beginning is public.
    let (_, private) = der.split_at(der.len() / 2);
    for part in private.chunks_exact(16) {
        assert!(!shows(&key, part) && !shows(&stored, part) && !shows(&backup, part));
        assert!(!shows(&backup.keyring(), part) && !shows(&stored.entry(), part));
    }
}
