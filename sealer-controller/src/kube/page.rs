//! Lists in pages that are small enough to hold: how many objects to ask for, and the objects of an answer told apart.

use std::borrow::Cow;

use kube::api::ListParams;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::kube::json;

/// Which page comes next.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    limit: u32,
    token: Option<String>,
}

impl Page {
    pub(crate) fn first() -> Self {
        Self { limit: FIRST, token: None }
    }

    pub(crate) fn params(&self, selector: Option<&str>) -> ListParams {
        let params = ListParams {
            label_selector: selector.map(str::to_owned),
            continue_token: self.token.clone(),
            ..ListParams::default()
        };
        params.limit(self.limit)
    }

    pub(crate) fn continue_with(&mut self, token: String) {
        self.token = Some(token);
    }

    /// So many bytes at most. A single object has its own limit.
    pub(crate) fn longest(&self) -> usize {
        if self.limit == 1 { LONGEST_OBJECT } else { LONGEST_PAGE }
    }

    /// The page had so many bytes: the next one should have about as many as are wanted.
    pub(crate) fn fits(&mut self, bytes: usize) {
        let wanted = u64::from(self.limit) * WANTED / u64::try_from(bytes.max(1)).unwrap_or(u64::MAX);
        // Objects differ in size: growing slowly costs little.
        let most = self.limit.saturating_mul(2).min(MOST);
        self.limit = u32::try_from(wanted).unwrap_or(MOST).clamp(1, most);
    }

    /// Asks for fewer, if that is possible.
    pub(crate) fn shrink(&mut self) -> bool {
        let before = self.limit;
        self.limit = (before / 8).max(1);
        self.limit < before
    }
}

/// The objects of one page, each as its own text.
#[derive(Debug)]
pub(crate) struct Listed<'a> {
    pub(crate) items: Vec<&'a str>,
    pub(crate) version: Option<String>,
    pub(crate) next: Option<String>,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    /// `null` if there are none.
    #[serde(borrow)]
    items: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMetadata<'a> {
    #[serde(borrow)]
    resource_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    r#continue: Option<Cow<'a, str>>,
}

/// Tells the objects of a page apart; `None` if it is no list, or was cut off. What of it is no text spoils the object
/// that it stands in, and no other.
pub(crate) fn split<'a>(page: &'a Cow<'a, str>) -> Option<Listed<'a>> {
    let list: List<'_> = serde_json::from_str(page).ok()?;
    let metadata: ListMetadata<'_> = json::read(list.metadata)?;
    let was_repaired = matches!(page, Cow::Owned(_));
    let mut items = Vec::new();
    let mut take = |item: &'a RawValue| {
        let is_spoilt = was_repaired && item.get().contains(char::REPLACEMENT_CHARACTER);
        items.push(if is_spoilt { "null" } else { item.get() });
    };
    if let Some(list) = list.items
        && !json::each(list, &mut take)
    {
        return None;
    }
    let filled = |text: Option<Cow<'_, str>>| text.filter(|text| !text.is_empty()).map(Cow::into_owned);
    Some(Listed { items, version: filled(metadata.resource_version), next: filled(metadata.r#continue) })
}

/// Objects in the first page: they may have a megabyte each.
const FIRST: u32 = 50;
const MOST: u32 = 500;
/// Bytes that a page should have, about.
const WANTED: u64 = 2 << 20;
/// Bytes that a page of several objects may have.
const LONGEST_PAGE: usize = 4 << 20;
/// Objects have at most about three megabytes; escapes in JSON may make that longer.
pub(crate) const LONGEST_OBJECT: usize = 8 << 20;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    #[test]
    fn pages_grow_with_small_objects_and_shrink_with_large_ones() {
        let mut page = Page::first();
        let mut limits = Vec::new();
        for bytes in [50 << 10, 100 << 10, 200 << 10, 400 << 10, 4 << 20, 4 << 20] {
            page.fits(bytes);
            limits.push(page.limit);
        }
        assert_eq!(limits, [100, 200, 400, 500, 250, 125]);
        while page.shrink() {}
        assert_eq!((page.limit, page.longest()), (1, LONGEST_OBJECT));
        page.fits(3 << 20);
        assert_eq!(page.limit, 1);
    }

    #[test]
    fn a_bad_element_spoils_no_list_and_a_cut_list_is_none() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let text =
            format!(r#"{{"items":[{{"a":1}},null,5,{deep}],"metadata":{{"resourceVersion":"7","continue":""}}}}"#);
        let page = Cow::Borrowed(text.as_str());
        let listed = split(&page).unwrap();
        assert_eq!((listed.items.len(), listed.version.as_deref(), listed.next), (4, Some("7"), None));
        for cut in [0, 1, 30, text.len() - 1] {
            assert!(split(&Cow::Borrowed(text.get(..cut).unwrap())).is_none());
        }
        assert!(split(&Cow::Borrowed(r#"{"items":null,"metadata":{}}"#)).unwrap().items.is_empty());
        for no_list in ["null", "5", r#"{"items":5,"metadata":{}}"#, r#"{"items":[]}"#] {
            assert!(split(&Cow::Borrowed(no_list)).is_none());
        }
        let page = String::from_utf8_lossy(b"{\"items\":[\"\xff\",{}],\"metadata\":{}}");
        assert_eq!(split(&page).unwrap().items, ["null", "{}"]);
    }
}
