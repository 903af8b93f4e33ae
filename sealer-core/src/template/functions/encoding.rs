//! How are bytes written as base64 and base32?

use super::super::value::Kind;
use super::{Function, Runtime};
use crate::base64;
use crate::template::error::Fault;

const ONE: &[Kind] = &[Kind::Text];

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("b64enc", ONE, |runtime, arguments| {
        bounded(runtime, arguments.bytes(0))?;
        let text = base64::encode(arguments.bytes(0));
        runtime.text(text)
    }),
    Function::new("b64dec", ONE, |runtime, arguments| match base64::decode(arguments.bytes(0)) {
        Ok(bytes) => runtime.text(bytes),
        Err(error) => runtime.text(error.to_string()),
    }),
    Function::new("b32enc", ONE, |runtime, arguments| {
        bounded(runtime, arguments.bytes(0))?;
        let text = encode_base32(arguments.bytes(0));
        runtime.text(text)
    }),
    Function::new("b32dec", ONE, |runtime, arguments| match decode_base32(arguments.bytes(0)) {
        Ok(bytes) => runtime.text(bytes),
        Err(at) => runtime.text(format!("illegal base32 data at input byte {at}")),
    }),
];

fn bounded(runtime: &mut Runtime<'_, '_>, bytes: &[u8]) -> Result<(), Fault> {
    if bytes.len() > runtime.budget.allocation_left() / 2 { Err(Fault::Limit("too much memory")) } else { Ok(()) }
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn encode_base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for block in bytes.chunks(5) {
        let bits = (0..5).fold(0_u64, |bits, at| bits << 8 | u64::from(block.get(at).copied().unwrap_or(0)));
        let letters = (block.len() * 8).div_ceil(5);
        for at in 0..8 {
            let index = usize::try_from(bits >> (35 - at * 5) & 31).unwrap_or(0);
            text.push(if at < letters { BASE32.get(index).map_or('=', |byte| char::from(*byte)) } else { '=' });
        }
    }
    text
}

fn decode_base32(text: &[u8]) -> Result<Vec<u8>, usize> {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    let mut start = 0;
    while start < text.len() {
        let block = text.get(start..(start + 8).min(text.len())).unwrap_or_default();
        let letters = block.iter().position(|byte| *byte == b'=').unwrap_or(block.len());
        let mut bits = 0_u64;
        for (at, byte) in block.iter().take(letters).enumerate() {
            let value = BASE32.iter().position(|known| known == byte).ok_or(start + at)?;
            bits = bits << 5 | value as u64;
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
