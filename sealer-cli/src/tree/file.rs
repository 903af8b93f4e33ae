//! What of one file is sealed: SealedSecrets, as far as it reads as documents, and sealed values that stand in it by
//! themselves.

use std::ops::Range;
use std::path::Path;

use super::loose::{self, LooseValue};
use super::walk::{self, is_manifest, is_wide};
use super::{SealedObject, objects, values};
use crate::manifest;
use crate::manifest::patch::EditableText;

/// What is sealed in a text.
#[derive(Default)]
pub(crate) struct Sealed<'t> {
    /// The documents, if SealedSecrets are among them.
    pub(crate) edited: Option<EditableText<'t>>,
    pub(crate) objects: Vec<SealedObject>,
    pub(crate) loose: Vec<LooseValue>,
    /// There is more packed into it than is looked at.
    pub(crate) is_limited: bool,
}

impl Sealed<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.loose.is_empty()
    }
}

/// Finds what is sealed in a file. One with the ending of a manifest that speaks of SealedSecrets has to be one.
pub(crate) fn sealed<'t>(path: &Path, bytes: &'t [u8]) -> Result<Sealed<'t>, String> {
    if is_wide(bytes) {
        let narrow: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
        let holds = manifest::may_hold_sealed(bytes) || !loose::find(&narrow, &[]).is_empty();
        return if holds { Err(NO_UTF8.to_owned()) } else { Ok(Sealed::default()) };
    }
    if !manifest::may_hold_sealed(bytes) {
        return Ok(by_themselves(bytes));
    }
    let documents = std::str::from_utf8(bytes)
        .map_err(|_| NO_UTF8.to_owned())
        .and_then(|text| EditableText::read(text).map_err(|error| error.to_string()));
    let edited = match documents {
        Ok(edited) => edited,
        Err(reason) => {
            let sealed = by_themselves(bytes);
            let is_template = [&b"{{"[..], b"{%"].iter().any(|mark| bytes.windows(2).any(|pair| pair == *mark));
            // A template that only its own language reads still has its values where they can be seen.
            let is_needed = is_manifest(path) && (!is_template || sealed.loose.is_empty());
            return if is_needed { Err(reason) } else { Ok(sealed) };
        }
    };
    let objects = objects(&edited);
    let items = objects.iter().flat_map(|object| &object.items).filter(|item| !item.templated);
    let range = |path| Some(edited.at(path)?.scalar()?.range.clone());
    let known: Vec<Range<usize>> = items.filter_map(|item| range(&item.path)).collect();
    let loose::All { values: mut loose, is_limited } = loose::find_all(bytes, &known);
    values::place(bytes, Some(&edited), &mut loose);
    Ok(Sealed { loose, edited: Some(edited), objects, is_limited })
}

/// The sealed values of a text that is not read as documents.
fn by_themselves<'t>(bytes: &[u8]) -> Sealed<'t> {
    let loose::All { values: mut loose, is_limited } = loose::find_all(bytes, &[]);
    values::place(bytes, None, &mut loose);
    Sealed { loose, is_limited, ..Sealed::default() }
}

/// The sealed values in the bytes of a file that is no text: a packed chart, a dump, a text in two bytes a letter.
pub(crate) fn in_binary(bytes: &[u8]) -> loose::All {
    let all = loose::find_all(bytes, &[]);
    if !all.values.is_empty() || walk::is_packed(bytes) {
        return all;
    }
    let narrow: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    loose::find_all(&narrow, &[])
}

/// The sealed values that stand as they are in a file which is too large for memory.
pub(crate) fn in_large(path: &Path) -> Result<Vec<LooseValue>, String> {
    let (mut values, mut lines) = (Vec::new(), 0);
    walk::parts(path, |part, is_last| {
        let whole = if is_last { part.len() } else { part.len().saturating_sub(walk::OVERLAP) };
        let found = loose::find(part, &[]).into_iter().filter(|value| value.start() < whole);
        values.extend(found.map(|mut value| {
            value.line += lines;
            value
        }));
        lines += part.get(..whole).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count();
    })?;
    Ok(values)
}

/// Whether a file may hold anything that is sealed: what is looked for ahead of all else, since most files do not.
pub(crate) fn may_hold_sealed(bytes: &[u8]) -> bool {
    is_wide(bytes) || manifest::may_hold_sealed(bytes) || !loose::find_all(bytes, &[]).values.is_empty()
}

const NO_UTF8: &str = "is no UTF-8";
