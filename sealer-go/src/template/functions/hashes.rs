//! Functions for checksums.

use sha2::Digest;

use super::super::value::Kind;
use super::{Arguments, Function, Outcome, Runtime, SLOW};

const ONE: &[Kind] = &[Kind::Text];

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("sha1sum", ONE, hash::<sha1::Sha1>).reading(SLOW),
    Function::new("sha256sum", ONE, hash::<sha2::Sha256>).reading(SLOW),
    Function::new("sha512sum", ONE, hash::<sha2::Sha512>).reading(SLOW),
    Function::new("adler32sum", ONE, |runtime, arguments| {
        let (mut low, mut high) = (1_u32, 0_u32);
        for part in arguments.bytes(0).chunks(PART) {
            runtime.budget.check_clock()?;
            for byte in part {
                low = (low + u32::from(*byte)) % ADLER;
                high = (high + low) % ADLER;
            }
        }
        runtime.text((high << 16 | low).to_string())
    })
    .reading(SLOW),
];

fn hash<D: Digest>(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    let mut digest = D::new();
    for part in arguments.bytes(0).chunks(PART) {
        runtime.budget.check_clock()?;
        digest.update(part);
    }
    runtime.text(hex(&digest.finalize()))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const ADLER: u32 = 65521;
/// Bytes between two looks at the clock.
const PART: usize = 64 << 10;
