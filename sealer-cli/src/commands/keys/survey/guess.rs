//! Values that do not open as they are written, tried under the names that their tree knows: all of them a little before
//! any of them much, each text once, and no more in all than somebody waits for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use rayon::prelude::*;
use sealer_core::unseal::{KeyTrials, unseal_with};
use sealer_core::{Fingerprint, KeyEntry, Keyring, Label, SealedValue};

use super::Opener;
use crate::tree::loose::{self, LooseValue};
use crate::tree::{Binding, Bindings, Effort, SealedObject};

/// Opens a value with one label.
pub(super) fn open(value: &str, label: &Label, keyring: &Keyring, trials: &mut KeyTrials) -> Option<Fingerprint> {
    let sealed = SealedValue::from_base64(value).ok()?;
    Some(unseal_with(&sealed, label, keyring, trials).ok()?.fingerprint)
}

/// What is known of a value by itself that no label opens. Nothing if it is none at all, but looks like one.
pub(super) fn unopened(value: &LooseValue, keyring: &Keyring) -> Option<Opener> {
    let sealed = SealedValue::from_base64(&value.value).ok()?;
    let keys = may_have_sealed(&sealed, keyring);
    if value.is_in_part() {
        let is_of_another = keys.is_empty() && loose::is_of_common_size(&sealed);
        return if is_of_another { Some(Opener::NoKey) } else { (!keys.is_empty()).then_some(Opener::Unbound(keys)) };
    }
    if keys.is_empty() {
        return loose::is_likely(&sealed).then_some(Opener::NoKey);
    }
    // What has the structure of something else is a value all the same if it opens.
    Some(if loose::has_no_structure(&sealed) { Opener::Unbound(keys) } else { Opener::NoValue })
}

/// Keys that may have sealed a value, by their size; none of what is no sealed value.
pub(super) fn of_its_size(value: &str, keyring: &Keyring) -> Vec<Fingerprint> {
    if let Ok(sealed) = SealedValue::from_base64(value) {
        return may_have_sealed(&sealed, keyring);
    }
    // What an editor broke, or quoted, is mended by hand, and then needs its key.
    let joined: String = value.chars().filter(|letter| !letter.is_whitespace() && *letter != '"').collect();
    let values = loose::find_all(joined.as_bytes(), &[]).values;
    let sealed = values.iter().filter_map(|value| SealedValue::from_base64(&value.value).ok());
    let mut keys: Vec<Fingerprint> = sealed.flat_map(|sealed| may_have_sealed(&sealed, keyring)).collect();
    keys.dedup();
    keys
}

fn may_have_sealed(sealed: &SealedValue, keyring: &Keyring) -> Vec<Fingerprint> {
    let may_be_of = |entry: &&KeyEntry| Keyring::new(vec![(*entry).clone()]).may_have_sealed(sealed);
    keyring.entries().iter().filter(may_be_of).map(|entry| entry.key.fingerprint().clone()).collect()
}

/// A value, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    /// The number of its finding.
    at: usize,
    value: &'a str,
    file: &'a Path,
    asked: Asked<'a>,
}

#[derive(Clone, Copy)]
enum Asked<'a> {
    Item(&'a SealedObject),
    Loose(&'a LooseValue),
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Opened(Fingerprint),
    /// No name that is known opens it.
    Closed,
    /// Not every name that is known was tried.
    Limited,
}

impl<'a> Question<'a> {
    pub(super) fn of_item(at: usize, value: &'a str, file: &'a Path, object: &'a SealedObject) -> Self {
        Self { at, value, file, asked: Asked::Item(object) }
    }

    pub(super) fn of_loose(at: usize, value: &'a LooseValue, file: &'a Path) -> Self {
        Self { at, value: &value.value, file, asked: Asked::Loose(value) }
    }

    fn bindings(&self, bindings: &Bindings<'_>, most: usize) -> Vec<Binding> {
        match self.asked {
            Asked::Item(object) => {
                // What is written was tried on every text.
                let is_written = |binding: &Binding| object.is_whole() && binding.label() == object.label();
                let mut said = bindings.said(object, self.file);
                said.retain(|binding| !is_written(binding));
                said.extend(bindings.guessed(object, self.file, most));
                said
            }
            Asked::Loose(value) => bindings.of_loose(value, self.file, most),
        }
    }
}

/// One text, wherever it stands.
struct Text<'a> {
    places: Vec<Question<'a>>,
    sealed: SealedValue,
    /// Operations that one name costs.
    keys: u32,
    /// Names that were tried, in the order in which they come.
    done: usize,
    /// Those that were tried ahead of their turn.
    ahead: HashSet<Binding>,
    /// Operations so far.
    spent: u32,
    answer: Option<Answer>,
}

/// Answers all questions, each with the number of its finding.
pub(super) fn answers(
    questions: Vec<Question<'_>>,
    bindings: &Bindings<'_>,
    keyring: &Keyring,
    effort: &Effort,
) -> Vec<(usize, Answer)> {
    let mut files = by_file(questions, keyring);
    ask_all(&mut files, bindings, keyring, effort);
    let answer = |text: Text<'_>| {
        let answer = text.answer.unwrap_or(Answer::Limited);
        text.places.into_iter().map(move |place| (place.at, answer.clone())).collect::<Vec<_>>()
    };
    files.into_iter().flatten().flat_map(answer).collect()
}

/// Goes round until all are answered or nothing is left to spend.
fn ask_all(files: &mut [Vec<Text<'_>>], bindings: &Bindings<'_>, keyring: &Keyring, effort: &Effort) {
    let is_open = |text: &&Text<'_>| text.answer.is_none();
    loop {
        let open = files.iter().flatten().filter(is_open).count();
        let left = effort.left();
        if open == 0 || left == 0 {
            break;
        }
        let share = effort.share(open);
        files.par_iter_mut().for_each(|texts| {
            let (mut likely, mut trials) = (Vec::new(), KeyTrials::default());
            for text in texts.iter_mut().filter(|text| text.answer.is_none()) {
                text.ask(share, &mut likely, &mut trials, (bindings, keyring, effort));
            }
        });
        if effort.left() == left {
            break;
        }
    }
}

/// Each text that keys may open once, with those of the same file together.
fn by_file<'a>(questions: Vec<Question<'a>>, keyring: &Keyring) -> Vec<Vec<Text<'a>>> {
    let mut texts: Vec<Text<'a>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for question in questions {
        if let Asked::Loose(value) = question.asked
            && value.is_in_part()
        {
            continue;
        }
        if let Some(text) = known.get(question.value).and_then(|at| texts.get_mut(*at)) {
            text.places.push(question);
            continue;
        }
        let Ok(sealed) = SealedValue::from_base64(question.value) else { continue };
        let keys = u32::try_from(may_have_sealed(&sealed, keyring).len()).unwrap_or(u32::MAX);
        if keys == 0 {
            continue;
        }
        known.insert(question.value, texts.len());
        let ahead = HashSet::new();
        texts.push(Text { places: vec![question], sealed, keys, done: 0, ahead, spent: 0, answer: None });
    }
    let mut files: BTreeMap<&Path, Vec<Text<'a>>> = BTreeMap::new();
    for text in texts {
        if let Some(first) = text.places.first() {
            files.entry(first.file).or_default().push(text);
        }
    }
    files.into_values().collect()
}

impl Text<'_> {
    /// Tries names on it, as many as its share allows: first those that opened its neighbours.
    fn ask(
        &mut self,
        share: u32,
        likely: &mut Vec<Binding>,
        trials: &mut KeyTrials,
        (bindings, keyring, effort): (&Bindings<'_>, &Keyring, &Effort),
    ) {
        let enough = self.done + self.ahead.len() + likely.len() + share as usize;
        let most = (effort.for_one() as usize).min(enough) + 1;
        let (own, is_all) = self.bindings(bindings, most);
        let mut used = 0;
        let ahead = likely.iter().filter(|binding| !self.ahead.contains(*binding));
        let ahead: Vec<(bool, Binding)> = ahead.map(|binding| (true, binding.clone())).collect();
        for (is_ahead, binding) in ahead.into_iter().chain(own.into_iter().skip(self.done).map(|own| (false, own))) {
            if !is_ahead && self.ahead.contains(&binding) {
                self.done += 1;
                continue;
            }
            if self.spent.saturating_add(self.keys) > effort.for_one().max(self.keys) {
                self.answer = Some(Answer::Limited);
                return;
            }
            if used > 0 && used + self.keys > share || !effort.take(self.keys) {
                return;
            }
            let before = trials.operations();
            let opened = unseal_with(&self.sealed, &binding.label(), keyring, trials);
            let operations = trials.operations().saturating_sub(before);
            self.spent += operations;
            if let Ok(opened) = opened {
                effort.give_back(self.keys);
                self.answer = Some(Answer::Opened(opened.fingerprint));
                likely.retain(|other| *other != binding);
                likely.insert(0, binding);
                likely.truncate(MOST_LIKELY);
                return;
            }
            effort.give_back(self.keys.saturating_sub(operations));
            used += operations;
            if is_ahead {
                self.ahead.insert(binding);
            } else {
                self.done += 1;
            }
        }
        if is_all {
            self.answer = Some(Answer::Closed);
        }
    }

    /// What it may be bound to in all places where it stands, in turns, and whether there is no more.
    fn bindings(&self, bindings: &Bindings<'_>, most: usize) -> (Vec<Binding>, bool) {
        let lists: Vec<Vec<Binding>> =
            self.places.iter().take(MOST_PLACES).map(|place| place.bindings(bindings, most)).collect();
        let longest = lists.iter().map(Vec::len).max().unwrap_or_default();
        let mut met = HashSet::new();
        let turns = (0..longest).flat_map(|at| lists.iter().filter_map(move |list| list.get(at)));
        let all = turns.filter(|binding| met.insert((*binding).clone())).cloned().collect();
        (all, longest < most && self.places.len() <= MOST_PLACES)
    }
}

/// Names that opened neighbours and are tried ahead of all others.
const MOST_LIKELY: usize = 4;
/// Places of one text whose names are tried on it.
const MOST_PLACES: usize = 20;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::path::PathBuf;

    use sealer_core::{Plaintext, Scope, UnsealingKey, seal};

    use super::*;
    use crate::tree::{Given, sealed};

    fn raw(key: &UnsealingKey, namespace: &str, name: &str) -> String {
        let label = Label::new_unchecked(Scope::Strict, namespace, name);
        seal(&Plaintext::new(b"v".to_vec()), &label, key.sealing_key()).unwrap().to_base64()
    }

    /// Operations that the values of a text cost, and what came of them.
    fn asked(values: &[String], names: &str, keyring: &Keyring, most: u32) -> (u32, Vec<Answer>) {
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<PathBuf> = ["names.yaml", "values.yaml"].iter().map(|name| folder.path().join(name)).collect();
        let text: String = values.iter().enumerate().map(|(at, value)| format!("v{at}: {value}\n")).collect();
        for (file, text) in files.iter().zip([names, &text]) {
            std::fs::write(file, text).unwrap();
        }
        let file = files.last().unwrap();
        let found = sealed(file, text.as_bytes()).unwrap().loose;
        let questions = found.iter().enumerate().map(|(at, value)| Question::of_loose(at, value, file)).collect();
        let mut texts = by_file(questions, keyring);
        let effort = Effort::new(most);
        ask_all(&mut texts, &Bindings::new(Given::default(), &files), keyring, &effort);
        let spent = texts.iter().flatten().map(|text| text.spent).sum();
        let answers = texts.into_iter().flatten().map(|text| text.answer.unwrap_or(Answer::Limited)).collect();
        (spent, answers)
    }

    #[test]
    fn foreign_values_cost_no_more_operations_than_the_limit() {
        let key = || UnsealingKey::generate(1024).unwrap();
        let (own, foreign) = (key(), key());
        let (fingerprint, ours) = (own.fingerprint().clone(), raw(&own, "s0", "n0"));
        let keyring = Keyring::from_keys(vec![own, key()]);
        let names: String = (0..60).map(|number| format!("name: n{number}\nnamespace: s{number}\n")).collect();
        let mut values: Vec<String> = (0..800).map(|_| raw(&foreign, "theirs", "x")).collect();
        values.push(ours);
        let (spent, answers) = asked(&values, &names, &keyring, 1000);
        assert!((500..=1000).contains(&spent), "{spent}");
        // Nearly half of them may by chance be too large for our keys, and cost nothing.
        assert!(answers.iter().filter(|answer| **answer == Answer::Limited).count() >= 350, "{spent}");
        // With as many as it takes, what is ours is found however much of others stands ahead of it.
        let (_, answers) = asked(&values.split_off(780), &names, &keyring, 2000);
        assert_eq!(answers.last(), Some(&Answer::Opened(fingerprint)));
    }

    #[test]
    fn a_text_that_stands_in_many_places_is_tried_once() {
        let (own, foreign) = (UnsealingKey::generate(1024).unwrap(), UnsealingKey::generate(1024).unwrap());
        let keyring = Keyring::from_keys(vec![own]);
        // One that is larger than the modulus of our key costs nothing, whatever it stands for.
        let fits = |value: &String| !may_have_sealed(&SealedValue::from_base64(value).unwrap(), &keyring).is_empty();
        let value = std::iter::repeat_with(|| raw(&foreign, "theirs", "x")).find(fits).unwrap();
        let names = "name: a\nnamespace: b\n";
        let (once, answers) = asked(std::slice::from_ref(&value), names, &keyring, 20_000);
        let (many, _) = asked(&vec![value; 1000], names, &keyring, 20_000);
        assert_eq!((once, answers.len()), (many, 1));
    }
}
