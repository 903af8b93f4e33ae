//! Texts inside of a text: in base64, as in the data of a Secret, and compressed, as in a release of Helm or a chart that is packed.

use std::io::Read as _;
use std::ops::Range;

use flate2::read::MultiGzDecoder;
use sealer_encoding::base64;

use super::escapes::Plain;
use super::{block, clean, least, next_run, tokens};

/// A text inside of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inner {
    /// Where it stands in the outermost text.
    pub(super) range: Range<usize>,
    pub(crate) text: Vec<u8>,
}

/// All texts inside of one.
#[derive(Debug, Default)]
pub(crate) struct Inside {
    pub(crate) texts: Vec<Inner>,
    /// There is more than is looked at.
    pub(crate) is_limited: bool,
}

/// Finds the texts in base64 and in compressed bytes, and those inside of them.
pub(crate) fn inside(text: &[u8]) -> Inside {
    let mut inside = Inside::default();
    let mut left = MOST_BYTES;
    if let Some(unpacked) = unpacked(text, &mut left, &mut inside.is_limited) {
        left = left.saturating_sub(unpacked.len());
        inside.texts.push(Inner { range: 0..text.len(), text: unpacked });
    } else {
        encoded(text, None, &mut left, &mut inside);
    }
    let mut next = 0;
    // Whatever is packed into itself again and again uses up what is left.
    while let Some(Inner { range, text }) = inside.texts.get(next).cloned() {
        encoded(&text, Some(&range), &mut left, &mut inside);
        next += 1;
    }
    inside
}

/// Adds the texts that stand in one in base64.
fn encoded(text: &[u8], place: Option<&Range<usize>>, left: &mut usize, inside: &mut Inside) {
    // Lines of base64 stand in JSON with escapes between them.
    let plain = Plain::of(text);
    let source = |range: Range<usize>| plain.as_ref().map_or_else(|| range.clone(), |plain| plain.source(&range));
    let text = plain.as_ref().map_or(text, |plain| plain.text.as_slice());
    let mut at = 0;
    while let Some(run) = next_run(text, at) {
        at = run.end;
        for token in tokens(text, run) {
            let head = clean(text, &(token.start..token.end.min(token.start + HEAD)));
            if !promises(&head) {
                continue;
            }
            let pieces = block(text, &token, usize::MAX);
            let mut written: String = pieces.iter().map(|piece| clean(text, piece)).collect();
            if written.len() < SHORTEST {
                continue;
            }
            if written.len() % 4 == 1 {
                written.pop();
            }
            written.push_str("==".get(..written.len().wrapping_neg() % 4).unwrap_or_default());
            let end = pieces.last().map_or(token.end, |last| last.end);
            at = at.max(end);
            let Ok(decoded) = base64::decode(&written) else { continue };
            let unpacked = unpacked(&decoded, left, &mut inside.is_limited).unwrap_or(decoded);
            if unpacked.len() > *left {
                inside.is_limited = true;
                continue;
            }
            *left -= unpacked.len();
            let range = place.cloned().unwrap_or_else(|| source(token.start..end));
            inside.texts.push(Inner { range, text: unpacked });
        }
    }
}

/// Whether what begins so may be a text or a compressed one, and is no sealed value itself.
fn promises(head: &str) -> bool {
    let whole = head.get(..head.len() / 4 * 4).unwrap_or_default();
    let Ok(bytes) = base64::decode(whole) else { return false };
    if least(head).is_some() || bytes.len() < HEAD / 4 * 3 - 3 {
        return false;
    }
    let text = bytes.strip_prefix(crate::input::encoding::UTF_8_MARK).unwrap_or(&bytes);
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    bytes.starts_with(GZIP) || text.iter().all(is_text)
}

/// What is in compressed bytes, however often they are, as far as it can be read.
fn unpacked(bytes: &[u8], left: &mut usize, is_limited: &mut bool) -> Option<Vec<u8>> {
    let mut unpacked = once_unpacked(bytes, *left, is_limited)?;
    while let Some(next) = once_unpacked(&unpacked, *left, is_limited) {
        // Whatever unpacks to itself uses up what is left.
        *left = left.saturating_sub(unpacked.len());
        unpacked = next;
    }
    Some(unpacked)
}

fn once_unpacked(bytes: &[u8], left: usize, is_limited: &mut bool) -> Option<Vec<u8>> {
    if !bytes.starts_with(GZIP) {
        return None;
    }
    let mut unpacked = Vec::new();
    let most = u64::try_from(left).unwrap_or(u64::MAX).saturating_add(1);
    // What is damaged is looked at up to there.
    let _ = MultiGzDecoder::new(bytes).take(most).read_to_end(&mut unpacked);
    if unpacked.len() > left {
        unpacked.truncate(left);
        *is_limited = true;
    }
    Some(unpacked)
}

/// How gzip begins.
const GZIP: &[u8] = &[0x1f, 0x8b, 8];
/// The base64 of the shortest sealed value has more characters.
const SHORTEST: usize = 200;
/// Characters that are looked at ahead of all others.
const HEAD: usize = 24;
/// Of all texts inside of one, together.
const MOST_BYTES: usize = 32 << 20;
