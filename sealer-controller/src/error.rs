//! What can go wrong: at start, with one object, with one key Secret. Messages name the object and never a value.

use std::fmt;
use std::time::Duration;

use sealer_go::pflag::{BadVariable, FlagError};

use crate::kube::refusal::{self, answer};
use crate::kube::sealed_secret::MalformedSpec;

/// A command line or environment that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArgsError {
    #[error(transparent)]
    Flag(FlagError),
    #[error("{0}")]
    Variable(BadVariable),
    #[error("--{flag}: `{value}` does not fit; give {expected}")]
    Invalid { flag: &'static str, value: String, expected: &'static str },
    /// Passed over, it would leave a switch on that it was to turn off.
    #[error("`{word}` belongs to no flag; {meant}")]
    Word { word: String, meant: String },
}

/// The controller cannot run, or not any longer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("cannot start the runtime: {0}")]
    Runtime(std::io::Error),
    #[error("cannot find the cluster: {0}; run in a Pod, or set KUBECONFIG")]
    Cluster(String),
    #[error(
        "cannot {action} sealing keys in namespace `{namespace}`: {cause}; the controller needs create, get and list on secrets there"
    )]
    Keys { action: &'static str, namespace: String, cause: KeysError },
    #[error("cannot listen on `{address}`: {cause}; is another process there, or the address not of this machine?")]
    Listen { address: String, cause: String },
    #[error("a task ended unexpectedly")]
    Task,
}

/// Sealing keys cannot be read or made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    #[error("{}", answer(.0))]
    Api(#[from] kube::Error),
    #[error("no key could be generated")]
    Generation,
    #[error("a key Secret in the API server's answer cannot be read")]
    Unreadable,
    #[error("the API server does not answer")]
    Unanswered,
    #[error(
        "Secret `sealed-secrets-checkpoint-keys`, which tells own keys from others, cannot be kept: that takes the right to get, create and update Secrets, and no other Secret of that name; without it use --trust-new-keys=always"
    )]
    NoRecord,
}

impl KeysError {
    /// Whether it may pass while somebody waits: the API server is away, busy or in trouble.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            // The API server gives a reason: a refusal without one was changed on its way, or comes from something else.
            Self::Api(kube::Error::Api(status)) => {
                status.code >= 500 || PASSING.contains(&status.code) || status.reason.is_empty()
            }
            // An answer that cannot be read may have been cut off.
            Self::Api(kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::SerdeError(_))
            | Self::Unanswered
            | Self::Unreadable => true,
            Self::Api(_) | Self::Generation | Self::NoRecord => false,
        }
    }
}

/// Why an object is not in sync. One list feeds the event, the condition and the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reason {
    Fetch,
    Unseal,
    Unmanaged,
    Update,
    Status,
}

impl Reason {
    /// The metric's label.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Unseal => "unseal",
            Self::Unmanaged => "unmanaged",
            Self::Update => "update",
            Self::Status => "status",
        }
    }

    /// The event's reason.
    pub(crate) fn event(self) -> &'static str {
        match self {
            Self::Unseal => "ErrUnsealFailed",
            Self::Fetch | Self::Unmanaged | Self::Update | Self::Status => "ErrUpdateFailed",
        }
    }
}

/// Whether and how an object is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// With exponential backoff: it may clear by itself.
    Transient,
    /// With a backoff of seconds: it clears by itself (ownerReference GC), possibly without a watch event.
    SoonCapped,
    /// Only when the object, its Secret or the keyring changes.
    Permanent,
    /// As [`Class::Permanent`], and told in events alone: a write of the status would have the API server read, compare
    /// and store all of the object again, while every watch of its kind waits.
    Oversized,
    /// After others: nothing is known yet.
    AfterOthers,
}

/// One object that is not in sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) reason: Reason,
    pub(crate) class: Class,
    /// For the condition and the log.
    pub(crate) message: String,
    /// For the event, where existing alerts expect another text.
    pub(crate) event: String,
    /// How long to wait at least before the next attempt, where the API server said so.
    pub(crate) wait: Duration,
    /// Whether the API server refused what may be made of values: which words it chose then depends on them.
    pub(crate) concerns_values: bool,
}

impl Failure {
    pub(crate) fn new(reason: Reason, class: Class, message: impl Into<String>) -> Self {
        let message = bounded(message.into());
        Self { reason, class, event: message.clone(), message, wait: Duration::ZERO, concerns_values: false }
    }

    pub(crate) fn unseal(message: impl fmt::Display) -> Self {
        let message = bounded(message.to_string());
        let event = format!("Failed to unseal: {message}");
        Self { event, ..Self::new(Reason::Unseal, Class::Permanent, message) }
    }

    /// The same, with what is to be done about it in the status.
    pub(crate) fn with_remedy(self, remedy: &str) -> Self {
        Self { message: bounded(format!("{}; {remedy}", self.message)), ..self }
    }

    /// There is too much to open while too many others have as much.
    pub(crate) fn overloaded() -> Self {
        Self::new(
            Reason::Unseal,
            Class::AfterOthers,
            "too many objects with very many values at once; retried in 30 seconds",
        )
    }

    pub(crate) fn unmanaged(name: &str) -> Self {
        let event = format!("Resource \"{name}\" already exists and is not managed by SealedSecret");
        let message = format!("failed update: {event}");
        Self { event, ..Self::new(Reason::Unmanaged, Class::Permanent, message) }
    }

    /// Judges an answer of the API server.
    pub(crate) fn api(reason: Reason, namespace: &str, name: &str, error: &kube::Error) -> Self {
        let kube::Error::Api(status) = error else {
            return Self::new(reason, Class::Transient, answer(error));
        };
        // A refusal of a webhook or a policy has any code, and passes when that changes.
        let is_too_large = status.code == TOO_LARGE || refusal::is_too_large(status);
        let is_invalid = (status.is_invalid() && !refusal::is_denied(status)) || is_too_large;
        let class = if is_invalid { Class::Permanent } else { Class::Transient };
        let wait = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
        let wait = Duration::from_secs(wait.into());
        if refusal::is_immutable(status) {
            let failure = Self::new(reason, Class::Permanent, refusal::immutable(name, status));
            return Self { event: immutable(namespace, name), wait, concerns_values: true, ..failure };
        }
        let concerns_values = is_invalid && refusal::concerns_data(status);
        Self { wait, concerns_values, ..Self::new(reason, class, refusal::text(status)) }
    }
}

impl From<MalformedSpec> for Failure {
    fn from(malformed: MalformedSpec) -> Self {
        let failure = Self::unseal(&malformed);
        match malformed {
            MalformedSpec::Malformed(_) => failure,
            MalformedSpec::Oversized(_) => Self { class: Class::Oversized, ..failure },
        }
    }
}

/// Messages name items, and a name may be a megabyte long; with it, the status would not fit into the object.
fn bounded(mut message: String) -> String {
    if message.len() > LONGEST_MESSAGE {
        message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
        message.push('…');
    }
    message
}

fn immutable(namespace: &str, name: &str) -> String {
    format!(
        "Error updating {namespace}/{name}: the target Secret is immutable. Once a Secret is marked as immutable, it \
         is not possible to revert this change nor to mutate the contents of the data field. You can only delete and \
         recreate the Secret."
    )
}

/// Conflict and too many requests.
const PASSING: [u16; 2] = [409, 429];
/// The answer to a Secret above the size limit.
const TOO_LARGE: u16 = 413;
/// The limit that Kubernetes sets for conditions of its own kinds.
const LONGEST_MESSAGE: usize = 32_768;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_where_a_condition_does() {
        let failure = Failure::unseal("ä".repeat(1 << 20));
        assert_eq!(failure.message, format!("{}…", "ä".repeat(LONGEST_MESSAGE / 2)));
        assert!(failure.event.starts_with("Failed to unseal: ä") && failure.event.len() < LONGEST_MESSAGE + 30);
        assert_eq!(Failure::unseal("short").message, "short");
    }
}
