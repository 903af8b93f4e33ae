//! Which calls are broken, how, and how often.

use std::collections::BTreeSet;
use std::time::Duration;

use http::{Response, StatusCode, header};
use serde_json::{Value, json};

use crate::faults::call::Call;
use crate::faults::spoil::Spoil;

/// How a call is broken.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is passed on later.
    Delay(Duration),
    /// It is refused.
    Answer(Refusal),
    /// A watch begins and tells at once that it cannot go on.
    WatchError(Refusal),
    /// Its connection is reset.
    Reset(Side),
    /// It is never answered: time to kill who made it.
    Halt(Side),
    /// It is answered, and the answer is spoilt on its way: in a manner, with a seed.
    Spoil(Spoil, usize),
}

/// On which side of the API server's work a call breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Nothing happens in the cluster.
    Before,
    /// It happened, and nobody is told.
    After,
}

/// A refusal as the API server writes it.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    /// HTTP status.
    pub code: u16,
    /// The reason of the answer, such as `Conflict`.
    pub reason: &'static str,
    /// What it says.
    pub message: &'static str,
    /// Seconds to wait, where it says so.
    pub retry_after: Option<u32>,
}

impl Refusal {
    /// One that says nothing of when to come back.
    pub const fn new(code: u16, reason: &'static str, message: &'static str) -> Self {
        Self { code, reason, message, retry_after: None }
    }

    fn status(self) -> Value {
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "code": self.code, "reason": self.reason, "message": self.message,
            "details": self.retry_after.map(|seconds| json!({ "retryAfterSeconds": seconds })),
        })
    }

    pub(crate) fn event(self) -> Response<String> {
        Response::new(format!("{}\n", json!({ "type": "ERROR", "object": self.status() })))
    }

    pub(crate) fn response(self) -> Response<String> {
        let mut response = Response::new(self.status().to_string());
        *response.status_mut() = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// How often a rule holds.
#[derive(Clone, Debug)]
pub enum Times {
    /// Until the proxy is healed.
    Always,
    /// For the first calls.
    First(usize),
    /// Once for each object.
    OnceEach(BTreeSet<String>),
}

/// Which calls are broken.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Verb and resource, such as `create secrets`.
    pub what: &'static str,
    /// The object's name; none is any.
    pub name: Option<String>,
    /// How often.
    pub times: Times,
    /// How.
    pub fault: Fault,
}

impl Rule {
    /// Breaks every such call.
    pub fn always(what: &'static str, fault: Fault) -> Self {
        Self { what, name: None, times: Times::Always, fault }
    }

    /// Breaks the next such call.
    pub fn next(what: &'static str, fault: Fault) -> Self {
        Self { times: Times::First(1), ..Self::always(what, fault) }
    }

    /// Breaks the first such call for each object.
    pub fn once_each(what: &'static str, fault: Fault) -> Self {
        Self { times: Times::OnceEach(BTreeSet::new()), ..Self::always(what, fault) }
    }

    /// The same for one object alone.
    #[must_use]
    pub fn of(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    pub(crate) fn apply(&mut self, call: &Call) -> Option<Fault> {
        let fits = self.what == call.what && self.name.as_ref().is_none_or(|name| *name == call.name);
        let holds = fits
            && match &mut self.times {
                Times::Always => true,
                Times::First(0) => false,
                Times::First(left) => {
                    *left -= 1;
                    true
                }
                Times::OnceEach(seen) => seen.insert(call.name.clone()),
            };
        holds.then(|| self.fault.clone())
    }
}
