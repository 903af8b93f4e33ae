//! All sealed values of a text: as they stand, behind escapes, and in texts that are packed into it.

use std::collections::BTreeSet;
use std::ops::Range;

use super::escapes::Plain;
use super::{Layout, Lines, LooseValue, find, inside};

/// All sealed values of a text.
#[derive(Debug, Default)]
pub(crate) struct All {
    pub(crate) values: Vec<LooseValue>,
    /// There is more packed into it than is looked at.
    pub(crate) is_limited: bool,
}

/// Finds them also behind escapes, in base64 and in compressed texts, except for those in the ranges that are known already.
pub(crate) fn find_all(text: &[u8], known: &[Range<usize>]) -> All {
    let mut values = with_escapes(text, known);
    let inside = inside(text);
    let mut lines = Lines::default();
    for inner in &inside.texts {
        for value in with_escapes(&inner.text, &[]) {
            // Texts inside of others come out of order.
            if inner.range.start < lines.place {
                lines = Lines::default();
            }
            let line = lines.at(text, inner.range.start);
            values.push(LooseValue { line, range: inner.range.clone(), layout: Layout::Inside, ..value });
        }
    }
    values.sort_by_key(|value| value.range.start);
    All { values, is_limited: inside.is_limited }
}

/// Finds them as they stand, and behind escapes.
fn with_escapes(text: &[u8], known: &[Range<usize>]) -> Vec<LooseValue> {
    let mut values = find(text, known);
    let Some(plain) = Plain::of(text) else { return values };
    let (mut lines, mut better, mut gone) = (Lines::default(), Vec::new(), BTreeSet::new());
    for mut value in find(&plain.text, &[]) {
        let range = plain.source(&value.range);
        let meeting = values.partition_point(|other| other.range.end <= range.start)
            ..values.partition_point(|other| other.range.start < range.end);
        let is_worse =
            |other: &LooseValue| value.is_in_part() || !other.is_in_part() && other.value.len() >= value.value.len();
        let is_known = known.iter().any(|known| known.contains(&range.start));
        if is_known || values.get(meeting.clone()).unwrap_or_default().iter().any(is_worse) {
            continue;
        }
        gone.extend(meeting);
        value.layout = if value.is_in_part() { Layout::InPart } else { Layout::Escaped };
        value.line = lines.at(text, range.start);
        value.range = range;
        better.push(value);
    }
    let mut number = 0..;
    values.retain(|_| number.next().is_none_or(|number| !gone.contains(&number)));
    values.extend(better);
    values.sort_by_key(|value| value.range.start);
    values
}
