//! Items put into the text of a file: comments, order and other documents stay.

use serde_json::{Map, Value};

use super::PLACES;
use crate::manifest::patch::{EditableText, PatchError, Replacement, Step};
use crate::tree;

/// The text with what was sealed for one of its SealedSecrets, which is known by its name and namespace; nothing if several
/// have them or none.
pub(super) fn merged(text: &str, target: &Map<String, Value>, sealed: &Value) -> Result<Option<String>, PatchError> {
    let own = |field: &str| {
        let metadata = target.get("metadata");
        metadata.and_then(|metadata| metadata.get(field)).and_then(Value::as_str).unwrap_or_default()
    };
    let edited = EditableText::read(text)?;
    let mut objects = tree::objects(&edited);
    objects.retain(|object| object.name == own("name") && object.namespace == own("namespace"));
    let [object] = objects.as_slice() else { return Ok(None) };
    let mut text = text.to_owned();
    for place in PLACES {
        let new = place.iter().try_fold(sealed, |value, field| value.get(*field)).and_then(Value::as_object);
        let map: Vec<Step> = object.path.iter().cloned().chain(place.iter().copied().map(Step::name)).collect();
        for (name, value) in new.into_iter().flatten() {
            text = with(&text, &map, name, value.as_str().unwrap_or_default())?;
        }
    }
    Ok(Some(text))
}

/// The text with one entry of a map replaced, or added.
fn with(text: &str, map: &[Step], name: &str, value: &str) -> Result<String, PatchError> {
    let edited = EditableText::read(text)?;
    let path: Vec<Step> = map.iter().cloned().chain([Step::name(name)]).collect();
    match edited.at(&path) {
        Some(known) if known.text() == Some(value) => Ok(text.to_owned()),
        // What another text cannot be written into as it stands: a block, an alias.
        Some(_) => edited
            .with(&[Replacement { path: path.clone(), value: value.to_owned() }])
            .or_else(|error| edited.with_quoted(&path, value).map_err(|_| error))
            .or_else(|error| with(&edited.with_copy(map).map_err(|_| error)?, map, name, value)),
        None => edited
            .with_entry(map, name, value)
            .or_else(|error| with(&edited.with_copy(map).map_err(|_| error)?, map, name, value)),
    }
}
