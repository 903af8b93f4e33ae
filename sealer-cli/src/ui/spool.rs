//! Where are results until all of them are there? In memory, and sealed documents of a long stream in a file without a name.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write};

/// Bytes in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Spool {
    /// The beginning, of this length.
    file: Option<(File, u64)>,
    memory: Vec<u8>,
    /// There is no room for a file.
    is_confined: bool,
}

impl Spool {
    /// Adds what may be secret: it never leaves the memory.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.memory.extend_from_slice(bytes);
        self.is_confined = true;
    }

    /// Adds what everybody may see.
    pub(super) fn write_public(&mut self, bytes: &[u8]) {
        self.memory.extend_from_slice(bytes);
        if self.memory.len() >= IN_MEMORY && !self.is_confined {
            self.is_confined = self.move_out().is_err();
        }
    }

    fn move_out(&mut self) -> io::Result<()> {
        let (mut file, length) = match self.file.take() {
            Some(file) => file,
            None => (tempfile::tempfile()?, 0),
        };
        let moved = file.write_all(&self.memory);
        let added = if moved.is_ok() { self.memory.len() as u64 } else { 0 };
        self.file = Some((file, length + added));
        if moved.is_ok() {
            self.memory.clear();
        }
        moved
    }

    /// Writes everything somewhere.
    pub(super) fn copy_to(&mut self, out: &mut impl Write) -> io::Result<()> {
        if let Some((mut file, length)) = self.file.take() {
            file.rewind()?;
            io::copy(&mut file.take(length), out)?;
        }
        out.write_all(&self.memory)
    }
}

/// Documents of a few thousand values.
const IN_MEMORY: usize = 4 << 20;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    fn whole(mut spool: Spool) -> Vec<u8> {
        let mut bytes = Vec::new();
        spool.copy_to(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn everything_comes_out_in_order_wherever_it_was() {
        let mut spool = Spool::default();
        let mut expected = Vec::new();
        for number in 0..5_000_u32 {
            let part = number.to_be_bytes().repeat(1000);
            spool.write_public(&part);
            expected.extend(part);
        }
        assert!(spool.file.is_some() && spool.memory.len() < IN_MEMORY);
        spool.write(b"end");
        expected.extend(b"end");
        assert!(whole(spool) == expected);
    }

    #[test]
    fn what_may_be_secret_stays_in_memory_with_all_that_follows() {
        let mut spool = Spool::default();
        spool.write(&vec![1; IN_MEMORY]);
        spool.write_public(&vec![2; IN_MEMORY]);
        assert!(spool.file.is_none() && whole(spool).len() == 2 * IN_MEMORY);
    }
}
