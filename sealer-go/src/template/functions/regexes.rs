//! Functions that search by regular expressions.

use std::rc::Rc;

use super::super::budget::Budget;
use super::super::buffer::Buffer;
use super::super::error::Fault;
use super::super::pattern::{Found, Groups, Pattern, Refusal};
use super::super::value::quote::{excerpt, go_quote};
use super::super::value::{Kind, ListKind, Value, is_digit, is_letter};
use super::{Arguments, FAST, Function, Outcome, Runtime, SLOW};

const TWO: &[Kind] = &[Kind::Text, Kind::Text];
const COUNTED: &[Kind] = &[Kind::Text, Kind::Text, Kind::Int];
const THREE: &[Kind] = &[Kind::Text, Kind::Text, Kind::Text];

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("regexMatch", TWO, |runtime, arguments| match compiled(runtime, arguments) {
        Err(Refusal::Wrong(_)) => Ok(Value::Bool(false)),
        Err(Refusal::Limit(fault)) => Err(fault),
        Ok(pattern) => pattern.is_match(arguments.bytes(1), runtime.budget).map(Value::Bool),
    })
    .reading(FAST),
    Function::new("mustRegexMatch", TWO, |runtime, arguments| {
        strict(runtime, arguments)?.is_match(arguments.bytes(1), runtime.budget).map(Value::Bool)
    })
    .reading(FAST),
    Function::new("regexFind", TWO, |runtime, arguments| find(runtime, arguments, panicking)).reading(FAST),
    Function::new("mustRegexFind", TWO, |runtime, arguments| find(runtime, arguments, strict)).reading(FAST),
    Function::new("regexFindAll", COUNTED, |runtime, arguments| find_all(runtime, arguments, panicking)).reading(FAST),
    Function::new("mustRegexFindAll", COUNTED, |runtime, arguments| find_all(runtime, arguments, strict)).reading(FAST),
    Function::new("regexSplit", COUNTED, |runtime, arguments| split(runtime, arguments, panicking)).reading(FAST),
    Function::new("mustRegexSplit", COUNTED, |runtime, arguments| split(runtime, arguments, strict)).reading(FAST),
    Function::new("regexReplaceAll", THREE, |runtime, arguments| replace(runtime, arguments, panicking, expand))
        .reading(FAST),
    Function::new("mustRegexReplaceAll", THREE, |runtime, arguments| replace(runtime, arguments, strict, expand))
        .reading(FAST),
    Function::new("regexReplaceAllLiteral", THREE, |runtime, arguments| {
        replace(runtime, arguments, panicking, literal)
    })
    .reading(FAST),
    Function::new("mustRegexReplaceAllLiteral", THREE, |runtime, arguments| {
        replace(runtime, arguments, strict, literal)
    })
    .reading(FAST),
    Function::new("regexQuoteMeta", &[Kind::Text], |runtime, arguments| {
        runtime.changed(arguments.bytes(0), |part, out| {
            for byte in part {
                if br"\.+*?()|[]{}^$".contains(byte) {
                    out.push(b'\\');
                }
                out.push(*byte);
            }
        })
    })
    .reading(SLOW),
];

type Compile = fn(&mut Runtime<'_, '_>, Arguments<'_>) -> Result<Rc<Pattern>, Fault>;
type Replacement = fn(&mut Budget<'_>, &Matched<'_>, &mut Buffer) -> Result<(), Fault>;

fn compiled(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Result<Rc<Pattern>, Refusal> {
    let text = arguments.text(0);
    if let Some(known) = runtime.patterns.get(&text) {
        return Ok(known.clone());
    }
    let pattern = Rc::new(Pattern::new(&text, runtime.budget)?);
    runtime.patterns.insert(text, pattern.clone());
    Ok(pattern)
}

/// Of functions that fail with the error itself.
fn strict(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Result<Rc<Pattern>, Fault> {
    compiled(runtime, arguments).map_err(|refusal| match refusal {
        Refusal::Wrong(error) => Fault::new(WRONG, error.go_text()),
        Refusal::Limit(fault) => fault,
    })
}

/// Of functions where Go panics.
fn panicking(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Result<Rc<Pattern>, Fault> {
    compiled(runtime, arguments).map_err(|refusal| match refusal {
        Refusal::Wrong(error) => {
            let text = format!("regexp: Compile({}): {}", backquoted(excerpt(arguments.bytes(0))), error.go_text());
            Fault::new(WRONG, text)
        }
        Refusal::Limit(fault) => fault,
    })
}

fn backquoted(text: &[u8]) -> String {
    match std::str::from_utf8(text) {
        Ok(plain) if plain.chars().all(|c| (c >= ' ' || c == '\t') && !matches!(c, '`' | '\x7F' | '\u{FEFF}')) => {
            format!("`{plain}`")
        }
        _ => go_quote(text),
    }
}

/// A negative count is none; nothing is looked for where it is zero.
fn limit(count: i64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn whole(found: &Found) -> std::ops::Range<usize> {
    found.first().cloned().flatten().unwrap_or(0..0)
}

fn part(text: &[u8], range: std::ops::Range<usize>) -> &[u8] {
    text.get(range).unwrap_or_default()
}

fn find(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>, compile: Compile) -> Outcome {
    let pattern = compile(runtime, arguments)?;
    let text = arguments.bytes(1);
    let mut search = pattern.search(text, Groups::Whole, runtime.budget)?;
    let found = search.next(runtime.budget)?;
    search.end(runtime.budget);
    runtime.text(found.map_or(&[][..], |found| part(text, whole(&found))))
}

fn find_all(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>, compile: Compile) -> Outcome {
    let pattern = compile(runtime, arguments)?;
    let (text, limit) = (arguments.bytes(1), limit(arguments.int(2)));
    let mut search = pattern.search(text, Groups::Whole, runtime.budget)?;
    let mut all = Vec::new();
    while all.len() < limit
        && let Some(found) = search.next(runtime.budget)?
    {
        runtime.budget.allocate(LISTED)?;
        all.push(runtime.text(part(text, whole(&found)))?);
    }
    search.end(runtime.budget);
    if all.is_empty() {
        return Ok(Value::nil_list(ListKind::Text));
    }
    runtime.counted_list(ListKind::Text, all)
}

fn split(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>, compile: Compile) -> Outcome {
    let pattern = compile(runtime, arguments)?;
    let (text, count) = (arguments.bytes(1), limit(arguments.int(2)));
    if count == 0 {
        return Ok(Value::nil_list(ListKind::Text));
    }
    if !pattern.is_empty() && text.is_empty() {
        return runtime.texts(1, [&[][..]]);
    }
    let mut search = pattern.search(text, Groups::Whole, runtime.budget)?;
    let mut parts = Vec::new();
    let (mut begin, mut end) = (0, 0);
    while parts.len() < count - 1
        && let Some(found) = search.next(runtime.budget)?
    {
        let place = whole(&found);
        end = place.start;
        if place.end != 0 {
            runtime.budget.allocate(LISTED)?;
            parts.push(runtime.text(part(text, begin..end))?);
        }
        begin = place.end;
    }
    if end != text.len() {
        runtime.budget.allocate(LISTED)?;
        parts.push(runtime.text(part(text, begin..text.len()))?);
    }
    search.end(runtime.budget);
    runtime.counted_list(ListKind::Text, parts)
}

/// What a replacement is made of.
struct Matched<'a> {
    pattern: &'a Pattern,
    template: &'a [u8],
    text: &'a [u8],
    found: &'a Found,
}

fn replace(
    runtime: &mut Runtime<'_, '_>,
    arguments: Arguments<'_>,
    compile: Compile,
    replacement: Replacement,
) -> Outcome {
    let pattern = compile(runtime, arguments)?;
    let (text, template) = (arguments.bytes(1), arguments.bytes(2));
    let groups = if template.contains(&b'$') { Groups::All } else { Groups::Whole };
    let mut search = pattern.search(text, groups, runtime.budget)?;
    let mut result = Buffer::default();
    let mut end = 0;
    while let Some(found) = search.next(runtime.budget)? {
        let place = whole(&found);
        result.push(part(text, end..place.start), runtime.budget)?;
        replacement(runtime.budget, &Matched { pattern: &pattern, template, text, found: &found }, &mut result)?;
        end = place.end;
    }
    result.push(part(text, end..text.len()), runtime.budget)?;
    search.end(runtime.budget);
    runtime.written(result)
}

fn literal(budget: &mut Budget<'_>, matched: &Matched<'_>, result: &mut Buffer) -> Result<(), Fault> {
    result.push(matched.template, budget)
}

/// Fills in `$1`, `${name}` and `$$`; a dollar before anything else stands for itself.
fn expand(budget: &mut Budget<'_>, matched: &Matched<'_>, result: &mut Buffer) -> Result<(), Fault> {
    let mut rest = matched.template;
    while let Some(at) = memchr::memchr(b'$', rest) {
        budget.step()?;
        result.push(part(rest, 0..at), budget)?;
        rest = rest.get(at + 1..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix(b"$") {
            result.push(b"$", budget)?;
            rest = after;
        } else if let Some((name, after)) = reference(rest) {
            budget.read(name.len(), SLOW)?;
            let numbered = if name.len() > 1 && name.starts_with('0') { None } else { name.parse().ok() };
            let place = match numbered {
                Some(group) => matched.found.get::<usize>(group).cloned().flatten(),
                // Of groups of one name the first that found something.
                None => {
                    budget.read(matched.pattern.names(), SLOW)?;
                    matched.pattern.groups(name).find_map(|group| matched.found.get(group).cloned().flatten())
                }
            };
            result.push(place.map_or(&[][..], |place| part(matched.text, place)), budget)?;
            rest = after;
        } else {
            result.push(b"$", budget)?;
        }
    }
    result.push(rest, budget)
}

/// The name after a dollar, in braces or as long as it goes, and what follows.
fn reference(text: &[u8]) -> Option<(&str, &[u8])> {
    let (braced, inner) = text.strip_prefix(b"{").map_or((false, text), |inner| (true, inner));
    let is_word = |character: char| is_letter(character) || is_digit(character) || character == '_';
    let length = super::super::value::chars(inner)
        .take_while(|(_, character, _)| character.is_some_and(is_word))
        .map(|(_, _, width)| width)
        .sum::<usize>();
    let name = std::str::from_utf8(inner.get(..length)?).ok().filter(|name| !name.is_empty())?;
    let after = inner.get(length..)?;
    Some((name, if braced { after.strip_prefix(b"}")? } else { after }))
}

/// What an element of a list of unknown length takes while the list grows.
const LISTED: usize = 3 * size_of::<Value>();
const WRONG: &str = "no regular expression";
