//! What a text may mean: itself, and what it becomes when escapes, base64, hexadecimal and compression are undone, one within
//! another as tools nest them.

use std::io::Read as _;

use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use sealer_encoding::base64;

use super::names::{self, Kind};
use super::place::{assigned_to, ends_here};

/// A text, or what it becomes when it is decoded.
pub(super) struct Reading {
    pub(super) bytes: Vec<u8>,
    /// What the whole of it is assigned to: the annotation, or a name in the text that it was decoded from.
    pub(super) name: Option<String>,
    /// It is all of the annotation, and no part of it.
    pub(super) is_whole: bool,
    pub(super) is_encoded: bool,
    /// It is a Secret in JSON or YAML, or stands in one.
    pub(super) in_manifest: bool,
    /// The bytes without white space.
    pub(super) squeezed: Vec<u8>,
    depth: usize,
}

impl Reading {
    /// What the name says that all of it is assigned to.
    pub(super) fn kind(&self) -> Kind {
        let of = if self.is_whole { names::kind_of_annotation } else { names::kind };
        self.name.as_deref().map_or(Kind::Unknown, of)
    }

    /// Where something stands of which the place without white space is known.
    pub(super) fn place(&self, squeezed: usize, length: usize) -> Option<(usize, usize)> {
        let mut kept = self.bytes.iter().enumerate().filter(|(at, _)| is_kept(&self.bytes, *at)).map(|(at, _)| at);
        let start = kept.nth(squeezed)?;
        let last = if length < 2 { start } else { kept.nth(length - 2)? };
        Some((start, last + 1))
    }
}

/// Bytes without white space, and without what continues a line behind its end.
pub(super) fn squeezed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().enumerate().filter(|(at, _)| is_kept(bytes, *at)).map(|(_, byte)| *byte).collect()
}

fn is_kept(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at) {
        Some(b'\\') => bytes.get(at + 1) != Some(&b'\n'),
        byte => byte.is_some_and(|byte| !byte.is_ascii_whitespace()),
    }
}

/// Everything an annotation or label of that name may mean.
pub(super) fn readings(name: &str, text: &str) -> Vec<Reading> {
    let bytes = text.as_bytes().to_vec();
    let root = Reading {
        in_manifest: is_manifest(&bytes),
        squeezed: squeezed(&bytes),
        bytes,
        name: Some(name.to_owned()),
        is_whole: true,
        is_encoded: false,
        depth: 0,
    };
    let (mut all, mut room) = (vec![root], LARGEST);
    let mut next = 0;
    while let Some(reading) = all.get(next) {
        for new in decoded(reading) {
            if all.len() < MOST && new.bytes.len() <= room && all.iter().all(|known| known.bytes != new.bytes) {
                room -= new.bytes.len();
                all.push(new);
            }
        }
        next += 1;
    }
    all
}

/// What one reading becomes by one step.
fn decoded(of: &Reading) -> Vec<Reading> {
    if of.depth >= DEEPEST {
        return Vec::new();
    }
    let step = |bytes: Vec<u8>, name: Option<String>, is_whole: bool, is_encoded: bool| Reading {
        in_manifest: of.in_manifest || is_manifest(&bytes),
        squeezed: squeezed(&bytes),
        bytes,
        name,
        is_whole: of.is_whole && is_whole,
        is_encoded: of.is_encoded || is_encoded,
        depth: of.depth + 1,
    };
    if let Some(bytes) = unpack(&of.bytes) {
        return vec![step(bytes, of.name.clone(), true, true)];
    }
    let Ok(text) = std::str::from_utf8(&of.bytes) else { return Vec::new() };
    let mut all: Vec<Reading> = ['\\', '%', '&']
        .into_iter()
        .filter(|mark| text.contains(*mark))
        .map(|mark| step(unescape(text, mark), of.name.clone(), true, false))
        .collect();
    // Tools break base64 into lines.
    if text.trim().contains(char::is_whitespace) && text.chars().all(|c| is_of_run(c) || c.is_whitespace()) {
        let joined: String = text.split_whitespace().collect();
        all.extend(from_base64(&joined).into_iter().map(|bytes| step(bytes, of.name.clone(), true, true)));
    }
    all.extend(from_pairs(text).map(|bytes| step(bytes, of.name.clone(), true, true)));
    let whole = text.trim();
    let shortest = if of.depth == 0 || of.in_manifest { 4 } else { 8 };
    for run in text.split(|c| !is_of_run(c)).filter(|run| run.len() >= shortest) {
        let is_whole = run == whole;
        let name = if is_whole { of.name.clone() } else { name_of(text, run) };
        let bytes = from_base64(run).into_iter().chain(from_hex(run));
        all.extend(bytes.map(|bytes| step(bytes, name.clone(), is_whole, true)));
    }
    all
}

/// What a part of a text is assigned to.
fn name_of(text: &str, part: &str) -> Option<String> {
    let at = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let (before, after) = (text.as_bytes().get(..at)?, text.as_bytes().get(at + part.len()..)?);
    // `name=BASE64` is one run.
    ends_here(after).then(|| assigned_to(before, after)).flatten()
}

fn is_of_run(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/-_=".contains(c)
}

/// Whether a text is a Secret, in JSON or YAML, as tools keep copies of what they applied.
fn is_manifest(text: &[u8]) -> bool {
    let kept = |byte: &u8| !b"\"'\\ \t\r".contains(byte);
    let text: Vec<u8> = text.iter().copied().filter(kept).collect();
    let ends = |at: usize| text.get(at).is_none_or(|byte| b"\n,}]#".contains(byte));
    let is_secret = text.windows(KIND.len()).enumerate().any(|(at, window)| window == KIND && ends(at + KIND.len()));
    let has = |word: &[u8]| text.windows(word.len()).any(|window| window == word);
    is_secret && (has(b"data:") || has(b"stringData:"))
}

/// Resolves `\"`, `\n`, `\u0041`, `%41` or `&amp;`.
fn unescape(text: &str, mark: char) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(mark) {
        bytes.extend_from_slice(before.as_bytes());
        let (resolved, tail) = match mark {
            '%' => percent(after),
            '&' => entity(after),
            _ => backslash(after),
        };
        bytes.extend(resolved);
        rest = tail;
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn hex_byte(text: &str) -> Option<u8> {
    u8::from_str_radix(text.get(..2)?, 16).ok()
}

fn percent(after: &str) -> (Vec<u8>, &str) {
    hex_byte(after).map_or_else(|| (vec![b'%'], after), |byte| (vec![byte], after.get(2..).unwrap_or_default()))
}

fn entity(after: &str) -> (Vec<u8>, &str) {
    let known = ENTITIES.iter().find_map(|(name, byte)| Some((vec![*byte], after.strip_prefix(name)?)));
    // `&#65;` and `&#x41;`.
    let number = || {
        let (number, tail) = after.get(..10).unwrap_or(after).strip_prefix('#')?.split_once(';')?;
        let code = number.strip_prefix(['x', 'X']).map_or_else(|| number.parse(), |hex| u32::from_str_radix(hex, 16));
        let letter = char::from_u32(code.ok()?)?;
        Some((letter.to_string().into_bytes(), after.get(number.len() + 2..).filter(|rest| rest.starts_with(tail))?))
    };
    known.or_else(number).unwrap_or_else(|| (vec![b'&'], after))
}

fn backslash(after: &str) -> (Vec<u8>, &str) {
    let Some(c) = after.chars().next() else { return (vec![b'\\'], after) };
    let tail = after.get(c.len_utf8()..).unwrap_or_default();
    let code = tail.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
    match (c, code) {
        ('n', _) => (vec![b'\n'], tail),
        ('t', _) => (vec![b'\t'], tail),
        ('r', _) => (vec![b'\r'], tail),
        ('x', _) if hex_byte(tail).is_some() => {
            (hex_byte(tail).into_iter().collect(), tail.get(2..).unwrap_or_default())
        }
        ('u', Some(code)) => (code.to_string().into_bytes(), tail.get(4..).unwrap_or_default()),
        _ => (c.to_string().into_bytes(), tail),
    }
}

/// Either alphabet, with or without padding; behind `name=`, too.
fn from_base64(run: &str) -> Vec<Vec<u8>> {
    let body = run.trim_end_matches('=');
    let behind = body.rsplit_once('=').map(|(_, behind)| behind).filter(|behind| behind.len() >= 8);
    let decode = |body: &str| {
        let standard = body.replace('-', "+").replace('_', "/");
        let padding = "=".repeat(standard.len().wrapping_neg() % 4);
        base64::decode(standard + &padding).ok()
    };
    decode(body).into_iter().chain(behind.and_then(decode)).collect()
}

/// `58 6b 39` and `58:6b:39`, as hexdump and openssl write.
fn from_pairs(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let is_pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut pairs = text.split(|c: char| c == ':' || c == ',' || c.is_whitespace()).filter(|pair| !pair.is_empty());
    let joined: String = pairs.all(is_pair).then(|| text.chars().filter(char::is_ascii_hexdigit).collect())?;
    (joined.len() >= 16 && joined.len() < text.len()).then(|| from_hex(&joined)).flatten()
}

fn from_hex(run: &str) -> Option<Vec<u8>> {
    let pairs = run.strip_prefix("0x").unwrap_or(run).as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok().filter(|_| pair.len() == 2)).collect()
}

fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    let limit = LARGEST as u64;
    let mut unpacked = Vec::new();
    match bytes {
        [0x1f, 0x8b, ..] => GzDecoder::new(bytes).take(limit).read_to_end(&mut unpacked).ok()?,
        // RFC 1950: the method deflate, and a sum that tells it from other bytes.
        [0x78, sum, ..] if (0x7800 + u16::from(*sum)) % 31 == 0 => {
            ZlibDecoder::new(bytes).take(limit).read_to_end(&mut unpacked).ok()?
        }
        // Without a mark: it has to end where the bytes end.
        _ if bytes.len() >= SHORTEST_DEFLATE && std::str::from_utf8(bytes).is_err() => {
            let mut decoder = DeflateDecoder::new(bytes).take(limit);
            decoder.read_to_end(&mut unpacked).ok()?;
            let is_all = decoder.into_inner().total_in() == bytes.len() as u64;
            is_all.then_some(unpacked.len())?
        }
        _ => return None,
    };
    Some(unpacked)
}

const KIND: &[u8] = b"kind:Secret";
const ENTITIES: [(&str, u8); 6] =
    [("amp;", b'&'), ("lt;", b'<'), ("gt;", b'>'), ("quot;", b'"'), ("#39;", b'\''), ("apos;", b'\'')];
/// Compressed, in base64, with the values in base64 again, and what a tool adds around.
const DEEPEST: usize = 5;
/// A Secret holds 1 MiB at most; more behind a compressed text is a trap.
const LARGEST: usize = 4 * 1024 * 1024;
const SHORTEST_DEFLATE: usize = 10;
/// Parts of a text that are looked at.
const MOST: usize = 4096;
