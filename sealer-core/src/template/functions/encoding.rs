//! How are bytes written as base64 and base32?

use zeroize::Zeroizing;

use super::super::value::Kind;
use super::{Function, Outcome, PLAIN, Runtime, SLOW, SLOWEST};
use crate::base64;
use crate::template::buffer::Buffer;

const ONE: &[Kind] = &[Kind::Text];

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("b64enc", ONE, |runtime, arguments| {
        // Each part but the last is whole groups of three bytes.
        grouped(runtime, arguments.bytes(0), |part, out| out.extend(base64::encode(part).into_bytes()))
    })
    .reading(PLAIN),
    Function::new("b64dec", ONE, |runtime, arguments| match base64::decode(arguments.bytes(0)) {
        Ok(bytes) => runtime.text(Zeroizing::new(bytes)),
        Err(error) => runtime.text(error.to_string()),
    })
    .copying(SLOW),
    Function::new("b32enc", ONE, |runtime, arguments| grouped(runtime, arguments.bytes(0), encode_base32))
        .reading(SLOW),
    Function::new("b32dec", ONE, |runtime, arguments| match decode_base32(arguments.bytes(0)) {
        Ok(bytes) => runtime.text(Zeroizing::new(bytes)),
        Err(at) => runtime.text(format!("illegal base32 data at input byte {at}")),
    })
    .copying(SLOWEST),
];

/// What is written for each group of bytes.
fn grouped(runtime: &mut Runtime<'_, '_>, bytes: &[u8], write: impl Fn(&[u8], &mut Vec<u8>)) -> Outcome {
    let mut text = Buffer::default();
    let mut written = Zeroizing::new(Vec::new());
    for part in bytes.chunks(GROUPS) {
        runtime.budget.check_clock()?;
        written.clear();
        write(part, &mut written);
        text.push(&written, runtime.budget)?;
    }
    runtime.written(text)
}

/// Bytes that are encoded at once: whole groups of three and of five.
const GROUPS: usize = 15 << 10;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn encode_base32(bytes: &[u8], text: &mut Vec<u8>) {
    for block in bytes.chunks(5) {
        let bits = (0..5).fold(0_u64, |bits, at| bits << 8 | u64::from(block.get(at).copied().unwrap_or(0)));
        let letters = (block.len() * 8).div_ceil(5);
        for at in 0..8 {
            let index = usize::try_from(bits >> (35 - at * 5) & 31).unwrap_or(0);
            text.push(if at < letters { BASE32.get(index).copied().unwrap_or(b'=') } else { b'=' });
        }
    }
}

fn decode_base32(text: &[u8]) -> Result<Vec<u8>, usize> {
    let text: Zeroizing<Vec<u8>> =
        Zeroizing::new(text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect());
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    let mut start = 0;
    while start < text.len() {
        let block = text.get(start..(start + 8).min(text.len())).unwrap_or_default();
        let letters = block.iter().position(|byte| *byte == b'=').unwrap_or(block.len());
        let mut bits = 0_u64;
        for (at, byte) in block.iter().take(letters).enumerate() {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'2'..=b'7' => byte - b'2' + 26,
                _ => return Err(start + at),
            };
            bits = bits << 5 | u64::from(value);
        }
        let padded = block.len() == 8 && block.iter().skip(letters).all(|byte| *byte == b'=');
        let last = letters < 8;
        if !padded || last && (start + 8 < text.len() || !matches!(letters, 2 | 4 | 5 | 7)) {
            return Err(if block.len() < 8 && letters == block.len() { start } else { start + letters });
        }
        bits <<= 5 * (8 - letters);
        out.extend(bits.to_be_bytes().iter().skip(3).take(letters * 5 / 8));
        start += 8;
    }
    Ok(out)
}
