//! What can be sealed although no cluster takes what comes of it, or no controller opens it.

use sealer_core::SealedValue;
use sealer_encoding::base64;
use serde_json::{Map, Value};

use crate::commands::target::{ITEM_NAMES, is_item_name};
use crate::encrypted::{self, Encrypted};
use crate::manifest::secret::SecretInput;
use crate::manifest::stray::{encrypted_item, unseen};
use crate::names;
use crate::placeholder::{self, Placeholder};
use crate::ui::Weight;

/// What no cluster would take of the items of a Secret, or no controller of ours make.
pub(crate) fn warnings(secret: &SecretInput) -> Vec<String> {
    let mut found = names(secret.items.keys().map(String::as_str));
    found.extend(too_large(secret.items.values().map(|value| value.expose().len()).sum()));
    found
}

/// A type that the controller makes only where its own flags allow it.
pub(crate) fn refused_type(secret: &SecretInput) -> Option<String> {
    let type_ = secret.type_.as_deref().filter(|type_| GIVES_ACCESS.contains(type_))?;
    Some(format!(
        "a Secret of type {type_} gives access to the cluster, and the controller refuses it; \
         --allow-secret-types={type_} of the controller lets it through"
    ))
}

/// Items that hold what another tool encrypted, which some programs decrypt themselves.
pub(crate) fn perhaps_encrypted(secret: &SecretInput) -> Vec<String> {
    let tool = |value: &[u8]| match encrypted::value(value)? {
        Encrypted::Possible(tool) => Some(tool),
        Encrypted::Certain(_) => None,
    };
    let found = secret.items.iter().filter_map(|(item, value)| Some((item, tool(value.expose())?)));
    found.take(TOLD).map(|(item, tool)| encrypted_item(item, tool)).collect()
}

/// Items that are placeholders, with how much it matters.
pub(crate) fn placeholders(secret: &SecretInput) -> Vec<(Weight, String)> {
    let found = secret.items.iter().filter_map(|(item, value)| Some((item, placeholder::of(value.expose())?)));
    let told = |(item, found): (&String, Placeholder)| {
        let weight = if matches!(found, Placeholder::Form(_)) { Weight::Slip } else { Weight::Possible };
        (weight, format!("the value of item `{}` {}", names::name(item), found.told()))
    };
    found.take(TOLD).map(told).collect()
}

/// A type in other letters than one that means something, or without what stands before it.
pub(crate) fn odd_type(secret: &SecretInput) -> Option<String> {
    let type_ = secret.type_.as_deref()?;
    let known = || WANTED.iter().map(|(known, ..)| *known).chain(GIVES_ACCESS).chain(["Opaque"]);
    let is_meant = |known: &str| {
        let bare = known.rsplit('/').next().unwrap_or(known);
        known.eq_ignore_ascii_case(type_) || bare.eq_ignore_ascii_case(type_)
    };
    let meant =
        known().find(|known| *known == type_).is_none().then(|| known().find(|known| is_meant(known))).flatten()?;
    Some(format!(
        "`type: {}` is another type than `{meant}`, whose letters and case are read exactly",
        names::name(type_)
    ))
}

/// What a type wants and the Secret does not have. A template may add it.
pub(crate) fn incomplete(secret: &SecretInput) -> Option<String> {
    let type_ = secret.type_.as_deref()?;
    let (_, wanted, any) = WANTED.iter().find(|(known, ..)| *known == type_)?;
    let has = |item: &&&str| secret.items.contains_key(**item);
    let missing: Vec<&str> = wanted.iter().filter(|item| !has(item)).copied().collect();
    let is_complete = missing.is_empty() || *any && missing.len() < wanted.len();
    let between = if *any { " or " } else { " and " };
    if !is_complete {
        let names: Vec<String> = missing.iter().map(|item| format!("`{item}`")).collect();
        return Some(format!(
            "a Secret of type {type_} must have item {}; without a template that adds it, no cluster will accept the result",
            names.join(between)
        ));
    }
    let item = wanted.first().filter(|item| item.starts_with(".docker"))?;
    let is_json = serde_json::from_slice::<Map<String, Value>>(secret.items.get(*item)?.expose()).is_ok();
    (!is_json)
        .then(|| format!("item `{item}` of a Secret of type {type_} must be JSON; no cluster will accept the result"))
}

/// The same of what a file holds after items were added to it: what is sealed, and what is new.
pub(crate) fn sealed_warning<'a>(sealed: impl Iterator<Item = &'a str>, new: usize) -> Option<String> {
    too_large(sealed.filter_map(plain_length).sum::<usize>() + new)
}

fn names<'a>(items: impl Iterator<Item = &'a str>) -> Vec<String> {
    let bad: Vec<&str> = items.filter(|name| !is_item_name(name)).collect();
    let told = |name: &&str| {
        let gap = unseen(name).map(|what| format!(" ({what} stands in it)")).unwrap_or_default();
        format!("item `{}` has a name that no cluster takes{gap}; {ITEM_NAMES}", names::name(name))
    };
    let mut found: Vec<String> = bad.iter().take(TOLD).map(told).collect();
    if let Some(more) = bad.len().checked_sub(TOLD).filter(|more| *more > 0) {
        found.push(format!("{more} more items have names that no cluster takes"));
    }
    found
}

/// `ValidateSecret` of the API server counts the values alone.
fn too_large(bytes: usize) -> Option<String> {
    (bytes > LARGEST).then(|| {
        format!("the values are {bytes} bytes together, and a cluster takes {LARGEST} (1 MiB) in one Secret; split it")
    })
}

/// Bytes of the value in a sealed one: format.md, the envelope.
fn plain_length(sealed: &str) -> Option<usize> {
    SealedValue::from_base64(sealed).ok()?;
    let bytes = base64::decode(sealed).ok()?;
    let wrapped = usize::from(u16::from_be_bytes(*bytes.first_chunk()?));
    bytes.len().checked_sub(2 + wrapped + 16)
}

/// `MaxSecretSize` of the API server.
const LARGEST: usize = 1 << 20;
/// Types that the controller makes only where `--allow-secret-types` names them.
const GIVES_ACCESS: [&str; 2] = ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"];
/// Types, the items that the API server wants of them, and whether one of those is enough.
const WANTED: [(&str, &[&str], bool); 5] = [
    ("kubernetes.io/tls", &["tls.crt", "tls.key"], false),
    ("kubernetes.io/dockerconfigjson", &[".dockerconfigjson"], false),
    ("kubernetes.io/dockercfg", &[".dockercfg"], false),
    ("kubernetes.io/basic-auth", &["username", "password"], true),
    ("kubernetes.io/ssh-auth", &["ssh-privatekey"], false),
];
/// Names in messages.
const TOLD: usize = 10;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sealer_core::Plaintext;

    use super::*;

    fn secret(type_: &str, items: &[(&str, usize)]) -> SecretInput {
        let value = |(name, length): &(&str, usize)| ((*name).to_owned(), Plaintext::new(vec![b'x'; *length]));
        SecretInput {
            metadata: Map::new(),
            type_: Some(type_.to_owned()).filter(|type_| !type_.is_empty()),
            immutable: None,
            items: items.iter().map(value).collect::<BTreeMap<_, _>>(),
            strays: Default::default(),
        }
    }

    #[test]
    fn what_no_cluster_takes_is_told() {
        let long = "a".repeat(254);
        for (type_, items, told) in [
            ("Opaque", &[("a-b_c.D9", 1)][..], None),
            ("", &[(".dockerconfigjson", 1), ("...", 0)], Some("item `...`")),
            ("", &[("a b", 1)], Some("item `a…` has a name that no cluster takes")),
            ("", &[("", 1)], Some("item `` has a name")),
            ("", &[("\u{e4}", 1)], Some("item `\u{e4}`")),
            ("", &[("a/b", 1)], Some("item `a/b`")),
            ("", &[(".", 1)], Some("item `.`")),
            ("", &[("..", 1)], Some("item `..`")),
            ("", &[(long.as_str(), 1)], Some("item `aaa")),
            ("", &[("a", 1 << 19), ("b", 1 << 19)], None),
            ("", &[("a", 1 << 19), ("b", (1 << 19) + 1)], Some("the values are 1048577 bytes together")),
        ] {
            let found = warnings(&secret(type_, items));
            assert_eq!(found.len(), usize::from(told.is_some()), "{found:?}");
            assert!(told.is_none_or(|told| found.iter().any(|line| line.contains(told))), "{told:?}: {found:?}");
        }
        let many: Vec<String> = (0..25).map(|number| format!("a b{number}")).collect();
        let many: Vec<(&str, usize)> = many.iter().map(|name| (name.as_str(), 1)).collect();
        let found = warnings(&secret("", &many));
        assert_eq!(found.last().map(String::as_str), Some("15 more items have names that no cluster takes"));
    }

    #[test]
    fn types_that_the_controller_refuses_are_told() {
        for type_ in GIVES_ACCESS {
            let told = refused_type(&secret(type_, &[("a", 1)])).unwrap_or_default();
            assert!(told.contains("gives access to the cluster"), "{type_}: {told}");
        }
        assert_eq!(refused_type(&secret("Opaque", &[("a", 1)])), None);
    }

    #[test]
    fn a_type_in_other_letters_is_told() {
        for (type_, meant) in [
            ("opaque", Some("`Opaque`")),
            ("OPAQUE", Some("`Opaque`")),
            ("kubernetes.io/TLS", Some("`kubernetes.io/tls`")),
            ("dockerconfigjson", Some("`kubernetes.io/dockerconfigjson`")),
            ("Opaque", None),
            ("", None),
            ("kubernetes.io/tls", None),
            ("helm.sh/release.v1", None),
            ("example.com/token", None),
        ] {
            let told = odd_type(&secret(type_, &[("a", 1)]));
            assert_eq!(told.is_some(), meant.is_some(), "{type_}: {told:?}");
            assert!(meant.is_none_or(|meant| told.as_deref().is_some_and(|told| told.contains(meant))), "{told:?}");
        }
    }

    #[test]
    fn what_a_type_wants_is_told() {
        for (type_, items, told) in [
            ("Opaque", &[][..], None),
            ("kubernetes.io/tls", &[("tls.crt", 1), ("tls.key", 1)], None),
            ("kubernetes.io/tls", &[("tls.crt", 1)], Some("must have item `tls.key`;")),
            ("kubernetes.io/basic-auth", &[("password", 1)], None),
            ("kubernetes.io/basic-auth", &[("pass", 1)], Some("must have item `username` or `password`")),
            ("kubernetes.io/dockerconfigjson", &[("config.json", 1)], Some("must have item `.dockerconfigjson`")),
            ("kubernetes.io/dockerconfigjson", &[(".dockerconfigjson", 1)], Some("must be JSON")),
        ] {
            let found = incomplete(&secret(type_, items));
            assert_eq!(found.is_some(), told.is_some(), "{type_}: {found:?}");
            assert!(told.is_none_or(|told| found.as_deref().is_some_and(|line| line.contains(told))), "{found:?}");
        }
    }
}
