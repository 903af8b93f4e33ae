//! Words that were probably meant by others.

/// The one of some words that is nearest to a word; the word itself first, none if all are far.
pub(crate) fn nearest<'a>(word: &str, all: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = all.into_iter().filter(|known| is_near(known, word));
    near.min_by_key(|known| changes(known, word))
}

/// Whether one word becomes the other by at most two letters that are added, left out or changed; of a short one, by one.
pub(crate) fn is_near(one: &str, other: &str) -> bool {
    let most = match one.len() {
        0..3 => 0,
        3..6 => 1,
        _ => 2,
    };
    changes(one, other) <= most
}

/// Levenshtein's distance; two letters in each other's place are one change.
fn changes(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(LONGEST).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    let mut last = None;
    for (at, letter) in one.chars().enumerate() {
        let mut next = vec![at + 1];
        for (column, there) in other.iter().enumerate() {
            let of = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
            let mut least = (of(&row, column) + usize::from(letter != *there))
                .min(of(&row, column + 1) + 1)
                .min(of(&next, column) + 1);
            let left = column.checked_sub(1).and_then(|left| other.get(left));
            if last == Some(*there) && left == Some(&letter) && !before.is_empty() {
                least = least.min(of(&before, column - 1) + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
        last = Some(letter);
    }
    row.last().copied().unwrap_or_default()
}

/// Names of fields and commands are shorter.
const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_hand_are_near_and_other_words_are_not() {
        let verbs = ["keys", "reseal", "move", "set", "unset", "edit", "view", "explain", "template"];
        for (word, meant) in [
            ("reseel", Some("reseal")),
            ("resael", Some("reseal")),
            ("re-seal", Some("reseal")),
            ("edti", Some("edit")),
            ("veiw", Some("view")),
            ("views", Some("view")),
            ("key", Some("keys")),
            ("explian", Some("explain")),
            ("templates", Some("template")),
            ("set", Some("set")),
            ("secret.yaml", None),
            ("thing", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, verbs), meant, "{word}");
        }
    }
}
