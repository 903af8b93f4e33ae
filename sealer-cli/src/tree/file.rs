//! What of one file is sealed: SealedSecrets, as far as it reads as documents, and sealed values that stand in it by
//! themselves.

use std::ops::Range;
use std::path::Path;

use super::loose::{self, LooseValue};
use super::walk::{is_manifest, is_wide};
use super::{SealedObject, objects, values};
use crate::manifest;
use crate::manifest::patch::Edited;

/// What is sealed in a text.
#[derive(Default)]
pub(crate) struct Sealed<'t> {
    /// The documents, if SealedSecrets are among them.
    pub(crate) edited: Option<Edited<'t>>,
    pub(crate) objects: Vec<SealedObject>,
    pub(crate) loose: Vec<LooseValue>,
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
        let mut loose = loose::find(bytes, &[]);
        values::place(bytes, None, &mut loose);
        return Ok(Sealed { loose, ..Sealed::default() });
    }
    let documents = std::str::from_utf8(bytes)
        .map_err(|_| NO_UTF8.to_owned())
        .and_then(|text| Edited::read(text).map_err(|error| error.to_string()));
    let edited = match documents {
        Ok(edited) => edited,
        Err(reason) => {
            let mut loose = loose::find(bytes, &[]);
            values::place(bytes, None, &mut loose);
            let is_template = [&b"{{"[..], b"{%"].iter().any(|mark| bytes.windows(2).any(|pair| pair == *mark));
            // A template that only its own language reads still has its values where they can be seen.
            let is_needed = is_manifest(path) && (!is_template || loose.is_empty());
            return if is_needed { Err(reason) } else { Ok(Sealed { loose, ..Sealed::default() }) };
        }
    };
    let objects = objects(&edited);
    let items = objects.iter().flat_map(|object| &object.items).filter(|item| !item.templated);
    let range = |path| Some(edited.at(path)?.scalar()?.range.clone());
    let known: Vec<Range<usize>> = items.filter_map(|item| range(&item.path)).collect();
    let mut loose = loose::find(bytes, &known);
    values::place(bytes, Some(&edited), &mut loose);
    Ok(Sealed { loose, edited: Some(edited), objects })
}

/// Whether a file may hold anything that is sealed: what is looked for ahead of all else, since most files do not.
pub(crate) fn may_hold_sealed(bytes: &[u8]) -> bool {
    is_wide(bytes) || manifest::may_hold_sealed(bytes) || !loose::find(bytes, &[]).is_empty()
}

const NO_UTF8: &str = "is no UTF-8";
