//! Where something stands in a text: its line, what surrounds it, and whether templates decide that it is there.

use super::tree::{Scalar, Style, Tree};
use super::{EditableText, Step};

/// A value and the way to it.
pub(super) struct Place<'t> {
    pub(super) tree: &'t Tree,
    /// The names on the way, outermost first.
    pub(super) keys: Vec<&'t Scalar>,
    /// Whether something around it is in brackets.
    pub(super) in_flow: bool,
    /// Whether something around it stands in several places.
    pub(super) shared: bool,
}

impl<'t> EditableText<'t> {
    /// What stands at the end of a path.
    pub(super) fn place(&self, path: &[Step]) -> Option<Place<'_>> {
        let (first, rest) = path.split_first()?;
        let Step::Number(document) = first else { return None };
        let mut place = Place { tree: self.documents.get(*document)?, keys: Vec::new(), in_flow: false, shared: false };
        for step in rest {
            let (Tree::Map(_, shape) | Tree::List(_, shape)) = place.tree else { return None };
            place.in_flow |= shape.flow.is_some();
            place.shared |= shape.shared;
            place.tree = match (place.tree, step) {
                (Tree::Map(fields, _), Step::Name(name)) => {
                    let (key, value) = fields.iter().find(|(key, _)| key.is_named(name))?;
                    place.keys.push(key);
                    value
                }
                (Tree::List(items, _), Step::Number(number)) => items.get(*number)?,
                _ => return None,
            };
        }
        Some(place)
    }

    /// Where a field ends that is not empty: behind its value, or behind its name where there is none.
    pub(super) fn end_of(&self, key: &Scalar, value: &Tree) -> usize {
        if let Some(alias) = value.alias() {
            return alias.end;
        }
        match value {
            Tree::Scalar(scalar) if scalar.range.is_empty() => key.range.end,
            Tree::Scalar(scalar) if scalar.style == Style::Block => {
                let written = self.written(scalar.range.clone());
                scalar.range.start + written.trim_end().len()
            }
            Tree::Scalar(scalar) => scalar.range.end,
            Tree::List(items, shape) => match (&shape.flow, items.last()) {
                (Some(range), _) => range.end,
                (None, Some(last)) => self.end_of(key, last),
                (None, None) => key.range.end,
            },
            Tree::Map(fields, shape) => match (&shape.flow, fields.last()) {
                (Some(range), _) => range.end,
                (None, Some((key, last))) => self.end_of(key, last),
                (None, None) => key.range.end,
            },
        }
    }

    /// What stands ahead of a place on its line.
    pub(super) fn before_on_line(&self, at: usize) -> &'t str {
        let before = self.text.get(..at).unwrap_or_default();
        before.get(before.rfind('\n').map_or(0, |at| at + 1)..).unwrap_or_default()
    }

    /// The end of the line of a place, ahead of its line break.
    pub(super) fn line_end(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        let line = if line.len() < rest.len() { line.strip_suffix('\r').unwrap_or(line) } else { line };
        at + line.len()
    }

    /// Where a line is put behind the one of a place: there, and what stands ahead of it and behind it. Each line keeps its
    /// own end, which in a text of Windows and Unix is not that of the next.
    pub(super) fn behind_line(&self, at: usize) -> (usize, &'t str, &'t str) {
        let end = self.line_end(at);
        let rest = self.text.get(end..).unwrap_or_default();
        let own = rest.find('\n').and_then(|length| rest.get(..=length)).unwrap_or_default();
        if own.is_empty() { (end, self.line_break(), "") } else { (end + own.len(), "", own) }
    }

    /// How the line ahead of a place ends.
    pub(super) fn break_before(&self, at: usize) -> &'static str {
        let before = self.text.get(..at).unwrap_or_default();
        if before.ends_with("\r\n") { "\r\n" } else { "\n" }
    }

    /// How lines end here.
    pub(super) fn line_break(&self) -> &'static str {
        let first = self.text.split_once('\n').map(|(line, _)| line);
        if first.is_some_and(|line| line.ends_with('\r')) { "\r\n" } else { "\n" }
    }

    /// Whether what begins between two places also ends there: neither is within an action or a branch of its own.
    pub(super) fn is_whole(&self, from: usize, to: usize) -> bool {
        let mut depth = 0_usize;
        let text = self.text.get(from..to).unwrap_or_default();
        for action in actions(text) {
            let Some(word) = action else { return false };
            match word {
                "if" | "range" | "with" | "define" | "block" => depth += 1,
                "end" if depth == 0 => return false,
                "end" => depth -= 1,
                "else" if depth == 0 => return false,
                _ => {}
            }
        }
        depth == 0
    }

    /// Whether a template may write something between two places, beside ends and comments.
    pub(super) fn is_filled_by_template(&self, from: usize, to: usize) -> bool {
        let text = self.text.get(from..to).unwrap_or_default();
        self.masked && actions(text).any(|word| !word.is_some_and(|word| word == "end" || word.starts_with("/*")))
    }
}

/// The first word of every `{{ … }}`; none for one that does not end.
fn actions(text: &str) -> impl Iterator<Item = Option<&str>> {
    text.split("{{").skip(1).map(|rest| {
        let (action, _) = rest.split_once("}}")?;
        action.trim_start_matches('-').split_whitespace().next()
    })
}
