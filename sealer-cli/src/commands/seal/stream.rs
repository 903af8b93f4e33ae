//! A stream of any length, sealed part by part: while one part is sealed, the next one is read. Nothing is written before
//! all of it is sealed, and what is kept of it does not grow with the stream.

use std::panic::resume_unwind;
use std::sync::mpsc;
use std::thread;

use sealer_core::Certificate;
use serde_json::Value;

use super::{Bound, Prepared, nothing_found, prepared, sealed};
use crate::diagnostics::CliError;
use crate::input::{self, Input};
use crate::manifest;
use crate::manifest::read::{self, Document, Wanted};
use crate::request::Compat;
use crate::ui::{self, Progress, Ui};

/// Seals all Secrets of the input and adds them to the results.
pub(super) fn seal_all(
    request: &Compat,
    bound: &Bound,
    certificate: &Certificate,
    ui: &mut Ui,
) -> Result<(), CliError> {
    let format = request.format()?;
    let input = input::read(request.input.as_deref(), Input::Manifests)?;
    let progress = ui.progress("sealing", 0);
    let mut seal_part = |part: Vec<Prepared>| -> Result<(), CliError> {
        let finish = |document: Value| {
            progress.step();
            manifest::encode(&document, format)
        };
        sealed(part, bound, certificate, finish)?.iter().for_each(|text| ui.write_sealed(text));
        Ok(())
    };
    let read = |hand: Hand<'_>| {
        Reading { request, bound, progress: &progress, hand, waiting: Vec::new(), found: 0 }.all(&input)
    };
    // A thread costs more than it saves where everything is one part.
    let (read, sealed) = if input.len() <= SHORT {
        let mut parts = Vec::new();
        let read = read(&mut |part| {
            parts.push(part);
            Ok(())
        });
        (read, parts.into_iter().try_for_each(seal_part))
    } else {
        thread::scope(|scope| {
            let (parts, received) = mpsc::sync_channel::<Vec<Prepared>>(1);
            let sealing = scope.spawn(move || received.into_iter().try_for_each(&mut seal_part));
            // The receiver is gone only if sealing failed, and that error is reported.
            let read = read(&mut |part| parts.send(part).map_err(|_| CliError::new("sealing has ended")));
            drop(parts);
            (read, sealing.join().unwrap_or_else(|panic| resume_unwind(panic)))
        })
    };
    // Report the sealing error first: its document precedes the one that failed to parse.
    sealed.and(read)
}

/// Takes what is to be sealed next.
type Hand<'a> = &'a mut dyn FnMut(Vec<Prepared>) -> Result<(), CliError>;

struct Reading<'a> {
    request: &'a Compat,
    bound: &'a Bound,
    progress: &'a Progress,
    hand: Hand<'a>,
    waiting: Vec<Document>,
    found: usize,
}

impl Reading<'_> {
    fn all(mut self, input: &[u8]) -> Result<(), CliError> {
        let source = self.request.input.as_deref().unwrap_or("stdin");
        // How many Secrets get one name is told before anything else.
        let most = if self.request.name.is_empty() { AT_ONCE } else { usize::MAX };
        read::each(input, source, Wanted::Secrets, &mut |document| {
            self.waiting.push(document);
            if self.waiting.len() < most { Ok(()) } else { self.part() }
        })?;
        self.part()?;
        if self.found == 0 { Err(nothing_found()) } else { Ok(()) }
    }

    /// Hands over what was read so far.
    fn part(&mut self) -> Result<(), CliError> {
        let documents = std::mem::take(&mut self.waiting);
        let tell = |weight, text: &str| ui::tell(weight, self.request.has_old_name, text);
        let mut prepared = prepared(documents, self.found, self.request, self.bound, &tell)?.into_iter();
        self.found += prepared.len();
        self.progress.more(prepared.len());
        // A List may hold any number.
        loop {
            let some: Vec<Prepared> = prepared.by_ref().take(AT_ONCE).collect();
            if some.is_empty() {
                return Ok(());
            }
            (self.hand)(some)?;
        }
    }
}

/// Many enough that no core waits for the last of them, few enough to keep.
const AT_ONCE: usize = 256;
/// Bytes of an input that is sealed on one thread.
const SHORT: usize = 64 * 1024;
