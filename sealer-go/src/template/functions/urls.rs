//! Functions that split and join URLs.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::super::error::Fault;
use super::super::url::{Url, User, parse_user};
use super::super::value::{Dict, Kind, Text, Value, kind_name};
use super::{Function, OVERHEAD, Runtime, SLOW};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("urlParse", &[Kind::Text], |runtime, arguments| {
        Runtime::short(arguments.bytes(0))?;
        runtime.budget.allocate(arguments.bytes(0).len().saturating_mul(3) + 8 * OVERHEAD)?;
        let url = Url::parse(arguments.bytes(0))
            .map_err(|text| Fault::new(NO_URL, format!("unable to parse url: {text}")))?;
        let hostname = url.hostname().to_vec();
        let user = url.user.as_ref().map(User::text).unwrap_or_default();
        let parts: [(&str, Vec<u8>); 8] = [
            ("scheme", url.scheme),
            ("host", url.host),
            ("hostname", hostname),
            ("path", url.path),
            ("query", url.query),
            ("opaque", url.opaque),
            ("fragment", url.fragment),
            ("userinfo", user),
        ];
        let entries: BTreeMap<Text, Value> =
            parts.into_iter().map(|(name, part)| (name.into(), Value::Text(part.into()))).collect();
        runtime.dict(entries)
    })
    .copying(SLOW),
    Function::new("urlJoin", &[Kind::Dict], |runtime, arguments| {
        let dict = arguments.dict(0);
        let mut size = 0;
        for part in PARTS.iter().filter_map(|name| dict.get(name.as_bytes())) {
            if let Value::Text(text) = part {
                Runtime::short(&text)?;
                size += text.len();
            }
        }
        runtime.budget.read(size, SLOW)?;
        // Each byte may become an escape of three, on its way through several texts.
        runtime.budget.allocate(size.saturating_mul(12))?;
        let mut url = Url {
            scheme: part(&dict, "scheme")?,
            host: part(&dict, "host")?,
            path: part(&dict, "path")?,
            query: part(&dict, "query")?,
            opaque: part(&dict, "opaque")?,
            fragment: part(&dict, "fragment")?,
            user: None,
        };
        let user = part(&dict, "userinfo")?;
        if !user.is_empty() {
            url.user = parse_user(&user)
                .map_err(|text| Fault::new(NO_URL, format!("unable to parse userinfo in dict: {text}")))?;
        }
        let text = Zeroizing::new(url.text());
        runtime.budget.release(size.saturating_mul(12));
        runtime.text(text.as_slice())
    })
    .reading(0),
];

fn part(dict: &Dict, key: &'static str) -> Result<Vec<u8>, Fault> {
    match dict.get(key.as_bytes()) {
        None => Ok(Vec::new()),
        Some(Value::Text(text)) => Ok(text.to_vec()),
        Some(other) => {
            let text = format!("unable to parse {key} key, must be of type string, but {} found", kind_name(&other));
            Err(Fault::new("a part of the URL is no text", text))
        }
    }
}

const PARTS: [&str; 7] = ["scheme", "host", "path", "query", "opaque", "fragment", "userinfo"];
const NO_URL: &str = "no URL";
