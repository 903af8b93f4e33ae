//! A terminal: a program that has its end believes that somebody sits there, and the test sees what shows.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

pub(crate) struct Terminal {
    screen: File,
    end: File,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&screen).unwrap();
        unlockpt(&screen).unwrap();
        let name = ptsname(&screen, Vec::new()).unwrap().into_string().unwrap();
        let end = OpenOptions::new().read(true).write(true).open(name).unwrap();
        Self { screen: File::from(screen), end }
    }

    /// The end that a program gets.
    pub(crate) fn end(&self) -> Stdio {
        Stdio::from(self.end.try_clone().unwrap())
    }

    /// What shows, once the programs that had the other end are gone.
    pub(crate) fn shown(self) -> String {
        let Self { mut screen, end } = self;
        drop(end);
        let mut bytes = Vec::new();
        // Linux ends with an error where nobody has the other end.
        drop(screen.read_to_end(&mut bytes));
        String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
    }
}
