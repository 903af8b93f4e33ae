//! One entry more in a map of a text, or one less, in the style of its neighbours.

use std::ops::Range;

use super::place::Place;
use super::tree::{self, Scalar, Shape, Style, Tree};
use super::{EditableText, PatchError, SHARED, Step};
use crate::manifest::yaml;

type Edits = Vec<(Range<usize>, String)>;

/// What a new entry holds.
#[derive(Clone, Copy)]
enum New<'v> {
    Text(&'v str),
    /// An empty one.
    Map,
}

impl New<'_> {
    fn styled(self, style: Style) -> String {
        match self {
            Self::Text(text) => tree::styled(style, text),
            Self::Map => "{}".to_owned(),
        }
    }

    fn tree(self, style: Style) -> Tree {
        match self {
            Self::Text(text) => Tree::Scalar(written(text, tree::fitting(style, text))),
            Self::Map => Tree::Map(Vec::new(), Shape::default()),
        }
    }
}

impl EditableText<'_> {
    /// The text with one entry more, behind the others of the map at a path, which is made where it is not there.
    pub(crate) fn with_entry(&self, map: &[Step], name: &str, value: &str) -> Result<String, PatchError> {
        self.with_new(map, name, New::Text(value))
    }

    fn with_new(&self, map: &[Step], name: &str, value: New<'_>) -> Result<String, PatchError> {
        let Some(place) = self.place(map) else { return self.with_map_and_new(map, name, value) };
        self.refuse_shared(&place)?;
        let (at, edit, style) = match place.tree {
            Tree::Map(fields, shape) if !fields.is_empty() => match &shape.flow {
                Some(_) => self.after_in_brackets(fields, name, value)?,
                None => self.after_in_block(&place, fields, name, value)?,
            },
            Tree::Map(_, Shape { flow: Some(range), .. }) => self.first(&place, range.clone(), name, value)?,
            Tree::Scalar(scalar) if is_null(scalar) => self.first(&place, scalar.range.clone(), name, value)?,
            _ => return Err(PatchError::NoMap),
        };
        let mut wanted = self.documents.clone();
        let map = tree::at(&mut wanted, map).ok_or(PatchError::NoMap)?;
        if !matches!(map, Tree::Map(..)) {
            *map = Tree::Map(Vec::new(), Shape::default());
        }
        if let Tree::Map(fields, _) = map {
            self.forget_end_of_text(fields, at);
            fields.insert(at, (written(name, Style::Plain), value.tree(style)));
        }
        self.apply_verified(edit, &wanted)
    }

    /// The map first, then what belongs into it. Where there are templates, one of them may write the map.
    fn with_map_and_new(&self, map: &[Step], name: &str, value: New<'_>) -> Result<String, PatchError> {
        let Some((Step::Name(own), above)) = map.split_last().filter(|_| !self.masked) else {
            return Err(PatchError::NoMap);
        };
        let text = self.with_new(above, own, New::Map)?;
        EditableText::read(&text)?.with_new(map, name, value)
    }

    /// The text without the entry at a path.
    pub(crate) fn without_entry(&self, path: &[Step]) -> Result<String, PatchError> {
        let Some((Step::Name(name), map)) = path.split_last() else { return Err(PatchError::NoMap) };
        let place = self.place(map).ok_or(PatchError::NoMap)?;
        let Tree::Map(fields, shape) = place.tree else { return Err(PatchError::NoMap) };
        let at = fields.iter().position(|(key, _)| key.is_named(name)).ok_or(PatchError::NoMap)?;
        self.refuse_shared(&place)?;
        if let Some((key, Tree::Scalar(scalar))) = fields.get(at)
            && (scalar.shared || key.shared)
        {
            return Err(PatchError::Unsure { line: key.line, reason: SHARED });
        }
        let edits = match &shape.flow {
            Some(range) => self.out_of_brackets(fields, at, range)?,
            None => self.out_of_block(&place, fields, at)?,
        };
        let mut wanted = self.documents.clone();
        if let Some(Tree::Map(fields, _)) = tree::at(&mut wanted, map) {
            fields.remove(at);
        }
        self.apply_verified(edits, &wanted)
    }

    /// What stands in several places cannot be changed in one.
    fn refuse_shared(&self, place: &Place<'_>) -> Result<(), PatchError> {
        let line = place.keys.last().map_or(1, |key| key.line);
        let shared = match place.tree {
            Tree::Map(_, shape) | Tree::List(_, shape) => shape.shared,
            Tree::Scalar(scalar) => scalar.shared,
        };
        if place.shared || shared || place.tree.field("<<").is_some() {
            return Err(PatchError::Unsure { line, reason: SHARED });
        }
        Ok(())
    }

    fn after_in_block(
        &self,
        place: &Place<'_>,
        fields: &[(Scalar, Tree)],
        name: &str,
        value: New<'_>,
    ) -> Result<(usize, Edits, Style), PatchError> {
        let start = place.keys.last().map_or(0, |key| key.range.end);
        let is_blank = |key: &Scalar| self.before_on_line(key.range.start).trim_matches(' ').is_empty();
        let line = fields.first().map_or(1, |(key, _)| key.line);
        // Behind the last one that no branch of a template holds.
        let whole =
            |(_, (key, value)): &(usize, &(Scalar, Tree))| self.is_whole(start, self.line_end(self.end_of(key, value)));
        let (at, (key, last)) = fields
            .iter()
            .enumerate()
            .rfind(whole)
            .ok_or(PatchError::Unsure { line, reason: "stands among templates that decide whether it is there" })?;
        let (model, _) = fields
            .iter()
            .rfind(|(key, _)| is_blank(key))
            .ok_or(PatchError::Unsure { line, reason: "is not on lines of its own" })?;
        let style = last.scalar().map(|scalar| scalar.style).filter(|style| *style != Style::Block);
        let style = style.unwrap_or(Style::Plain);
        let line_of_it =
            format!("{}{}: {}", self.before_on_line(model.range.start), name_in_style(key, name), value.styled(style));
        let (end, edit) = match last_scalar(last).and_then(|scalar| self.end_of_kept(scalar)) {
            Some(end) if end < self.text.len() || self.text.ends_with('\n') => {
                (end, format!("{line_of_it}{}", self.break_before(end)))
            }
            Some(end) => (end, format!("{}{line_of_it}", self.line_break())),
            None => {
                let (end, ahead, behind) = self.behind_line(self.end_of(key, last));
                (end, format!("{ahead}{line_of_it}{behind}"))
            }
        };
        Ok((at + 1, vec![(end..end, edit)], style))
    }

    fn after_in_brackets(
        &self,
        fields: &[(Scalar, Tree)],
        name: &str,
        value: New<'_>,
    ) -> Result<(usize, Edits, Style), PatchError> {
        let (key, last) = fields.last().ok_or(PatchError::NoMap)?;
        let before = self.written(0..key.range.start);
        let gap = before.get(before.trim_end().len()..).unwrap_or_default();
        let gap = if gap.is_empty() && key.style == Style::Plain { " " } else { gap };
        let style = last.scalar().map_or(key.style, |scalar| scalar.style);
        let colon = last.scalar().map(|scalar| self.written(key.range.end..scalar.range.start));
        let colon = colon.filter(|colon| colon.trim() == ":").unwrap_or(": ");
        let entry = format!("{gap}{}{colon}{}", name_in_style(key, name), value.styled(style));
        let end = self.end_of(key, last);
        Ok((fields.len(), vec![(end..end, format!(",{entry}"))], style))
    }

    /// The first entry, in the place of `{}` or nothing.
    fn first(
        &self,
        place: &Place<'_>,
        range: Range<usize>,
        name: &str,
        value: New<'_>,
    ) -> Result<(usize, Edits, Style), PatchError> {
        let key = place.keys.last().ok_or(PatchError::NoMap)?;
        let unsure = PatchError::Unsure { line: key.line, reason: "is not written as `name: {}`" };
        let outer = self.before_on_line(key.range.start);
        let above = place.keys.iter().rev().nth(1).map(|key| self.before_on_line(key.range.start));
        let unit = above.and_then(|above| outer.strip_prefix(above)).filter(|unit| !unit.is_empty());
        let inner = format!("{outer}{}", unit.unwrap_or("  "));
        let own_line = outer.trim().is_empty();
        if place.in_flow {
            let style = if key.style == Style::Double { Style::Double } else { Style::Plain };
            let entry = format!("{}: {}", name_in_style(key, name), value.styled(style));
            let broken = self.line_break();
            let edit =
                if own_line { format!("{{{broken}{inner}{entry}{broken}{outer}}}") } else { format!("{{{entry}}}") };
            return Ok((0, vec![(range, edit)], style));
        }
        let colon = self.colon(key).ok_or_else(|| unsure.clone())?;
        let end = if range.is_empty() { colon } else { range.end };
        let same_line = self.line_end(colon) == self.line_end(end);
        if !own_line || !same_line || self.is_filled_by_template(colon, self.next_line(end)) {
            return Err(unsure);
        }
        let (at, ahead, behind) = self.behind_line(end);
        let entry = format!("{ahead}{inner}{}: {}{behind}", name_in_style(key, name), value.styled(Style::Plain));
        Ok((0, vec![(colon..end, String::new()), (at..at, entry)], Style::Plain))
    }

    fn out_of_block(&self, place: &Place<'_>, fields: &[(Scalar, Tree)], at: usize) -> Result<Edits, PatchError> {
        let (key, value) = fields.get(at).ok_or(PatchError::NoMap)?;
        let unsure = |reason| PatchError::Unsure { line: key.line, reason };
        let indent = self.before_on_line(key.range.start);
        if !indent.trim_matches(' ').is_empty() {
            return Err(unsure("is not on a line of its own"));
        }
        let start = key.range.start - indent.len();
        let end = last_scalar(value).and_then(|scalar| self.end_of_kept(scalar));
        let end = end.unwrap_or_else(|| self.next_line(self.end_of(key, value)));
        if !self.is_whole(start, end) {
            return Err(unsure("is only in part what a template decides"));
        }
        // At the end of a text without a last line break, the one ahead goes instead.
        let is_last = end == self.text.len() && !self.text.ends_with('\n');
        let start = if is_last { self.line_before(start) } else { start };
        let mut edits = vec![(start..end, String::new())];
        if fields.len() == 1 {
            let parent = place.keys.last().ok_or_else(|| unsure("is all there is"))?;
            let colon = self.colon(parent).ok_or_else(|| unsure("is all there is"))?;
            if self.is_filled_by_template(colon, self.text.len()) {
                return Err(unsure("is the last one beside templates"));
            }
            edits.push((colon..colon, " {}".to_owned()));
        }
        Ok(edits)
    }

    fn out_of_brackets(
        &self,
        fields: &[(Scalar, Tree)],
        at: usize,
        brackets: &Range<usize>,
    ) -> Result<Edits, PatchError> {
        let (key, value) = fields.get(at).ok_or(PatchError::NoMap)?;
        let unsure = PatchError::Unsure { line: key.line, reason: "has a comment between it and its neighbour" };
        let end = self.end_of(key, value);
        let whole = |range: Range<usize>| -> Result<Edits, PatchError> {
            if self.is_whole(range.start, range.end) { Ok(vec![(range, String::new())]) } else { Err(unsure.clone()) }
        };
        if let Some((next, _)) = fields.get(at + 1) {
            let between = self.written(end..next.range.start);
            let comma = between.find(',').filter(|at| between.get(..*at).unwrap_or("x").trim().is_empty());
            let after =
                comma.map(|comma| between.get(comma + 1..).unwrap_or_default()).ok_or_else(|| unsure.clone())?;
            let blank = after.len() - after.trim_start().len();
            return whole(key.range.start..next.range.start - after.len() + blank);
        }
        if let Some((before, value)) = at.checked_sub(1).and_then(|at| fields.get(at)) {
            let start = self.end_of(before, value);
            return if self.written(start..key.range.start).trim() == "," { whole(start..end) } else { Err(unsure) };
        }
        let (open, close) = (brackets.start + 1, brackets.end - 1);
        let around = [self.written(open..key.range.start), self.written(end..close)].concat();
        whole(if matches!(around.trim(), "" | ",") { open..close } else { key.range.start..end })
    }

    /// Where a block ends to which the blank lines behind its text belong. Without a line break behind it, the last line of
    /// a text is one as well: kubectl ends every line alike.
    fn end_of_kept(&self, scalar: &Scalar) -> Option<usize> {
        let begun = self.before_on_line(scalar.range.end);
        if scalar.style == Style::Block && scalar.range.end == self.text.len() && is_blank_line(begun) {
            return Some(self.text.len());
        }
        scalar.tail.is_some_and(|tail| tail > 1).then(|| scalar.range.end - begun.len())
    }

    /// A block that ended with the text, in the middle of a line, no longer does.
    fn forget_end_of_text(&self, fields: &mut [(Scalar, Tree)], at: usize) {
        let before = at.checked_sub(1).and_then(|at| fields.get_mut(at));
        if let Some(scalar) = before.and_then(|(_, tree)| last_scalar_mut(tree))
            && scalar.range.end >= self.text.len()
            && !self.text.ends_with('\n')
        {
            scalar.tail = None;
        }
    }

    /// Behind the colon of a name.
    pub(super) fn colon(&self, key: &Scalar) -> Option<usize> {
        let rest = self.text.get(key.range.end..)?;
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        rest.get(blank..)?.starts_with(':').then_some(key.range.end + blank + 1)
    }

    /// The beginning of the line behind a place.
    fn next_line(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        rest.find('\n').map_or(self.text.len(), |end| at + end + 1)
    }

    /// The end of the line ahead of the beginning of one.
    fn line_before(&self, start: usize) -> usize {
        let before = self.text.get(..start).unwrap_or_default();
        let before = before.strip_suffix('\n').unwrap_or(before);
        before.strip_suffix('\r').unwrap_or(before).len()
    }
}

/// What the text of a value ends with, unless that is a bracket.
fn last_scalar(tree: &Tree) -> Option<&Scalar> {
    match tree {
        tree if tree.alias().is_some() => None,
        Tree::Scalar(scalar) => Some(scalar),
        Tree::List(items, Shape { flow: None, .. }) => last_scalar(items.last()?),
        Tree::Map(fields, Shape { flow: None, .. }) => last_scalar(&fields.last()?.1),
        Tree::List(..) | Tree::Map(..) => None,
    }
}

fn last_scalar_mut(tree: &mut Tree) -> Option<&mut Scalar> {
    match tree {
        tree if tree.alias().is_some() => None,
        Tree::Scalar(scalar) => Some(scalar),
        Tree::List(items, Shape { flow: None, .. }) => last_scalar_mut(items.last_mut()?),
        Tree::Map(fields, Shape { flow: None, .. }) => last_scalar_mut(&mut fields.last_mut()?.1),
        Tree::List(..) | Tree::Map(..) => None,
    }
}

fn is_blank_line(line: &str) -> bool {
    !line.is_empty() && line.trim_matches(' ').is_empty()
}

fn is_null(scalar: &Scalar) -> bool {
    scalar.style == Style::Plain && matches!(scalar.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
}

/// A name as its neighbour is written, or in quotes where it would be no text without them.
fn name_in_style(neighbour: &Scalar, name: &str) -> String {
    match neighbour.style {
        Style::Single | Style::Double => tree::styled(neighbour.style, name),
        _ if yaml::is_plain(name) => name.to_owned(),
        _ => tree::styled(Style::Double, name),
    }
}

fn written(text: &str, style: Style) -> Scalar {
    Scalar { text: text.to_owned(), range: 0..0, line: 0, style, tail: None, shared: false, alias: None }
}

#[cfg(test)]
mod tests;
