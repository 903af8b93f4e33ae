//! JSON from outside: how deep and how large it is, before anything is built from it, and parts of it read on their own.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// How much a JSON text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) depth: usize,
    /// Values, about: each list and map, and each comma.
    pub(crate) nodes: usize,
}

impl Shape {
    /// Measures a text as the JSON that it may be, without recursion and without memory.
    pub(crate) fn of(text: &str) -> Self {
        let (mut depth, mut deepest, mut nodes) = (0_usize, 0, 1);
        let (mut in_text, mut is_escaped) = (false, false);
        for byte in text.bytes() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if in_text => is_escaped = true,
                b'"' => in_text = !in_text,
                _ if in_text => {}
                b'[' | b'{' => {
                    depth += 1;
                    nodes += 1;
                    deepest = deepest.max(depth);
                }
                b']' | b'}' => depth = depth.saturating_sub(1),
                b',' => nodes += 1,
                _ => {}
            }
        }
        Self { depth: deepest, nodes }
    }

    pub(crate) fn fits(self, most: Self) -> bool {
        self.depth <= most.depth && self.nodes <= most.nodes
    }
}

/// A part as the type that it should have; `None` if it has another.
pub(crate) fn read<'a, T: Deserialize<'a>>(part: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(part?.get()).ok()
}

/// A text, or nothing.
pub(crate) fn text(part: Option<&RawValue>) -> String {
    read(part).unwrap_or_default()
}

/// Of a map of texts only the entries that are wanted, however many others there are.
pub(crate) fn picked(part: Option<&RawValue>, wanted: &dyn Fn(&str) -> bool) -> BTreeMap<String, String> {
    let pick = |part: &RawValue| serde_json::Deserializer::from_str(part.get()).deserialize_map(Picked(wanted));
    part.and_then(|part| pick(part).ok()).unwrap_or_default()
}

struct Picked<'a>(&'a dyn Fn(&str) -> bool);

impl<'de> Visitor<'de> for Picked<'_> {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = BTreeMap::new();
        while let Some(name) = map.next_key::<Name<'de>>()? {
            let value: &RawValue = map.next_value()?;
            if (self.0)(&name.0)
                && let Some(value) = read(Some(value))
            {
                found.insert(name.0.into_owned(), value);
            }
        }
        Ok(found)
    }
}

/// A name in a map, borrowed where it needs no unescaping.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Hands every element of a list to `take`, unread; says whether it is a list that ends.
pub(crate) fn each<'a>(list: &'a RawValue, take: &mut dyn FnMut(&'a RawValue)) -> bool {
    serde_json::Deserializer::from_str(list.get()).deserialize_seq(Each(take)).is_ok()
}

struct Each<'a, 'b>(&'b mut dyn FnMut(&'a RawValue));

impl<'de> Visitor<'de> for Each<'de, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element()? {
            (self.0)(element);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    fn deep(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn depth_and_size_are_measured_outside_texts() {
        for (text, depth, nodes) in [
            ("5", 0, 1),
            ("{}", 1, 2),
            (r#"{"a":[1,2,{"b":"[[[,,,\"{"}]}"#, 3, 6),
            (r#"["\\",[]]"#, 2, 4),
            (r#""\u005b\"[""#, 0, 1),
        ] {
            assert_eq!(Shape::of(text), Shape { depth, nodes }, "{text}");
        }
        assert_eq!(Shape::of(&deep(100_000)).depth, 100_000);
    }

    #[test]
    fn parts_are_split_off_at_any_depth() {
        #[derive(Deserialize)]
        struct Parts<'a> {
            #[serde(borrow)]
            a: &'a RawValue,
        }
        let text = format!(r#"{{"a":{},"b":{}}}"#, deep(100_000), deep(100_000));
        let parts: Parts<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(parts.a.get().len(), 200_000);
        let mut count = 0;
        let list = format!("[{},null,5]", deep(100_000));
        let list: &RawValue = serde_json::from_str(&list).unwrap();
        assert!(each(list, &mut |_| count += 1));
        assert_eq!(count, 3);
    }

    #[test]
    fn of_a_map_only_what_is_wanted_is_kept() {
        let map = format!(r#"{{"a":"1","b":{},"c":5,"\u0064":"x"}}"#, deep(1000));
        let map: &RawValue = serde_json::from_str(&map).unwrap();
        let found = picked(Some(map), &|name| name != "a");
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [("d".to_owned(), "x".to_owned())]);
        assert!(picked(None, &|_| true).is_empty());
    }
}
