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
        // `checksum/secret` of Helm: what is behind the slash is what the sum is of.
        _ if SUMS.contains(&prefix) => Kind::Public,
        Kind::Unknown if !prefix.contains('.') => kind(prefix),
        kind => kind,
    }
}

/// Whether a word stands for a secret by itself, as in `password X` or `Bearer X`.
pub(super) fn is_password_word(word: &str) -> bool {
    let word = word.to_lowercase();
    PASSWORDS.contains(&word.as_str()) || matches!(word.as_str(), "token" | "bearer" | "secret" | "pw" | "psk")
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
    joined(word).or_else(|| joined(singular))
}

/// Words that are written together: `pguser`, `clientid`, `dbpassword`. What ends so by chance is none of them: `grid`,
/// `report`, `compass`.
fn joined(word: &str) -> Option<Kind> {
    let known = [&PASSWORDS[..], &SECRETS[..], &PUBLIC[..], &THINGS[..], &["key", "id", "hash"]].concat();
    let ends = known.into_iter().filter(|end| end.len() > 3 || matches!(*end, "pwd" | "key" | "id" | "url" | "uri"));
    let end = ends.filter(|end| word.len() > end.len() && word.ends_with(end)).max_by_key(|end| end.len())?;
    let stem = word.strip_suffix(end)?;
    let is_secret = PASSWORDS.contains(&end) || SECRETS.contains(&end);
    let is_told_apart = end.len() > 5 || matches!(end, "key" | "user" | "email" | "login");
    let is_meant = if is_secret { !BY_CHANCE.contains(&word) } else { is_told_apart || is_stem(stem) };
    is_meant.then(|| of_head(end, stem, &[])).flatten()
}

/// Whether a word is one that others are joined to.
fn is_stem(stem: &str) -> bool {
    let known = [&PASSWORDS[..], &SECRETS[..], &PUBLIC[..], &THINGS[..], &STEMS[..]];
    known.iter().any(|words| words.contains(&stem)) || joined(stem).is_some()
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
        // What a password is kept under may be the password.
        "id" | "identifier" | "ref" | "reference" | "tag" | "hash"
            if before.iter().any(|word| PASSWORDS.contains(&word.as_str())) =>
        {
            Some(Kind::Unknown)
        }
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

/// Whether the last word of a name that says anything is one of a secret: `client_secret`, and not `secret_project`.
pub(super) fn is_called_secret(name: &str) -> bool {
    let words = words(name);
    let last = words.last().map(String::as_str).unwrap_or_default();
    let is_secret = |word: &str| PASSWORDS.contains(&word) || SECRETS.contains(&word);
    let is_joined = || ["password", "passwd", "secret", "token"].iter().any(|end| last.ends_with(end));
    let is_id = || words.ends_with(&["secret".to_owned(), "id".to_owned()]);
    is_secret(last) || is_joined() || (last == "key" && kind(name).is_secret()) || is_id()
}

#[rustfmt::skip]
const PASSWORDS: [&str; 36] = [
    "password", "passwd", "passphrase", "pwd", "pass", "passcode", "passwort", "pswd", "psw", "passw", "kennwort", "mdp",
    "passe", "contraseña", "contrasena", "senha", "wachtwoord", "lösenord", "losenord", "passord", "adgangskode", "hasło",
    "haslo", "heslo", "geslo", "lozinka", "salasana", "jelszó", "jelszo", "şifre", "sifre", "пароль", "密码", "密碼",
    "パスワード", "비밀번호",
];
/// What annotations say of a Secret as a whole.
const SUMS: [&str; 8] = ["checksum", "checksums", "sha", "sha1", "sha256", "digest", "revision", "version"];
/// Words that end as passwords are called, by chance.
const BY_CHANCE: [&str; 14] = [
    "compass",
    "encompass",
    "bypass",
    "trespass",
    "surpass",
    "overpass",
    "underpass",
    "basalt",
    "asphalt",
    "linseed",
    "aniseed",
    "spin",
    "sacred",
    "massacred",
];
const SECRETS: [&str; 28] = [
    "parola",
    "clave",
    "geheim",
    "geheimnis",
    "segredo",
    "secreto",
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
const PUBLIC: [&str; 101] = [
    "id", "uid", "guid", "uuid", "sid", "identifier", "username", "hostname", "endpoint", "url", "uri", "link", "addr",
    "address", "ip", "port", "dbname", "name", "alias", "serial", "thumbprint", "fingerprint", "checksum",
    "hash", "sha", "digest", "commit", "revision", "version", "tag", "ref", "reference", "path", "file", "filename", "dir",
    "directory", "folder", "issuer", "kid", "public", "publishable", "pub", "measurement", "tracking", "date", "time",
    "timestamp", "created", "updated", "expires", "expiry", "expiration", "rotation", "rotated", "age", "ttl", "policy",
    "length", "cert", "certificate", "crt", "chain", "bundle", "truststore", "cn", "san", "dn", "scope", "type", "kind",
    "format", "mode", "level", "locale", "language", "timezone", "arn", "contact", "phone", "icon",
    "logo", "method", "encryption", "algorithm", "cipher", "authentication", "enabled", "required", "class", "driver",
    "dialect", "cidr", "distribution", "count", "size", "callback", "redirect", "etag", "md", "crc",
];
/// What has secrets: `password_user` is one, `user` is none.
#[rustfmt::skip]
const THINGS: [&str; 83] = [
    "user", "login", "account", "acct", "email", "mail", "sender", "recipient", "host", "server", "domain", "zone", "region",
    "location", "site", "bucket", "storage", "container", "share", "volume", "disk", "database", "db", "schema",
    "table", "collection", "role", "group", "team", "owner", "org", "organization", "organisation", "project", "tenant",
    "subscription", "customer", "workspace", "client", "app", "application", "channel", "topic", "queue", "stream",
    "exchange", "vhost", "cluster", "node", "instance", "namespace", "service", "pod", "deployment", "release", "image",
    "repo", "repository", "branch", "mount", "subject", "audience", "realm", "device", "model", "ca", "provider", "store",
    "backend", "engine", "vpc", "subnet", "gateway", "network", "registry", "proxy", "broker", "brokers", "bootstrap",
    "origin", "wallet", "pool", "vault",
];
/// What short words are joined to: services, protocols, and what there may be several of.
#[rustfmt::skip]
const STEMS: [&str; 117] = [
    "ad", "admin", "amqp", "api", "auth", "aws", "az", "azure", "base", "bind", "bot", "catalog", "chart", "chat", "child",
    "consul", "data", "datadog", "dd", "discord", "dns", "do", "docker", "elastic", "error", "es", "etcd", "event",
    "external", "ftp", "gcp", "git", "github", "gitlab", "grafana", "health", "helm", "home", "hook", "http", "https", "imap",
    "influx", "internal", "item", "jdbc", "jira", "job", "kafka", "key", "kube", "ldap", "log", "lookup", "main", "maria",
    "mariadb", "master", "match", "merchant", "message", "meta", "metrics", "minio", "mongo", "mongodb", "mq", "msg", "my",
    "mysql", "nats", "net", "oauth", "object", "oidc", "order", "parent", "person", "pg", "play", "player", "postgres",
    "postgresql", "primary", "private", "product", "prom", "push", "rabbit", "rabbitmq", "read", "record", "redis", "request",
    "return", "ro", "root", "rw", "saml", "sentry", "sftp", "sg", "slack", "smtp", "source", "span", "sql", "ssh", "ssl", "sso",
    "super", "svc", "target", "tls", "trace", "web", "webhook",
];
/// Longer names say no more.
const LONGEST: usize = 256;
