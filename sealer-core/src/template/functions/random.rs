//! Which functions make things up?

use rand::RngExt as _;

use super::super::error::Fault;
use super::super::value::{Kind, Value};
use super::strings::to_size;
use super::{Arguments, Function, Outcome, Runtime};
use crate::base64;

const COUNT: &[Kind] = &[Kind::Int];

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("randAlphaNum", COUNT, |runtime, arguments| {
        letters(runtime, arguments, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    }),
    Function::new("randAlpha", COUNT, |runtime, arguments| {
        letters(runtime, arguments, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    }),
    Function::new("randNumeric", COUNT, |runtime, arguments| letters(runtime, arguments, b"0123456789")),
    Function::new("randAscii", COUNT, |runtime, arguments| {
        let all: Vec<u8> = (b' '..=b'~').collect();
        letters(runtime, arguments, &all)
    }),
    Function::new("randBytes", COUNT, |runtime, arguments| {
        let count = arguments.int(0);
        if count < 0 {
            return Err(Fault::new("a negative length", "runtime error: makeslice: len out of range"));
        }
        runtime.budget.allocate(to_size(count).saturating_mul(3))?;
        let mut bytes = vec![0_u8; to_size(count)];
        rand::rng().fill(bytes.as_mut_slice());
        runtime.text(base64::encode(&bytes))
    }),
    Function::new("randInt", &[Kind::Int, Kind::Int], |_, arguments| {
        let (least, end) = (arguments.int(0), arguments.int(1));
        match end.checked_sub(least) {
            Some(span @ 1..) => Ok(Value::int(least + rand::rng().random_range(0..span))),
            _ => Err(Fault::plain("invalid argument to Intn")),
        }
    }),
    Function::new("shuffle", &[Kind::Text], |runtime, arguments| {
        let mut characters: Vec<char> = arguments.str(0).chars().collect();
        runtime.budget.allocate(characters.len() * 4)?;
        let mut random = rand::rng();
        for at in (1..characters.len()).rev() {
            characters.swap(at, random.random_range(0..=at));
        }
        runtime.text(characters.into_iter().collect::<String>())
    }),
    Function::new("uuidv4", &[], |runtime, _| {
        let random: u128 = rand::rng().random();
        let bits = random & !(0xF << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62;
        let hex = format!("{bits:032x}");
        let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| hex.get(range).unwrap_or(""));
        runtime.text(parts.join("-"))
    }),
];

fn letters(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>, alphabet: &[u8]) -> Outcome {
    let count = to_size(arguments.int(0));
    runtime.budget.allocate(count)?;
    runtime.budget.steps(count as u64 / 16)?;
    let mut random = rand::rng();
    let letter = |_| alphabet.get(random.random_range(0..alphabet.len())).copied();
    let text: Vec<u8> = (0..count).filter_map(letter).collect();
    runtime.text(text)
}
