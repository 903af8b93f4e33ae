//! What files and folders add to a survey.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sealer_core::{Label, Scope};

use super::{Item, LooseFile, Object, Survey};
use crate::diagnostics::{CliError, visible_name};
use crate::tree::{self, Content, OUTSIDE, PassedOver, SealedObject};
use crate::ui;

/// What was found in a file.
enum Looked {
    Holds(Vec<Object>, Option<LooseFile>),
    PassedOver(Content),
    Unreadable(String),
}

impl Survey {
    /// Adds all sealed values of files and folders. A file that was named itself has to hold one.
    pub(crate) fn add_files(&mut self, paths: &[String]) -> Result<(), CliError> {
        let found = tree::find(paths)?;
        let told = |(path, reason): &(PathBuf, String)| format!("{}: {reason}", path.display());
        self.unreadable.extend(found.unreadable.iter().map(told));
        self.unreadable.extend(found.outside.iter().map(|path| format!("{}: {OUTSIDE}", path.display())));
        let namespace = self.given.namespace.as_deref();
        let looked: Vec<Looked> = found.files.par_iter().map(|path| look(path, namespace)).collect();
        let mut passed_over = PassedOver::default();
        for (path, looked) in found.files.iter().zip(looked) {
            match looked {
                Looked::Holds(objects, None) if objects.is_empty() && found.is_named(path) => return Err(empty(path)),
                Looked::Holds(objects, loose) => {
                    self.objects.extend(objects);
                    self.loose.extend(loose);
                }
                Looked::PassedOver(content) if found.is_named(path) => return Err(no_text(path, &content)),
                Looked::PassedOver(content) => passed_over.count(&content),
                Looked::Unreadable(reason) => self.unreadable.push(format!("{}: {reason}", path.display())),
            }
        }
        if let Some(told) = passed_over.told() {
            ui::notice(&format!("note: {told}"));
        }
        if let Some(told) = found.told_of_hidden() {
            ui::notice(&format!("note: {told}"));
        }
        self.files.extend(found.files);
        Ok(())
    }
}

fn empty(path: &Path) -> CliError {
    CliError::new(visible_name(&format!("{} holds no sealed value", path.display())))
        .hint("is it the right file? of a folder, all files are looked at")
}

fn no_text(path: &Path, content: &Content) -> CliError {
    CliError::new(visible_name(&format!("{} {}", path.display(), content.reason())))
        .hint("sealed values stand in texts: name the file that it was made of, or the folder")
}

fn look(path: &Path, namespace: Option<&str>) -> Looked {
    match tree::content(path) {
        Ok(Content::Text(bytes)) => in_text(path, &bytes, namespace)
            .map_or_else(Looked::Unreadable, |(objects, loose)| Looked::Holds(objects, loose)),
        Ok(content) => Looked::PassedOver(content),
        Err(reason) => Looked::Unreadable(reason),
    }
}

fn in_text(path: &Path, bytes: &[u8], namespace: Option<&str>) -> Result<(Vec<Object>, Option<LooseFile>), String> {
    let sealed = tree::sealed(path, bytes)?;
    let text = || String::from_utf8_lossy(bytes);
    let is_templated = sealed.objects.iter().any(|object| object.items.iter().any(|item| item.templated));
    let references = if is_templated { tree::references(&text()) } else { BTreeSet::new() };
    let objects = sealed.objects.iter().map(|object| in_file(path, object, namespace, &references)).collect();
    let values = sealed.loose;
    let loose = (!values.is_empty()).then(|| LooseFile { path: path.to_owned(), values, keys: tree::keys(&text()) });
    Ok((objects, loose))
}

fn in_file(path: &Path, object: &SealedObject, namespace: Option<&str>, references: &BTreeSet<String>) -> Object {
    let stands = |text: &String| !text.is_empty() && !text.contains("{{");
    let others = tree::otherwise(object, path, namespace)
        .iter()
        .filter(|other| is_named(other))
        .map(SealedObject::label)
        .collect::<Vec<Label>>();
    let item = |item: &tree::SealedItem| Item {
        name: item.name.clone(),
        value: item.value.clone(),
        templated: item.templated,
    };
    Object {
        file: Some(path.to_owned()),
        place: format!("{}: document {}, {}/{}", path.display(), object.document, object.namespace, object.name),
        scope: object.scope,
        namespace: Some(object.namespace.clone()).filter(stands),
        name: Some(object.name.clone()).filter(stands),
        others,
        items: object.items.iter().map(item).collect(),
        references: references.clone(),
    }
}

/// Whether all that its values are bound to is known.
fn is_named(object: &SealedObject) -> bool {
    let stands = |text: &str| !text.is_empty() && !text.contains("{{");
    match object.scope {
        Scope::Strict => stands(&object.name) && stands(&object.namespace),
        Scope::NamespaceWide => stands(&object.namespace),
        Scope::ClusterWide => true,
    }
}
