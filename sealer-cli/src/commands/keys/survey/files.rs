//! What files and folders add to a survey.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{InFile, Item, LooseFile, Object, Survey};
use crate::diagnostics::{CliError, notice, visible_name};
use crate::tree::{self, Content, OUTSIDE, PassedOver, Reach, SealedObject};

/// What was found in a file.
enum Looked {
    Holds(Vec<Object>, Option<LooseFile>),
    PassedOver(Content),
    Unreadable(String),
}

/// A file that was named itself and is not what it was named for.
pub(super) struct Mistake {
    told: String,
    hint: &'static str,
}

impl Survey {
    /// Adds all sealed values of files and folders, whatever their ignore files say. A file that was named itself has to
    /// hold one; all are looked at before that is told.
    pub(crate) fn add_files(&mut self) -> Result<(), CliError> {
        let found = tree::find(&self.search, Reach::All)?;
        let told = |(path, reason): &(PathBuf, String)| format!("{}: {reason}", path.display());
        self.unreadable.extend(found.unreadable.iter().map(told));
        self.unreadable.extend(found.outside.iter().map(|path| format!("{}: {OUTSIDE}", path.display())));
        self.mistakes.extend(found.failed.iter().map(|(path, reason)| mistake(path, reason, ANOTHER)));
        let looked: Vec<Looked> = found.files.par_iter().map(|path| look(path)).collect();
        let mut passed_over = PassedOver::default();
        for (path, looked) in found.files.iter().zip(looked) {
            match looked {
                Looked::Holds(objects, None) if objects.is_empty() && found.is_named(path) => {
                    self.mistakes.push(mistake(path, "holds no sealed value", ANOTHER));
                }
                Looked::Holds(objects, loose) => {
                    self.objects.extend(objects);
                    self.loose.extend(loose);
                }
                Looked::PassedOver(content) if found.is_named(path) => {
                    self.mistakes.push(mistake(path, &content.reason(), NO_TEXT));
                }
                Looked::PassedOver(content) => passed_over.count(&content),
                Looked::Unreadable(reason) => self.unreadable.push(format!("{}: {reason}", path.display())),
            }
        }
        for told in passed_over.told().into_iter().chain(found.told_of_excluded()) {
            notice(&format!("note: {told}"));
        }
        self.files.extend(found.files);
        Ok(())
    }

    /// An error if a file was named for nothing; each of several is told.
    pub(crate) fn mistaken(&self) -> Result<(), CliError> {
        match self.mistakes.as_slice() {
            [] => Ok(()),
            [only] => Err(CliError::new(only.told.clone()).hint(only.hint)),
            several => {
                self.tell_mistakes();
                Err(CliError::new(format!("{} of the files that were named cannot be used", several.len()))
                    .hint(ANOTHER))
            }
        }
    }

    /// Tells the files that were named for nothing, where another error comes last.
    pub(crate) fn tell_mistakes(&self) {
        self.mistakes.iter().for_each(|mistake| notice(&mistake.told));
    }
}

fn mistake(path: &Path, reason: &str, hint: &'static str) -> Mistake {
    Mistake { told: visible_name(&format!("{} {reason}", path.display())).into_owned(), hint }
}

fn look(path: &Path) -> Looked {
    match tree::content(path) {
        Ok(Content::Text(bytes)) if bytes.starts_with(LFS) && tree::is_manifest(path) => {
            Looked::Unreadable(NOT_FETCHED.to_owned())
        }
        Ok(Content::Text(bytes)) => {
            in_text(path, &bytes).map_or_else(Looked::Unreadable, |(objects, loose)| Looked::Holds(objects, loose))
        }
        Ok(content) => in_other(path, content).unwrap_or_else(Looked::Unreadable),
        Err(reason) => Looked::Unreadable(reason),
    }
}

/// What is no text may have values in it, and so may what is too large for memory.
fn in_other(path: &Path, content: Content) -> Result<Looked, String> {
    let values = match &content {
        Content::Text(_) => Vec::new(),
        Content::TooLarge { .. } => tree::in_large(path)?,
        Content::Binary(bytes) => {
            let all = tree::in_binary(bytes);
            if all.is_limited {
                return Err(LIMITED.to_owned());
            }
            all.values
        }
    };
    if values.is_empty() {
        return Ok(Looked::PassedOver(content));
    }
    Ok(Looked::Holds(Vec::new(), Some(LooseFile { path: path.to_owned(), values })))
}

fn in_text(path: &Path, bytes: &[u8]) -> Result<(Vec<Object>, Option<LooseFile>), String> {
    let sealed = tree::sealed(path, bytes)?;
    if sealed.is_limited {
        return Err(LIMITED.to_owned());
    }
    let is_templated = sealed.objects.iter().any(|object| object.items.iter().any(|item| item.templated));
    let references = if is_templated { tree::references(&String::from_utf8_lossy(bytes)) } else { Vec::new() };
    let objects = sealed.objects.into_iter().map(|object| in_file(path, object, &references)).collect();
    let values = sealed.loose;
    Ok((objects, (!values.is_empty()).then(|| LooseFile { path: path.to_owned(), values })))
}

fn in_file(path: &Path, mut object: SealedObject, references: &[tree::Reference]) -> Object {
    let item = |item: tree::SealedItem| {
        let references = if item.templated { tree::references(&item.value) } else { Vec::new() };
        Item { name: item.name, value: item.value, templated: item.templated, references }
    };
    let items = std::mem::take(&mut object.items).into_iter().map(item).collect();
    Object {
        place: format!("{}: document {}, {}/{}", path.display(), object.document, object.namespace, object.name),
        label: object.is_whole().then(|| object.label()),
        file: Some(InFile { path: path.to_owned(), object, references: references.to_vec() }),
        items,
    }
}

const LIMITED: &str = "has more packed into it than is looked at";
/// How a file begins that stands for one in Git LFS.
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/";
const NOT_FETCHED: &str = "stands for a file in Git LFS that is not here; git lfs pull";
const ANOTHER: &str = "is it the right file? of a folder, all files are looked at";
const NO_TEXT: &str = "sealed values stand in texts: name the file that it was made of, or the folder";
