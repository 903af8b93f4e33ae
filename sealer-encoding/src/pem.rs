//! PEM blocks as Go finds them: foreign text, odd line lengths and headers are passed over, not fatal.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::ops::Range;

use zeroize::Zeroizing;

use crate::base64;

/// A PEM text that is not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// More bytes than any such text has.
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
    /// More blocks than any such text has.
    #[error("it holds more than {0} PEM blocks")]
    TooManyBlocks(usize),
}

/// One block of a PEM text.
#[non_exhaustive]
pub struct Block {
    /// What stands between `-----BEGIN ` and `-----`.
    pub label: String,
    /// Whether `Name: value` lines stand before the body.
    pub has_headers: bool,
    /// The decoded body; it may be a private key.
    pub der: Zeroizing<Vec<u8>>,
}

/// Shows the label alone: the body may be a private key.
impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({}, [redacted])", self.label)
    }
}

/// How much of a PEM text is read.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    bytes: usize,
    blocks: usize,
}

impl Bounds {
    /// An item of a Secret, or a file with a key or certificates: a Secret has 1 MiB at most, and a chain some links.
    pub const ITEM: Self = Self { bytes: 1 << 20, blocks: 100 };
    /// A backup: some kilobytes a key.
    pub const BACKUP: Self = Self { bytes: 16 << 20, blocks: 10_000 };
}

/// All blocks of a text, in order; text that is no block is skipped.
///
/// # Errors
/// A text beyond the bounds.
pub fn blocks(text: &[u8], bounds: Bounds) -> Result<Vec<Block>, PemError> {
    if text.len() > bounds.bytes {
        return Err(PemError::TooLarge(bounds.bytes));
    }
    let text = String::from_utf8_lossy(text);
    let mut found = Vec::new();
    for block in Scan::new(&text).filter_map(|(label, body)| block(label, body)) {
        if found.len() == bounds.blocks {
            return Err(PemError::TooManyBlocks(bounds.blocks));
        }
        found.push(block);
    }
    Ok(found)
}

/// The first block of a text.
pub fn first(text: &[u8]) -> Option<Block> {
    Scan::new(&String::from_utf8_lossy(text)).find_map(|(label, body)| block(label, body))
}

/// Whether a text has a block of one of these labels, whatever is in it.
pub fn has_block(text: &[u8], labels: &[&str]) -> bool {
    Scan::new(&String::from_utf8_lossy(text)).any(|(label, _)| labels.contains(&label))
}

/// Writes one block with 64 characters a line.
pub fn encode(label: &'static str, der: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(pem_rfc7468::encode_string(label, pem_rfc7468::LineEnding::LF, der).unwrap_or_default())
}

/// The blocks of a text that have an end, not yet decoded. Work grows with the text alone: every line and every end is
/// looked at once.
struct Scan<'a> {
    text: &'a str,
    begins: std::vec::IntoIter<Marker<'a>>,
    /// The ends of each label that are still ahead.
    ends: HashMap<&'a str, VecDeque<Marker<'a>>>,
    /// Where the last block ended.
    from: usize,
    /// Lines and markers looked at.
    steps: usize,
}

/// A line that begins or ends a block.
struct Marker<'a> {
    label: &'a str,
    /// Where the line begins, and where the next one does.
    line: Range<usize>,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str) -> Self {
        let mut scan = Self { text, begins: Vec::new().into_iter(), ends: HashMap::new(), from: 0, steps: 0 };
        let (mut begins, mut at) = (Vec::new(), 0);
        for whole in text.split_inclusive('\n') {
            scan.steps += 1;
            let line = at..at + whole.len();
            at = line.end;
            let Some(rest) = whole.trim_end().strip_prefix(DASHES).and_then(|rest| rest.strip_suffix(DASHES)) else {
                continue;
            };
            if let Some(label) = rest.strip_prefix("BEGIN ") {
                begins.push(Marker { label, line });
            } else if let Some(label) = rest.strip_prefix("END ") {
                scan.ends.entry(label).or_default().push_back(Marker { label, line });
            }
        }
        scan.begins = begins.into_iter();
        scan
    }

    /// The next end of that label behind a place. Those before it are forgotten: no later block can have them.
    fn end(&mut self, label: &str, behind: usize) -> Option<Range<usize>> {
        let ends = self.ends.get_mut(label)?;
        while ends.front()?.line.start < behind {
            self.steps += 1;
            ends.pop_front();
        }
        ends.front().map(|end| end.line.clone())
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let begin = self.begins.next()?;
            self.steps += 1;
            if begin.line.start < self.from {
                continue;
            }
            // Without its end a block is foreign text, and another may begin inside it.
            let Some(end) = self.end(begin.label, begin.line.end) else { continue };
            self.from = end.end;
            return Some((begin.label, self.text.get(begin.line.end..end.start)?));
        }
    }
}

fn block(label: &str, body: &str) -> Option<Block> {
    let lines = || body.lines().map(str::trim_end);
    let headers = lines().take_while(|line| line.contains(':')).count();
    let body: Zeroizing<String> = Zeroizing::new(lines().skip(headers).map(str::trim_start).collect());
    let der = Zeroizing::new(base64::decode(body.as_bytes()).ok()?);
    Some(Block { label: label.to_owned(), has_headers: headers > 0, der })
}

const DASHES: &str = "-----";

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    fn read(text: &[u8]) -> Vec<Block> {
        blocks(text, Bounds::ITEM).unwrap()
    }

    #[test]
    fn blocks_are_found_among_foreign_text() {
        let text = b"subject=x\r\n-----BEGIN A-----\r\nZm9v\r\n-----END A-----\nnoise\n\n-----BEGIN B-----\nProc-Type: 4,ENCRYPTED\n\nYmFy\n-----END B-----";
        let found: Vec<_> =
            read(text).into_iter().map(|block| (block.label, block.has_headers, block.der.to_vec())).collect();
        assert_eq!(found, [("A".to_owned(), false, b"foo".to_vec()), ("B".to_owned(), true, b"bar".to_vec())]);
    }

    #[test]
    fn a_block_without_end_or_with_garbage_is_no_block() {
        for text in [
            "-----BEGIN A-----\nZm9v\n",
            "-----BEGIN A-----\n!!!\n-----END A-----\n",
            " -----BEGIN A-----\nZm9v\n -----END A-----\n",
        ] {
            assert!(read(text.as_bytes()).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_block_inside_another_is_met_only_if_the_outer_one_has_no_end() {
        for (text, labels) in [
            ("-----BEGIN A-----\n-----BEGIN B-----\nZm9v\n-----END B-----\n", &["B"][..]),
            ("-----BEGIN A-----\nx:\n-----BEGIN B-----\nZm9v\n-----END B-----\n-----END A-----\n", &[]),
            ("-----BEGIN A-----\nZm9v\n-----END A-----\nZm9v\n-----END A-----\n", &["A"]),
            ("-----END A-----\n-----BEGIN A-----\nZm9v\n-----END A-----", &["A"]),
            ("-----BEGIN A-----\n  Zm9v \n-----END A-----  \n-----BEGIN A-----\n-----END A-----\n", &["A", "A"]),
            ("-----BEGIN A-----\nZm9v\n-----END B-----\n-----END A-----\n", &[]),
            ("-----BEGIN -----\nZm9v\n-----END -----\n", &[""]),
            ("-----BEGIN A----\nZm9v\n-----END A----\n", &[]),
        ] {
            let found: Vec<String> = read(text.as_bytes()).into_iter().map(|block| block.label).collect();
            assert_eq!(found, labels, "{text}");
        }
    }

    /// 1 MiB of begins without an end took minutes where each of them looked for one through the whole text.
    #[test]
    fn no_text_costs_more_than_its_lines() {
        let many = |part: &str| part.repeat((1 << 20) / part.len());
        let begins: String = (0..40_000).map(|number| format!("-----BEGIN {number}-----\n")).collect();
        let ends: String = (0..40_000).map(|number| format!("-----END {number}-----\n")).rev().collect();
        for text in [
            many("-----BEGIN A-----\n"),
            many("-----END A-----\n"),
            many("-----BEGIN A-----\n-----END B-----\n"),
            many("-----BEGIN A-----\n-----BEGIN B-----\n-----END A-----\n"),
            many("-----BEGIN A-----\n-----END A-----\n"),
            many("-----BEGIN CERTIFICATE-----\nZm9v\n"),
            many("\n"),
            format!("{}-----END A-----\n", many("-----BEGIN A-----\n")),
            begins + &ends,
        ] {
            let mut scan = Scan::new(&text);
            while scan.next().is_some() {}
            let lines = text.lines().count();
            assert!((lines..=2 * lines).contains(&scan.steps), "{} steps for {lines} lines: {:.40}", scan.steps, text);
        }
    }

    #[test]
    fn a_text_beyond_its_bounds_is_refused() {
        let text = "-----BEGIN A-----\nZm9v\n-----END A-----\n".repeat(3);
        let bounds = |bytes, blocks| Bounds { bytes, blocks };
        let refused = |bounds| blocks(text.as_bytes(), bounds).err();
        assert_eq!(refused(bounds(text.len(), 3)), None);
        assert_eq!(refused(bounds(text.len() - 1, 3)), Some(PemError::TooLarge(text.len() - 1)));
        assert_eq!(refused(bounds(text.len(), 2)), Some(PemError::TooManyBlocks(2)));
        let garbage = "-----BEGIN A-----\n!\n-----END A-----\n".repeat(200);
        assert_eq!(read(garbage.as_bytes()).len(), 0, "what is no block does not count");
    }

    #[test]
    fn a_label_is_found_whatever_its_block_holds() {
        assert!(has_block(b"-----BEGIN A-----\n!\n-----END A-----\n", &["B", "A"]));
        assert!(!has_block(b"-----BEGIN A-----\n", &["A"]) && !has_block(b"", &["A"]));
    }

    #[test]
    fn the_first_block_is_the_first_that_can_be_read() {
        let text = b"-----BEGIN A-----\n!\n-----END A-----\n-----BEGIN B-----\nZm9v\n-----END B-----\n";
        assert_eq!(first(text).map(|block| (block.label, block.der.to_vec())), Some(("B".to_owned(), b"foo".to_vec())));
        assert!(first(b"-----BEGIN A-----\n").is_none());
    }
}
