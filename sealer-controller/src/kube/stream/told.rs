//! What one line of a watch tells.

use std::borrow::Cow;

use kube::core::Status;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::kube::json;
use crate::kube::lines::Line;
use crate::kube::metadata::Metadata;
use crate::kube::unreadable::Unreadable;

/// What a watch tells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event<T> {
    /// A fresh list begins.
    Begin,
    /// An object of it.
    Listed(T),
    /// It is through. Where an object of it had no readable name, what is missing may be there.
    Complete {
        whole: bool,
    },
    Applied(T),
    Deleted(T),
    /// An object that cannot be read came, was changed, or went.
    Unreadable(Unreadable),
    /// Nothing happened, as the server says.
    Quiet,
}

/// What a line says.
pub(super) enum Told<T> {
    Change { version: Option<String>, event: Event<T> },
    Mark { version: String, is_end: bool },
    Error(Box<Status>),
}

/// Reads one line; nothing where it is none of a watch.
pub(super) fn read<T>(line: &Line, of_object: fn(&str) -> Result<T, Unreadable>) -> Option<Told<T>> {
    let Line::Text(line) = line else { return None };
    let raw: Raw<'_> = serde_json::from_str(line).ok()?;
    let object = raw.object.get();
    let event = match &*raw.kind {
        "ADDED" | "MODIFIED" => of_object(object).map_or_else(Event::Unreadable, Event::Applied),
        "DELETED" => of_object(object).map_or_else(Event::Unreadable, Event::Deleted),
        "BOOKMARK" => return mark(object),
        "ERROR" => return json::read(Some(raw.object)).map(|status| Told::Error(Box::new(status))),
        _ => return None,
    };
    Some(Told::Change { version: Metadata::of(object).version(), event })
}

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    object: &'a RawValue,
}

fn mark<T>(object: &str) -> Option<Told<T>> {
    let metadata = Metadata::of(object);
    let ends = json::picked(metadata.annotations, &|name| name == INITIAL_EVENTS_END);
    Some(Told::Mark { version: metadata.version()?, is_end: !ends.is_empty() })
}

const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";
