//! Which names may a sealed value be bound to that stands in a text by itself? Those that the user gives, and those that
//! the files of its tree name: nearest first, and no more than can be tried.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use sealer_core::{Label, Scope};

use super::walk::{self, Content};

/// What the user says that values are sealed for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    pub(crate) namespace: Option<String>,
    /// Names of objects, or of releases that their names are made of.
    pub(crate) names: Vec<String>,
}

/// The names that are known in a tree of files.
#[derive(Debug, Default)]
pub(crate) struct KnownNames {
    given: Given,
    files: Vec<(PathBuf, Names)>,
}

/// What one text names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Names {
    namespaces: Vec<String>,
    /// With `{{ }}` where a template fills in another name.
    names: Vec<String>,
    /// SealedSecrets are among what it names.
    sealed: bool,
}

/// What a value may be bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) scope: Scope,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Binding {
    pub(crate) fn label(&self) -> Label {
        Label::as_given(self.scope, &self.namespace, &self.name)
    }
}

impl KnownNames {
    /// Reads all files for names. On one thread: whoever waits for it may be one of a pool.
    pub(crate) fn read(files: &[PathBuf], given: Given) -> Self {
        let named = files.iter().filter_map(|path| match walk::content(path) {
            Ok(Content::Text(bytes)) => Some((path.clone(), Names::of(&bytes))).filter(|(_, names)| !names.is_empty()),
            _ => None,
        });
        Self { given, files: named.collect() }
    }

    /// What values of a file may be bound to, likeliest first.
    pub(crate) fn bindings(&self, file: &Path) -> Vec<Binding> {
        let near = self.near(file);
        let bound = |scope, namespace: &str, name: &str| Binding {
            scope,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        let mut bindings = Vec::new();
        if let Some(namespace) = &self.given.namespace {
            bindings.extend(self.given.names.iter().map(|name| bound(Scope::Strict, namespace, name)));
            bindings.push(bound(Scope::NamespaceWide, namespace, ""));
        }
        bindings.push(bound(Scope::ClusterWide, "", ""));
        let (namespaces, names) = (near.namespaces.as_slice(), near.names.as_slice());
        // Near names of near namespaces first: the sum of both places grows.
        for sum in 0..namespaces.len() + names.len() {
            for (at, namespace) in namespaces.iter().enumerate().take(sum + 1) {
                if sum == at {
                    bindings.push(bound(Scope::NamespaceWide, namespace, ""));
                }
                bindings.extend(names.get(sum - at).map(|name| bound(Scope::Strict, namespace, name)));
            }
            if bindings.len() > MOST_BINDINGS {
                break;
            }
        }
        bindings.truncate(MOST_BINDINGS);
        let mut once = Vec::with_capacity(bindings.len());
        for binding in bindings {
            if !once.contains(&binding) {
                once.push(binding);
            }
        }
        once
    }

    /// The namespaces that the tree knows, nearest first.
    pub(crate) fn namespaces(&self, file: &Path) -> Vec<String> {
        self.near(file).namespaces
    }

    /// The names that the tree knows, nearest first.
    pub(crate) fn names(&self, file: &Path) -> Vec<String> {
        self.near(file).names
    }

    /// All names, nearest to a file first: given ones, its own, its folder's, and so on. Names of folders come last.
    fn near(&self, file: &Path) -> Names {
        let mut near = Names::default();
        near.namespaces.extend(self.given.namespace.clone());
        near.names.extend_from_slice(&self.given.names);
        let mut files: Vec<&(PathBuf, Names)> = self.files.iter().collect();
        let shared =
            |path: &Path| path.components().zip(file.components()).take_while(|(one, other)| one == other).count();
        files.sort_by_key(|(path, names)| (std::cmp::Reverse(shared(path)), !names.sealed));
        for (_, names) in files {
            if near.names.len() > MOST_NEAR {
                break;
            }
            near.namespaces.extend_from_slice(&names.namespaces);
            near.names.extend_from_slice(&names.names);
        }
        for folder in file.ancestors().skip(1).filter_map(|folder| folder.file_name()?.to_str()) {
            near.add(folder, folder.to_owned());
        }
        near.filled()
    }
}

impl Names {
    fn of(bytes: &[u8]) -> Self {
        let head = bytes.get(..MOST_TEXT).unwrap_or(bytes);
        let text = String::from_utf8_lossy(head);
        let mut names = Self { sealed: text.contains("SealedSecret"), ..Self::default() };
        let (Some(named), Some(template)) = (&*NAMED, &*TEMPLATE) else { return names };
        let is_namespace = text.contains("kind: Namespace");
        for found in named.captures_iter(&text) {
            let part = |name: &str| found.name(name).map_or("", |part| part.as_str());
            let value = template.replace_all(part("value").trim_end_matches('.'), HOLE).into_owned();
            let key = format!("{}{}", part("key"), part("flag")).to_ascii_lowercase();
            if key.ends_with("namespace") || key == "-n" {
                names.add(&value, String::new());
            } else {
                names.add(if is_namespace { &value } else { "" }, value.clone());
            }
        }
        names
    }

    /// Adds what may be a name in a cluster, once.
    fn add(&mut self, namespace: &str, name: String) {
        if self.namespaces.len() < MOST_NAMES
            && Label::new(Scope::NamespaceWide, namespace, "").is_ok()
            && !self.namespaces.iter().any(|known| known == namespace)
        {
            self.namespaces.push(namespace.to_owned());
        }
        let example = name.replacen(HOLE, "x", 1);
        if self.names.len() < MOST_NAMES
            && Label::new(Scope::Strict, "x", &example).is_ok()
            && !self.names.contains(&name)
        {
            self.names.push(name);
        }
    }

    fn is_empty(&self) -> bool {
        self.namespaces.is_empty() && self.names.is_empty()
    }

    /// With the holes of templates filled by the other names, and each once.
    fn filled(self) -> Self {
        let whole: Vec<&String> = self.names.iter().filter(|name| !name.contains(HOLE)).take(MOST_FILLINGS).collect();
        let mut names = Self::default();
        for name in &self.names {
            if name.contains(HOLE) {
                let fill = |filling: &&String| name.replacen(HOLE, filling, 1);
                whole.iter().map(fill).for_each(|name| names.add("", name));
            } else {
                names.add("", name.clone());
            }
        }
        self.namespaces.iter().for_each(|namespace| names.add(namespace, String::new()));
        names
    }
}

/// `name: x`, `targetNamespace = "x"`, `--namespace x`, in whatever language.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let key =
        r#"(?:^|[\s"'{,(\[])(?P<key>[a-z_.-]*name(?:space|override)?|existingsecret|secret)["']?[ \t]*[:=][ \t]*"#;
    let flag = r"(?:^|\s)(?P<flag>--name(?:space)?|-n)[ \t=]+";
    let value = r#"["']?(?P<value>(?:\{\{[^{}\n]*\}\}|[a-z0-9.-])+)"#;
    Regex::new(&format!("(?im)(?:{key}|{flag}){value}")).ok()
});
static TEMPLATE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\{\{[^{}\n]*\}\}").ok());
const HOLE: &str = "{{ }}";
/// Names of one file, and of a tree, that are kept.
const MOST_NAMES: usize = 200;
/// Names of a tree that are put in order.
const MOST_NEAR: usize = 2000;
/// Names that a hole is filled with.
const MOST_FILLINGS: usize = 30;
/// What may be tried on one value.
const MOST_BINDINGS: usize = 400;
/// Of a file, to look for names in.
const MOST_TEXT: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> (Vec<String>, Vec<String>) {
        let Names { namespaces, names, .. } = Names::of(text.as_bytes());
        (namespaces, names)
    }

    #[test]
    fn names_are_read_in_whatever_language() {
        for text in [
            "metadata:\n  name: db\n  namespace: shop\n",
            "metadata: {namespace: shop, name: \"db\"}",
            "{\"metadata\":{\"namespace\":\"shop\",\"name\":\"db\"}}",
            "namespace = \"shop\"\nname = \"db\"\n",
            "spec:\n  releaseName: db\n  targetNamespace: shop\n",
            "APP_NAMESPACE=shop\nSECRET_NAME=db\n",
            "kubectl create secret generic x -n shop | sealer --raw --namespace=shop --name db",
            "existingSecret: db\ndestination:\n  namespace: 'shop'\n",
        ] {
            assert_eq!(names(text), (vec!["shop".to_owned()], vec!["db".to_owned()]), "{text}");
        }
        assert_eq!(names("kind: Namespace\nmetadata:\n  name: shop\n").0, ["shop"]);
        assert_eq!(
            names("name: {{ .Release.Name }}-db\nnamespace: {{ .Release.Namespace }}\n"),
            (vec![], vec!["{{ }}-db".to_owned()])
        );
        assert_eq!(names("name: My Shop!\nname: -x\nusername_is: x\nNAME=\n"), (vec![], vec![]));
    }

    fn known(files: &[(&str, &str)], given: Given) -> KnownNames {
        let files = files.iter().map(|(path, text)| (PathBuf::from(path), Names::of(text.as_bytes()))).collect();
        KnownNames { given, files }
    }

    fn shown(bindings: &[Binding]) -> Vec<String> {
        bindings.iter().map(|binding| format!("{}/{}", binding.namespace, binding.name)).collect()
    }

    #[test]
    fn given_names_come_first_and_near_ones_next() {
        let files = [
            ("a/values.yaml", "namespace: near\n"),
            ("a/templates/x.yaml", "kind: SealedSecret\nname: {{ .Release.Name }}-db\n"),
            ("b/values.yaml", "namespace: far\nname: other\n"),
        ];
        let given = Given { namespace: Some("given".to_owned()), names: vec!["rel".to_owned()] };
        let shown = shown(&known(&files, given).bindings(Path::new("a/values.yaml")));
        assert_eq!(
            shown.get(..6).unwrap_or_default(),
            ["given/rel", "given/", "/", "given/rel-db", "near/", "near/rel"]
        );
        assert!(
            ["near/rel-db", "far/other", "far/other-db", "a/a-db"]
                .iter()
                .all(|name| shown.contains(&(*name).to_owned())),
            "{shown:?}"
        );
    }

    #[test]
    fn no_more_is_tried_than_can_be() {
        let text: String = (0..1000).map(|number| format!("name: n{number}\nnamespace: s{number}\n")).collect();
        let known = known(&[("a.yaml", &text), ("b.yaml", &text)], Given::default());
        assert_eq!(known.bindings(Path::new("a.yaml")).len(), MOST_BINDINGS);
        assert_eq!(
            KnownNames::default().bindings(Path::new("a.yaml")),
            [Binding { scope: Scope::ClusterWide, namespace: String::new(), name: String::new() }]
        );
    }
}
