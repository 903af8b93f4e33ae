//! The status that an outcome asks for. Pure; foreign conditions stay, `Synced` comes first.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::kube::synced_condition::{SYNCED, says, word};

/// The next status, or `None` if the current one says the same already. `message` is why it failed, if it did.
pub(crate) fn next(
    current: Option<&Value>,
    message: Option<&str>,
    generation: Option<i64>,
    now: Timestamp,
) -> Option<Value> {
    if says(current, message, generation) {
        return None;
    }
    let mut status = current.and_then(Value::as_object).cloned().unwrap_or_default();
    let conditions = status.remove("conditions");
    let mut others: Vec<Value> = conditions.and_then(|all| all.as_array().cloned()).unwrap_or_default();
    let at = others.iter().position(|condition| condition.get("type").and_then(Value::as_str) == Some(SYNCED));
    let before = at.map(|at| others.remove(at));
    let word = word(message);
    let text = |field: &str| before.as_ref().and_then(|condition| condition.get(field)).and_then(Value::as_str);
    let same_word = text("status") == Some(word);
    let time = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let since = text("lastTransitionTime").filter(|_| same_word).unwrap_or(&time).to_owned();
    let condition = condition(word, message, &time, &since);
    status.insert("conditions".to_owned(), std::iter::once(condition).chain(others).collect());
    status.insert("observedGeneration".to_owned(), json!(generation.unwrap_or_default()));
    Some(Value::Object(status))
}

fn condition(status: &str, message: Option<&str>, updated: &str, since: &str) -> Value {
    let mut condition = Map::new();
    condition.insert("type".to_owned(), json!(SYNCED));
    condition.insert("status".to_owned(), json!(status));
    condition.insert("lastUpdateTime".to_owned(), json!(updated));
    condition.insert("lastTransitionTime".to_owned(), json!(since));
    if let Some(message) = message {
        condition.insert("message".to_owned(), json!(message));
    }
    Value::Object(condition)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_first_status_has_equal_times_and_the_generation() {
        let status = next(None, None, Some(1), at(0)).unwrap();
        let expected = json!({"observedGeneration": 1, "conditions": [{"type": "Synced", "status": "True",
            "lastUpdateTime": "1970-01-01T00:00:00Z", "lastTransitionTime": "1970-01-01T00:00:00Z"}]});
        assert_eq!(status, expected);
        assert_eq!(next(Some(&status), None, Some(1), at(9)), None);
    }

    #[test]
    fn a_new_generation_updates_and_a_new_word_transitions() {
        let first = next(None, None, Some(1), at(0)).unwrap();
        let second = next(Some(&first), None, Some(2), at(9)).unwrap();
        assert_eq!(second["conditions"][0]["lastTransitionTime"], "1970-01-01T00:00:00Z");
        assert_eq!(second["conditions"][0]["lastUpdateTime"], "1970-01-01T00:00:09Z");
        let third = next(Some(&second), Some("no"), Some(2), at(10)).unwrap();
        assert_eq!(third["conditions"][0]["lastTransitionTime"], "1970-01-01T00:00:10Z");
        assert_eq!(third["conditions"][0]["message"], "no");
        assert!(next(Some(&third), Some("other"), Some(2), at(11)).is_some());
    }

    #[test]
    fn synced_comes_first_and_others_stay() {
        let current =
            json!({"observedGeneration": 1, "conditions": [{"type": "Other"}, {"type": "Synced", "status": "True"}]});
        let status = next(Some(&current), None, Some(1), at(0)).unwrap();
        assert_eq!(status["conditions"][0]["type"], "Synced");
        assert_eq!(status["conditions"][1], json!({"type": "Other"}));
        assert!(next(Some(&json!({"conditions": "garbage"})), None, Some(1), at(0)).is_some());
    }
}
