//! Who may open a sealed value: the scope, its annotations, and the label it binds a value to.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::error::NameError;

/// How far a sealed value may travel: the three scopes of the format.
///
/// All that a scope is stands in this file. To add one: a variant here and in [`Scope::ALL`], and an arm wherever the compiler
/// then asks for one, among them [`Label::new_unchecked`], which is what the value is bound to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Opens only under its own namespace and name.
    #[default]
    Strict,
    /// Opens under any name in its namespace.
    NamespaceWide,
    /// Opens everywhere in the cluster.
    ClusterWide,
}

impl Scope {
    /// Every scope, narrowest first.
    pub const ALL: [Self; 3] = [Self::Strict, Self::NamespaceWide, Self::ClusterWide];

    /// The words of [`Scope::ALL`].
    pub const WORDS: [&'static str; Self::ALL.len()] = {
        let [strict, namespace_wide, cluster_wide] = Self::ALL;
        [strict.as_str(), namespace_wide.as_str(), cluster_wide.as_str()]
    };

    /// Reads the scope from an object's annotations; only the exact text `true` counts, and the widest wins.
    pub fn from_annotations(annotations: &BTreeMap<String, String>) -> Self {
        Self::announced(|name| annotations.get(name).map(String::as_str))
    }

    /// The same for annotations in whatever form: `annotation` gives the text of one, by its name.
    pub fn announced<'a>(annotation: impl Fn(&str) -> Option<&'a str>) -> Self {
        let is_set = |scope: &Self| scope.annotation().and_then(&annotation) == Some("true");
        Self::ALL.into_iter().rev().find(is_set).unwrap_or_default()
    }

    /// The annotation that announces this scope; strict has none.
    pub const fn annotation(self) -> Option<&'static str> {
        match self {
            Self::Strict => None,
            Self::NamespaceWide => Some("sealedsecrets.bitnami.com/namespace-wide"),
            Self::ClusterWide => Some("sealedsecrets.bitnami.com/cluster-wide"),
        }
    }

    /// The annotations of all scopes, that of the widest first.
    pub fn annotations() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().rev().filter_map(Self::annotation)
    }

    /// Whether a value opens in its own namespace only.
    pub const fn binds_namespace(self) -> bool {
        match self {
            Self::Strict | Self::NamespaceWide => true,
            Self::ClusterWide => false,
        }
    }

    /// Whether a value opens under its own name only.
    pub const fn binds_name(self) -> bool {
        match self {
            Self::Strict => true,
            Self::NamespaceWide | Self::ClusterWide => false,
        }
    }

    /// The word used on command lines and in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::NamespaceWide => "namespace-wide",
            Self::ClusterWide => "cluster-wide",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(UnknownScope)
    }
}

/// A word that names no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of: {}", Scope::WORDS.join(", "))]
pub struct UnknownScope;

/// The bytes a sealed value is bound to: `namespace/name`, `namespace`, or nothing (docs/format.md, "Label").
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label(Vec<u8>);

impl Label {
    /// Makes the label of an object in a cluster.
    ///
    /// # Errors
    /// A namespace or name that Kubernetes itself would refuse (DNS-1123), so that no private-key operation is
    /// spent on it and no two objects share a label.
    pub fn new(scope: Scope, namespace: &str, name: &str) -> Result<Self, NameError> {
        if scope.binds_namespace() {
            check_namespace(namespace)?;
        }
        if scope.binds_name() {
            check_name(name)?;
        }
        Ok(Self::new_unchecked(scope, namespace, name))
    }

    /// Makes the label from names as they were given, without a check: what a compatible client seals for.
    pub fn new_unchecked(scope: Scope, namespace: &str, name: &str) -> Self {
        Self(match scope {
            Scope::Strict => format!("{namespace}/{name}").into_bytes(),
            Scope::NamespaceWide => namespace.as_bytes().to_vec(),
            Scope::ClusterWide => Vec::new(),
        })
    }

    #[cfg(all(test, feature = "unseal"))]
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The label's bytes, as RSA-OAEP takes them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Checks a namespace: a DNS-1123 label.
///
/// # Errors
/// Says which rule the text breaks.
pub fn check_namespace(namespace: &str) -> Result<(), NameError> {
    if is_dns_label(namespace) { Ok(()) } else { Err(NameError::Namespace(shown(namespace))) }
}

/// Checks an object name: a DNS-1123 subdomain.
///
/// # Errors
/// Says which rule the text breaks.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let fits = name.len() <= MAX_SUBDOMAIN && name.split('.').all(is_dns_part);
    if fits { Ok(()) } else { Err(NameError::Name(shown(name))) }
}

fn is_dns_label(text: &str) -> bool {
    text.len() <= MAX_LABEL && is_dns_part(text)
}

fn is_dns_part(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// A name as it may stand in a message: short, and without control characters.
fn shown(name: &str) -> String {
    name.chars().take(MAX_LABEL).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// RFC 1123, section 2.1.
const MAX_LABEL: usize = 63;
const MAX_SUBDOMAIN: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    fn annotations(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    /// Whoever adds a scope is led here by the compiler, and from here to [`Scope::ALL`].
    #[test]
    fn every_scope_stands_in_the_list_of_all() {
        let places = Scope::ALL.map(|scope| match scope {
            Scope::Strict => 0,
            Scope::NamespaceWide => 1,
            Scope::ClusterWide => 2,
        });
        assert_eq!(places, [0, 1, 2]);
        assert_eq!(Scope::WORDS, ["strict", "namespace-wide", "cluster-wide"]);
    }

    #[test]
    fn scope_binds_what_its_label_holds() {
        for scope in Scope::ALL {
            let label = |namespace, name| Label::new_unchecked(scope, namespace, name);
            assert_eq!(label("a", "x") != label("b", "x"), scope.binds_namespace(), "{scope}");
            assert_eq!(label("a", "x") != label("a", "y"), scope.binds_name(), "{scope}");
        }
    }

    #[test]
    fn only_the_exact_word_true_widens_a_scope() {
        let (namespace_wide, cluster_wide) =
            ("sealedsecrets.bitnami.com/namespace-wide", "sealedsecrets.bitnami.com/cluster-wide");
        assert_eq!(Scope::annotations().collect::<Vec<_>>(), [cluster_wide, namespace_wide]);
        for value in ["True", "TRUE", "1", "yes", "", " true", "true "] {
            assert_eq!(Scope::from_annotations(&annotations(&[(cluster_wide, value)])), Scope::Strict);
        }
        let both = annotations(&[(cluster_wide, "true"), (namespace_wide, "true")]);
        assert_eq!(Scope::from_annotations(&both), Scope::ClusterWide);
    }

    #[test]
    fn labels_bind_what_the_scope_says() {
        assert_eq!(Label::new_unchecked(Scope::Strict, "a", "b").as_bytes(), b"a/b");
        assert_eq!(Label::new_unchecked(Scope::NamespaceWide, "a", "b").as_bytes(), b"a");
        assert_eq!(Label::new_unchecked(Scope::ClusterWide, "a", "b").as_bytes(), b"");
    }

    #[test]
    fn names_that_kubernetes_refuses_are_refused() {
        for name in ["", "A", "a/b", "-a", "a-", "a..b", "ä", &"a".repeat(254)] {
            assert!(Label::new(Scope::Strict, "default", name).is_err(), "{name}");
            assert!(Label::new(Scope::Strict, name, "x").is_err(), "{name}");
        }
        assert!(Label::new(Scope::Strict, "default", "a.b-c.1").is_ok());
        assert!(Label::new(Scope::NamespaceWide, "a.b", "x").is_err());
        assert!(Label::new(Scope::ClusterWide, "", "").is_ok());
    }

    #[test]
    fn scopes_have_words_and_annotations() {
        for (scope, word, annotation) in [
            (Scope::Strict, "strict", None),
            (Scope::NamespaceWide, "namespace-wide", Some("sealedsecrets.bitnami.com/namespace-wide")),
            (Scope::ClusterWide, "cluster-wide", Some("sealedsecrets.bitnami.com/cluster-wide")),
        ] {
            assert_eq!((scope.as_str(), scope.annotation(), word.parse()), (word, annotation, Ok(scope)));
            assert_eq!(format!("{scope:>16}|"), format!("{word:>16}|"));
            let pairs: Vec<(&str, &str)> = annotation.map(|name| (name, "true")).into_iter().collect();
            assert_eq!(Scope::from_annotations(&annotations(&pairs)), scope);
        }
        assert_eq!("".parse::<Scope>(), Err(UnknownScope));
        assert!("Strict".parse::<Scope>().is_err());
        assert_eq!(UnknownScope.to_string(), "must be one of: strict, namespace-wide, cluster-wide");
        assert!(Scope::ALL.is_sorted() && Scope::default() == Scope::Strict);
    }

    /// T-S3.
    #[test]
    fn names_end_at_their_limits() {
        let (part, long) = ("a".repeat(63), "a.".repeat(126) + "a");
        assert_eq!((check_namespace(&part), check_name(&long)), (Ok(()), Ok(())));
        assert_eq!(check_name(&"a".repeat(253)), Ok(()), "a part of a subdomain may be long");
        assert!(check_namespace(&format!("{part}a")).is_err() && check_name(&format!("{long}a")).is_err());
        for name in ["a-b", "0", "9z", "a--b"] {
            assert_eq!((check_namespace(name), check_name(name)), (Ok(()), Ok(())), "{name}");
        }
        for name in ["-", "a_b", "a b", "a\n", "aB", ".a", "a.", "a.-b", "a-.b", "a/b", "é"] {
            assert!(check_namespace(name).is_err() && check_name(name).is_err(), "{name}");
        }
        assert!(check_namespace("a.b").is_err());
    }

    #[test]
    fn a_refused_name_is_shown_short_and_without_control_characters() {
        let odd = format!("A\n\u{1b}{}", "x".repeat(100));
        let shown = format!("A??{}", "x".repeat(60));
        assert_eq!(check_name(&odd), Err(NameError::Name(shown.clone())));
        assert_eq!(check_namespace(&odd), Err(NameError::Namespace(shown)));
    }

    #[test]
    fn only_what_a_scope_binds_is_checked() {
        assert_eq!(
            Label::new(Scope::NamespaceWide, "ns", "/").map(|label| label.as_bytes().to_vec()),
            Ok(b"ns".to_vec())
        );
        assert_eq!(Label::new(Scope::ClusterWide, "/", "/").map(|label| label.as_bytes().to_vec()), Ok(Vec::new()));
        assert_eq!(
            Label::new(Scope::Strict, "ns", "a.b").map(|label| label.as_bytes().to_vec()),
            Ok(b"ns/a.b".to_vec())
        );
        assert!(Label::new(Scope::Strict, "/", "a").is_err() && Label::new(Scope::Strict, "ns", "/").is_err());
    }
}
