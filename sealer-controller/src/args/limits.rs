//! Flags that limit: who may use an endpoint, and how many requests the API server gets.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;
use sealer_go::pflag::Values;

use crate::args::invalid;
use crate::error::ArgsError;

/// Who may use an endpoint that opens values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiAccess {
    /// Whoever reaches the port.
    On,
    Off,
    /// Whoever may update SealedSecrets in the object's namespace.
    Authorized,
}

/// How many requests to the API server may be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientLimit(pub(crate) Quota);

pub(super) fn api_access(values: &Values, flag: &'static str) -> Result<ApiAccess, ArgsError> {
    match values.text(flag) {
        "on" => Ok(ApiAccess::On),
        "off" => Ok(ApiAccess::Off),
        "authorized" => Ok(ApiAccess::Authorized),
        other => Err(invalid(flag, other, "`on`, `off` or `authorized`")),
    }
}

/// The known defaults mean that nobody asked. As with client-go, zero is the default and a negative rate no limit.
pub(super) fn client_limit(values: &Values) -> Option<ClientLimit> {
    let asked = |flag, default| values.was_given(flag) || values.text(flag) != default;
    if !asked("kubeclient-qps", "5") && !asked("kubeclient-burst", "10") {
        return None;
    }
    let rate = Some(values.number("kubeclient-qps")).filter(|rate| *rate != 0.0).unwrap_or(5.0);
    let burst = u32::try_from(values.integer("kubeclient-burst")).ok().and_then(NonZeroU32::new);
    let period = Duration::try_from_secs_f64(1.0 / rate).ok()?;
    Some(ClientLimit(Quota::with_period(period)?.allow_burst(burst.or(NonZeroU32::new(10))?)))
}
