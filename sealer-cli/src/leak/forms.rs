//! What a value looks like: an identifier, an address or words, which are public anyway, a secret by its form, or chance.

use super::names::{self, Kind};
use super::place::assignments;

/// Whether a text is a secret by its form, or holds one: private keys, tokens with a known beginning, addresses with a
/// password, and what is assigned to a password.
pub(super) fn is_secret(text: &str) -> bool {
    let is_given = |name: &str, value: &str| match names::kind(name) {
        Kind::Password => value.len() >= 4 && !is_placeholder(value) && !is_switch(value),
        Kind::Secret => value.len() >= SHORT && is_random(value) && !is_public(value) && !is_placeholder(value),
        Kind::Public | Kind::Unknown => false,
    };
    MARKS.iter().any(|mark| text.contains(mark))
        || HASHES.iter().any(|hash| text.starts_with(hash) && text.len() > 20)
        || text.split(|c: char| !c.is_ascii_alphanumeric() && !"-_.~".contains(c)).any(is_token)
        || text.match_indices("://").any(|(at, _)| text.get(at + 3..).is_some_and(has_password))
        || assignments(text).into_iter().any(|(name, value)| is_given(&name, value))
}

/// Whether a word is a token that a service gave out.
fn is_token(word: &str) -> bool {
    let is_known = || {
        let behind = TOKENS.iter().filter_map(|start| word.strip_prefix(start));
        behind
            .into_iter()
            .any(|rest| rest.len() >= 10 && rest.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()))
    };
    let is_jwt = || word.starts_with("eyJ") && word.len() >= 40 && word.matches('.').count() >= 2;
    is_known() || is_jwt()
}

pub(super) fn is_placeholder(value: &str) -> bool {
    ["{{", "${", "$(", "$", "<", "***", "xxx", "XXX", "..."].iter().any(|start| value.starts_with(start))
}

fn is_switch(value: &str) -> bool {
    matches!(value, "true" | "false" | "none" | "null" | "Never" | "never" | "required" | "optional")
}

/// Whether a text is what everybody may see of a key: certificates and public keys.
pub(super) fn is_public_half(text: &str) -> bool {
    let lines =
        ["-----BEGIN CERTIFICATE", "-----BEGIN PUBLIC KEY", "-----BEGIN RSA PUBLIC KEY", "-----BEGIN PGP PUBLIC"];
    let words = ["ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-", "age1"];
    lines.iter().any(|line| text.contains(line)) || words.iter().any(|word| text.trim_start().starts_with(word))
}

/// Whether a text is more than one word: it is a secret if it holds one.
pub(super) fn is_structured(text: &str) -> bool {
    text.starts_with(['{', '[', '<']) || text.contains(char::is_whitespace) || text.contains("://")
}

/// Whether an address names a user with a password.
fn has_password(address: &str) -> bool {
    let (authority, _) = address.split_once(['/', '?', '#', ' ', '\n', '"']).unwrap_or((address, ""));
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    let password = user.and_then(|user| user.split_once(':')).map(|(_, password)| password);
    password.is_some_and(|password| !password.is_empty() && !is_placeholder(password))
}

/// Identifiers, addresses, paths, times and names, which are no secrets; several of them, too.
pub(super) fn is_public(text: &str) -> bool {
    let parts = || text.split([',', ';', '|']).map(str::trim).filter(|part| !part.is_empty());
    is_public_word(text) || (text.contains([',', ';', '|']) && parts().all(is_public_word))
}

fn is_public_word(text: &str) -> bool {
    let is_number = || text.chars().all(|c| c.is_ascii_digit() || ".,:+-TZ/_".contains(c));
    let is_fingerprint = || ["SHA256:", "sha256:", "sha512:", "MD5:"].iter().any(|kind| text.starts_with(kind));
    is_uuid(text)
        || is_number()
        || is_account(text)
        || is_resource(text)
        || is_path(text)
        || is_fingerprint()
        || is_id(text)
        || is_version(text)
        || is_octets(text)
        || is_host(text)
        || is_words(text)
        || is_generated(text)
}

pub(super) fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// `user@host`, and the place of a repository behind it.
fn is_account(text: &str) -> bool {
    let is_local = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
    let Some((user, host)) = text.split_once('@') else { return false };
    !user.is_empty() && user.chars().all(is_local) && !host.contains('@') && is_host(host)
}

fn is_resource(text: &str) -> bool {
    text.starts_with("arn:") || text.starts_with("projects/")
}

/// A path whose parts are names or identifiers.
fn is_path(text: &str) -> bool {
    let is_part = |part: &str| {
        part.is_empty()
            || is_uuid(part)
            || is_words(part)
            || is_generated(part)
            || is_host(part)
            || is_id(part)
            || part.len() < SHORT
    };
    text.contains('/') && text.split('/').all(is_part)
}

/// What names a key, an account or a channel with a service, whose secret is another text.
fn is_id(text: &str) -> bool {
    let is_upper = |text: &str| text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let starts = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    let of_aws = || starts(&["AKIA", "ASIA", "AROA", "AIDA", "AGPA"]) && text.len() >= 20 && is_upper(text);
    let of_slack = || starts(&["C", "U", "T", "G", "D", "B", "W", "A"]) && text.len() <= 12 && is_upper(text);
    // `vpc-0a1b2c3d4e5f67890`, `mrk-…`, `Iv1.…`, `0x…` of a wallet, `AC…` of Twilio.
    let of_cloud = || {
        let tail = text
            .split_once('-')
            .filter(|(kind, _)| kind.len() <= 8 && kind.bytes().all(|byte| byte.is_ascii_lowercase()));
        tail.is_some_and(|(_, id)| matches!(id.len(), 8 | 17) && is_hex(id))
    };
    let of_app = || text.strip_prefix("Iv").is_some_and(|rest| rest.len() >= 16 && rest.starts_with(['1', '2']));
    let of_wallet = || text.strip_prefix("0x").is_some_and(|rest| rest.len() == 40 && is_hex(rest));
    let of_twilio = || starts(&["AC", "SK", "MG", "VA"]) && text.len() == 34 && text.get(2..).is_some_and(is_hex);
    // `eu-west-1_AbCdEfGhI`, `eu-west-1:UUID` of Cognito, `1:123:web:abc` of Firebase.
    let of_region = || {
        let (region, id) = text.split_once(['_', ':']).unwrap_or_default();
        let is_region = region.matches('-').count() == 2 && region.ends_with(|c: char| c.is_ascii_digit());
        is_region && region.len() <= 16 && (id.len() == 9 || is_uuid(id))
    };
    let of_firebase =
        || text.starts_with("1:") && ["web", "ios", "android"].iter().any(|kind| text.contains(&format!(":{kind}:")));
    // The public half of the keys of S3 stores.
    let of_store = || text.len() == 20 && is_upper(text);
    (text.len() <= 11 && is_upper(text))
        || of_store()
        || starts(&["pk_live_", "pk_test_", "pk.", "phc_", "G-", "UA-", "GTM-"])
        || of_aws()
        || of_slack()
        || of_cloud()
        || of_app()
        || of_wallet()
        || of_twilio()
        || of_region()
        || of_firebase()
}

/// `1.2.3`, `v1.2.3-20240101.a1b2c3d`.
fn is_version(text: &str) -> bool {
    let mut parts = text.strip_prefix('v').unwrap_or(text).split(['.', '-', '+']);
    let is_number = |part: Option<&str>| {
        part.is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    is_number(parts.next())
        && is_number(parts.next())
        && parts
            .all(|part| part.len() <= 14 && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

/// Serial numbers, fingerprints and hardware addresses: `04:A3:B2`.
fn is_octets(text: &str) -> bool {
    let is_of = |sign: char| {
        let mut parts = text.split(sign);
        text.matches(sign).count() >= 3
            && parts.all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    is_of(':') || is_of('-')
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
        let is_cased = label.chars().skip(1).all(|c| !c.is_uppercase()) || label.chars().all(|c| !c.is_lowercase());
        !label.is_empty()
            && label.len() <= 63
            && is_cased
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let has_end =
        host.rsplit('.').next().is_some_and(|end| end.len() >= 2 && end.bytes().all(|byte| byte.is_ascii_lowercase()));
    host.contains('.') && host.split('.').all(is_label) && has_end
}

/// Words, with digits behind them at most: `my-cluster-eu1`, `system:serviceaccount:a:b`, `JaneDoe2024Admin`.
fn is_words(text: &str) -> bool {
    let mut parts = text.split(['-', '_', '.', '/', ':', '=', ',', '+', '@', '*']).filter(|part| !part.is_empty());
    parts.all(|part| {
        let word = part.trim_end_matches(|c: char| c.is_ascii_digit());
        let is_number = word.is_empty() || (word == "v" && part.len() < 5);
        is_number || is_word(word) || is_joined(part)
    })
}

/// Letters in one case, or words with a capital each.
fn is_word(word: &str) -> bool {
    if !word.chars().all(char::is_alphabetic) {
        return false;
    }
    let capitals = word.chars().filter(|c| c.is_uppercase()).count();
    let is_vowel = |c: char| "aeiouyAEIOUY".contains(c) || !c.is_ascii();
    let has_vowels = word.chars().filter(|c| is_vowel(*c)).count() * 6 >= word.chars().count();
    // No word of some length has five consonants in a row; letters by chance have.
    let is_spoken = word.len() < 12 || word.split(is_vowel).all(|consonants| consonants.len() < 5);
    // A capital begins a word of three letters or more in the mean.
    let is_cased = capitals == 0 || capitals == word.chars().count() || capitals * 3 <= word.chars().count();
    is_cased && ((has_vowels && is_spoken) || word.len() <= 6)
}

/// Words of three letters or more with a capital each, and a few numbers or short words in capitals between them.
fn is_joined(part: &str) -> bool {
    let chars: Vec<char> = part.chars().collect();
    let begins = |at: usize, c: char| {
        let last = at.checked_sub(1).and_then(|at| chars.get(at)).copied().unwrap_or(' ');
        last.is_alphabetic() != c.is_alphabetic() || (c.is_uppercase() && last.is_lowercase())
    };
    let mut pieces: Vec<String> = Vec::new();
    for (at, c) in chars.iter().enumerate() {
        match pieces.last_mut().filter(|_| !begins(at, *c)) {
            Some(piece) => piece.push(*c),
            None => pieces.push(c.to_string()),
        }
    }
    let is_number = |piece: &&String| piece.chars().all(|c| c.is_ascii_digit());
    let is_short = |piece: &&String| piece.len() <= 3 && piece.chars().all(char::is_uppercase);
    let is_long = |piece: &&String| {
        piece.len() >= 3
            && is_word(piece)
            && piece.contains(['a', 'e', 'i', 'o', 'u', 'y', 'A', 'E', 'I', 'O', 'U', 'Y'])
    };
    let count = |is: &dyn Fn(&&String) -> bool| pieces.iter().filter(|piece| is(piece)).count();
    let long = count(&is_long);
    pieces.iter().all(|piece| is_number(&piece) || is_short(&piece) || is_long(&piece))
        && long >= 1
        && count(&is_number) <= long + 1
        && count(&is_short) <= long
}

/// Whether a text has small letters, capitals and digits.
pub(super) fn is_mixed(text: &str) -> bool {
    let has = |is: fn(&char) -> bool| text.chars().any(|c| is(&c));
    has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase) && has(char::is_ascii_digit)
}

/// Whether a text has signs that no identifier has.
pub(super) fn has_signs(text: &str) -> bool {
    text.contains(['!', '#', '$', '%', '^', '&', '~', '?', '(', ')', '{', '}', '<', '>', '\'', '"', '`', '\\'])
}

/// Whether characters follow each other as if by chance.
pub(super) fn is_random(text: &str) -> bool {
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

/// Bits a character of a text by which it is told from words and repetitions.
const LEAST_ENTROPY: f64 = 2.5;
pub(super) const SHORT: usize = 8;
pub(super) const LONG: usize = 16;
/// Where nothing is called a secret.
pub(super) const UNNAMED: usize = 12;
const MARKS: [&str; 9] = [
    "PRIVATE KEY-----",
    "PRIVATE KEY BLOCK-----",
    "PuTTY-User-Key-File",
    "AGE-SECRET-KEY-1",
    "hooks.slack.com/services/",
    "discord.com/api/webhooks/",
    ".webhook.office.com/",
    "X-Amz-Signature=",
    "_authToken=",
];
/// How crypt(3), htpasswd and LDAP begin what they keep of a password.
const HASHES: [&str; 10] = ["$2a$", "$2b$", "$2y$", "$1$", "$5$", "$6$", "$y$", "$apr1$", "$argon2", "{SSHA}"];
/// How services begin the tokens that they give out, as their documentation and the scanners for secrets say.
#[rustfmt::skip]
const TOKENS: [&str; 42] = [
    "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-", "glsa_", "xoxb-", "xoxp-", "xoxa-",
    "xoxr-", "xoxs-", "xoxe-", "xapp-", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_", "SG.", "sk-ant-",
    "sk-proj-", "hvs.", "hvb.", "hvr.", "dop_v1_", "npm_", "pypi-", "shpat_", "shpss_", "NRAK-", "dckr_pat_", "ATATT",
    "lin_api_", "figd_", "ya29.", "dapi", "GOCSPX-", "AKCp",
];
