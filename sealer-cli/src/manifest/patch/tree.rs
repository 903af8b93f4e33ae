//! What a text says, and which bytes say it.

use std::ops::Range;

use super::Step;
use crate::manifest::scalar::{self, Scalar as Resolved};
use crate::manifest::yaml;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Scalar(Scalar),
    List(Vec<Self>, Shape),
    Map(Vec<(Scalar, Self)>, Shape),
}

/// How a list or map is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    /// Its bytes, if it stands in brackets.
    pub(super) flow: Option<Range<usize>>,
    /// An alias, or what one stands for.
    pub(super) shared: bool,
    /// The bytes of the alias that stands for it here.
    pub(super) alias: Option<Range<usize>>,
}

/// A text, in whatever style.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    /// Its bytes: with its quotes, but without the head of a block.
    pub(crate) range: Range<usize>,
    pub(crate) line: usize,
    pub(super) style: Style,
    /// Line ends behind a block that are part of it; none where they do not matter.
    pub(super) tail: Option<usize>,
    /// An alias, or what one stands for: it stands in several places.
    pub(super) shared: bool,
    /// The bytes of the alias that stands for it here; its own are those of what it stands for.
    pub(super) alias: Option<Range<usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Block,
}

impl Tree {
    /// The value of a name.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        self.fields().iter().find(|(key, _)| key.is_named(name)).map(|(_, value)| value)
    }

    /// What a map holds, in order; nothing for what is no map.
    pub(crate) fn fields(&self) -> &[(Scalar, Self)] {
        if let Self::Map(fields, _) = self { fields } else { &[] }
    }

    pub(crate) fn scalar(&self) -> Option<&Scalar> {
        if let Self::Scalar(scalar) = self { Some(scalar) } else { None }
    }

    /// The bytes of the alias that stands for it, if one does.
    pub(super) fn alias(&self) -> Option<&Range<usize>> {
        match self {
            Self::Scalar(scalar) => scalar.alias.as_ref(),
            Self::List(_, shape) | Self::Map(_, shape) => shape.alias.as_ref(),
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        self.scalar().map(|scalar| scalar.text.as_str())
    }
}

impl Scalar {
    /// Whether it stands there without quotes, so that it may be more than a text.
    pub(crate) fn is_bare(&self) -> bool {
        self.style == Style::Plain
    }

    /// Whether it is that name, as kubectl reads it.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        let is_other = self.is_bare() && !matches!(scalar::resolve(&self.text), Resolved::Text | Resolved::Date);
        if is_other { self.as_read() == name } else { self.text == name }
    }

    /// Where a text is wanted, as kubectl reads it: `yes` is `true`, `+4` is `4`.
    pub(crate) fn as_read(&self) -> String {
        match scalar::resolve(&self.text) {
            _ if !self.is_bare() => self.text.clone(),
            Resolved::Bool(value) => value.to_string(),
            Resolved::Int(value) => value.to_string(),
            Resolved::Uint(value) => value.to_string(),
            Resolved::Float(value) if value.is_finite() => scalar::float_text(value),
            _ => self.text.clone(),
        }
    }
}

/// Equal in what they say, wherever it stands.
pub(super) fn same(one: &[Tree], other: &[Tree]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_tree(one, other))
}

fn same_tree(one: &Tree, other: &Tree) -> bool {
    match (one, other) {
        (Tree::Scalar(one), Tree::Scalar(other)) => {
            let tails = one.tail.zip(other.tail);
            one.text == other.text && one.style == other.style && tails.is_none_or(|(one, other)| one == other)
        }
        (Tree::List(one, _), Tree::List(other, _)) => same(one, other),
        (Tree::Map(one, _), Tree::Map(other, _)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| one.0.text == other.0.text && same_tree(&one.1, &other.1))
        }
        _ => false,
    }
}

/// What stands at the end of a path.
pub(super) fn at<'a>(documents: &'a mut [Tree], path: &[Step]) -> Option<&'a mut Tree> {
    let (first, rest) = path.split_first()?;
    let Step::Number(document) = first else { return None };
    let mut place = documents.get_mut(*document)?;
    for step in rest {
        place = match (place, step) {
            (Tree::Map(fields, _), Step::Name(name)) => {
                fields.iter_mut().find(|(key, _)| key.is_named(name)).map(|(_, value)| value)?
            }
            (Tree::List(items, _), Step::Number(number)) => items.get_mut(*number)?,
            _ => return None,
        };
    }
    Some(place)
}

/// A new value in the style of the old one, as far as that fits it.
pub(super) fn in_style(scalar: &Scalar, written: &str, value: &str) -> String {
    match scalar.style {
        Style::Plain | Style::Single | Style::Double => styled(scalar.style, value),
        Style::Block => {
            // Its bytes begin behind the first line's indentation, and end where the next thing begins.
            let end = written.trim_end_matches(['\n', '\r', ' ']).len();
            format!("{value}{}", written.get(end..).unwrap_or_default())
        }
    }
}

/// The style that a text is written in where one is wanted: JSON's quotes where that cannot hold it.
pub(super) fn fitting(style: Style, text: &str) -> Style {
    let is_line = !text.chars().any(char::is_control);
    match style {
        Style::Plain if is_line && yaml::is_plain(text) => Style::Plain,
        // Whoever writes into a block sees to its lines.
        Style::Single | Style::Block if is_line => style,
        _ => Style::Double,
    }
}

/// A text on one line, in the style that fits it.
pub(super) fn styled(style: Style, text: &str) -> String {
    match fitting(style, text) {
        Style::Plain | Style::Block => text.to_owned(),
        Style::Single => format!("'{}'", text.replace('\'', "''")),
        Style::Double => serde_json::Value::from(text).to_string(),
    }
}
