//! Semantic versions, read leniently and compared as `Masterminds/semver` does.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::fmt;
use std::rc::Rc;

#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) major: u64,
    pub(crate) minor: u64,
    pub(crate) patch: u64,
    pub(crate) prerelease: String,
    pub(crate) metadata: String,
    pub(crate) original: String,
}

/// A version as a value of a template.
#[derive(Clone)]
pub(crate) struct HeldVersion {
    /// Go's pointer to a version, which `semver` gives: all holders see when it is read anew. Methods that change a
    /// version give plain ones.
    pub(crate) pointer: bool,
    version: Rc<RefCell<Version>>,
}

impl HeldVersion {
    pub(crate) fn new(version: Version, pointer: bool) -> Self {
        Self { pointer, version: Rc::new(RefCell::new(version)) }
    }

    pub(crate) fn get(&self) -> Version {
        self.version.borrow().clone()
    }

    pub(crate) fn set(&self, version: Version) {
        *self.version.borrow_mut() = version;
    }

    pub(crate) fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.version, &other.version)
    }
}

/// Why a text is no version, in Go's words.
pub(crate) fn parse_version(text: &str) -> Result<Version, String> {
    let (core, prerelease, metadata) = split(text).ok_or_else(|| INVALID.to_owned())?;
    let mut numbers = [0_u64; 3];
    for (slot, part) in numbers.iter_mut().zip(&core) {
        *slot = part.parse().map_err(|_| {
            format!("error parsing version segment: strconv.ParseUint: parsing \"{part}\": value out of range")
        })?;
    }
    if has_leading_zero(prerelease) {
        return Err(LEADING_ZERO.to_owned());
    }
    let [major, minor, patch] = numbers;
    Ok(Version {
        major,
        minor,
        patch,
        prerelease: prerelease.to_owned(),
        metadata: metadata.to_owned(),
        original: text.to_owned(),
    })
}

/// The numbers, the pre-release and the metadata of a version's text, if it has the form of one.
pub(crate) fn split(text: &str) -> Option<(Vec<&str>, &str, &str)> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (rest, metadata) = match text.split_once('+') {
        Some((rest, metadata)) => (rest, identifiers(metadata)?),
        None => (text, ""),
    };
    let (core, prerelease) = match rest.split_once('-') {
        Some((core, prerelease)) => (core, identifiers(prerelease)?),
        None => (rest, ""),
    };
    let numbers: Vec<&str> = core.split('.').collect();
    (numbers.len() <= 3 && numbers.iter().all(|part| all_digits(part))).then_some((numbers, prerelease, metadata))
}

fn identifiers(text: &str) -> Option<&str> {
    let fits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    text.split('.').all(fits).then_some(text)
}

fn has_leading_zero(identifiers: &str) -> bool {
    identifiers.split('.').any(|part| part.len() > 1 && part.starts_with('0') && all_digits(part))
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Version {
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| compare_prereleases(&self.prerelease, &other.prerelease))
    }

    fn bare(major: u64, minor: u64, patch: u64, v: bool) -> Self {
        let text = format!("{}{major}.{minor}.{patch}", if v { "v" } else { "" });
        Self { major, minor, patch, prerelease: String::new(), metadata: String::new(), original: text }
    }

    fn has_v(&self) -> bool {
        self.original.starts_with('v')
    }

    /// The version with its parts written anew.
    fn rewritten(mut self) -> Self {
        let v = if self.has_v() { "v" } else { "" };
        self.original = format!("{v}{self}");
        self
    }

    /// The version with another pre-release, or why there is none of that name.
    pub(crate) fn with_prerelease(&self, text: &str) -> Result<Self, &'static str> {
        if !text.is_empty() {
            if identifiers(text).is_none() {
                return Err("invalid prerelease string");
            }
            if has_leading_zero(text) {
                return Err(LEADING_ZERO);
            }
        }
        Ok(Self { prerelease: text.to_owned(), ..self.clone() }.rewritten())
    }

    pub(crate) fn with_metadata(&self, text: &str) -> Result<Self, &'static str> {
        if !text.is_empty() && identifiers(text).is_none() {
            return Err("invalid metadata string");
        }
        Ok(Self { metadata: text.to_owned(), ..self.clone() }.rewritten())
    }

    pub(crate) fn next_major(&self) -> Self {
        Self::bare(self.major.wrapping_add(1), 0, 0, self.has_v())
    }

    pub(crate) fn next_minor(&self) -> Self {
        Self::bare(self.major, self.minor.wrapping_add(1), 0, self.has_v())
    }

    pub(crate) fn next_patch(&self) -> Self {
        let step = u64::from(self.prerelease.is_empty());
        Self::bare(self.major, self.minor, self.patch.wrapping_add(step), self.has_v())
    }
}

fn compare_prereleases(first: &str, other: &str) -> Ordering {
    match (first.is_empty(), other.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let mut others = other.split('.');
    for part in first.split('.') {
        let order = match others.next() {
            Some(other) => compare_identifiers(part, other),
            None => Ordering::Greater,
        };
        if order.is_ne() {
            return order;
        }
    }
    if others.next().is_some() { Ordering::Less } else { Ordering::Equal }
}

fn compare_identifiers(first: &str, other: &str) -> Ordering {
    match (first.parse::<u64>(), other.parse::<u64>()) {
        (Ok(first), Ok(other)) => first.cmp(&other),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => first.cmp(other),
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

pub(crate) const INVALID: &str = "invalid semantic version";
const LEADING_ZERO: &str = "version segment starts with 0";
