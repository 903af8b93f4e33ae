//! Is a value that stands in a public text a secret, or a name that is public anyway? Names, hosts, addresses, ids and
//! paths are; what nobody would make up by hand, or what is assigned to a password, is not.

/// Whether a text is a Secret, in JSON or YAML, as tools keep copies of what they applied.
pub(super) fn is_manifest(text: &[u8]) -> bool {
    let has = |word: &[u8]| text.windows(word.len()).any(|window| window == word);
    let has_kind = [&b"kind\":\"Secret\""[..], b"kind\": \"Secret\"", b"kind: Secret", b"kind: \"Secret\""];
    has_kind.iter().any(|kind| has(kind)) && (has(b"data") || has(b"stringData"))
}

/// Whether a text gives the value away: it is the value and nothing else, or assigns it, and the value looks like a
/// secret or what it is assigned to does.
pub(super) fn is_given_away(text: &[u8], value: &[u8]) -> bool {
    if text.trim_ascii() == value {
        return is_like_a_secret(value);
    }
    let places = text.windows(value.len()).enumerate().filter(|(_, window)| *window == value).map(|(at, _)| at);
    let mut assigned = places.take(MOST_PLACES).filter_map(|at| {
        let (before, after) = (text.get(..at)?, text.get(at + value.len()..)?);
        ends_here(after).then(|| assigned_to(before)).flatten()
    });
    assigned.any(|name| is_secret_name(&name, value) || is_like_a_secret(value))
}

/// Whether a value ends where a text goes on.
fn ends_here(after: &[u8]) -> bool {
    after.first().is_none_or(|byte| byte.is_ascii_whitespace() || b"\"',;&}])@\\".contains(byte))
}

/// What a text assigns to in its last words: `name=`, `"name": "`, `name: `, `name is `, `user:` of an address.
fn assigned_to(before: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(before.get(before.len().saturating_sub(LONGEST_NAME)..)?).into_owned();
    let quotes = |c: char| matches!(c, '"' | '\'' | '\\');
    let text = text.trim_end_matches(quotes);
    let named = |text: &str| {
        let text = text.trim_end().trim_end_matches(quotes);
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let start = text.rfind(|c: char| !is_part(c)).map_or(0, |at| at + 1);
        text.get(start..).unwrap_or_default().to_owned()
    };
    if let Some(rest) = text.strip_suffix('=').or_else(|| text.trim_end().strip_suffix(':')) {
        return Some(named(rest));
    }
    text.strip_suffix(" is ").map(named)
}

/// Whether something of this name is secret, whatever its value looks like; or else unless it looks like a name: `secret`
/// and `token` are also what Secrets and accounts are named by.
fn is_secret_name(name: &str, value: &[u8]) -> bool {
    let name: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let is_name = || std::str::from_utf8(value).is_ok_and(|text| is_public(text.trim()));
    SECRET_NAMES.iter().any(|secret| name.ends_with(secret))
        || (REFERRED_NAMES.iter().any(|secret| name.ends_with(secret)) && !is_name())
}

/// Whether a name is one of a checksum, a revision or a fingerprint, and the value is one.
pub(super) fn is_digest(name: &str, value: &[u8]) -> bool {
    let name = name.to_lowercase();
    let is_hex = [32, 40, 56, 64, 96, 128].contains(&value.len()) && value.iter().all(u8::is_ascii_hexdigit);
    DIGEST_NAMES.iter().any(|digest| name.contains(digest)) && is_hex
}

/// Whether the value looks like a secret by its length and by how little it looks like words.
pub(super) fn is_like_a_secret(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return value.len() >= LONG };
    let text = text.trim();
    if text.contains("PRIVATE KEY-----") {
        return true;
    }
    if let Some((_, rest)) = text.split_once("://").filter(|_| !is_resource(text)) {
        return has_password(rest);
    }
    if text.len() < SHORT || text.chars().any(char::is_whitespace) || is_public(text) {
        return false;
    }
    is_random(text)
}

/// Whether an address names a user with a password.
fn has_password(address: &str) -> bool {
    let (authority, _) = address.split_once(['/', '?', '#']).unwrap_or((address, ""));
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| !password.is_empty())
}

/// Identifiers, addresses, paths, times and names, which are no secrets.
fn is_public(text: &str) -> bool {
    let is_uuid = || {
        let lengths: Vec<usize> = text.split('-').map(str::len).collect();
        lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    };
    let is_number = || text.chars().all(|c| c.is_ascii_digit() || ".,:+-TZ/_".contains(c));
    let is_account = || text.matches('@').count() == 1 && text.rsplit('@').next().is_some_and(is_host);
    let is_fingerprint = || ["SHA256:", "sha256:", "sha512:"].iter().any(|kind| text.starts_with(kind));
    is_uuid()
        || is_number()
        || is_account()
        || is_resource(text)
        || is_fingerprint()
        || is_key_id(text)
        || is_host(text)
        || is_words(text)
        || is_generated(text)
}

fn is_resource(text: &str) -> bool {
    text.starts_with("arn:") || text.starts_with('/') || text.starts_with("projects/")
}

/// What names a key or a channel: capitals and digits, as `AKIA…` of AWS, whose secret is another text.
fn is_key_id(text: &str) -> bool {
    let is_of_aws = ["AKIA", "ASIA"].iter().any(|start| text.starts_with(start)) && text.len() == 20;
    (is_of_aws || text.len() <= 11) && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// A name with what Kubernetes and other tools put behind it: `db-7f9c2a1b`, `web-5d4f8c7b9-x2k4q`.
fn is_generated(text: &str) -> bool {
    let Some((first, rest)) = text.split_once('-') else { return false };
    let is_suffix = |part: &str| {
        (4..=10).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let words = first.len() >= 2 && first.bytes().all(|byte| byte.is_ascii_lowercase());
    words && rest.split('-').all(|part| is_word(part) || is_suffix(part))
}

/// A DNS name with a dot, with a port or a path perhaps.
fn is_host(text: &str) -> bool {
    let (host, _) = text.split_once(['/', ':']).unwrap_or((text, ""));
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let has_end = host.rsplit('.').next().is_some_and(|end| end.bytes().all(|byte| byte.is_ascii_lowercase()));
    host.contains('.') && host.split('.').all(is_label) && has_end
}

/// Words, with digits behind them at most: `my-cluster-eu1`, `system:serviceaccount:a:b`, `ClusterAdmin2`.
fn is_words(text: &str) -> bool {
    let mut parts = text.split(['-', '_', '.', '/', ':', '=', ',', '+', '@', '*']).filter(|part| !part.is_empty());
    parts.all(|part| {
        let word = part.trim_end_matches(|c: char| c.is_ascii_digit());
        let is_number = word.is_empty() || (word == "v" && part.len() < 5);
        is_number || is_word(word)
    })
}

/// Letters in one case, or words with a capital each.
fn is_word(word: &str) -> bool {
    if !word.chars().all(char::is_alphabetic) {
        return false;
    }
    let capitals = word.chars().filter(|c| c.is_uppercase()).count();
    let has_vowels = word.chars().filter(|c| "aeiouyAEIOUY".contains(*c)).count() * 6 >= word.chars().count();
    // A capital begins a word of three letters or more in the mean.
    let is_cased = capitals == 0 || capitals == word.chars().count() || capitals * 3 <= word.chars().count();
    is_cased && (has_vowels || word.len() <= 6)
}

/// Whether characters follow each other as if by chance.
fn is_random(text: &str) -> bool {
    let class = |c: char| match c {
        'a'..='z' => 0,
        'A'..='Z' => 1,
        '0'..='9' => 2,
        _ => 3,
    };
    let mut classes: Vec<u8> = text.chars().map(class).collect();
    let changes = classes.windows(2).filter(|pair| pair.first() != pair.last()).count();
    classes.sort_unstable();
    classes.dedup();
    let mut counts = std::collections::BTreeMap::new();
    text.chars().for_each(|c| *counts.entry(c).or_insert(0_u32) += 1);
    let length = text.chars().count() as f64;
    let entropy: f64 = counts.values().map(|count| f64::from(*count) / length).map(|part| -part * part.log2()).sum();
    entropy >= LEAST_ENTROPY && (classes.len() >= 3 || changes >= 4 || text.len() >= LONG)
}

const SECRET_NAMES: [&str; 9] =
    ["password", "passwd", "passphrase", "pwd", "pass", "apikey", "accesskey", "secretkey", "privatekey"];
const REFERRED_NAMES: [&str; 5] = ["secret", "token", "credential", "credentials", "auth"];
const DIGEST_NAMES: [&str; 8] = ["checksum", "hash", "sha", "digest", "commit", "revision", "fingerprint", "md5"];
/// Bits a character of a text by which it is told from words and repetitions.
const LEAST_ENTROPY: f64 = 2.5;
const SHORT: usize = 8;
const LONG: usize = 16;
/// Bytes before a value that are looked at for what it is assigned to.
const LONGEST_NAME: usize = 128;
/// Places of one value in a text that are looked at.
const MOST_PLACES: usize = 64;

#[cfg(test)]
mod tests;
