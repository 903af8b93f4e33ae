//! What the `Synced` condition of a status says. Pure.

use serde_json::Value;

/// Whether a status says of a generation that it is in sync, or with `message` why it is not, before all other conditions.
pub(crate) fn says(status: Option<&Value>, message: Option<&str>, generation: Option<i64>) -> bool {
    let observed = status.and_then(|status| status.get("observedGeneration")).and_then(Value::as_i64);
    let conditions = status.and_then(|status| status.get("conditions")).and_then(Value::as_array);
    let Some(first) = conditions.and_then(|all| all.first()) else { return false };
    let text = |field: &str| first.get(field).and_then(Value::as_str);
    text("type") == Some(SYNCED)
        && text("status") == Some(word(message))
        && observed == generation
        && text("message").unwrap_or_default() == message.unwrap_or_default()
}

/// The condition's status: in sync unless there is a reason why not.
pub(crate) fn word(message: Option<&str>) -> &'static str {
    if message.is_none() { "True" } else { "False" }
}

/// The condition's type.
pub(crate) const SYNCED: &str = "Synced";
