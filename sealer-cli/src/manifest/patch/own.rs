//! A value that stands for others, or in lines of its own, becomes one that can be changed alone.

use super::place::Place;
use super::tree::{self, Scalar, Shape, Style, Tree};
use super::{EditableText, PatchError, Step};
use crate::manifest::yaml;

impl EditableText<'_> {
    /// The text with a value in quotes in the place of an alias or of a block, whose head may not fit another text.
    pub(crate) fn with_quoted(&self, path: &[Step], value: &str) -> Result<String, PatchError> {
        let place = self.place(path).ok_or(PatchError::NoMap)?;
        let (Tree::Scalar(scalar), Some(key)) = (place.tree, place.keys.last()) else { return Err(PatchError::NoMap) };
        if place.shared || (scalar.shared && scalar.alias.is_none()) {
            return Err(shared(&place));
        }
        let quoted = tree::styled(Style::Double, value);
        let edit = match &scalar.alias {
            Some(alias) => (alias.clone(), quoted),
            None => self.in_place_of_block(key, &place, &quoted).ok_or(PatchError::UnexpectedChange)?,
        };
        let mut wanted = self.documents.clone();
        if let Some(Tree::Scalar(scalar)) = tree::at(&mut wanted, path) {
            value.clone_into(&mut scalar.text);
            (scalar.style, scalar.tail) = (Style::Double, None);
        }
        self.apply_verified(vec![edit], &wanted)
    }

    fn in_place_of_block(
        &self,
        key: &Scalar,
        place: &Place<'_>,
        quoted: &str,
    ) -> Option<(std::ops::Range<usize>, String)> {
        let colon = self.colon(key)?;
        let head = self.written(colon..self.line_end(colon));
        let start = colon + head.len() - head.trim_start().len();
        let behind = head.trim_start().strip_prefix(['|', '>'])?;
        let comment = behind.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-')).trim_end();
        let end = self.end_of(key, place.tree);
        let is_certain = comment.is_empty() || comment.trim_start().starts_with('#');
        (is_certain && end > start && !self.is_templated(start..end))
            .then(|| (start..end, format!("{quoted}{comment}")))
    }

    /// The text with a copy of a map in the place of its alias.
    pub(crate) fn with_copy(&self, map: &[Step]) -> Result<String, PatchError> {
        let place = self.place(map).ok_or(PatchError::NoMap)?;
        let (Tree::Map(fields, Shape { alias: Some(alias), .. }), false) = (place.tree, place.shared) else {
            return Err(shared(&place));
        };
        let mut copies = Vec::new();
        for (key, value) in fields {
            let value = value.scalar().ok_or_else(|| shared(&place))?;
            // Bare, it may be no text.
            if [key, value].iter().any(|scalar| scalar.style == Style::Plain && !yaml::is_plain(&scalar.text)) {
                return Err(shared(&place));
            }
            copies.push((key.text.clone(), whole_text(value)));
        }
        let style = |text: &str| {
            let is_safe = !text.contains([',', '[', ']', '{', '}']);
            tree::fitting(if is_safe { Style::Plain } else { Style::Double }, text)
        };
        let entries: Vec<String> = copies
            .iter()
            .map(|(name, text)| format!("{}: {}", tree::styled(style(name), name), tree::styled(style(text), text)))
            .collect();
        let mut wanted = self.documents.clone();
        if let Some(Tree::Map(fields, _)) = tree::at(&mut wanted, map) {
            for ((_, value), (_, text)) in fields.iter_mut().zip(&copies) {
                if let Tree::Scalar(scalar) = value {
                    (scalar.style, scalar.tail) = (style(text), None);
                    scalar.text.clone_from(text);
                }
            }
        }
        self.apply_verified(vec![(alias.clone(), format!("{{{}}}", entries.join(", ")))], &wanted)
    }
}

/// With the line ends of a block.
fn whole_text(scalar: &Scalar) -> String {
    format!("{}{}", scalar.text, "\n".repeat(scalar.tail.unwrap_or_default()))
}

fn shared(place: &Place<'_>) -> PatchError {
    PatchError::Unsure { line: place.keys.last().map_or(1, |key| key.line), reason: super::SHARED }
}
