//! Replays a corpus, and texts made up from it: a small part of what a fuzzer does, with nothing but the standard library.

use std::fs;
use std::path::Path;

/// Every input of a corpus goes through what must hold, and so do some that are made from it, always the same ones. Inputs
/// whose name begins with `costly` are not made anything of. `MUTATIONS` says how many are made from each.
pub(super) fn replay(folder: &Path, holds: impl Fn(&[u8])) {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() > 2, "{} has no inputs", folder.display());
    let named = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("costly"));
    let inputs: Vec<(Vec<u8>, bool)> = paths.iter().map(|path| (fs::read(path).unwrap(), named(path))).collect();
    inputs.iter().for_each(|(input, _)| holds(input));
    let mutations: usize = std::env::var("MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(30);
    let cheap: Vec<&[u8]> =
        inputs.iter().filter(|(input, costly)| !costly && input.len() < 3000).map(|(input, _)| &**input).collect();
    let mut random = Random(1);
    for input in &cheap {
        for _ in 0..mutations {
            let made = mutated(input, cheap[random.below(cheap.len())], &mut random);
            let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| holds(&made)));
            assert!(held.is_ok(), "does not hold of {:?}", String::from_utf8_lossy(&made));
        }
    }
}

/// One to four changes, at random: a byte, a cut, a repetition, a piece of another input, or a piece of punctuation.
fn mutated(input: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut made = input.to_vec();
    for _ in 0..=random.below(4) {
        let (from, to) = (random.below(made.len() + 1), random.below(made.len() + 1));
        let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 40));
        match random.below(6) {
            0 if from < made.len() => made[from] ^= 1 << random.below(8),
            1 => drop(made.drain(from..to)),
            2 => {
                let piece = made[from..to].to_vec();
                let times = 1 + random.below(3);
                made.splice(to..to, piece.repeat(times));
            }
            3 if !other.is_empty() => {
                let start = random.below(other.len());
                let piece = &other[start..(start + 1 + random.below(30)).min(other.len())];
                made.splice(from..to, piece.iter().copied());
            }
            4 => {
                let at = random.below(PIECES.len());
                made.splice(from..from, PIECES[at].bytes());
            }
            _ => {
                let byte = u8::try_from(random.below(256)).unwrap_or_default();
                made.insert(from, byte);
            }
        }
    }
    made
}

/// What readers of YAML, JSON, PEM and flags look for.
const PIECES: [&str; 40] = [
    ": ",
    "- ",
    "\n",
    "\r\n",
    "\t",
    "  ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "&a ",
    "*a",
    "!!str ",
    "|\n",
    ">-\n",
    "\"",
    "'",
    "#",
    " #",
    "---\n",
    "...\n",
    "? ",
    "<<: ",
    "{{ .a }}",
    "~",
    "null",
    "true",
    "0x1f",
    "1e9",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "=",
    "-----BEGIN A-----\n",
    "99999999999999999999",
    "%",
    "\0",
];

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap_or_default() % end.max(1)
    }
}
