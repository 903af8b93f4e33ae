//! What a user is told when something is wrong: one `error:` line that scripts know, then hints what to try.

use std::borrow::Cow;
use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::names;

/// A command that did not do what it was asked.
#[derive(Debug)]
pub(crate) struct CliError {
    message: String,
    hints: Vec<String>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The command failed.
    Failed,
    /// The command line of a verb cannot be read.
    CommandLine,
    /// The command line cannot be read; the usage is shown.
    Usage { program: String, usage: String },
    /// Only the usage was asked for.
    Help { program: String, usage: String },
    /// The reader of the output is gone.
    BrokenPipe,
}

impl CliError {
    /// A failure, in one line.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hints: Vec::new(), kind: Kind::Failed }
    }

    /// Adds a command or flag to try.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same under a line that scripts know; the message becomes the first hint.
    #[must_use]
    pub(crate) fn beneath(mut self, line: &str) -> Self {
        let message = std::mem::replace(&mut self.message, line.to_owned());
        self.hints.insert(0, message);
        self
    }

    /// The command line of a verb that cannot be read.
    pub(crate) fn command_line(message: impl Into<String>) -> Self {
        Self { kind: Kind::CommandLine, ..Self::new(message) }
    }

    /// A command line that cannot be read, where the usage is shown too.
    pub(crate) fn usage(program: &str, usage: String, message: impl Into<String>) -> Self {
        Self { kind: Kind::Usage { program: program.to_owned(), usage }, ..Self::new(message) }
    }

    /// `-h`, which is no flag.
    pub(crate) fn help(program: &str, usage: String) -> Self {
        Self { kind: Kind::Help { program: program.to_owned(), usage }, ..Self::new("") }
    }

    /// Output that could not be written. A reader that went away is no failure to talk about.
    pub(crate) fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { kind: Kind::BrokenPipe, ..Self::new("") };
        }
        Self::new(format!("write /dev/stdout: {}", os_text(error)))
    }

    /// A file that could not be used, in the words that scripts know: `open PATH: no such file or directory`.
    pub(crate) fn file(operation: &str, path: &str, error: &io::Error) -> Self {
        let path = match error.kind() {
            io::ErrorKind::NotFound => Cow::Owned(names::missing(path)),
            _ => Cow::Borrowed(names::path(path)),
        };
        Self::new(format!("{operation} {path}: {}", os_text(error)))
    }

    /// Prints everything and names the exit status.
    pub(crate) fn report(&self) -> ExitCode {
        let (out, err, code) = match &self.kind {
            Kind::Failed => (String::new(), self.lines(), 1),
            Kind::CommandLine => (String::new(), self.lines(), 2),
            Kind::Usage { program, usage } => {
                (format!("{usage}{}\n", self.message), format!("Usage of {program}:\n{}", self.hinted()), 2)
            }
            Kind::Help { program, usage } => (usage.clone(), format!("Usage of {program}:\n"), 0),
            Kind::BrokenPipe => (String::new(), String::new(), 1),
        };
        // There is nobody left to tell if these fail.
        let _ = io::stderr().write_all(visible(&err).as_bytes());
        let _ = io::stdout().write_all(out.as_bytes());
        ExitCode::from(code)
    }

    fn lines(&self) -> String {
        format!("error: {}\n{}", self.message, self.hinted())
    }

    fn hinted(&self) -> String {
        self.hints.iter().map(|hint| format!("hint: {hint}\n")).collect()
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

/// Tells the user something beside the results.
pub(crate) fn notice(text: &str) {
    // There is nobody left to tell if this fails.
    let _ = writeln!(io::stderr(), "{}", visible(text));
}

/// A text as a terminal may show it: its lines stay, and what would move the cursor, colour or turn letters round is
/// written out. Names in files and in clusters are whatever somebody wrote there.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    written_out(text, |letter| commands_terminals(letter) && !matches!(letter, '\n' | '\t'))
}

/// A name as a terminal may show it; it begins no line of its own either.
pub(crate) fn visible_name(name: &str) -> Cow<'_, str> {
    written_out(name, commands_terminals)
}

fn written_out(text: &str, is_odd: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_odd) {
        return Cow::Borrowed(text);
    }
    let shown = |letter: char| if is_odd(letter) { letter.escape_default().to_string() } else { letter.to_string() };
    Cow::Owned(text.chars().map(shown).collect())
}

/// Control characters, and those that turn the direction of writing (UAX #9, section 2).
fn commands_terminals(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Has a panic told by its place alone: its text may hold what was worked on.
pub(crate) fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(io::stderr(), "error: internal error at {place}; please report it, without the input");
    }));
}

/// The operating system's words as every existing script knows them.
pub(crate) fn os_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        io::ErrorKind::NotADirectory => "not a directory".to_owned(),
        io::ErrorKind::StorageFull => "no space left on device".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "read-only file system".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_lowercase()
        }
    }
}
