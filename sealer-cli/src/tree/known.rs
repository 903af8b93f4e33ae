//! The names that the files of a tree say, and which of them are near to a file.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::SealedObject;
use super::applied::{Kustomization, Overlays};
use super::loose::{self, LooseValue};
use super::names::{Given, Names};
use super::values::{Reference, chart, references};
use super::walk::{self, Content};
use parking_lot::Mutex;

/// All that was read of a tree of files.
#[derive(Debug, Default)]
pub(super) struct KnownNames {
    given: Given,
    /// In the order of their paths, so that those of a folder stand together.
    files: Vec<(PathBuf, Names)>,
    overlays: Overlays,
    templates: Vec<Template>,
    loose_values: usize,
    /// What is near to the files of a folder.
    folders: Mutex<HashMap<PathBuf, Arc<Names>>>,
}

/// A template of SealedSecrets that takes its values from a chart.
#[derive(Debug)]
struct Template {
    /// The folder of its chart.
    chart: Option<PathBuf>,
    references: Vec<Reference>,
    names: Names,
}

impl KnownNames {
    /// Reads all files. On one thread: whoever waits for it may be one of a pool.
    pub(super) fn read(files: &[PathBuf], given: &Given) -> Self {
        let mut known = Self { given: given.clone(), ..Self::default() };
        let mut met = BTreeSet::new();
        for path in files {
            let bytes = match walk::content(path) {
                Ok(Content::Text(bytes)) => bytes,
                Ok(Content::Binary(bytes)) => {
                    known.add_inside(path, &bytes, &mut met);
                    continue;
                }
                Ok(Content::TooLarge { .. }) | Err(_) => continue,
            };
            met.extend(loose::find(&bytes, &[]).iter().map(hashed));
            known.add(path, &bytes);
            known.add_inside(path, &bytes, &mut met);
        }
        known.loose_values = met.len();
        known.files.sort_by(|(one, _), (other, _)| one.cmp(other));
        known
    }

    fn add(&mut self, path: &Path, bytes: &[u8]) {
        let names = Names::of(bytes);
        if let Some(kustomization) = Kustomization::of_file(path, bytes) {
            self.overlays.add(path, kustomization);
        }
        if names.sealed && self.templates.len() < MOST_TEMPLATES {
            let references = references(&String::from_utf8_lossy(bytes));
            if !references.is_empty() {
                let chart = chart(path).map(Path::to_owned);
                self.templates.push(Template { chart, references, names: names.clone() });
            }
        }
        if !names.is_empty() {
            self.files.push((path.to_owned(), names));
        }
    }

    /// Adds the texts that are packed into a file and hold sealed values.
    fn add_inside(&mut self, path: &Path, bytes: &[u8], met: &mut BTreeSet<u64>) {
        for inner in loose::inside(bytes).texts {
            let values = loose::find(&inner.text, &[]);
            if !values.is_empty() {
                met.extend(values.iter().map(hashed));
                self.add(path, &inner.text);
            }
        }
    }

    /// Sealed values that stand by themselves, each counted once.
    pub(super) fn loose_values(&self) -> usize {
        self.loose_values
    }

    /// What overlays of the tree make of an object.
    pub(super) fn overlaid(&self, object: &SealedObject, file: &Path) -> Vec<SealedObject> {
        self.overlays.of(object, file)
    }

    /// The names in templates that take a value, those of its own chart first, and those that say most of its place.
    pub(super) fn users_of(&self, value: &LooseValue, file: &Path) -> Vec<&Names> {
        let length = |reference: &Reference| reference.length();
        let mut users: Vec<((bool, usize), &Names)> = Vec::new();
        for template in &self.templates {
            let takes = |reference: &&Reference| {
                template.chart.as_deref().is_some_and(|chart| reference.takes(&value.place, file, chart))
            };
            let own = template.references.iter().filter(takes).map(length).max();
            let leads = |reference: &&Reference| reference.leads_to(&value.place);
            let any = || template.references.iter().filter(leads).map(length).max();
            let is_own = own.is_some();
            if let Some(length) = own.or_else(any) {
                users.push(((is_own, length), &template.names));
            }
        }
        users.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
        users.into_iter().map(|(_, names)| names).collect()
    }

    /// All names, likeliest first: those of templates that use a value, given ones, those of the file, of its folder, and so
    /// on. Names of folders come last.
    pub(super) fn near(&self, file: &Path, users: &[&Names]) -> Names {
        let mut near = Names::default();
        users.iter().take(MOST_USERS).for_each(|names| near.extend(names));
        near.namespaces.extend(self.given.namespace.clone());
        near.names.extend_from_slice(&self.given.names);
        if let Ok(at) = self.files.binary_search_by(|(path, _)| path.as_path().cmp(file)) {
            self.files.get(at).into_iter().for_each(|(_, names)| near.extend(names));
        }
        near.extend(&self.of_folder(file.parent().unwrap_or_else(|| Path::new(""))));
        for folder in file.ancestors().skip(1).filter_map(|folder| folder.file_name()?.to_str()) {
            near.add(folder, folder.to_owned());
        }
        near.filled(&self.given.names)
    }

    /// What the files of a folder say, then those of the folders around it, those with SealedSecrets first.
    fn of_folder(&self, folder: &Path) -> Arc<Names> {
        let folders = || self.folders.lock();
        if let Some(known) = folders().get(folder) {
            return Arc::clone(known);
        }
        let mut near = Names::default();
        let mut inner = 0..0;
        'all: for above in folder.ancestors() {
            let start = self.files.partition_point(|(path, _)| path.as_path() < above);
            let rest = self.files.get(start..).unwrap_or_default();
            let end = start + rest.partition_point(|(path, _)| path.starts_with(above));
            for sealed in [true, false] {
                let outside = (start..end).filter(|at| !inner.contains(at));
                for (_, names) in
                    outside.filter_map(|at| self.files.get(at)).filter(|(_, names)| names.sealed == sealed)
                {
                    if near.names.len() + near.namespaces.len() > MOST_NEAR {
                        break 'all;
                    }
                    near.extend(names);
                }
            }
            inner = start..end;
        }
        let near = Arc::new(near.distinct());
        folders().insert(folder.to_owned(), Arc::clone(&near));
        near
    }
}

fn hashed(value: &LooseValue) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.value.hash(&mut hasher);
    hasher.finish()
}

/// Names that are put in order for a folder.
const MOST_NEAR: usize = 2000;
/// Templates whose references are kept.
const MOST_TEMPLATES: usize = 2000;
/// Templates that one value is tried with first.
const MOST_USERS: usize = 20;
