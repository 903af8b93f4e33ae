//! Questions to whoever sits at the terminal. Results and messages go through `ui`.

use console::Term;
use zeroize::Zeroizing;

/// Asks for something that must not be seen; nothing if nobody sits there.
pub(crate) fn secret(question: &str) -> Option<Zeroizing<String>> {
    let terminal = terminal()?;
    terminal.write_str(question).ok()?;
    terminal.read_secure_line().ok().map(Zeroizing::new)
}

/// Asks for a word that confirms; nothing if nobody sits there.
pub(crate) fn word(question: &str) -> Option<String> {
    let terminal = terminal()?;
    terminal.write_str(question).ok()?;
    terminal.read_line().ok().map(|answer| answer.trim().to_owned())
}

/// Standard error: standard output may be redirected, and what is asked is no result.
fn terminal() -> Option<Term> {
    Some(Term::stderr()).filter(Term::is_term)
}
