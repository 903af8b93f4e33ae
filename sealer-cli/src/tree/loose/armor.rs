//! Certificates and keys in a text (PEM): lines of base64, of which one begins like a sealed value now and then.

use std::ops::Range;

/// Blocks of PEM, met from the beginning of a text to its end.
#[derive(Default)]
pub(super) struct Armor {
    /// What was looked at.
    end: usize,
    /// The lines behind the first of the last one.
    lines: Range<usize>,
}

impl Armor {
    /// Whether a line is one of such a block, and not its first. Places have to be asked about in order.
    pub(super) fn holds(&mut self, text: &[u8], place: usize) -> bool {
        while let Some(begin) = text.get(self.end..place).and_then(begin) {
            let start = self.end + begin;
            let mut end = start;
            let mut number = 0;
            let mut lines = start..start;
            for line in text.get(start..).unwrap_or_default().split_inclusive(|byte| *byte == b'\n') {
                let is_inside = line.trim_ascii().iter().all(|byte| super::is_base64(*byte) || *byte == b'=');
                if number > 0 && (!is_inside || line.trim_ascii().is_empty()) {
                    break;
                }
                end += line.len();
                number += 1;
                if number == 2 {
                    lines.start = end;
                }
            }
            lines.end = end;
            self.lines = lines;
            self.end = end.max(start + BEGIN.len());
        }
        self.end = self.end.max(place.saturating_sub(BEGIN.len()));
        self.lines.contains(&place)
    }
}

fn begin(text: &[u8]) -> Option<usize> {
    text.windows(BEGIN.len()).position(|window| window == BEGIN)
}

const BEGIN: &[u8] = b"-----BEGIN ";
