//! Reads regular expressions in the syntax of `regexp/syntax`.

use regex_syntax::hir::{Capture, Class, ClassUnicode, ClassUnicodeRange, Dot, Hir, Look, Repetition};

use super::Refusal;
use crate::template::budget::Budget;
use crate::template::error::Fault;

pub(super) type Parsed<T> = Result<T, Refusal>;

/// An expression, and the names of its groups.
pub(super) struct Expression {
    pub(super) expression: Hir,
    pub(super) names: Vec<Option<String>>,
    /// What was taken from the budget while the expression was read.
    pub(super) room: usize,
}

#[derive(Clone, Copy)]
pub(super) struct Flags {
    pub(super) fold_case: bool,
    pub(super) many_lines: bool,
    pub(super) dot_newline: bool,
    pub(super) lazy: bool,
}

/// Reads all of `text`.
pub(super) fn parse(text: &[u8], budget: &mut Budget<'_>) -> Parsed<Expression> {
    let text = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => {
            let rest = text.get(error.valid_up_to()..).unwrap_or_default();
            return Err(Refusal::wrong("invalid UTF-8", &crate::template::value::lossy(rest)));
        }
    };
    let mut parser = Parser {
        whole: text,
        rest: text,
        flags: Flags { fold_case: false, many_lines: false, dot_newline: false, lazy: false },
        open: Vec::new(),
        branches: Vec::new(),
        parts: Vec::new(),
        names: vec![None],
        budget,
        room: 0,
    };
    parser.run()?;
    Ok(Expression { expression: parser.close_branches(), names: parser.names, room: parser.room })
}

/// A group that is not closed yet, and what stood before it.
struct Open {
    index: Option<usize>,
    flags: Flags,
    branches: Vec<Hir>,
    parts: Vec<Hir>,
}

pub(super) struct Parser<'p, 'b, 'c> {
    pub(super) whole: &'p str,
    pub(super) rest: &'p str,
    pub(super) flags: Flags,
    open: Vec<Open>,
    branches: Vec<Hir>,
    parts: Vec<Hir>,
    pub(super) names: Vec<Option<String>>,
    pub(super) budget: &'b mut Budget<'c>,
    room: usize,
}

impl<'p> Parser<'p, '_, '_> {
    fn run(&mut self) -> Parsed<()> {
        let mut last_repeat = None;
        while let Some(character) = self.rest.chars().next() {
            let before = self.rest;
            let repeats = match character {
                '*' => self.repeat(before, 1, 0, None, last_repeat)?,
                '+' => self.repeat(before, 1, 1, None, last_repeat)?,
                '?' => self.repeat(before, 1, 0, Some(1), last_repeat)?,
                '{' => self.counted_repeat(before, last_repeat)?,
                other => {
                    self.part(other)?;
                    false
                }
            };
            last_repeat = repeats.then_some(before);
        }
        if self.open.is_empty() { Ok(()) } else { Err(Refusal::wrong("missing closing )", self.whole)) }
    }

    fn part(&mut self, character: char) -> Parsed<()> {
        match character {
            '(' => return self.open_group(),
            ')' => return self.close_group(),
            '[' => {
                let class = self.bracket_class()?;
                return self.push_class(class);
            }
            '\\' => return self.escaped(),
            _ => {}
        }
        self.advance(character.len_utf8());
        match character {
            '|' => {
                self.take(NODE)?;
                let branch = Hir::concat(std::mem::take(&mut self.parts));
                self.branches.push(branch);
                Ok(())
            }
            '^' => self.push(Hir::look(if self.flags.many_lines { Look::StartLF } else { Look::Start })),
            '$' => self.push(Hir::look(if self.flags.many_lines { Look::EndLF } else { Look::End })),
            '.' => self.push(Hir::dot(if self.flags.dot_newline { Dot::AnyChar } else { Dot::AnyCharExceptLF })),
            other => self.literal(other),
        }
    }

    pub(super) fn advance(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// What was read since `from`.
    pub(super) fn since(&self, from: &'p str) -> &'p str {
        from.get(..from.len() - self.rest.len()).unwrap_or(from)
    }

    /// Takes memory for a part of the expression.
    pub(super) fn take(&mut self, bytes: usize) -> Parsed<()> {
        self.budget.allocate(bytes)?;
        self.room += bytes;
        Ok(())
    }

    pub(super) fn push(&mut self, part: Hir) -> Parsed<()> {
        self.take(NODE)?;
        self.parts.push(part);
        Ok(())
    }

    pub(super) fn push_class(&mut self, class: ClassUnicode) -> Parsed<()> {
        self.push(Hir::class(Class::Unicode(class)))
    }

    pub(super) fn literal(&mut self, character: char) -> Parsed<()> {
        if self.flags.fold_case {
            let class = self.folded(ClassUnicode::new([ClassUnicodeRange::new(character, character)]))?;
            return self.push_class(class);
        }
        self.push(Hir::literal(character.to_string().into_bytes()))
    }

    fn counted_repeat(&mut self, before: &'p str, last_repeat: Option<&str>) -> Parsed<bool> {
        let Some((length, least, most)) = braces(before) else {
            self.advance(1);
            self.literal('{')?;
            return Ok(false);
        };
        if least > MAXIMUM_REPEAT || most.is_some_and(|most| most > MAXIMUM_REPEAT || most < least) {
            let counts = before.get(..length).unwrap_or(before);
            return Err(Refusal::wrong(REPEAT_COUNT, counts));
        }
        self.repeat(before, length, least, most, last_repeat)
    }

    /// Repeats the last part. `last_repeat` is the text from the operator before, if one stood just there.
    fn repeat(
        &mut self,
        before: &'p str,
        length: usize,
        least: u32,
        most: Option<u32>,
        last_repeat: Option<&str>,
    ) -> Parsed<bool> {
        self.advance(length);
        let mut lazy = self.flags.lazy;
        if self.rest.starts_with('?') {
            self.advance(1);
            lazy = !lazy;
        }
        if let Some(last) = last_repeat {
            let operators = last.get(..last.len() - self.rest.len()).unwrap_or(last);
            return Err(Refusal::wrong("invalid nested repetition operator", operators));
        }
        let Some(sub) = self.parts.pop() else {
            return Err(Refusal::wrong("missing argument to repetition operator", self.since(before)));
        };
        let counted = length > 1 && (least >= 2 || most.is_some_and(|most| most >= 2));
        let times = most.unwrap_or(least).max(least);
        if counted && repeated(&sub).saturating_mul(times) > MAXIMUM_REPEAT {
            return Err(Refusal::wrong(REPEAT_COUNT, self.since(before)));
        }
        self.take(NODE)?;
        self.parts.push(Hir::repetition(Repetition { min: least, max: most, greedy: !lazy, sub: Box::new(sub) }));
        Ok(true)
    }

    /// Begins a group; `name` is given for groups that capture.
    pub(super) fn begin(&mut self, name: Option<Option<String>>, outer: Flags) -> Parsed<()> {
        if self.open.len() >= MAXIMUM_NESTING {
            return Err(Refusal::Limit(Fault::Limit("a regular expression nested too deep")));
        }
        self.take(NODE)?;
        let index = name.map(|name| {
            self.names.push(name);
            self.names.len() - 1
        });
        let branches = std::mem::take(&mut self.branches);
        let parts = std::mem::take(&mut self.parts);
        self.open.push(Open { index, flags: outer, branches, parts });
        Ok(())
    }

    fn close_group(&mut self) -> Parsed<()> {
        let inner = self.close_branches();
        let Some(open) = self.open.pop() else {
            return Err(Refusal::wrong("unexpected )", self.whole));
        };
        self.advance(1);
        (self.branches, self.parts, self.flags) = (open.branches, open.parts, open.flags);
        let group = match open.index.and_then(|index| u32::try_from(index).ok()) {
            Some(index) => Hir::capture(Capture { index, name: None, sub: Box::new(inner) }),
            None => inner,
        };
        self.parts.push(group);
        Ok(())
    }

    fn close_branches(&mut self) -> Hir {
        let last = Hir::concat(std::mem::take(&mut self.parts));
        let mut branches = std::mem::take(&mut self.branches);
        branches.push(last);
        Hir::alternation(branches)
    }
}

/// `{2}`, `{2,}` or `{2,5}` at the beginning of `text`: its length and bounds. Anything else is no repetition.
fn braces(text: &str) -> Option<(usize, u32, Option<u32>)> {
    let end = 1 + text.bytes().skip(1).position(|byte| !byte.is_ascii_digit() && byte != b',')?;
    let inner = text.get(1..end)?;
    if text.as_bytes().get(end) != Some(&b'}') {
        return None;
    }
    let (least, most) = match inner.split_once(',') {
        None => {
            let count = count(inner)?;
            (count, Some(count))
        }
        Some((least, "")) => (count(least)?, None),
        Some((least, most)) => (count(least)?, Some(count(most)?)),
    };
    Some((end + 1, least, most))
}

/// A number without leading zeros; one that is too large for anything is more than the maximum.
fn count(digits: &str) -> Option<u32> {
    let fits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = digits.len() > 1 && digits.starts_with('0');
    (fits && !leading_zero).then(|| digits.parse().unwrap_or(u32::MAX))
}

/// How often the most repeated part inside is repeated.
fn repeated(expression: &Hir) -> u32 {
    use regex_syntax::hir::HirKind;
    match expression.kind() {
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(repetition.min).max(1);
            repeated(&repetition.sub).saturating_mul(times)
        }
        HirKind::Capture(capture) => repeated(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().map(repeated).max().unwrap_or(1),
        _ => 1,
    }
}

const REPEAT_COUNT: &str = "invalid repeat count";
/// Go's bound.
const MAXIMUM_REPEAT: u32 = 1000;
/// Groups inside each other: what a thread's stack bears.
const MAXIMUM_NESTING: usize = 50;
/// What a part of an expression takes, the lists that it stands in counted.
const NODE: usize = 320;
