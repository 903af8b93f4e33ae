//! Under which other names may an object of a file be applied? A chart leaves its namespace to the release, and a
//! kustomization gives namespace, prefix and suffix; a value is bound to what comes of it.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::{SealedObject, walk};
use crate::manifest::patch::{EditableText, Tree};

/// The kustomizations of a tree, by what they apply.
#[derive(Debug, Default)]
pub(super) struct Overlays {
    all: Vec<(PathBuf, Kustomization)>,
    /// By the files and folders that they list.
    listing: HashMap<PathBuf, Vec<usize>>,
    /// By their own folders, where they do not say what they apply.
    beside: HashMap<PathBuf, Vec<usize>>,
}

impl Overlays {
    pub(super) fn add(&mut self, path: &Path, kustomization: Kustomization) {
        let folder = lexical(path.parent().unwrap_or_else(|| Path::new("")));
        let number = self.all.len();
        match &kustomization.resources {
            None => self.beside.entry(folder.clone()).or_default().push(number),
            Some(resources) => {
                for resource in resources.iter().take(MOST_OVERLAYS) {
                    self.listing.entry(lexical(&folder.join(resource))).or_default().push(number);
                }
            }
        }
        self.all.push((folder, kustomization));
    }

    /// The objects that they make of one, in whatever folders they lie. Each may be taken by others again.
    pub(super) fn of(&self, object: &SealedObject, file: &Path) -> Vec<SealedObject> {
        let mut found: Vec<(SealedObject, PathBuf)> = vec![(object.clone(), lexical(file))];
        let mut next = 0;
        while let Some((object, target)) = found.get(next).cloned().filter(|_| found.len() < MOST_OVERLAYS) {
            let folder = target.parent().filter(|_| next == 0);
            let beside = folder.and_then(|folder| self.beside.get(folder)).into_iter().flatten();
            let takers = self.listing.get(&target).into_iter().flatten().chain(beside);
            for (folder, kustomization) in takers.filter_map(|number| self.all.get(*number)) {
                let other = applied(&object, Some(kustomization), None);
                if !found.iter().any(|(known, place)| place == folder && known.label() == other.label()) {
                    found.push((other, folder.clone()));
                }
            }
            next += 1;
        }
        found.into_iter().skip(1).map(|(object, _)| object).collect()
    }
}

/// The object as it may be applied, likeliest first; what it is as written is not among them. `namespace` is the one that
/// the user names.
pub(crate) fn rename_candidates(object: &SealedObject, file: &Path, namespace: Option<&str>) -> Vec<SealedObject> {
    let kustomization = file.parent().and_then(Kustomization::read);
    let mut found: Vec<SealedObject> = Vec::new();
    for (kustomized, namespace) in
        [(kustomization.as_ref(), namespace), (None, namespace), (kustomization.as_ref(), None)]
    {
        let other = applied(object, kustomized, namespace);
        let is_new = |known: &SealedObject| known.label() != other.label();
        if !other.templated && !other.lacks_namespace() && is_new(object) && found.iter().all(is_new) {
            found.push(other);
        }
    }
    found
}

/// The object under names that the user says, where a template writes its own: as a whole, or in the place of one part of it.
pub(super) fn named(object: &SealedObject, names: &[String], namespace: Option<&str>) -> Vec<SealedObject> {
    if !object.name_is_templated {
        return Vec::new();
    }
    let part = object.name.find("{{").zip(object.name.rfind("}}").map(|end| end + 2));
    let filled = |name: &String| {
        let (start, end) = part?;
        Some(format!("{}{name}{}", object.name.get(..start)?, object.name.get(end..)?))
    };
    let all = names.iter().flat_map(|name| [Some(name.clone()), filled(name)]).flatten();
    let under = |name: String| {
        let mut other = SealedObject { name, name_is_templated: false, ..object.clone() };
        let is_open = other.namespace.is_empty() || other.namespace.contains("{{");
        if let Some(namespace) = namespace.filter(|_| is_open) {
            namespace.clone_into(&mut other.namespace);
        }
        other.templated = other.namespace.contains("{{");
        other
    };
    all.map(under).filter(|other| !other.templated && !other.lacks_namespace()).collect()
}

/// The object as the kustomization that takes its file applies it; else as it is written.
pub(crate) fn kustomized(object: &SealedObject, file: &Path) -> SealedObject {
    let kustomization = kustomization(file);
    applied(object, kustomization.as_ref(), None)
}

fn applied(object: &SealedObject, kustomization: Option<&Kustomization>, named: Option<&str>) -> SealedObject {
    let mut other = object.clone();
    if let Some(kustomization) = kustomization {
        other.name = format!("{}{}{}", kustomization.prefix, other.name, kustomization.suffix);
    }
    // The user's word is for what has none of its own.
    let is_open = other.namespace.is_empty() || (other.templated && !other.name_is_templated);
    let given = kustomization.and_then(|kustomization| kustomization.namespace.as_deref());
    if let Some(namespace) = given.or_else(|| named.filter(|_| is_open)) {
        namespace.clone_into(&mut other.namespace);
        other.templated = other.name_is_templated;
    }
    other
}

#[derive(Debug)]
pub(super) struct Kustomization {
    namespace: Option<String>,
    prefix: String,
    suffix: String,
    /// Files and folders that it applies; nothing where it does not say so.
    resources: Option<Vec<String>>,
}

impl Kustomization {
    /// Whether it applies a file, which is named as seen from its folder.
    fn takes(&self, file: &Path) -> bool {
        let is_file = |resource: &String| plain(Path::new(resource)) == plain(file);
        let is_beside = file.components().count() == 1;
        self.resources.as_ref().map_or(is_beside, |resources| resources.iter().any(is_file))
    }

    fn read(folder: &Path) -> Option<Self> {
        NAMES
            .iter()
            .find_map(|name| String::from_utf8(walk::read(&folder.join(name)).ok()?).ok())
            .and_then(|text| Self::of(&text))
    }

    /// What a text says, if it is the file of one.
    pub(super) fn of_file(path: &Path, bytes: &[u8]) -> Option<Self> {
        NAMES.iter().find(|name| path.file_name().is_some_and(|file| file == **name))?;
        Self::of(std::str::from_utf8(bytes).ok()?)
    }

    fn of(text: &str) -> Option<Self> {
        let edited = EditableText::read(text).ok()?;
        let field = |name: &str| edited.documents().first()?.field(name).and_then(Tree::text).map(str::to_owned);
        let part = |name: &str| field(name).unwrap_or_default();
        let mut resources: Option<Vec<String>> = None;
        for list in ["resources", "bases", "components"] {
            if let Some(Tree::List(items, _)) = edited.documents().first()?.field(list) {
                resources.get_or_insert_default().extend(items.iter().filter_map(Tree::text).map(str::to_owned));
            }
        }
        let (namespace, prefix, suffix) = (field("namespace"), part("namePrefix"), part("nameSuffix"));
        Some(Self { namespace, prefix, suffix, resources })
    }
}

/// A path without `.` and `..` in it, as far as they can be told without looking.
fn lexical(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(result.components().next_back(), Some(Component::Normal(_))) => {
                result.pop();
            }
            part => result.push(part),
        }
    }
    result
}

/// A path without `.` in it.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

/// The nearest one that applies a file: beside it, or in a folder above it that lists it.
fn kustomization(file: &Path) -> Option<Kustomization> {
    let folders = file.ancestors().skip(1).take(MOST_FOLDERS);
    folders
        .filter_map(|folder| Some((Kustomization::read(folder)?, file.strip_prefix(folder).ok()?)))
        .find_map(|(kustomization, inside)| kustomization.takes(inside).then_some(kustomization))
}

/// Folders above a file in which a kustomization may list it.
const MOST_FOLDERS: usize = 8;
/// What kustomize looks for.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
/// Objects that overlays may make of one, and files that one of them is taken to list.
const MOST_OVERLAYS: usize = 200;
