//! A text with its templates left out, byte for byte as long as before.

use super::tree::{Scalar, Tree};

/// Replaces every `{{ … }}`: alone on its lines it becomes a comment, beside other text a word.
pub(super) fn without_templates(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let (mut rest, mut number) = (text, 0);
    while let Some(start) = rest.find("{{") {
        let (before, action) = rest.split_at_checked(start).unwrap_or((rest, ""));
        let length = action.find("}}").map_or(action.len(), |end| end + 2);
        let (action, after) = action.split_at_checked(length).unwrap_or((action, ""));
        result.push_str(before);
        let alone = before_on_line(&result).trim().is_empty() && after_on_line(after).trim().is_empty();
        push_masked(&mut result, action, alone, number);
        number += 1;
        rest = after;
    }
    result + rest
}

fn before_on_line(text: &str) -> &str {
    text.rsplit('\n').next().unwrap_or_default()
}

/// What follows on the line; further templates do not count, they are masked in turn.
fn after_on_line(text: &str) -> &str {
    let line = text.split('\n').next().unwrap_or_default();
    if line.trim_start().starts_with("{{") { "" } else { line }
}

/// The words differ, as the texts do that templates write: two names of a map may both be templates.
fn push_masked(result: &mut String, action: &str, alone: bool, number: usize) {
    let mut begins_line = alone;
    let mut rest = number;
    for (at, byte) in action.bytes().enumerate() {
        result.push(match byte {
            b'\n' | b'\r' => char::from(byte),
            _ if begins_line => '#',
            _ if at == 0 => 'x',
            _ => {
                let letter = LETTERS.get(rest % LETTERS.len()).copied().unwrap_or(b'x');
                rest /= LETTERS.len();
                char::from(letter)
            }
        });
        begins_line = alone && byte == b'\n';
    }
}

/// None of them makes a word that is more than a text, behind an `x`.
const LETTERS: &[u8] = b"xabcdefghijklmnopqrstuvwyz";

/// Gives texts that a template writes, or parts of them, as they stand in the file: what stood in for them is not shown.
pub(super) fn put_templates_back(tree: &mut Tree, text: &str) {
    let put_back = |scalar: &mut Scalar| {
        let written = text.get(scalar.range.clone()).unwrap_or_default();
        if written.contains("{{") || written.contains("}}") {
            let quoted = |mark| written.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark));
            quoted('"').or_else(|| quoted('\'')).unwrap_or(written).clone_into(&mut scalar.text);
        }
    };
    match tree {
        Tree::Scalar(scalar) => put_back(scalar),
        Tree::List(items, _) => items.iter_mut().for_each(|item| put_templates_back(item, text)),
        Tree::Map(fields, _) => {
            for (key, value) in fields {
                put_back(key);
                put_templates_back(value, text);
            }
        }
    }
}
