//! The process that renders: it confines itself, then answers one message after the other until its input ends.

use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use rustix::stdio::{stdin, stdout};
use rustix::time::{ClockId, clock_gettime};
use sealer_resource::render::Rendering;
use zeroize::Zeroizing;

use super::confine::{self, Confinement};
use super::wire::{self, Answer, LARGEST_REQUEST, Message, Request};

/// Runs the worker. Nothing of the controller is set up in this process: no flags, no log, no runtime.
pub fn work() -> ExitCode {
    // What a panic says may hold a value. The process ends, which is answer enough.
    std::panic::set_hook(Box::new(|_| {}));
    let Ok(confinement) = confine::confine() else { return ExitCode::FAILURE };
    let (mut input, mut output) = (Input, Output);
    let hello = [match confinement {
        Confinement::Full => HELLO,
        Confinement::WithoutFilter => HELLO_WITHOUT_FILTER,
    }];
    let served = output.write_all(&hello).and_then(|()| serve(&mut input, &mut output));
    if served.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Answers messages until there are no more.
pub(super) fn serve(input: &mut impl Read, output: &mut impl Write) -> io::Result<()> {
    while let Some(message) = read(input)? {
        let request = wire::read_request(&message).ok_or(io::ErrorKind::InvalidData)?;
        drop(message);
        let answer = answer(request);
        let length = u32::try_from(answer.len()).map_err(io::Error::other)?;
        output.write_all(&length.to_le_bytes())?;
        output.write_all(&answer)?;
        output.flush()?;
    }
    Ok(())
}

fn answer(request: Request) -> Message {
    let Request { environment, limits, templates, items } = request;
    // Processor time, not the wall's: a busy node must not make an honest template fail.
    let started = processor_time();
    let clock = move || processor_time().saturating_sub(started);
    let rendering = Rendering { environment, limits, clock: &clock };
    let answer = match items {
        None => Answer::Checked(rendering.check(&templates)),
        Some(items) => rendering.render(&templates, items).map_or_else(Answer::Failed, Answer::Rendered),
    };
    wire::answer(&templates, &answer)
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// The next message; none at the end of the input.
fn read(input: &mut impl Read) -> io::Result<Option<Message>> {
    let mut head = [0; 4];
    let Ok(first) = input.read(&mut head[..1]) else { return Ok(None) };
    if first == 0 {
        return Ok(None);
    }
    input.read_exact(&mut head[1..])?;
    let length = usize::try_from(u32::from_le_bytes(head)).map_err(io::Error::other)?;
    if length > 2 * LARGEST_REQUEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut message = Zeroizing::new(vec![0; length]);
    input.read_exact(&mut message)?;
    Ok(Some(message))
}

/// Standard input without a buffer: it would keep values.
struct Input;

impl Read for Input {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(stdin(), bytes)?)
    }
}

/// Standard output without a buffer.
struct Output;

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a worker says first.
pub(super) const HELLO: u8 = 0x11;
/// The same where the kernel refused the filter.
pub(super) const HELLO_WITHOUT_FILTER: u8 = 0x12;
