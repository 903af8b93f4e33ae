//! Adds a new key to a ring where its newest one is too old: `rotate_keys DAYS KEY-FILE...`. Old keys go on opening.

use std::env::args;
use std::error::Error;
use std::fs;
use std::time::Duration;

use jiff::Timestamp;
use sealer_core::key::keyring::{NextKey, RotationPolicy, next_key};
use sealer_core::{Certificate, KeyEntry, Keyring, UnsealingKey};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = args().skip(1);
    let days: u64 = words.next().ok_or("give: DAYS KEY-FILE...")?.parse()?;
    let day = Duration::from_secs(24 * 60 * 60);
    let entry = |name: String, key: UnsealingKey, made: Timestamp| -> Result<KeyEntry, Box<dyn Error>> {
        let certificate = Certificate::self_signed(&key, "sealing", made, 3650 * day)?;
        Ok(KeyEntry { name, key: key.into(), certificate: Some(certificate), ordered_at: made })
    };
    let mut entries = Vec::new();
    for file in words {
        let key = UnsealingKey::from_pem(&fs::read(&file)?)?;
        let made = Timestamp::try_from(fs::metadata(&file)?.modified()?)?;
        entries.push(entry(file, key, made)?);
    }
    let ring = Keyring::new(entries.clone());
    let policy = RotationPolicy { period: u32::try_from(days).ok().map(|days| days * day), cutoff: None };
    if next_key(&ring, now(), &policy) == NextKey::Now {
        entries.push(entry("new".to_owned(), UnsealingKey::generate(2048)?, now())?);
    }
    let ring = Keyring::new(entries);
    let active = ring.active().ok_or("no key can seal")?;
    show(&format!("{} keys open, sealed is with {}", ring.entries().len(), active.name));
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the library takes the time from its caller, and this is one")]
fn now() -> Timestamp {
    Timestamp::now()
}

#[expect(clippy::print_stdout, reason = "it is what the example is for")]
fn show(text: &str) {
    println!("{text}");
}
