//! What stands around a value in a text: the name that it is assigned to.

/// Whether a value ends where a text goes on.
pub(super) fn ends_here(after: &[u8]) -> bool {
    after.first().is_none_or(|byte| byte.is_ascii_whitespace() || b"\"',;&}])@\\<|`#:".contains(byte))
}

/// What a text assigns to where it goes on with a value: `name=`, `"name": "`, `name: `, `name is `, `--name `, `<name>`; the
/// part behind `user:` of an address is a password.
pub(super) fn assigned_to(before: &[u8], after: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(before.get(before.len().saturating_sub(LONGEST_NAME)..)?).into_owned();
    let text = text.trim_end_matches(QUOTES);
    if is_in_address(text, after) || is_given_to_tool(text) {
        return Some("password".to_owned());
    }
    let trimmed = text.trim_end();
    if let Some(rest) = trimmed.strip_suffix("=>") {
        return Some(clause(rest));
    }
    // What YAML writes in front of a text of several lines.
    let head = trimmed.trim_end_matches(|c: char| matches!(c, '-' | '+') || c.is_ascii_digit());
    let trimmed = head.strip_suffix(['|', '>']).map_or(trimmed, str::trim_end);
    if let Some(rest) = text.strip_suffix('=') {
        return Some(clause(rest.trim_end_matches([':', '='])));
    }
    if let Some(rest) = trimmed.strip_suffix(':').or_else(|| trimmed.strip_suffix(" =")) {
        return Some(clause(rest));
    }
    if let Some(rest) = text.strip_suffix('>') {
        return rest.rsplit_once('<').map(|(_, name)| named(name));
    }
    if let Some(rest) = text.strip_suffix(" is ") {
        return Some(clause(rest));
    }
    // `--password VALUE`, `Bearer VALUE`: a word that stands for nothing else.
    let word = text.strip_suffix(' ').map(|rest| rest.rsplit([' ', '\n', '"', '\'']).next().unwrap_or_default());
    word.filter(|word| word.starts_with('-') || *word == "echo" || super::names::is_password_word(word)).map(named)
}

/// Whether a value stands where an address has the password of a user.
fn is_in_address(before: &str, after: &[u8]) -> bool {
    let user = before.strip_suffix(':').and_then(|rest| rest.rsplit_once("://")).map(|(_, user)| user);
    after.first() == Some(&b'@') && user.is_some_and(|user| !user.contains(['/', '@', ' ', '\n']))
}

/// Whether a tool takes what follows for a password: `mysql -pVALUE`, `sshpass -p VALUE`, `curl -u user:VALUE`.
fn is_given_to_tool(text: &str) -> bool {
    let is_between = |c: char| c.is_whitespace() || QUOTES.contains(&c) || c == '/' || c == '|';
    let line = text.rsplit(['\n', ';']).next().unwrap_or_default();
    let mut words = line.split(is_between).filter(|word| !word.is_empty()).rev();
    let last = words.next().unwrap_or_default();
    let before: Vec<&str> = words.collect();
    let is_called = |tools: &[&str]| before.iter().any(|word| tools.contains(word));
    let of_user = last.strip_suffix(':').is_some_and(|user| {
        let is_behind = || before.first().is_some_and(|option| matches!(*option, "-u" | "--user"));
        !user.is_empty() && (user.starts_with("-u") || is_behind())
    });
    OPTIONS.iter().any(|(option, tools)| last == *option && is_called(tools))
        || (of_user && is_called(&["curl", "http", "xh"]))
}

/// The name at the end of a text; if it is no name of a password, one before it in the same words: `password of app: `.
fn clause(text: &str) -> String {
    let name = named(text);
    let words = text.rsplit(|c: char| "\n,;.{[(&=:\"'".contains(c)).next().unwrap_or_default();
    let is_password = |word: &str| super::names::is_password_word(word);
    if words.contains(' ') && !is_password(&name) {
        return words.split(' ').find(|word| is_password(word)).map_or(name, str::to_owned);
    }
    name
}

pub(super) fn named(text: &str) -> String {
    let text = text.trim_end().trim_end_matches(QUOTES);
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let start = text.rfind(|c: char| !is_part(c)).map_or(0, |at| at + 1);
    // The sign itself may be longer than one byte; then the name is left as it is.
    text.get(start..).unwrap_or_default().to_owned()
}

/// Whether a value is one of a list, or alone on its line: there are only signs, quotes, bullets and line ends around it.
pub(super) fn is_element(before: &[u8], after: &[u8]) -> bool {
    let is_passed = |byte: &u8| matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b' ' | b'\t' | b'\r');
    let last = before.iter().rev().find(|byte| !is_passed(byte));
    let next = after.iter().find(|byte| !is_passed(byte));
    // `user / password`.
    let (is_second, is_first) = (before.ends_with(b" / "), after.starts_with(b" / "));
    (is_second || last.is_none_or(|byte| b",;|\n([{]*-".contains(byte)))
        && (is_first || next.is_none_or(|byte| b",;|\n)]}".contains(byte)))
}

/// What a list is assigned to, of which an element follows: `users: a, `, `{"hosts": ["a", `.
pub(super) fn list(before: &[u8]) -> Option<String> {
    let before = before.get(before.len().saturating_sub(LONGEST_LIST)..)?;
    let text = String::from_utf8_lossy(before);
    let line = text.rsplit(['\n', ';', '{']).next().unwrap_or_default();
    let (names, _) = line.rsplit_once([':', '='])?;
    Some(named(names)).filter(|name| !name.is_empty())
}

/// Every name in a text that something is assigned to, and what that is.
pub(super) fn assignments(text: &str) -> Vec<(String, &str)> {
    let signs = text.match_indices(['=', ':']).take(MOST_PLACES);
    let assigned = signs.filter_map(|(at, sign)| {
        let behind = text.get(at + sign.len()..)?;
        let value = behind.trim_start_matches([' ', '\t']).trim_start_matches(QUOTES);
        let end = value.find(|c: char| c.is_whitespace() || "\"',;&}])\\<".contains(c)).unwrap_or(value.len());
        Some((named(text.get(..at)?), value.get(..end)?))
    });
    assigned.filter(|(name, value)| !name.is_empty() && !value.is_empty()).collect()
}

/// Options that take a password, in the tools that have them.
const OPTIONS: [(&str, &[&str]); 4] = [
    (
        "-p",
        &[
            "mysql",
            "mysqldump",
            "mysqladmin",
            "mariadb",
            "mariadb-dump",
            "sshpass",
            "7z",
            "7za",
            "docker",
            "podman",
            "mongo",
            "mongosh",
            "mongodump",
            "xfreerdp",
            "oc",
        ],
    ),
    ("-P", &["sqlcmd", "bcp", "zip", "unzip", "isql"]),
    ("-a", &["redis-cli", "valkey-cli"]),
    ("-w", &["ldapsearch", "ldapadd", "ldapmodify", "ldapwhoami"]),
];
pub(super) const QUOTES: [char; 4] = ['"', '\'', '\\', '`'];
/// Bytes before a value that are looked at for what it is assigned to.
const LONGEST_NAME: usize = 128;
/// Bytes of a list that are looked at for its name.
const LONGEST_LIST: usize = 1024;
/// Assignments of one text that are looked at.
const MOST_PLACES: usize = 10_000;
