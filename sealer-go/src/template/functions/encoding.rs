//! Functions for base64 and base32.

use zeroize::Zeroizing;

use super::super::value::Kind;
use super::{Function, Outcome, PLAIN, Runtime, SLOW, SLOWEST};
use crate::template::buffer::Buffer;
use sealer_encoding::base64;

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

/// The bytes, or the place of the byte that Go finds wrong.
fn decode_base32(text: &[u8]) -> Result<Vec<u8>, usize> {
    let text: Zeroizing<Vec<u8>> =
        Zeroizing::new(text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect());
    let (mut rest, total) = (text.as_slice(), text.len());
    let mut out = Vec::with_capacity(total / 8 * 5);
    while !rest.is_empty() {
        let (mut bits, mut letters) = (0_u64, 0);
        while letters < 8 {
            let Some((first, after)) = rest.split_first() else { return Err(total - letters) };
            rest = after;
            let value = match first {
                b'A'..=b'Z' => first - b'A',
                b'2'..=b'7' => first - b'2' + 26,
                b'=' if letters >= 2 && rest.len() < 8 => {
                    check_padding(rest, letters, total)?;
                    // What stands behind it is not read.
                    rest = &[];
                    break;
                }
                _ => return Err(total - rest.len() - 1),
            };
            bits = bits << 5 | u64::from(value);
            letters += 1;
        }
        bits <<= 5 * (8 - letters);
        out.extend(bits.to_be_bytes().iter().skip(3).take(letters * 5 / 8));
    }
    Ok(out)
}

/// Whether a group of so many letters and one `=` may end with `rest`.
fn check_padding(rest: &[u8], letters: usize, total: usize) -> Result<(), usize> {
    if rest.len() + letters < 7 {
        return Err(total);
    }
    if let Some(wrong) = rest.iter().take(7 - letters).position(|byte| *byte != b'=') {
        return Err(total - rest.len() + wrong - 1);
    }
    if matches!(letters, 3 | 6) { Err(total - rest.len() - 1) } else { Ok(()) }
}
