//! What a name says about its value: the last word that is known decides, as in `client_id`, `id_token`, `password-policy`.

/// What a name says about its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A secret, whatever it looks like.
    Password,
    /// A secret, unless it looks like a name: `secret` and `token` are also what Secrets and accounts are named by.
    Secret,
    /// Nothing secret.
    Public,
    Unknown,
}

impl Kind {
    pub(super) fn is_secret(self) -> bool {
        matches!(self, Self::Password | Self::Secret)
    }
}

/// What the name of an item says, or one in a text.
pub(super) fn kind(name: &str) -> Kind {
    let words = words(name);
    let mut is_last = true;
    for (at, word) in words.iter().enumerate().rev() {
        let before = words.get(..at).unwrap_or_default();
        match of_word(word, before) {
            Some(Kind::Password) if !is_last => return Kind::Secret,
            Some(kind) => return kind,
            None => is_last = false,
        }
    }
    Kind::Unknown
}

/// What the name of an annotation or label says: the domain before it says nothing, other words there do.
pub(super) fn kind_of_annotation(name: &str) -> Kind {
    let (prefix, last) = name.rsplit_once('/').unwrap_or(("", name));
    match kind(last) {
        Kind::Unknown if !prefix.contains('.') => kind(prefix),
        kind => kind,
    }
}

/// Whether a word stands for a secret by itself, as in `password X` or `Bearer X`.
pub(super) fn is_password_word(word: &str) -> bool {
    let word = word.to_lowercase();
    PASSWORDS.contains(&word.as_str()) || matches!(word.as_str(), "token" | "bearer" | "secret")
}

fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut last = ' ';
    for c in name.chars().take(LONGEST) {
        let begins = !last.is_alphabetic() || (c.is_uppercase() && last.is_lowercase());
        match words.last_mut().filter(|_| !begins) {
            _ if !c.is_alphabetic() => {}
            Some(word) => word.extend(c.to_lowercase()),
            None => words.push(c.to_lowercase().collect()),
        }
        last = c;
    }
    words
}

fn of_word(word: &str, before: &[String]) -> Option<Kind> {
    let previous = before.last().map(String::as_str).unwrap_or_default();
    let singular = word.strip_suffix('s').filter(|word| word.len() > 2).unwrap_or(word);
    for word in [word, singular] {
        if let Some(kind) = of_head(word, previous, before) {
            return Some(kind);
        }
    }
    // Words that are written together: `pguser`, `clientid`, `dbpassword`.
    let known = [&PASSWORDS[..], &SECRETS[..], &PUBLIC[..], &THINGS[..], &["key", "id", "hash"]].concat();
    let joined = |word: &str| {
        let ends = known.iter().filter(|end| end.len() > 3 || matches!(**end, "pwd" | "key" | "id" | "url" | "uri"));
        let end = ends.filter(|end| word.len() > end.len() && word.ends_with(**end)).max_by_key(|end| end.len())?;
        of_head(end, word.strip_suffix(end)?, &[])
    };
    joined(word).or_else(|| joined(singular))
}

fn of_head(head: &str, previous: &str, before: &[String]) -> Option<Kind> {
    match head {
        // `secret_id` of Vault logs in; what a session is known by does, too.
        "id" if matches!(previous, "secret" | "session" | "csrf") => Some(Kind::Secret),
        "key" if PUBLIC_KEYS.contains(&previous) => Some(Kind::Public),
        "key" if matches!(previous, "api" | "secret" | "private") => Some(Kind::Password),
        // The one half of it is public.
        "key" if previous == "access" => Some(Kind::Secret),
        "key" if SECRETS.contains(&previous) => Some(Kind::Secret),
        // Of anything, and perhaps of a door.
        "key" => Some(Kind::Unknown),
        "hash" if before.iter().any(|word| PASSWORDS.contains(&word.as_str())) => Some(Kind::Unknown),
        _ if PASSWORDS.contains(&head) => Some(Kind::Password),
        _ if SECRETS.contains(&head) => Some(Kind::Secret),
        _ if PUBLIC.contains(&head) => Some(Kind::Public),
        _ if THINGS.contains(&head) => {
            let is_secret = |word: &String| [&PASSWORDS[..], &SECRETS[..]].concat().contains(&word.as_str());
            Some(if before.iter().any(is_secret) { Kind::Secret } else { Kind::Public })
        }
        _ => None,
    }
}

const PASSWORDS: [&str; 7] = ["password", "passwd", "passphrase", "pwd", "pass", "passcode", "passwort"];
const SECRETS: [&str; 22] = [
    "secret",
    "token",
    "credential",
    "cred",
    "creds",
    "bearer",
    "cookie",
    "salt",
    "seed",
    "mnemonic",
    "otp",
    "totp",
    "pw",
    "psk",
    "pat",
    "jwt",
    "license",
    "signing",
    "hmac",
    "nonce",
    "pin",
    "signature",
];
/// Keys that everybody may see, and names of keys.
const PUBLIC_KEYS: [&str; 22] = [
    "public",
    "pub",
    "publishable",
    "site",
    "kms",
    "primary",
    "foreign",
    "partition",
    "sort",
    "object",
    "s",
    "cache",
    "annotation",
    "label",
    "consumer",
    "client",
    "measurement",
    "tracking",
    "instrumentation",
    "vapid",
    "index",
    "map",
];
/// What can be told of a thing, and of a secret, too.
#[rustfmt::skip]
const PUBLIC: [&str; 99] = [
    "id", "uid", "guid", "uuid", "sid", "identifier", "username", "hostname", "endpoint", "url", "uri", "link", "addr",
    "address", "ip", "port", "dbname", "name", "alias", "serial", "thumbprint", "fingerprint", "checksum",
    "hash", "sha", "digest", "commit", "revision", "version", "tag", "ref", "reference", "path", "file", "filename", "dir",
    "directory", "folder", "issuer", "kid", "public", "publishable", "pub", "measurement", "tracking", "date", "time",
    "timestamp", "created", "updated", "expires", "expiry", "expiration", "rotation", "rotated", "age", "ttl", "policy",
    "length", "cert", "certificate", "crt", "chain", "bundle", "truststore", "cn", "san", "dn", "scope", "type", "kind",
    "format", "mode", "level", "locale", "language", "timezone", "arn", "contact", "phone", "icon",
    "logo", "method", "encryption", "algorithm", "cipher", "authentication", "enabled", "required", "class", "driver",
    "dialect", "cidr", "distribution", "count", "size", "callback", "redirect", "etag",
];
/// What has secrets: `password_user` is one, `user` is none.
#[rustfmt::skip]
const THINGS: [&str; 84] = [
    "user", "login", "account", "acct", "email", "mail", "sender", "recipient", "host", "server", "domain", "zone", "region",
    "location", "site", "bucket", "storage", "container", "blob", "share", "volume", "disk", "database", "db", "schema",
    "table", "collection", "role", "group", "team", "owner", "org", "organization", "organisation", "project", "tenant",
    "subscription", "customer", "workspace", "client", "app", "application", "channel", "topic", "queue", "stream",
    "exchange", "vhost", "cluster", "node", "instance", "namespace", "service", "pod", "deployment", "release", "image",
    "repo", "repository", "branch", "mount", "subject", "audience", "realm", "device", "model", "ca", "provider", "store",
    "backend", "engine", "vpc", "subnet", "gateway", "network", "registry", "proxy", "broker", "brokers", "bootstrap",
    "origin", "wallet", "pool", "vault",
];
/// Longer names say no more.
const LONGEST: usize = 256;
