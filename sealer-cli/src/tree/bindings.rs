//! Which names may a value be bound to? One answer for every command that opens the values of files: what an object or the
//! user says, what a kustomization or a release makes of it, and what the files of the tree name.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sealer_core::{Label, Scope};

use super::known::KnownNames;
use super::loose::LooseValue;
use super::names::Given;
use super::{SealedObject, applied};

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
        let part = |is_bound, text: &str| if is_bound { text.to_owned() } else { String::new() };
        Self { scope, namespace: part(scope.binds_namespace(), namespace), name: part(scope.binds_name(), name) }
    }

    /// What an object says of itself; nothing where a part of that comes from elsewhere.
    fn of(object: &SealedObject) -> Option<Self> {
        object.is_whole().then(|| Self::new(object.scope, &object.namespace, &object.name))
    }

    pub(crate) fn label(&self) -> Label {
        Label::new_unchecked(self.scope, &self.namespace, &self.name)
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
        let others = applied::rename_candidates(object, file, namespace);
        let named = applied::named(object, &self.given.names, namespace);
        once(Binding::of(object).into_iter().chain(others.iter().chain(&named).filter_map(Binding::of)), usize::MAX)
    }

    /// What the values of an object may be bound to besides: by overlays that take its file, and by the names of the tree.
    pub(crate) fn guessed(&self, object: &SealedObject, file: &Path, most: usize) -> Vec<Binding> {
        if !object.scope.binds_namespace() {
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

    use std::fs;

    use super::*;
    use crate::tree::sealed;

    /// What the value of one file comes in question for, of a tree with these.
    fn bindings(files: &[(&str, &str)], given: Given, of: &str, most: usize) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let mut key = vec![1_u8, 0];
        key.extend((0..300_u32).map(|byte| (byte * 7 + 11).to_be_bytes()[3] | 1));
        let value = sealer_encoding::base64::encode(key);
        let mut paths = Vec::new();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text.replace("SEALED", &value)).unwrap();
            paths.push(path);
        }
        let file = folder.path().join(of);
        let text = fs::read(&file).unwrap();
        let found = sealed(&file, &text).unwrap();
        let bindings = Bindings::new(given, &paths);
        let all = match found.objects.first() {
            Some(object) => [bindings.said(object, &file), bindings.guessed(object, &file, most)].concat(),
            None => bindings.of_loose(&found.loose[0], &file, most),
        };
        all.iter().map(|binding| format!("{}/{}", binding.namespace, binding.name)).collect()
    }

    #[test]
    fn given_names_come_first_and_near_ones_next() {
        let files = [
            ("a/values.yaml", "namespace: near\nx: SEALED\n"),
            ("a/templates/x.yaml", "kind: SealedSecret\nname: {{ .Release.Name }}-db\n"),
            ("b/values.yaml", "namespace: far\nname: other\n"),
        ];
        let given = Given { namespace: Some("given".to_owned()), names: vec!["rel".to_owned()] };
        let shown = bindings(&files, given, "a/values.yaml", 400);
        assert_eq!(shown[..6], ["given/rel", "given/", "/", "given/rel-db", "near/", "near/rel"]);
        for name in ["near/rel-db", "far/other", "far/other-db", "a/a-db"] {
            assert!(shown.contains(&name.to_owned()), "{name} {shown:?}");
        }
    }

    #[test]
    fn names_of_templates_that_use_a_value_come_before_others() {
        let template = |name: &str, data: &str| {
            format!("kind: SealedSecret\nmetadata:\n  name: {name}\nspec:\n  encryptedData:\n    a: {{{{ {data} }}}}\n")
        };
        let (one, two, all) =
            (template("one", ".Values.a.x"), template("two", "range .Values.b"), template("all", "toYaml .Values"));
        let files = [
            ("c/values.yaml", "name: aaa\nb:\n  x: SEALED\n"),
            ("c/templates/a-one.yaml", one.as_str()),
            ("c/templates/b-all.yaml", &all),
            ("c/templates/c-two.yaml", &two),
        ];
        let given = Given { namespace: Some("ns".to_owned()), names: Vec::new() };
        let shown = bindings(&files, given, "c/values.yaml", 400);
        let place = |name: &str| shown.iter().position(|shown| shown == name).unwrap();
        assert!(
            place("ns/two") < place("ns/all") && place("ns/all") < place("ns/aaa") && place("ns/all") < place("ns/one")
        );
    }

    #[test]
    fn no_more_is_tried_than_can_be() {
        let text: String = (0..1000).map(|number| format!("name: n{number}\nnamespace: s{number}\n")).collect();
        let with = format!("{text}x: SEALED\n");
        let files = [("a.yaml", with.as_str()), ("b.yaml", &text)];
        assert_eq!(bindings(&files, Given::default(), "a.yaml", 400).len(), 400);
    }

    #[test]
    fn an_object_is_bound_to_what_overlays_make_of_it() {
        let object =
            "kind: SealedSecret\nmetadata:\n  name: db\n  namespace: base\nspec:\n  encryptedData:\n    a: SEALED\n";
        let files = [
            ("base/db.yaml", object),
            ("base/kustomization.yaml", "resources: [./db.yaml]\n"),
            ("mid/kustomization.yaml", "bases: [../base/]\nnameSuffix: -m\n"),
            ("top/a/kustomization.yaml", "components: [../../mid]\nnamePrefix: t-\nnamespace: prod\n"),
            ("other/kustomization.yaml", "resources: [../elsewhere]\nnamespace: theirs\nnamePrefix: o-\n"),
            ("loop/kustomization.yaml", "resources: [../loop, ../base]\nnameSuffix: -l\n"),
        ];
        let shown = bindings(&files, Given::default(), "base/db.yaml", 400);
        for name in ["base/db", "base/db-m", "prod/t-db-m", "base/db-l", "theirs/db", "prod/db"] {
            assert!(shown.contains(&name.to_owned()), "{name} {shown:?}");
        }
        assert!(!shown.iter().any(|name| name.contains("o-db")), "{shown:?}");
    }
}
