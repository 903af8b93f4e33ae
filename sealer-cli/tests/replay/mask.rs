//! What differs between any two runs, replaced by marks: sealed values, paths, ports, versions, flag descriptions.

use sealer_encoding::base64;

/// Texts of one run that stand for the same thing in every run.
pub(crate) struct Places {
    pub(crate) directory: String,
    pub(crate) temporary: String,
    pub(crate) home: String,
    pub(crate) port: Option<u16>,
}

/// Applies every mask; the sealed values that were masked are put into `sealed`, in order.
pub(crate) fn mask(text: &str, places: &Places, sealed: &mut Vec<String>) -> String {
    let mut text = text.replace(&places.home, "<home>").replace(&places.temporary, "<tmp>");
    text = text.replace(&places.directory, "<dir>");
    if let Some(port) = places.port {
        text = text.replace(&format!("127.0.0.1:{port}"), "127.0.0.1:<port>");
    }
    text = sealed_values(&text, sealed);
    text = after(&text, "kubeseal version: ", "\n", "<version>");
    text = after(&text, "expected RSA public key but found ", "\n", "<key>");
    text = after(&text, "in scheme \"", "\"", "<src>");
    text = temporary_names(&text);
    usage(&text)
}

/// Replaces what stands behind `marker` up to `end`.
fn after(text: &str, marker: &str, end: &str, mark: &str) -> String {
    let Some((before, rest)) = text.split_once(marker) else { return text.to_owned() };
    let length = rest.find(end).unwrap_or(rest.len());
    format!("{before}{marker}{mark}{}", &rest[length..])
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '+' || c == '/'
}

fn sealed_values(text: &str, sealed: &mut Vec<String>) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_base64) {
        masked.push_str(&rest[..start]);
        rest = &rest[start..];
        let body = rest.find(|c| !is_base64(c)).unwrap_or(rest.len());
        let padding = rest[body..].chars().take(2).take_while(|c| *c == '=').count();
        let run = &rest[..body + padding];
        match envelope_length(run) {
            Some(length) => {
                sealed.push(run.to_owned());
                masked.push_str(&format!("<sealed:{length}>"));
            }
            None => masked.push_str(run),
        }
        rest = &rest[body + padding..];
    }
    masked + rest
}

fn envelope_length(run: &str) -> Option<usize> {
    if run.len() < 300 {
        return None;
    }
    let bytes = base64::decode(run).ok()?;
    let wrapped = usize::from(u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]));
    (matches!(wrapped, 256 | 384 | 512) && bytes.len() >= 2 + wrapped + 16).then_some(bytes.len())
}

/// `.NAME` with digits behind it, as temporary files are called in messages.
fn temporary_names(text: &str) -> String {
    let Some((before, rest)) = text.split_once("/.out.") else { return text.to_owned() };
    let digits = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
    let end = rest[digits..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |end| digits + end);
    if digits == end || rest[..digits].contains([' ', ':']) {
        return text.to_owned();
    }
    format!("{before}/.out.{}<rand>{}", &rest[..digits], &rest[end..])
}

/// Five flag descriptions or more, one after the other, are one mark.
fn usage(text: &str) -> String {
    let describes = |line: &str| {
        let line = line.trim_end_matches('\n');
        line.starts_with("      --") || (line.starts_with("  -") && line.get(4..8) == Some(", --"))
    };
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut masked = String::new();
    let mut at = 0;
    while at < lines.len() {
        let count = lines[at..].iter().take_while(|line| describes(line)).count();
        if count >= 5 {
            masked.push_str("<usage>\n");
        } else {
            masked.extend(lines[at..at + count.max(1)].iter().copied());
        }
        at += count.max(1);
    }
    masked
}
