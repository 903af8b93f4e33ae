//! Reads files and standard input, up to what the thing can be: what never ends, or is something else, ends with an error.

pub(crate) mod encoding;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};

use zeroize::Zeroize as _;

use crate::diagnostics::CliError;

use encoding::EncodingError;

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Manifests: any number of documents, each of a bounded size.
    Manifests,
    /// Private keys: PEM, key Secrets, Lists of them, backups.
    Keys,
    /// A certificate, with its chain.
    Certificate,
    /// A passphrase.
    Passphrase,
    /// One value of a Secret.
    Value,
    /// One sealed value, in base64.
    Sealed,
    /// A kubeconfig, with its certificates.
    Kubeconfig,
}

impl Input {
    /// Bytes of all of it.
    fn most(self) -> usize {
        match self {
            Self::Manifests => 512 * MIB,
            Self::Keys => 16 * MIB,
            Self::Certificate | Self::Value => MIB,
            Self::Sealed => 2 * MIB,
            Self::Kubeconfig => 4 * MIB,
            Self::Passphrase => 64 << 10,
        }
    }

    /// Bytes of one document.
    fn most_of_one(self) -> usize {
        match self {
            Self::Manifests => LARGEST_DOCUMENT,
            _ => usize::MAX,
        }
    }

    /// Whether PEM is looked for in it, among whatever else there is.
    fn may_be_binary(self) -> bool {
        matches!(self, Self::Keys | Self::Certificate)
    }

    /// Why there is a limit, and what to try.
    fn hint(self) -> &'static str {
        match self {
            Self::Manifests => "a Secret has 1 MiB at most; separate documents with `---`, and split what is longer",
            Self::Keys => "a thousand keys take less; name the file with the keys alone",
            Self::Certificate => "a certificate takes some kilobytes; fetch it: sealer --fetch-cert > cert.pem",
            Self::Passphrase => "a passphrase stands alone on the only line of its file",
            Self::Value => "a Secret has 1 MiB at most, with all its items; no cluster would take this value",
            Self::Sealed => "a sealed value is smaller; give the text of one item alone",
            Self::Kubeconfig => "a kubeconfig is smaller; is it the right file?",
        }
    }
}

/// Reads a file, or standard input.
pub(crate) fn read(path: Option<&str>, what: Input) -> Result<Vec<u8>, CliError> {
    match path {
        Some(path) => {
            let file = File::open(path).map_err(|error| CliError::file("open", path, &error))?;
            read_from(file, path, what)
        }
        None => read_from(io::stdin().lock(), "/dev/stdin", what),
    }
}

/// Reads a text file, or standard input, of whatever form of Unicode, as UTF-8 without a mark.
pub(crate) fn read_text(path: Option<&str>, what: Input) -> Result<Vec<u8>, CliError> {
    let name = path.unwrap_or("/dev/stdin");
    text(read(path, what)?, what).map_err(|error| CliError::new(format!("{name} {error}")).hint(error.remedy()))
}

/// The same of bytes that are there. What is looked through for PEM may be anything, and is told of if nothing is found.
pub(crate) fn text(mut bytes: Vec<u8>, what: Input) -> Result<Vec<u8>, EncodingError> {
    match encoding::text(&bytes) {
        Ok(Cow::Owned(text)) => {
            bytes.zeroize();
            Ok(text)
        }
        Ok(Cow::Borrowed(text)) => {
            bytes.drain(..bytes.len() - text.len());
            Ok(bytes)
        }
        Err(_) if what.may_be_binary() => Ok(bytes),
        Err(error) => Err(error),
    }
}

/// Reads what is open already; `name` names it in messages.
pub(crate) fn read_from(mut source: impl Read, name: &str, what: Input) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let mut document = Document::default();
    loop {
        let before = bytes.len();
        // Doubling would take more than is read.
        if bytes.capacity() - before < 2 * PART {
            bytes.reserve_exact(before / 4 + 2 * PART);
        }
        let part = source.by_ref().take(PART as u64).read_to_end(&mut bytes);
        if part.map_err(|error| CliError::file("read", name, &error))? == 0 {
            return Ok(bytes);
        }
        if bytes.len() > what.most() {
            return Err(too_large(name, "is", what.most(), what));
        }
        if what.most_of_one() < usize::MAX {
            document.grow(bytes.get(before..).unwrap_or_default());
            if document.length > what.most_of_one() {
                return Err(too_large(name, "holds a document that is", what.most_of_one(), what));
            }
        }
    }
}

/// The document that is being read, in a stream that nobody has parsed yet.
#[derive(Debug, Default)]
struct Document {
    /// Bytes since the last line that can begin one.
    length: usize,
    is_within_line: bool,
}

impl Document {
    /// A line that begins with `---` or a brace is where one may begin: of JSON, those that stand behind each other.
    fn grow(&mut self, part: &[u8]) {
        for line in part.split_inclusive(|byte| *byte == b'\n') {
            if !self.is_within_line && (line.starts_with(b"---") || matches!(line.first(), Some(b'{' | b'}'))) {
                self.length = 0;
            }
            self.length += line.len();
            self.is_within_line = !line.ends_with(b"\n");
        }
    }
}

fn too_large(name: &str, is: &str, most: usize, what: Input) -> CliError {
    let most = if most < MIB { format!("{} KiB", most >> 10) } else { format!("{} MiB", most >> 20) };
    CliError::new(format!("{name} {is} larger than {most}")).hint(what.hint())
}

const MIB: usize = 1 << 20;
/// A List of very many Secrets is smaller.
pub(crate) const LARGEST_DOCUMENT: usize = 64 * MIB;
const PART: usize = 1 << 16;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    const ALL: [Input; 7] = [
        Input::Manifests,
        Input::Keys,
        Input::Certificate,
        Input::Passphrase,
        Input::Value,
        Input::Sealed,
        Input::Kubeconfig,
    ];

    /// Counts what is taken of a source that never ends.
    struct Endless<'a>(&'a [u8], usize);

    impl Read for Endless<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let line = self.0.iter().cycle().skip(self.1 % self.0.len());
            buffer.iter_mut().zip(line).for_each(|(byte, next)| *byte = *next);
            self.1 += buffer.len();
            Ok(buffer.len())
        }
    }

    #[test]
    fn a_source_that_never_ends_is_left_at_the_limit() {
        for what in ALL {
            let mut source = Endless(b"\0", 0);
            let error = read_from(&mut source, "zeros", what).unwrap_err();
            let most = what.most().min(what.most_of_one());
            assert!(source.1 <= most + 2 * PART, "{what:?} took {} bytes", source.1);
            assert!(error.message().starts_with("zeros ") && error.message().contains("larger than"), "{error:?}");
        }
    }

    #[test]
    fn what_fits_is_read_to_its_last_byte() {
        for what in ALL.into_iter().filter(|what| what.most() < 32 * MIB) {
            let exact = vec![b'a'; what.most()];
            assert_eq!(read_from(exact.as_slice(), "x", what).unwrap().len(), exact.len());
            let more = vec![b'a'; what.most() + 1];
            assert!(read_from(more.as_slice(), "x", what).is_err(), "{what:?}");
        }
        assert_eq!(read_from(&b""[..], "x", Input::Value).unwrap(), b"");
    }

    #[test]
    fn texts_of_every_form_are_read_and_others_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        let path = path.to_str().unwrap();
        for bytes in [&b"a b\n"[..], b"\xef\xbb\xbfa b\n", b"\xff\xfea\0 \0b\0\n\0", b"\0a\0 \0b\0\n"] {
            std::fs::write(path, bytes).unwrap();
            for what in [Input::Keys, Input::Certificate, Input::Passphrase, Input::Sealed, Input::Kubeconfig] {
                assert_eq!(read_text(Some(path), what).unwrap(), b"a b\n", "{what:?} {bytes:?}");
            }
        }
        std::fs::write(path, b"a\0b").unwrap();
        let message = |what| read_text(Some(path), what).map_err(|error| error.message().to_owned());
        assert_eq!(message(Input::Keys), Ok(b"a\0b".to_vec()), "PEM may stand among anything");
        let wanted = format!("{path} has NUL bytes: it is binary, or UTF-16 without its mark (BOM)");
        assert_eq!(message(Input::Passphrase), Err(wanted));
    }

    #[test]
    fn a_stream_may_be_longer_than_any_document_in_it() {
        let mut document = Document::default();
        for part in [&b"--"[..], b"-\na: b\n", b"---\n", b"a: b"] {
            document.grow(part);
        }
        // A separator that two reads cut in two is taken for a line.
        assert_eq!(document.length, 8);
        for (stream, rest) in
            [(&b"a: b\n---\nc"[..], 5), (b"{\n \"a\": 1\n}\n{\n", 2), (b"  {\n}", 1), (b"a\nb\n", 4), (b"a---\n", 5)]
        {
            let mut document = Document::default();
            document.grow(stream);
            assert_eq!(document.length, rest, "{}", String::from_utf8_lossy(stream));
        }
    }

    #[test]
    fn the_message_names_the_thing_the_limit_and_what_to_try() {
        let message = |what| read_from(Endless(b"x", 0), "FILE", what).unwrap_err().message().to_owned();
        assert_eq!(message(Input::Passphrase), "FILE is larger than 64 KiB");
        assert_eq!(message(Input::Certificate), "FILE is larger than 1 MiB");
        assert_eq!(message(Input::Manifests), "FILE holds a document that is larger than 64 MiB");
    }
}
