//! Sorts texts so that it can be stopped at any time.

use std::cmp::Ordering;

use super::super::budget::Budget;
use super::super::error::Fault;
use super::super::value::Text;
use super::FAST;

/// The texts in order, merged run by run. What a comparison reads is counted before.
pub(super) fn sorted(budget: &mut Budget<'_>, texts: Vec<Text>) -> Result<Vec<Text>, Fault> {
    let mut from = texts;
    let mut width = 1;
    while width < from.len() {
        budget.steps(from.len() as u64 / COMPARISONS)?;
        let mut merged = Vec::with_capacity(from.len());
        for pair in from.chunks(width * 2) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            merge(budget, left, right, &mut merged)?;
        }
        from = merged;
        width *= 2;
    }
    Ok(from)
}

fn merge(budget: &mut Budget<'_>, left: &[Text], right: &[Text], merged: &mut Vec<Text>) -> Result<(), Fault> {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    while let (Some(first), Some(other)) = (left.peek(), right.peek()) {
        budget.read(first.len().min(other.len()), FAST)?;
        let next = if first.cmp(other) == Ordering::Greater { right.next() } else { left.next() };
        merged.extend(next.cloned());
    }
    merged.extend(left.cloned());
    merged.extend(right.cloned());
    Ok(())
}

/// Comparisons of short texts in one step.
const COMPARISONS: u64 = 4;
