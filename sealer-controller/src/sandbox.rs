//! Renders templates in processes of their own, so that a template can harm nothing but its own object.
//!
//! The controller starts its own program again with [`ARGUMENT`]: that process, a worker, gives up files, network and
//! further processes (`confine`), reads jobs from a pipe and writes answers to another (`wire`). The controller holds a
//! few of them (`pool`), gives each namespace its turn (`fair_queue`), and ends a worker that takes too long (`process`).
//! What comes from a worker is taken for hostile: sizes are bounded, and no text of it is ever shown.

use std::collections::BTreeMap;

use sealer_core::Plaintext;
use sealer_go::template::{Environment, ErrorClass};
use sealer_resource::failure::ParseFailure;
use sealer_resource::render::Texts;

pub use self::confine::{Allowed, SYSCALLS};
pub use self::pool::Pool;
pub use self::worker::work;

mod confine;
mod fair_queue;
mod pool;
mod process;
mod wire;
mod worker;

/// The first argument of a process that renders templates.
pub const ARGUMENT: &str = "template-worker";

/// The templates of one object, and what they may know.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// Whose object it is: namespaces take turns.
    pub namespace: &'a str,
    /// The time, and which functions may be called.
    pub environment: Environment,
    /// Item name to template.
    pub templates: &'a Texts,
}

/// What came of the templates of an object that did not render.
#[derive(Debug)]
pub enum NotRendered {
    /// Some do not parse. No value was given to any worker.
    Unparsed(BTreeMap<String, ParseFailure>),
    /// They failed while they ran. The cause depends on values: it is for tests, and is shown to nobody.
    Failed(Cause),
    /// The namespace takes more time than others leave it; it is to come back later.
    QueueFull,
    /// There is no worker, for a reason that has nothing to do with the object.
    Unavailable(String),
}

/// Why templates failed while they ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The engine said so.
    Engine(ErrorClass),
    /// The worker ended: a crash, no memory left, or a call that the filter forbids.
    Ended,
    /// The worker was ended because it took too long.
    TooLong,
    /// The worker answered what no worker answers.
    Nonsense,
}

/// Item name to value.
pub type Values = BTreeMap<String, Plaintext>;
