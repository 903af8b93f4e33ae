//! Which functions search by regular expressions?

use std::rc::Rc;

use super::super::error::Fault;
use super::super::pattern::{Found, Pattern, Refusal};
use super::super::syntax::go_quote;
use super::super::value::{Kind, ListKind, Text, Value};
use super::{Arguments, Function, Outcome, Runtime};

const TWO: &[Kind] = &[Kind::Text, Kind::Text];
const COUNTED: &[Kind] = &[Kind::Text, Kind::Text, Kind::Int];
const THREE: &[Kind] = &[Kind::Text, Kind::Text, Kind::Text];

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("regexMatch", TWO, |runtime, arguments| match compiled(runtime, arguments) {
        Err(Refusal::Wrong(_)) => Ok(Value::Bool(false)),
        Err(Refusal::Limit(fault)) => Err(fault),
        Ok(pattern) => pattern.is_match(arguments.bytes(1), runtime.budget).map(Value::Bool),
    }),
    Function::new("mustRegexMatch", TWO, |runtime, arguments| {
        strict(runtime, arguments)?.is_match(arguments.bytes(1), runtime.budget).map(Value::Bool)
    }),
    Function::new("regexFind", TWO, |runtime, arguments| find(runtime, arguments, panicking)),
    Function::new("mustRegexFind", TWO, |runtime, arguments| find(runtime, arguments, strict)),
    Function::new("regexFindAll", COUNTED, |runtime, arguments| find_all(runtime, arguments, panicking)),
    Function::new("mustRegexFindAll", COUNTED, |runtime, arguments| find_all(runtime, arguments, strict)),
    Function::new("regexSplit", COUNTED, |runtime, arguments| split(runtime, arguments, panicking)),
    Function::new("mustRegexSplit", COUNTED, |runtime, arguments| split(runtime, arguments, strict)),
    Function::new("regexReplaceAll", THREE, |runtime, arguments| replace(runtime, arguments, panicking, expand)),
    Function::new("mustRegexReplaceAll", THREE, |runtime, arguments| replace(runtime, arguments, strict, expand)),
    Function::new("regexReplaceAllLiteral", THREE, |runtime, arguments| {
        replace(runtime, arguments, panicking, literal)
    }),
    Function::new("mustRegexReplaceAllLiteral", THREE, |runtime, arguments| {
        replace(runtime, arguments, strict, literal)
    }),
    Function::new("regexQuoteMeta", &[Kind::Text], |runtime, arguments| {
        let quoted = arguments.bytes(0).iter().flat_map(|byte| {
            let special = br"\.+*?()|[]{}^$".contains(byte);
            special.then_some(b'\\').into_iter().chain([*byte])
        });
        let quoted: Vec<u8> = quoted.collect();
        runtime.text(quoted)
    }),
];

type Compile = fn(&mut Runtime<'_, '_>, Arguments<'_>) -> Result<Rc<Pattern>, Fault>;
type Replacement = fn(&Pattern, &[u8], &[u8], &Found, &mut Vec<u8>);

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
            let text = format!("regexp: Compile({}): {}", backquoted(arguments.bytes(0)), error.go_text());
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
    let found = pattern.find_all(text, 1, runtime.budget)?;
    runtime.text(found.first().map_or(&[][..], |found| part(text, whole(found))))
}

fn find_all(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>, compile: Compile) -> Outcome {
    let pattern = compile(runtime, arguments)?;
    let text = arguments.bytes(1);
    let found = pattern.find_all(text, limit(arguments.int(2)), runtime.budget)?;
    if found.is_empty() {
        return Ok(Value::nil_list(ListKind::Text));
    }
    runtime.texts(found.iter().map(|found| part(text, whole(found))))
}

fn split(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>, compile: Compile) -> Outcome {
    let pattern = compile(runtime, arguments)?;
    let (text, count) = (arguments.bytes(1), limit(arguments.int(2)));
    if count == 0 {
        return Ok(Value::nil_list(ListKind::Text));
    }
    if !pattern.is_empty() && text.is_empty() {
        return runtime.texts([Text::from("")]);
    }
    let mut parts = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for found in pattern.find_all(text, count, runtime.budget)? {
        if parts.len() == count - 1 {
            break;
        }
        let place = whole(&found);
        end = place.start;
        if place.end != 0 {
            parts.push(part(text, begin..end));
        }
        begin = place.end;
    }
    if end != text.len() {
        parts.push(part(text, begin..text.len()));
    }
    runtime.texts(parts)
}

fn replace(
    runtime: &mut Runtime<'_, '_>,
    arguments: Arguments<'_>,
    compile: Compile,
    replacement: Replacement,
) -> Outcome {
    let pattern = compile(runtime, arguments)?;
    let (text, template) = (arguments.bytes(1), arguments.bytes(2));
    let mut result = Vec::new();
    let mut end = 0;
    for found in pattern.find_all(text, usize::MAX, runtime.budget)? {
        let place = whole(&found);
        let before = result.len();
        result.extend_from_slice(part(text, end..place.start));
        replacement(&pattern, template, text, &found, &mut result);
        end = place.end;
        runtime.budget.allocate(result.len() - before)?;
    }
    result.extend_from_slice(part(text, end..text.len()));
    runtime.text(result)
}

fn literal(_: &Pattern, template: &[u8], _: &[u8], _: &Found, result: &mut Vec<u8>) {
    result.extend_from_slice(template);
}

/// Fills in `$1`, `${name}` and `$$`; a dollar before anything else stands for itself.
fn expand(pattern: &Pattern, template: &[u8], text: &[u8], found: &Found, result: &mut Vec<u8>) {
    let mut rest = template;
    while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
        result.extend_from_slice(part(rest, 0..at));
        rest = rest.get(at + 1..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix(b"$") {
            result.push(b'$');
            rest = after;
        } else if let Some((name, after)) = reference(rest) {
            let numbered = if name.len() > 1 && name.starts_with('0') { None } else { name.parse().ok() };
            let group = numbered.or_else(|| pattern.group(name));
            let place = group.and_then(|group: usize| found.get(group).cloned().flatten());
            result.extend_from_slice(place.map_or(&[][..], |place| part(text, place)));
            rest = after;
        } else {
            result.push(b'$');
        }
    }
    result.extend_from_slice(rest);
}

/// The name after a dollar, in braces or as long as it goes, and what follows.
fn reference(text: &[u8]) -> Option<(&str, &[u8])> {
    let (braced, inner) = text.strip_prefix(b"{").map_or((false, text), |inner| (true, inner));
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let length = super::super::value::chars(inner)
        .take_while(|(_, character, _)| character.is_some_and(is_word))
        .map(|(_, _, width)| width)
        .sum::<usize>();
    let name = std::str::from_utf8(inner.get(..length)?).ok().filter(|name| !name.is_empty())?;
    let after = inner.get(length..)?;
    Some((name, if braced { after.strip_prefix(b"}")? } else { after }))
}

const WRONG: &str = "no regular expression";
