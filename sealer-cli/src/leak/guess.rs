//! Is a value that stands in a public text a secret? By its form, by what it is named, where it stands, and by chance, in
//! this order; in doubt it is none.

use super::Leak;
use super::forms::{self, LONG, SHORT, UNNAMED};
use super::names::{self, Kind};

/// How a value stands in a text.
pub(super) struct Found<'a> {
    pub(super) value: &'a [u8],
    /// What the name says that the value has there.
    pub(super) there: Kind,
    /// What the name of its item says.
    pub(super) own: Kind,
    /// That name is one of a secret, and of no other thing.
    pub(super) is_called_secret: bool,
    pub(super) is_encoded: bool,
    /// Nothing else stands in the annotation.
    pub(super) is_whole: bool,
}

/// How sure it is that a value is given away which is all of a text or assigned to something in it.
pub(super) fn judge(found: &Found<'_>) -> Leak {
    if is_certain(found) { Leak::Certain } else { Leak::Possible }
}

fn is_certain(found: &Found<'_>) -> bool {
    let is_named_secret = found.own.is_secret() || found.there.is_secret();
    let is_named_public = found.own == Kind::Public || found.there == Kind::Public;
    let Ok(text) = std::str::from_utf8(found.value) else {
        return found.value.len() >= LONG && (is_named_secret || !is_named_public);
    };
    let text = text.trim();
    if forms::is_secret(text) {
        return true;
    }
    if forms::is_public_half(text) {
        return false;
    }
    // An identifier by its form; some services give out secrets of that form.
    if forms::is_uuid(text) && found.is_called_secret && found.there != Kind::Public {
        return true;
    }
    let (is_public, is_structured) = (forms::is_public(text), forms::is_structured(text));
    if found.there == Kind::Password {
        return !(is_public && found.own == Kind::Public);
    }
    let is_random = text.len() >= SHORT && !is_structured && forms::is_random(text);
    if found.is_encoded {
        // Nobody encodes a value by chance.
        return is_named_secret || (!is_named_public && (found.is_whole || (is_random && !is_public)));
    }
    if is_public || !is_random {
        // What is named a password and has capitals and digits was made to be one, words or not.
        return found.own == Kind::Password && is_random && text.len() >= LONG && forms::is_mixed(text);
    }
    // Identifiers and names have no signs like these, whatever they are called.
    is_named_secret || (text.len() >= UNNAMED && (!is_named_public || forms::has_signs(text)))
}

/// Whether a part of a value is a secret by itself, under the name that it has there.
pub(super) fn is_secret_part(name: &str, text: &str) -> bool {
    let is_one = text.len() >= SHORT && !forms::is_placeholder(text) && !forms::is_public_half(text);
    let is_chance = || {
        let is_random = forms::is_random(text) && (forms::is_mixed(text) || forms::has_signs(text));
        text.len() >= LONG && is_random && !forms::is_structured(text)
    };
    let is_named = || match names::kind(name) {
        Kind::Password => !forms::is_structured(text) || text.len() >= LONG,
        Kind::Secret => !forms::is_public(text) && !forms::is_structured(text),
        Kind::Public => false,
        Kind::Unknown => is_chance() && !forms::is_public(text),
    };
    let is_uuid = || forms::is_uuid(text) && names::is_called_secret(name);
    is_one && (forms::is_secret(text) || is_named() || is_uuid())
}

/// Whether a value that stands in a text and is not assigned to anything is a secret by its form.
pub(super) fn is_secret(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok_and(forms::is_secret)
}

#[cfg(test)]
mod tests;
