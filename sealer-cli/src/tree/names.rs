//! The names that the user gives, and those that one text says: of objects, releases and namespaces, in whatever language.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;
use sealer_core::{Label, Scope};

/// What the user says that values are sealed for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    pub(crate) namespace: Option<String>,
    /// Names of objects, or of releases that their names are made of.
    pub(crate) names: Vec<String>,
}

/// What one text names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) namespaces: Vec<String>,
    /// With `{{ }}` where a template fills in another name.
    pub(super) names: Vec<String>,
    /// SealedSecrets are among what it names.
    pub(super) sealed: bool,
}

impl Names {
    pub(super) fn of(bytes: &[u8]) -> Self {
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
    pub(super) fn add(&mut self, namespace: &str, name: String) {
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

    pub(super) fn is_empty(&self) -> bool {
        self.namespaces.is_empty() && self.names.is_empty()
    }

    /// Adds those of another text behind its own, holes among them.
    pub(super) fn extend(&mut self, other: &Self) {
        self.namespaces.extend_from_slice(&other.namespaces);
        self.names.extend_from_slice(&other.names);
    }

    /// Each once.
    pub(super) fn distinct(mut self) -> Self {
        for list in [&mut self.namespaces, &mut self.names] {
            let mut met = HashSet::new();
            list.retain(|name| met.insert(name.clone()));
        }
        self
    }

    /// With the holes of templates filled by other names, of which some come first, and each once.
    pub(super) fn filled(self, first: &[String]) -> Self {
        let own = self.names.iter().filter(|name| !name.contains(HOLE));
        let whole: Vec<&String> = first.iter().chain(own).take(MOST_FILLINGS).collect();
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
/// Names that a hole is filled with.
const MOST_FILLINGS: usize = 30;
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
}
