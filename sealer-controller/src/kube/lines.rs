//! The lines of an answer that goes on: each whole, and none longer than it may be.

use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use http::Response;
use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use kube::client::Body;
use tower::BoxError;

/// What a watch says, line by line.
pub(crate) struct Lines {
    parts: BoxStream<'static, Result<Bytes, BoxError>>,
    buffer: Vec<u8>,
    /// Of these bytes of the buffer it is known that they hold no end of a line.
    searched: usize,
    /// Whether the rest of a line that is too long is passed over.
    skipping: bool,
    longest: usize,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Text(String),
    /// It is too long, or no text.
    Unreadable,
}

impl Lines {
    pub(crate) fn new(response: Response<Body>, longest: usize) -> Self {
        let parts = response.into_body().into_data_stream().map_err(Into::into).boxed();
        Self { parts, buffer: Vec::new(), searched: 0, skipping: false, longest }
    }

    /// The next line; `None` at the end, wherever that is. What stands there without an end is no line.
    pub(crate) async fn next(&mut self) -> Option<Line> {
        loop {
            let end = self.buffer.iter().skip(self.searched).position(|byte| *byte == b'\n');
            if let Some(end) = end {
                let rest = self.buffer.split_off(self.searched + end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                self.searched = 0;
                line.pop();
                if std::mem::take(&mut self.skipping) {
                    continue;
                }
                return Some(String::from_utf8(line).map_or(Line::Unreadable, Line::Text));
            }
            self.searched = self.buffer.len();
            let is_too_long = self.buffer.len() > self.longest;
            if is_too_long || self.skipping {
                self.buffer.clear();
                self.searched = 0;
                if is_too_long && !std::mem::replace(&mut self.skipping, true) {
                    return Some(Line::Unreadable);
                }
            }
            let part = self.parts.next().await?.ok()?;
            self.buffer.extend_from_slice(&part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(parts: &[&str], longest: usize) -> Lines {
        let parts: Vec<Result<Bytes, BoxError>> =
            parts.iter().map(|part| Ok(Bytes::copy_from_slice(part.as_bytes()))).collect();
        let parts = futures::stream::iter(parts).boxed();
        Lines { parts, buffer: Vec::new(), searched: 0, skipping: false, longest }
    }

    async fn all(mut lines: Lines) -> Vec<Line> {
        let mut found = Vec::new();
        while let Some(line) = lines.next().await {
            found.push(line);
        }
        found
    }

    #[tokio::test]
    async fn lines_are_whole_wherever_the_parts_end() {
        let text = |line: &str| Line::Text(line.to_owned());
        for parts in [&["a\nbc\n\nrest"][..], &["a", "\n", "b", "c\n", "\n", "rest"], &["a\nb", "c\n\n"]] {
            assert_eq!(all(lines(parts, 10)).await, [text("a"), text("bc"), text("")], "{parts:?}");
        }
    }

    #[tokio::test]
    async fn a_line_without_end_is_passed_over_and_takes_no_memory() {
        let long = "x".repeat(100);
        let mut lines = lines(&["a\n", &long, &long, &long, "x\nb\n"], 10);
        assert_eq!(lines.next().await, Some(Line::Text("a".to_owned())));
        assert_eq!(lines.next().await, Some(Line::Unreadable));
        assert!(lines.buffer.len() <= 100);
        assert_eq!(lines.next().await, Some(Line::Text("b".to_owned())));
        assert_eq!(lines.next().await, None);
    }
}
