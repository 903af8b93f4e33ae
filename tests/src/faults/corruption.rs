//! Steady corruption of answers: every n-th answer to each kind of call, in every manner in turn, and all of it counted.

use std::collections::BTreeMap;
use std::fmt;

use parking_lot::Mutex;
use serde_json::Value;

use crate::faults::call::Call;
use crate::faults::spoil::Spoil;

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnswerKind {
    /// A page of a list.
    ListPage,
    /// An object of a list that a watch streams.
    StreamedObject,
    /// An event of a watch.
    WatchEvent,
    /// One object.
    Object,
    /// What was written.
    Write,
    /// A status that says why nothing was done.
    Refusal,
}

impl AnswerKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::ListPage, Self::StreamedObject, Self::WatchEvent, Self::Object, Self::Write, Self::Refusal];

    /// Of how many answers one is corrupted: few enough that attempts after it go through.
    fn period(self) -> usize {
        match self {
            // The first answers of each controller count as well.
            Self::ListPage | Self::StreamedObject => 2,
            Self::Object | Self::Write | Self::Refusal => 4,
            Self::WatchEvent => 7,
        }
    }

    pub(crate) fn of(call: &Call) -> Self {
        match call.what.split(' ').next() {
            Some("list") => Self::ListPage,
            Some("watch") => Self::WatchEvent,
            Some("get") => Self::Object,
            _ => Self::Write,
        }
    }
}

impl fmt::Display for AnswerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ListPage => "list pages",
            Self::StreamedObject => "streamed objects",
            Self::WatchEvent => "watch events",
            Self::Object => "objects",
            Self::Write => "answers to writes",
            Self::Refusal => "refusals",
        })
    }
}

/// Corrupts answers and counts them. The same calls in the same order are corrupted in the same way.
#[derive(Debug, Default)]
pub struct Corruption(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Answers to each call, such as `get secrets`.
    answers: BTreeMap<(String, AnswerKind), usize>,
    corrupted: BTreeMap<AnswerKind, BTreeMap<Spoil, usize>>,
}

impl Corruption {
    /// How many answers of each kind were changed, in which manners.
    pub fn corrupted(&self) -> BTreeMap<AnswerKind, BTreeMap<Spoil, usize>> {
        self.0.lock().corrupted.clone()
    }

    /// Whether the next answer of this kind to this call is to be corrupted.
    fn is_due(&self, what: &str, kind: AnswerKind) -> bool {
        let mut counts = self.0.lock();
        let count = counts.answers.entry((what.to_owned(), kind)).or_default();
        *count += 1;
        // Each call's answers in another rhythm, so that what belongs together is not always hit together.
        (*count + what.len()).is_multiple_of(kind.period())
    }

    /// The answer in the next manner that changes it.
    fn corrupt(&self, kind: AnswerKind, text: &[u8]) -> Vec<u8> {
        let done: usize = self.corrupted().get(&kind).into_iter().flatten().map(|(_, count)| count).sum();
        let manners = (0..Spoil::ALL.len()).filter_map(|more| Spoil::ALL.get((done + more) % Spoil::ALL.len()));
        for manner in manners {
            let changed = manner.spoil(done + 1, text);
            if changed != text {
                let mut counts = self.0.lock();
                *counts.corrupted.entry(kind).or_default().entry(*manner).or_default() += 1;
                return changed;
            }
        }
        text.to_vec()
    }

    /// The answer, corrupted if it is its turn.
    pub(crate) fn pass(&self, what: &str, kind: AnswerKind, text: &[u8]) -> Vec<u8> {
        if self.is_due(what, kind) { self.corrupt(kind, text) } else { text.to_vec() }
    }

    /// One line of a watch; `streamed` counts the objects of a list that it begins with.
    pub(crate) fn line(&self, what: &str, streamed: &mut Option<usize>, line: &[u8]) -> Vec<u8> {
        let Some(count) = streamed else { return self.pass(what, AnswerKind::WatchEvent, line) };
        if ends_list(line) {
            *streamed = None;
            return line.to_vec();
        }
        *count += 1;
        // One object of a list: a list with more of them would never be whole.
        if *count == 1 { self.pass(what, AnswerKind::StreamedObject, line) } else { line.to_vec() }
    }
}

/// Whether the list is through with this line.
fn ends_list(line: &[u8]) -> bool {
    let event: Value = serde_json::from_slice(line).unwrap_or_default();
    event.pointer("/type").is_some_and(|kind| kind == "BOOKMARK")
        && event.pointer("/object/metadata/annotations/k8s.io~1initial-events-end").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECT: &[u8] =
        br#"{"metadata":{"name":"a","uid":"u","resourceVersion":"5","creationTimestamp":"2026-01-01T00:00:00Z"}}"#;

    #[test]
    fn every_nth_answer_is_corrupted_in_every_manner_and_counted() {
        let corruption = Corruption::default();
        let kind = AnswerKind::Object;
        let rounds = kind.period() * Spoil::ALL.len() * 3;
        let changed = (0..rounds).filter(|_| corruption.pass("get secrets", kind, OBJECT) != OBJECT).count();
        assert_eq!(changed, Spoil::ALL.len() * 3);
        let counted = corruption.corrupted().remove(&kind).unwrap_or_default();
        assert_eq!(counted, Spoil::ALL.into_iter().map(|manner| (manner, 3)).collect());
    }

    #[test]
    fn a_manner_that_changes_nothing_is_not_counted() {
        let corruption = Corruption::default();
        for _ in 0..200 {
            corruption.pass("get secrets", AnswerKind::Object, b"{}");
        }
        let counted = corruption.corrupted().remove(&AnswerKind::Object).unwrap_or_default();
        assert_eq!(counted.keys().copied().collect::<Vec<_>>(), [Spoil::Cut, Spoil::NoText]);
    }

    #[test]
    fn a_streamed_list_has_one_corrupted_object_at_most() {
        let corruption = Corruption::default();
        let end = br#"{"type":"BOOKMARK","object":{"metadata":{"annotations":{"k8s.io/initial-events-end":"true"}}}}"#;
        for _ in 0..20 {
            let mut streamed = Some(0);
            let lines = (0..50).map(|_| corruption.line("watch secrets", &mut streamed, OBJECT));
            assert!(lines.filter(|line| line != OBJECT).count() <= 1);
            assert_eq!(corruption.line("watch secrets", &mut streamed, end), end);
            assert_eq!(streamed, None, "events follow");
        }
        assert!(corruption.corrupted().contains_key(&AnswerKind::StreamedObject));
    }
}
