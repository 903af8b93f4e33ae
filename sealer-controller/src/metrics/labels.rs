//! The values that labels of metrics have: each a closed list.

/// A port of the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    Public,
    Admin,
}

impl Port {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Public => "http",
            Self::Admin => "metrics",
        }
    }
}

/// Why a connection was closed although its peer might have gone on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClosedConnection {
    /// Others needed its room.
    Evicted,
    /// There was no room, and nobody to give way.
    Refused,
    /// The head of a request took too long.
    SlowHead,
    /// No request came for a long time.
    Idle,
    /// An answer was not read, or too slowly.
    SlowReader,
}

impl ClosedConnection {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Evicted => "evicted",
            Self::Refused => "refused",
            Self::SlowHead => "slow_head",
            Self::Idle => "idle",
            Self::SlowReader => "slow_reader",
        }
    }
}

/// Why a request is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Refusal {
    /// More bytes than a SealedSecret can have.
    TooLarge,
    /// More values than a SealedSecret can have.
    TooCostly,
    /// The body came too slowly.
    TooSlow,
    /// The body did not come to its end.
    Interrupted,
    /// No SealedSecret.
    Malformed,
    /// Too much is in work.
    Busy,
    /// The caller has not said who it is.
    NoToken,
    /// The API server does not know the caller.
    Unauthenticated,
    /// The caller may not update SealedSecrets there.
    Forbidden,
    /// The API server does not say who the caller is, or what it may do.
    Unverifiable,
}

impl Refusal {
    /// The metric's label.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::TooCostly => "too_costly",
            Self::TooSlow => "too_slow",
            Self::Interrupted => "interrupted",
            Self::Malformed => "malformed",
            Self::Busy => "busy",
            Self::NoToken => "no_token",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Unverifiable => "unverifiable",
        }
    }
}

/// What cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    SealedSecret,
    Secret,
    Key,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::SealedSecret => "sealedsecret",
            Self::Secret => "secret",
            Self::Key => "key",
        }
    }
}
