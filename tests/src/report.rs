//! What the person in front of the machine is told while he waits.

use std::io::{self, Write as _};

/// Says one line on standard error.
pub fn say(line: &str) {
    // Nobody is left to tell if this fails.
    let _ = writeln!(io::stderr(), "{line}");
}
