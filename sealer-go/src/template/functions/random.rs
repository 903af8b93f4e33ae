//! Functions that make random things.

use rand::RngExt as _;
use zeroize::Zeroizing;

use super::super::buffer::Buffer;
use super::super::error::Fault;
use super::super::value::{Kind, Value};
use super::strings::to_size;
use super::{Arguments, Function, Outcome, Runtime, SLOW, SLOWEST};
use sealer_encoding::base64;

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
        let count = to_size(count);
        runtime.budget.read(count, SLOW)?;
        runtime.for_a_moment(count.saturating_mul(3), |runtime| {
            let mut bytes = Zeroizing::new(vec![0_u8; count]);
            for part in bytes.chunks_mut(PART) {
                runtime.budget.check_clock()?;
                rand::rng().fill(part);
            }
            runtime.text(base64::encode(&*bytes))
        })
    }),
    Function::new("randInt", &[Kind::Int, Kind::Int], |_, arguments| {
        let (least, end) = (arguments.int(0), arguments.int(1));
        match end.checked_sub(least) {
            Some(span @ 1..) => Ok(Value::int(least + rand::rng().random_range(0..span))),
            _ => Err(Fault::plain("invalid argument to Intn")),
        }
    }),
    Function::new("shuffle", &[Kind::Text], |runtime, arguments| {
        // What is no UTF-8 gets longer.
        let room = arguments.bytes(0).len().saturating_mul(size_of::<char>() + 3);
        runtime.for_a_moment(room, |runtime| {
            let text = arguments.str(0);
            let mut characters = Zeroizing::new(Vec::with_capacity(text.len()));
            characters.extend(text.chars());
            let mut random = rand::rng();
            for at in (1..characters.len()).rev() {
                if at % PART == 0 {
                    runtime.budget.check_clock()?;
                }
                characters.swap(at, random.random_range(0..=at));
            }
            let mut shuffled = Buffer::default();
            for part in characters.chunks(PART) {
                let part: Zeroizing<String> = Zeroizing::new(part.iter().collect());
                shuffled.push(part.as_bytes(), runtime.budget)?;
            }
            runtime.written(shuffled)
        })
    })
    .reading(SLOWEST),
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
    runtime.budget.read(count, SLOW)?;
    let mut text = Buffer::with_room(count, runtime.budget)?;
    let mut random = rand::rng();
    while text.len() < count {
        runtime.budget.check_clock()?;
        let letter = |_| alphabet.get(random.random_range(0..alphabet.len())).copied();
        let part: Vec<u8> = (0..PART.min(count - text.len())).filter_map(letter).collect();
        text.push(&Zeroizing::new(part), runtime.budget)?;
    }
    runtime.written(text)
}

/// What is made up between two looks at the clock.
const PART: usize = 4 << 10;
