//! An edit of a text changes what was meant and nothing else, judged by the reader of documents, which shares no code with
//! the editor.

use sealer_encoding::base64;
use serde_json::{Value, json};

use super::documents;
use crate::encrypted;
use crate::manifest::patch::{EditableText, PatchError, Replacement, Step, Tree};
use crate::tree;

/// One of all edits that a text allows, chosen by the first two bytes, is refused or does what was meant.
pub fn editor(bytes: &[u8]) {
    let Some((choice, text)) = bytes.split_first_chunk() else { return };
    let Ok(text) = str::from_utf8(text) else { return };
    let Ok(edited) = EditableText::read(text) else { return };
    let _ = tree::objects(&edited);
    let Some((path, change)) = chosen(&edited, usize::from(u16::from_be_bytes(*choice))) else { return };
    let Ok(result) = carried_out(&edited, &path, change) else { return };
    // The reader of documents does not leave templates out, and reads nothing that begins as a file of another tool.
    if text.contains("{{") || encrypted::file(result.as_bytes()).is_some() {
        return;
    }
    let Some(before) = documents(text.as_bytes()).and_then(whole) else { return };
    let mut after = documents(result.as_bytes()).and_then(whole);
    if change == Change::Replace {
        forget_line_ends(after.as_deref_mut(), &path);
    }
    if let Some(expected) = expected(before, &path, change) {
        assert_eq!(after.map(filled), Some(filled(expected)), "{change:?} {path:?}\n{text}\n---\n{result}");
    }
}

/// What happens at a place of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// The value there becomes another text.
    Replace,
    /// The map there gets one entry more.
    Add,
    /// What is there goes.
    Remove,
}

fn chosen(edited: &EditableText<'_>, choice: usize) -> Option<(Vec<Step>, Change)> {
    let mut places = Vec::new();
    for (number, document) in edited.documents().iter().enumerate() {
        collect(document, &mut vec![Step::Number(number)], &mut places);
    }
    let choice = choice.checked_rem(places.len())?;
    places.into_iter().nth(choice)
}

fn collect(tree: &Tree, path: &mut Vec<Step>, found: &mut Vec<(Vec<Step>, Change)>) {
    match tree {
        Tree::Scalar(_) => found.push((path.clone(), Change::Replace)),
        Tree::List(items, _) => {
            for (number, item) in items.iter().enumerate() {
                path.push(Step::Number(number));
                collect(item, path, found);
                path.pop();
            }
        }
        Tree::Map(fields, _) => {
            found.push((path.clone(), Change::Add));
            for (name, value) in fields {
                path.push(Step::name(&name.as_read()));
                found.push((path.clone(), Change::Remove));
                collect(value, path, found);
                path.pop();
            }
        }
    }
}

fn carried_out(edited: &EditableText<'_>, path: &[Step], change: Change) -> Result<String, PatchError> {
    match change {
        Change::Replace => edited.with(&[Replacement { path: path.to_vec(), value: value() }]),
        Change::Add => edited.with_entry(path, NAME, &value()),
        Change::Remove => edited.without_entry(path),
    }
}

/// What the documents should be. Nothing where there is not exactly one, since empty ones are counted differently, or where
/// the reader finds nothing by that path, since it reads a name such as `.INF` otherwise.
fn expected(mut documents: Vec<Value>, path: &[Step], change: Change) -> Option<Vec<Value>> {
    let ([document], [Step::Number(0), path @ ..]) = (documents.as_mut_slice(), path) else { return None };
    match change {
        Change::Replace => *at(document, path)? = Value::String(value()),
        Change::Add => {
            let map = at(document, path)?;
            if map.is_null() {
                *map = json!({});
            }
            let before = map.as_object_mut()?.insert(NAME.to_owned(), Value::String(value()));
            if before.is_some() {
                return None;
            }
        }
        Change::Remove => {
            let (Step::Name(name), above) = path.split_last()? else { return None };
            at(document, above)?.as_object_mut()?.remove(name)?;
        }
    }
    Some(documents)
}

fn at<'v>(value: &'v mut Value, path: &[Step]) -> Option<&'v mut Value> {
    path.iter().try_fold(value, |value, step| match (value, step) {
        (Value::Object(fields), Step::Name(name)) => fields.get_mut(name),
        (Value::Array(items), Step::Number(number)) => items.get_mut(*number),
        _ => None,
    })
}

/// A block ends with line breaks, which base64 does not count.
fn forget_line_ends(documents: Option<&mut [Value]>, path: &[Step]) {
    let (Some([document]), [_, path @ ..]) = (documents, path) else { return };
    if let Some(Value::String(text)) = at(document, path) {
        text.truncate(text.trim_end_matches('\n').len());
    }
}

fn whole(documents: Vec<Option<Value>>) -> Option<Vec<Value>> {
    documents.into_iter().collect()
}

/// Empty documents are passed over.
fn filled(documents: Vec<Value>) -> Vec<Value> {
    documents.into_iter().filter(|document| *document != json!({})).collect()
}

/// As every sealed value begins: base64 that is a word or a number of YAML does not come up.
fn value() -> String {
    base64::encode([2, 0, 0xff, 0xfb, 7, 3, 9])
}

const NAME: &str = "a.new-item";
