//! Which flags have a value shows; the values may be tokens and passwords.

use std::fmt;

use super::Values;

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Values({:?}, [redacted])", self.given.keys())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Flag, Kind, parse};
    use super::*;

    #[test]
    fn values_of_flags_do_not_show_when_they_are_debugged() {
        let table = [Flag::new("token", Kind::Text, "", "x"), Flag::new("switch", Kind::Switch, "", "x")];
        let words = ["--token=correct-horse", "correct-horse"].map(str::to_owned);
        let values = parse(&table, Values::default(), &words);
        assert_eq!(values.map(|values| format!("{values:?}")).as_deref(), Ok("Values([\"token\"], [redacted])"));
    }
}
