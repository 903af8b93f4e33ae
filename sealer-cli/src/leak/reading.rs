//! What a text may mean: itself, and what it becomes when escapes, base64, hexadecimal and compression are undone, one within
//! another as tools nest them.

use std::io::Read as _;

use flate2::read::GzDecoder;
use sealer_encoding::base64;

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
    depth: usize,
}

/// Everything an annotation or label of that name may mean.
pub(super) fn readings(name: &str, text: &str) -> Vec<Reading> {
    let bytes = text.as_bytes().to_vec();
    let in_manifest = is_manifest(&bytes);
    let root = Reading { bytes, name: Some(name.to_owned()), is_whole: true, is_encoded: false, in_manifest, depth: 0 };
    let (mut all, mut room) = (vec![root], LARGEST);
    let mut next = 0;
    while let Some(reading) = all.get(next) {
        let mut found = decoded(reading);
        found.retain(|new| {
            let fits = new.bytes.len() <= room && all.len() < MOST && all.iter().all(|known| known.bytes != new.bytes);
            room -= if fits { new.bytes.len() } else { 0 };
            fits
        });
        all.append(&mut found);
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
    let whole = text.trim();
    let shortest = if of.depth == 0 { 4 } else { 8 };
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

fn percent(after: &str) -> (Vec<u8>, &str) {
    let byte = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    byte.map_or_else(|| (vec![b'%'], after), |byte| (vec![byte], after.get(2..).unwrap_or_default()))
}

fn entity(after: &str) -> (Vec<u8>, &str) {
    let known = ENTITIES.iter().find_map(|(name, byte)| Some((vec![*byte], after.strip_prefix(name)?)));
    known.unwrap_or_else(|| (vec![b'&'], after))
}

fn backslash(after: &str) -> (Vec<u8>, &str) {
    let Some(c) = after.chars().next() else { return (vec![b'\\'], after) };
    let tail = after.get(c.len_utf8()..).unwrap_or_default();
    let code = tail.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
    match (c, code) {
        ('n', _) => (vec![b'\n'], tail),
        ('t', _) => (vec![b'\t'], tail),
        ('r', _) => (vec![b'\r'], tail),
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

fn from_hex(run: &str) -> Option<Vec<u8>> {
    let pairs = run.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok().filter(|_| pair.len() == 2)).collect()
}

fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut unpacked = Vec::new();
    let is_gzip = bytes.starts_with(&[0x1f, 0x8b]);
    is_gzip.then(|| GzDecoder::new(bytes).take(LARGEST as u64).read_to_end(&mut unpacked).ok())??;
    Some(unpacked)
}

const KIND: &[u8] = b"kind:Secret";
const ENTITIES: [(&str, u8); 6] =
    [("amp;", b'&'), ("lt;", b'<'), ("gt;", b'>'), ("quot;", b'"'), ("#39;", b'\''), ("apos;", b'\'')];
/// Compressed, in base64, with the values in base64 again, and what a tool adds around.
const DEEPEST: usize = 5;
/// A Secret holds 1 MiB at most; more behind a compressed text is a trap.
const LARGEST: usize = 4 * 1024 * 1024;
/// Parts of a text that are looked at.
const MOST: usize = 4096;
