//! Byte-precise edits: finds the bytes of one value in a text, and proves that a text says the same but for them.
//!
//! YAML and JSON alike, with comments, any style of quotes and blocks, line ends, several documents, and the `{{ }}` of
//! Helm around. What is not certain is refused: nothing is written that does not read back as it was meant.

mod entry;
mod mask;
mod own;
mod parse;
mod place;
mod shared;
mod tree;

use std::ops::Range;

pub(crate) use tree::{Scalar, Tree};

/// Why a text cannot be edited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatchError {
    /// It does not parse, even with what is templated left out.
    #[error("line {line}, column {column}: {reason}")]
    Broken { line: usize, column: usize, reason: &'static str },
    /// A value that an alias stands for or a template holds cannot be replaced alone.
    #[error("the value at line {line} {reason}")]
    Unsure { line: usize, reason: &'static str },
    /// There is nothing that could hold an entry.
    #[error("there is no map to put it in")]
    NoMap,
    /// The edited text does not read as the old one with the new values.
    #[error("an edit would change more than its value")]
    UnexpectedChange,
}

/// A text and its documents.
pub(crate) struct EditableText<'t> {
    text: &'t str,
    documents: Vec<Tree>,
    masked: bool,
}

/// A new value for the scalar at a path: a document's number, then names and numbers.
pub(crate) struct Replacement {
    pub(crate) path: Vec<Step>,
    pub(crate) value: String,
}

/// One step down a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Name(String),
    Number(usize),
}

impl Step {
    /// To the value of a name.
    pub(crate) fn name(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl<'t> EditableText<'t> {
    /// Reads a text as it is, or with its templates left out.
    pub(crate) fn read(text: &'t str) -> Result<Self, PatchError> {
        match parse::documents(text) {
            Ok(documents) => Ok(Self { text, documents, masked: false }),
            Err(error) if text.contains("{{") => {
                let mut documents = parse::documents(&mask::without_templates(text)).map_err(|_| error)?;
                documents.iter_mut().for_each(|tree| mask::put_templates_back(tree, text));
                Ok(Self { text, documents, masked: true })
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) fn documents(&self) -> &[Tree] {
        &self.documents
    }

    /// What stands at the end of a path.
    pub(crate) fn at(&self, path: &[Step]) -> Option<&Tree> {
        self.place(path).map(|place| place.tree)
    }

    /// These bytes as they are.
    pub(crate) fn written(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }

    /// Whether it could be read only with its templates left out.
    pub(crate) fn has_templates(&self) -> bool {
        self.masked
    }

    /// Whether a template stands in these bytes.
    pub(crate) fn is_templated(&self, range: Range<usize>) -> bool {
        self.masked && self.text.get(range).is_none_or(|part| part.contains("{{") || part.contains("}}"))
    }

    /// The text with the values replaced, each in the style that it has.
    pub(crate) fn with(&self, replacements: &[Replacement]) -> Result<String, PatchError> {
        let mut wanted = self.documents.clone();
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        for replacement in replacements {
            let Some(Tree::Scalar(scalar)) = tree::at(&mut wanted, &replacement.path) else {
                return Err(PatchError::UnexpectedChange);
            };
            let (range, line) = (scalar.range.clone(), scalar.line);
            if scalar.shared {
                return Err(PatchError::Unsure { line, reason: SHARED });
            }
            if self.is_templated(range.clone()) {
                return Err(PatchError::Unsure { line, reason: "is a template" });
            }
            let written = self.text.get(range.clone()).unwrap_or_default();
            edits.push((range, tree::in_style(scalar, written, &replacement.value)));
            scalar.text.clone_from(&replacement.value);
            if scalar.style != tree::Style::Block {
                scalar.style = tree::fitting(scalar.style, &replacement.value);
            }
            scalar.tail = None;
        }
        self.apply_verified(edits, &wanted)
    }

    /// YAML 1.1, which kubectl reads, ends lines at characters of Unicode that are none to YAML 1.2 and in JSON. A carriage
    /// return alone ends a line, too, and kubectl looks for `---` behind line feeds only.
    fn lines_are_certain(&self) -> Result<(), PatchError> {
        let is_json = self.text.trim_ascii_start().starts_with('{');
        let is_alone = |at: &usize| !self.text.get(at + 1..).unwrap_or_default().starts_with('\n');
        let returns = self.text.match_indices('\r').map(|(at, _)| at).find(is_alone);
        let separator = self.text.find(['\u{85}', '\u{2028}', '\u{2029}']);
        let Some(at) = separator.or(returns).filter(|_| !is_json) else { return Ok(()) };
        let before = self.text.get(..at).unwrap_or_default();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let reason = match separator {
            Some(_) => "a line separator of Unicode (U+0085, U+2028 or U+2029), at which readers of YAML disagree",
            None => "a carriage return without a line feed, at which readers of YAML disagree",
        };
        Err(PatchError::Broken { line: before.matches('\n').count() + 1, column, reason })
    }

    /// Carries edits out. The proof that nothing else changed: the new text reads as it was meant to.
    fn apply_verified(&self, mut edits: Vec<(Range<usize>, String)>, wanted: &[Tree]) -> Result<String, PatchError> {
        self.lines_are_certain()?;
        edits.sort_by_key(|(range, _)| range.start);
        let mut result = String::with_capacity(self.text.len());
        let mut end = 0;
        for (range, value) in edits {
            result.push_str(self.text.get(end..range.start).ok_or(PatchError::UnexpectedChange)?);
            result.push_str(&value);
            end = range.end;
        }
        result.push_str(self.text.get(end..).unwrap_or_default());
        let again = EditableText::read(&result).map_err(|_| PatchError::UnexpectedChange)?;
        if tree::same(&again.documents, wanted) { Ok(result) } else { Err(PatchError::UnexpectedChange) }
    }
}

const SHARED: &str = "has an anchor or is an alias";

#[cfg(test)]
mod tests;
