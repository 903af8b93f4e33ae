//! Makes DSA keys as sprig's `genPrivateKey "dsa"` does.

use der::Encode as _;
use der::asn1::UintRef;
use dsa::{Components, KeySize, SigningKey};
use zeroize::Zeroizing;

use sealer_encoding::pem;

/// A key of 2048 bits with a subgroup of 256, in the old form `DSA PRIVATE KEY`.
pub(super) fn generate() -> Zeroizing<String> {
    let mut random = rand::rng();
    let Ok(components) = Components::try_generate_from_rng_with_key_size(&mut random, KeySize::DSA_2048_256);
    let Ok(key) = SigningKey::try_generate_from_rng_with_components(&mut random, components);
    pem::encode("DSA PRIVATE KEY", &encode(&key).unwrap_or_default())
}

/// Version 0, then p, q, g, y and x.
fn encode(key: &SigningKey) -> der::Result<Zeroizing<Vec<u8>>> {
    let public = key.verifying_key();
    let (components, secret) = (public.components(), Zeroizing::new(key.x().to_be_bytes()));
    let (p, numbers) = (components.p().to_be_bytes(), [components.q(), components.g()].map(|it| it.to_be_bytes()));
    let y = public.y().to_be_bytes();
    let mut body = Zeroizing::new(0_u8.to_der()?);
    for bytes in [&p].into_iter().chain(&numbers).chain([&y, &*secret]) {
        body.extend(UintRef::new(bytes)?.to_der()?);
    }
    let header = der::Header::new(der::Tag::Sequence, der::Length::try_from(body.len())?);
    let mut sequence = Zeroizing::new(header.to_der()?);
    sequence.extend_from_slice(&body);
    Ok(sequence)
}
