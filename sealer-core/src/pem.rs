//! PEM blocks as Go finds them: foreign text, odd line lengths and headers are passed over, not fatal.

use zeroize::Zeroizing;

use crate::base64;

/// One block of a PEM text.
pub(crate) struct Block {
    /// What stands between `-----BEGIN ` and `-----`.
    pub(crate) label: String,
    /// Whether `Name: value` lines stand before the body.
    pub(crate) has_headers: bool,
    /// The decoded body; it may be a private key.
    pub(crate) der: Zeroizing<Vec<u8>>,
}

/// All blocks of a text, in order; text that is no block is skipped.
pub(crate) fn blocks(text: &[u8]) -> Vec<Block> {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.lines().map(str::trim_end);
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let Some(label) = marker(line, "-----BEGIN ") else { continue };
        let mut rest = lines.clone();
        let body: Vec<&str> = rest.by_ref().take_while(|line| !is_end_of(line, label)).collect();
        // Without its end a block is foreign text, and another may begin inside it.
        if lines.clone().any(|line| is_end_of(line, label)) {
            found.extend(block(label, &body));
            lines = rest;
        }
    }
    found
}

/// Writes one block with 64 characters a line.
pub(crate) fn encode(label: &'static str, der: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(pem_rfc7468::encode_string(label, pem_rfc7468::LineEnding::LF, der).unwrap_or_default())
}

fn marker<'a>(line: &'a str, prefix: &str) -> Option<&'a str> {
    line.strip_prefix(prefix)?.strip_suffix("-----")
}

fn is_end_of(line: &str, label: &str) -> bool {
    marker(line, "-----END ").is_some_and(|end| end == label)
}

fn block(label: &str, lines: &[&str]) -> Option<Block> {
    let headers = lines.iter().take_while(|line| line.contains(':')).count();
    let body: Zeroizing<String> = Zeroizing::new(lines.iter().skip(headers).map(|line| line.trim()).collect());
    let der = Zeroizing::new(base64::decode(body.as_bytes()).ok()?);
    Some(Block { label: label.to_owned(), has_headers: headers > 0, der })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_among_foreign_text() {
        let text = b"subject=x\r\n-----BEGIN A-----\r\nZm9v\r\n-----END A-----\nnoise\n\n-----BEGIN B-----\nProc-Type: 4,ENCRYPTED\n\nYmFy\n-----END B-----";
        let found: Vec<_> =
            blocks(text).into_iter().map(|block| (block.label, block.has_headers, block.der.to_vec())).collect();
        assert_eq!(found, [("A".to_owned(), false, b"foo".to_vec()), ("B".to_owned(), true, b"bar".to_vec())]);
    }

    #[test]
    fn a_block_without_end_or_with_garbage_is_no_block() {
        for text in [
            "-----BEGIN A-----\nZm9v\n",
            "-----BEGIN A-----\n!!!\n-----END A-----\n",
            " -----BEGIN A-----\nZm9v\n -----END A-----\n",
        ] {
            assert!(blocks(text.as_bytes()).is_empty(), "{text}");
        }
    }
}
