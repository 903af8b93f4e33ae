//! How much does sealing and opening a value cost beside the bare RSA operation? `cargo bench -p sealer-core`
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey};
use divan::Bencher;
use divan::black_box;
use pkcs8::PrivateKeyInfoRef;
use sealer_core::{Keyring, Label, Plaintext, Scope, UnsealingKey, seal, unseal};

const VALUE: &[u8] = b"a value of ordinary length, forty bytes.";
const SESSION: [u8; 32] = [7; 32];
const LABEL: &[u8] = b"default/name";

fn main() {
    divan::main();
}

fn key() -> UnsealingKey {
    UnsealingKey::from_pem(include_bytes!("throwaway4096.pem")).unwrap()
}

fn label() -> Label {
    Label::new(Scope::Strict, "default", "name").unwrap()
}

fn bare() -> (OaepPublicEncryptingKey, OaepPrivateDecryptingKey) {
    let pem = String::from_utf8(include_bytes!("throwaway4096.pem").to_vec()).unwrap();
    let (_, pkcs1) = pem_rfc7468::decode_vec(pem.as_bytes()).unwrap();
    let octets = der::asn1::OctetStringRef::new(&pkcs1).unwrap();
    let pkcs8 = der::Encode::to_der(&PrivateKeyInfoRef::new(pkcs1::ALGORITHM_ID, octets)).unwrap();
    let private = PrivateDecryptingKey::from_pkcs8(&pkcs8).unwrap();
    let public = private.public_key();
    (OaepPublicEncryptingKey::new(public).unwrap(), OaepPrivateDecryptingKey::new(private).unwrap())
}

#[divan::bench]
fn seal_one_value(bencher: Bencher<'_, '_>) {
    let (key, label, value) = (key(), label(), Plaintext::new(VALUE.to_vec()));
    bencher.bench_local(|| seal(black_box(&value), &label, key.sealing_key()).unwrap());
}

#[divan::bench]
fn seal_bare_rsa(bencher: Bencher<'_, '_>) {
    let (public, _) = bare();
    let mut output = vec![0; 512];
    bencher.bench_local(|| {
        public.encrypt(&OAEP_SHA256_MGF1SHA256, black_box(&SESSION), &mut output, Some(LABEL)).unwrap().len()
    });
}

#[divan::bench]
fn open_one_value(bencher: Bencher<'_, '_>) {
    let key = key();
    let sealed = seal(&Plaintext::new(VALUE.to_vec()), &label(), key.sealing_key()).unwrap();
    let (keyring, label) = (Keyring::from_keys(vec![key]), label());
    bencher.bench_local(|| unseal(black_box(&sealed), &label, &keyring).unwrap());
}

#[divan::bench]
fn open_bare_rsa(bencher: Bencher<'_, '_>) {
    let (public, private) = bare();
    let mut wrapped = vec![0; 512];
    public.encrypt(&OAEP_SHA256_MGF1SHA256, &SESSION, &mut wrapped, Some(LABEL)).unwrap();
    let mut output = vec![0; private.min_output_size()];
    bencher.bench_local(|| {
        private.decrypt(&OAEP_SHA256_MGF1SHA256, black_box(&wrapped), &mut output, Some(LABEL)).unwrap().len()
    });
}
