//! Which names may a value be bound to? One answer for every command that opens the values of files: what an object or the
//! user says, what a kustomization or a release makes of it, and what the files of the tree name.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sealer_core::{Label, Scope};

use super::known::KnownNames;
use super::loose::LooseValue;
use super::{SealedObject, applied};

/// What the user says that values are sealed for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    pub(crate) namespace: Option<String>,
    /// Names of objects, or of releases that their names are made of.
    pub(crate) names: Vec<String>,
}

/// What a value may be bound to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Binding {
    pub(crate) scope: Scope,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Binding {
    /// With the parts alone that the scope binds to.
    pub(super) fn new(scope: Scope, namespace: &str, name: &str) -> Self {
        let (namespace, name) = match scope {
            Scope::Strict => (namespace, name),
            Scope::NamespaceWide => (namespace, ""),
            Scope::ClusterWide => ("", ""),
        };
        Self { scope, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// What an object says of itself; nothing where a part of that comes from elsewhere.
    fn of(object: &SealedObject) -> Option<Self> {
        object.is_whole().then(|| Self::new(object.scope, &object.namespace, &object.name))
    }

    pub(crate) fn label(&self) -> Label {
        Label::as_given(self.scope, &self.namespace, &self.name)
    }
}

/// The answers for the files of a run. The files are read for names once one is wanted that an object does not say.
pub(crate) struct Bindings<'a> {
    given: Given,
    files: &'a [PathBuf],
    known: OnceLock<KnownNames>,
}

impl<'a> Bindings<'a> {
    pub(crate) fn new(given: Given, files: &'a [PathBuf]) -> Self {
        Self { given, files, known: OnceLock::new() }
    }

    /// What the values of an object are bound to by what it says itself, by the kustomization beside its file, and by the
    /// user: likeliest first.
    pub(crate) fn said(&self, object: &SealedObject, file: &Path) -> Vec<Binding> {
        let namespace = self.given.namespace.as_deref();
        let others = applied::otherwise(object, file, namespace);
        let named = applied::named(object, &self.given.names, namespace);
        once(Binding::of(object).into_iter().chain(others.iter().chain(&named).filter_map(Binding::of)), usize::MAX)
    }

    /// What the values of an object may be bound to besides: by overlays that take its file, and by the names of the tree.
    pub(crate) fn guessed(&self, object: &SealedObject, file: &Path, most: usize) -> Vec<Binding> {
        if object.scope == Scope::ClusterWide {
            return Vec::new();
        }
        let known = self.known();
        let overlaid = known.overlaid(object, file);
        let said = overlaid.iter().filter_map(Binding::of);
        let near = known.near(file, &[]);
        let (mut namespaces, names) = (near.namespaces, near.names);
        let names = if object.name_is_templated || object.name.is_empty() {
            // A name from elsewhere stands in a namespace of its own, if it says one.
            if !object.namespace.is_empty() && !object.namespace.contains("{{") {
                namespaces = vec![object.namespace.clone()];
            }
            names
        } else {
            let renamed = overlaid.iter().map(|object| object.name.clone());
            let mut names: Vec<String> = std::iter::once(object.name.clone()).chain(renamed).collect();
            names.dedup();
            names
        };
        once(said.chain(pairs(object.scope, &namespaces, &names, most)), most)
    }

    /// What a value may be bound to that stands in a file by itself: given names first, then those of the templates that use
    /// it, then those that are nearest.
    pub(crate) fn of_loose(&self, value: &LooseValue, file: &Path, most: usize) -> Vec<Binding> {
        let known = self.known();
        let near = known.near(file, &known.users_of(value, file));
        let mut given = Vec::new();
        if let Some(namespace) = &self.given.namespace {
            given.extend(self.given.names.iter().map(|name| Binding::new(Scope::Strict, namespace, name)));
            given.push(Binding::new(Scope::NamespaceWide, namespace, ""));
        }
        given.push(Binding::new(Scope::ClusterWide, "", ""));
        once(given.into_iter().chain(by_distance(&near.namespaces, &near.names, most)), most)
    }

    /// How many values stand by themselves in the whole tree.
    pub(crate) fn loose_values(&self) -> usize {
        self.known().loose_values()
    }

    fn known(&self) -> &KnownNames {
        self.known.get_or_init(|| KnownNames::read(self.files, &self.given))
    }
}

/// Near names of near namespaces first: the sum of both places grows.
fn by_distance(namespaces: &[String], names: &[String], most: usize) -> Vec<Binding> {
    let mut bindings = Vec::new();
    for sum in 0..namespaces.len() + names.len() {
        for (at, namespace) in namespaces.iter().enumerate().take(sum + 1) {
            if sum == at {
                bindings.push(Binding::new(Scope::NamespaceWide, namespace, ""));
            }
            bindings.extend(names.get(sum - at).map(|name| Binding::new(Scope::Strict, namespace, name)));
        }
        if bindings.len() > most {
            break;
        }
    }
    bindings
}

/// The same for a scope that is known.
fn pairs(scope: Scope, namespaces: &[String], names: &[String], most: usize) -> Vec<Binding> {
    match scope {
        Scope::ClusterWide => Vec::new(),
        Scope::NamespaceWide => namespaces.iter().map(|namespace| Binding::new(scope, namespace, "")).collect(),
        // Those for a namespace alone come between them.
        Scope::Strict => {
            let all = by_distance(namespaces, names, most.saturating_add(namespaces.len()));
            all.into_iter().filter(|binding| binding.scope == scope).collect()
        }
    }
}

/// Each once, and no more than can be tried.
fn once(bindings: impl Iterator<Item = Binding>, most: usize) -> Vec<Binding> {
    let mut met = std::collections::HashSet::new();
    bindings.filter(|binding| met.insert(binding.clone())).take(most).collect()
}
