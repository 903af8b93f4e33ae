//! Which checksums are there?

use sha2::Digest;

use super::super::value::Kind;
use super::Function;

const ONE: &[Kind] = &[Kind::Text];

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("sha1sum", ONE, |runtime, arguments| {
        runtime.budget.steps(arguments.bytes(0).len() as u64 / 32)?;
        runtime.text(hex(&sha1::Sha1::digest(arguments.bytes(0))))
    }),
    Function::new("sha256sum", ONE, |runtime, arguments| {
        runtime.budget.steps(arguments.bytes(0).len() as u64 / 32)?;
        runtime.text(hex(&sha2::Sha256::digest(arguments.bytes(0))))
    }),
    Function::new("sha512sum", ONE, |runtime, arguments| {
        runtime.budget.steps(arguments.bytes(0).len() as u64 / 32)?;
        runtime.text(hex(&sha2::Sha512::digest(arguments.bytes(0))))
    }),
    Function::new("adler32sum", ONE, |runtime, arguments| {
        runtime.budget.steps(arguments.bytes(0).len() as u64 / 32)?;
        let (low, high) = arguments.bytes(0).iter().fold((1_u32, 0_u32), |(low, high), byte| {
            let low = (low + u32::from(*byte)) % ADLER;
            (low, (high + low) % ADLER)
        });
        runtime.text((high << 16 | low).to_string())
    }),
];

const ADLER: u32 = 65521;

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
