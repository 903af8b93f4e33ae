//! Does a word read as a name, or may it be a value? Names are made of words; what has digits among its letters, capitals
//! where no word begins, or letters that nobody speaks may be a password.

/// Whether a word may be repeated: words, and numbers behind the words that are counted, with `-`, `_`, `.` and `/` between
/// them.
pub(super) fn is_plain(name: &str) -> bool {
    let parts = || name.split(['-', '_', '.', '/']).filter(|part| !part.is_empty());
    let numbers = parts().filter(|part| is_number(part)).count();
    name.chars().count() <= SHORTEST
        || parts().all(is_part) && numbers <= NUMBERS && (numbers == 0 || numbers < parts().count())
}

fn is_part(part: &str) -> bool {
    let word = part.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let digits = part.len() - word.len();
    let lower = word.to_lowercase();
    let is_counted = || digits <= 2 && (word.chars().count() == 1 || COUNTED.contains(&lower.as_str()));
    match (word, digits) {
        ("", digits) => digits <= 4,
        (_, 0) => is_words(word),
        _ => is_counted() || MIXED.contains(&part.to_lowercase().as_str()),
    }
}

fn is_number(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_digit())
}

/// Words of letters, with a capital each where they are written together.
fn is_words(text: &str) -> bool {
    if !text.chars().all(char::is_alphabetic) {
        return MIXED.contains(&text.to_lowercase().as_str());
    }
    let letters: Vec<char> = text.chars().collect();
    let mut words: Vec<String> = Vec::new();
    for (at, letter) in letters.iter().enumerate() {
        let around = |at: Option<usize>| at.and_then(|at| letters.get(at)).copied();
        let (last, next) = (around(at.checked_sub(1)), around(at.checked_add(1)));
        // `apiVersion`, and `TLSKey` behind what is written in capitals.
        let begins = letter.is_uppercase()
            && last.is_some_and(|last| last.is_lowercase() || next.is_some_and(char::is_lowercase));
        match words.last_mut().filter(|_| !begins) {
            Some(word) => word.push(*letter),
            None => words.push(letter.to_string()),
        }
    }
    let short = words.iter().filter(|word| word.chars().count() < 3).count();
    words.iter().all(|word| is_spoken(word)) && (words.len() == 1 || short * 2 <= words.len())
}

/// Whether letters are a word that can be spoken, an abbreviation, or one that names are made of.
fn is_spoken(word: &str) -> bool {
    let length = word.chars().count();
    let is_vowel = |letter: char| "aeiouy".contains(letter) || !letter.is_ascii();
    let lower = word.to_lowercase();
    let vowels = lower.chars().filter(|letter| is_vowel(*letter)).count();
    let has_clusters = lower.split(is_vowel).any(|consonants| consonants.len() > CONSONANTS);
    length <= ABBREVIATION
        || UNSPOKEN.contains(&lower.as_str())
        || length <= LONGEST_WORD && vowels * 6 >= length && !has_clusters
}

/// Words so short say nothing.
const SHORTEST: usize = 2;
/// Parts of a name that are numbers: a date has three.
const NUMBERS: usize = 3;
/// `tls`, `crt`, `dsn`, `psql`.
const ABBREVIATION: usize = 4;
/// Longer words are several without a sign between them, as in pass phrases.
const LONGEST_WORD: usize = 20;
/// Consonants in a row: `htpasswd` and `lengthwise` have no more.
const CONSONANTS: usize = 4;
/// Words of names that have few vowels.
const UNSPOKEN: [&str; 8] = ["htpasswd", "passwd", "dbpasswd", "kcfgjson", "mtls", "xhtml", "pkcs", "pswd"];
/// Words that have digits.
#[rustfmt::skip]
const MIXED: [&str; 42] = [
    "k8s", "k3s", "s3", "ec2", "x509", "x86", "amd64", "arm64", "oauth2", "http2", "http3", "h2", "h2c", "ipv4", "ipv6",
    "sha1", "sha256", "sha512", "md5", "base64", "base32", "utf8", "utf16", "p12", "pkcs8", "pkcs12", "ed25519",
    "rsa2048", "rsa4096", "aes256", "2fa", "3scale", "auth0", "neo4j", "log4j", "l10n", "i18n", "b64", "i64", "u2f", "fido2",
    "web3",
];
/// Words that people count.
#[rustfmt::skip]
const COUNTED: [&str; 95] = [
    "access", "admin", "api", "app", "backend", "backup", "blue", "broker", "bucket", "ca", "cert", "certificate", "client",
    "cluster", "config", "context", "controller", "core", "crt", "data", "database", "db", "dev", "disk", "dns", "document",
    "east", "elastic", "env", "file", "frontend", "green", "group", "host", "image", "ingress", "instance", "item", "job",
    "kafka", "key", "kube", "layer", "line", "log", "login", "mail", "mariadb", "master", "mongo", "mongodb", "mysql", "name",
    "namespace", "node", "north", "ns", "part", "password", "pg", "pod", "pool", "port", "postgres", "postgresql", "prod",
    "production", "project", "rabbitmq", "redis", "region", "release", "replica", "secret", "server", "service", "shard",
    "site", "south", "stage", "staging", "store", "system", "team", "tenant", "test", "tls", "token", "url", "user", "version",
    "volume", "web", "west", "worker",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_words_and_other_texts_may_be_values() {
        for name in [
            "password",
            "tls.crt",
            ".dockerconfigjson",
            "ssh-privatekey",
            "htpasswd",
            "DB_PASSWORD",
            "stringData",
            "clusterName",
            "TLSKey",
            "dbPassword",
            "x-common",
            "namspace",
            "allow_empty_data",
            "shop-orders",
            "kube-system",
            "prod-eu-west-1",
            "team2",
            "backup-2024-01-15",
            "key1",
            "k1",
            "id_ed25519",
            "aws_s3_bucket",
            "POSTGRES_PASSWORD",
            "a/b",
            "\u{e4}",
            "schl\u{fc}ssel",
            "...",
            "ca-2024.crt",
            "v1",
            "x9",
            "kubectl.kubernetes.io",
        ] {
            assert!(is_plain(name), "{name}");
        }
        for value in [
            "hunter2",
            "hunter2Secret99",
            "Hunter2-Secret",
            "S3cr3t",
            "p4ssw0rd",
            "admin123",
            "xKqWzPlm",
            "kqzwxplm",
            "correcthorsebatterystaple",
            "1234",
            "20240115",
            "7f9c2a1b",
            "q7Zk2mP9xW4vT8nR6bY3cL5d",
            "aHVudGVyMg",
            "6f1c2f5e-8f8b-4d5e-9a43-0c2f6b1d7e11",
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "Sommer2024",
            "4111-1111-1111-1111",
            "HuNtErTwO",
        ] {
            assert!(!is_plain(value), "{value}");
        }
    }
}
