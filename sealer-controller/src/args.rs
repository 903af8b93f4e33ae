//! What may be configured: flags and environment, read into one typed [`Config`]. The only place with defaults.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use jiff::fmt::rfc2822;
use sealer_core::key::keyring::RotationPolicy;
use sealer_go::pflag::{self, Flag, Kind, Values};
use sealer_resource::key_secret::{self, Naming};

use crate::args::limits::api_access;
pub(crate) use crate::args::limits::{ApiAccess, ClientLimit};
pub(crate) use crate::args::trust::TrustNewKeys;
use crate::error::ArgsError;
use crate::telemetry::LogConfig;
use crate::version::VERSION;

mod limits;
mod trust;
mod words;

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Request {
    Run(Box<Config>),
    Print(String),
}

/// Everything the controller may be told.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) namespace: String,
    pub(crate) watched: Watched,
    pub(crate) label_selector: Option<String>,
    pub(crate) keys: KeyConfig,
    pub(crate) log: LogConfig,
    pub(crate) listen: String,
    pub(crate) listen_metrics: String,
    /// Time that a request's head may take; none is for ever.
    pub(crate) read_timeout: Option<Duration>,
    /// Time from a request's head to its answer.
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) rate: RateLimit,
    /// Requests to the API server, where somebody asked for a limit.
    pub(crate) client_limit: Option<ClientLimit>,
    pub(crate) verify_api: ApiAccess,
    pub(crate) rotate_api: ApiAccess,
    pub(crate) accept_v1_data: bool,
    /// Whether templates may call functions that make keys or are slow on purpose.
    pub(crate) expensive_templates: bool,
    pub(crate) update_status: bool,
    pub(crate) recreate: bool,
    pub(crate) delete_orphans: bool,
    pub(crate) omit_secret_labels: bool,
    pub(crate) fast_retries: u32,
    pub(crate) allowed_types: Vec<String>,
    /// What was set under a name that should no longer be used, and its new name.
    pub(crate) deprecated: Option<(&'static str, &'static str)>,
}

/// Which namespaces are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Watched {
    All,
    These(Vec<String>),
}

/// How sealing keys are made and ordered.
#[derive(Clone, Debug)]
pub(crate) struct KeyConfig {
    pub(crate) naming: Naming,
    pub(crate) bits: usize,
    pub(crate) validity: Duration,
    pub(crate) common_name: String,
    pub(crate) order: KeyOrder,
    pub(crate) trust: TrustNewKeys,
    pub(crate) rotation: RotationPolicy,
}

/// What makes a key newer than another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyOrder {
    CertNotBefore,
    SecretCreationTimestamp,
}

/// Requests a second and the burst above it, for the endpoints that open values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateLimit {
    pub(crate) per_second: u32,
    pub(crate) burst: u32,
}

/// Reads flags and environment.
pub(crate) fn read(args: &[String], variable: impl Fn(&str) -> Option<String>) -> Result<Request, ArgsError> {
    let (preset, bad) = pflag::from_environment(TABLE, &variable);
    let values = match pflag::parse(TABLE, preset, args) {
        Ok(values) => values,
        Err(pflag::FlagError::Help) => return Ok(Request::Print(usage())),
        Err(error) => return Err(ArgsError::Flag(error)),
    };
    if values.is_on("version") {
        return Ok(Request::Print(format!("controller version: {VERSION}\n")));
    }
    if values.is_on("help") {
        return Ok(Request::Print(usage()));
    }
    words::refuse(TABLE, args, values.positionals())?;
    // A variable that does not fit would silently turn something off.
    if let Some(bad) = bad.into_iter().find(|bad| !values.was_given(bad.flag)) {
        return Err(ArgsError::Variable(bad));
    }
    config(&values, own_namespace(variable)).map(|config| Request::Run(Box::new(config)))
}

fn config(values: &Values, namespace: String) -> Result<Config, ArgsError> {
    let read_timeout = timeout(values, "read-timeout")?;
    Ok(Config {
        watched: watched(values, &namespace),
        namespace,
        label_selector: non_empty(values.text("label-selector")),
        keys: key_config(values)?,
        log: log_config(values),
        listen: values.text("listen-addr").to_owned(),
        listen_metrics: values.text("listen-metrics-addr").to_owned(),
        read_timeout,
        request_timeout: [read_timeout, timeout(values, "write-timeout")?].into_iter().flatten().min(),
        rate: RateLimit { per_second: count(values, "rate-limit", 1)?, burst: count(values, "rate-limit-burst", 0)? },
        client_limit: limits::client_limit(values),
        verify_api: api_access(values, "verify-api")?,
        rotate_api: api_access(values, "rotate-api")?,
        accept_v1_data: values.is_on("accept-deprecated-v1-data"),
        expensive_templates: values.is_on("allow-expensive-template-functions"),
        update_status: values.is_on("update-status"),
        recreate: !values.is_on("skip-recreate"),
        delete_orphans: values.is_on("old-gc-behavior"),
        omit_secret_labels: values.is_on("metrics-omit-secret-labels"),
        fast_retries: u32::try_from(values.integer("max-unseal-retries").max(0)).unwrap_or(u32::MAX),
        allowed_types: values.list("allow-secret-types").to_vec(),
        deprecated: (!values.text("rotate-period").is_empty()).then_some(("rotate-period", "key-renew-period")),
    })
}

fn log_config(values: &Values) -> LogConfig {
    LogConfig {
        info_to_stdout: values.is_on("log-info-stdout"),
        level: values.text("log-level").to_owned(),
        json: values.text("log-format") == "json",
    }
}

/// A list of namespaces narrows the watch to the own namespace and those.
fn watched(values: &Values, own: &str) -> Watched {
    let additional = values.text("additional-namespaces").split(',').map(str::trim).filter(|name| !name.is_empty());
    let additional: Vec<String> = additional.map(str::to_owned).collect();
    if additional.is_empty() && values.is_on("all-namespaces") {
        return Watched::All;
    }
    let mut namespaces = vec![own.to_owned()];
    namespaces.extend(additional);
    namespaces.sort();
    namespaces.dedup();
    Watched::These(namespaces)
}

fn key_config(values: &Values) -> Result<KeyConfig, ArgsError> {
    let prefix = values.text("key-prefix");
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if prefix.is_empty() || prefix.len() > LONGEST_PREFIX || !prefix.bytes().all(fits) {
        return Err(invalid("key-prefix", prefix, "lower case letters, digits and `-`, 1 to 245 characters"));
    }
    Ok(KeyConfig {
        naming: Naming {
            prefix: prefix.to_owned(),
            labels: pairs(values, "privatekey-labels")?,
            annotations: pairs(values, "privatekey-annotations")?,
        },
        bits: key_bits(values)?,
        validity: length(values, "key-ttl", Sign::Positive)?,
        common_name: values.text("my-cn").to_owned(),
        order: key_order(values)?,
        trust: TrustNewKeys::read(values.text("trust-new-keys"))?,
        rotation: rotation(values)?,
    })
}

fn key_bits(values: &Values) -> Result<usize, ArgsError> {
    let bits = usize::try_from(values.integer("key-size")).unwrap_or_default();
    let fits = (SMALLEST_KEY..=LARGEST_KEY).contains(&bits);
    fits.then_some(bits).ok_or_else(|| invalid("key-size", values.text("key-size"), "2048 to 8192 bits"))
}

fn key_order(values: &Values) -> Result<KeyOrder, ArgsError> {
    match values.text("key-order-priority") {
        "CertNotBefore" => Ok(KeyOrder::CertNotBefore),
        "SecretCreationTimestamp" => Ok(KeyOrder::SecretCreationTimestamp),
        other => Err(invalid("key-order-priority", other, "`CertNotBefore` or `SecretCreationTimestamp`")),
    }
}

fn rotation(values: &Values) -> Result<RotationPolicy, ArgsError> {
    let period = length(values, renewal_flag(values), Sign::ZeroToo)?;
    let cutoff = non_empty(values.text("key-cutoff-time"));
    let cutoff = cutoff.map(|text| {
        let parsed = rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(&text);
        parsed.map_err(|_| invalid("key-cutoff-time", &text, "a time like `Mon, 14 Oct 2024 21:45:30 +0200`"))
    });
    Ok(RotationPolicy { period: (!period.is_zero()).then_some(period), cutoff: cutoff.transpose()? })
}

/// The deprecated alias counts where it was set: on the command line, or by its variable unless the command line says
/// otherwise.
fn renewal_flag(values: &Values) -> &'static str {
    let (name, alias) = ("key-renew-period", "rotate-period");
    let by_alias = values.was_given(alias) || (!values.was_given(name) && !values.text(alias).is_empty());
    if by_alias { alias } else { name }
}

enum Sign {
    Positive,
    ZeroToo,
}

fn length(values: &Values, flag: &'static str, sign: Sign) -> Result<Duration, ArgsError> {
    let nanoseconds = values.nanoseconds(flag);
    let smallest = i64::from(matches!(sign, Sign::Positive));
    if nanoseconds < smallest {
        return Err(invalid(flag, values.text(flag), "a length of time that is not negative, such as `720h`"));
    }
    Ok(Duration::from_nanos(nanoseconds.unsigned_abs()))
}

/// Zero is none.
fn timeout(values: &Values, flag: &'static str) -> Result<Option<Duration>, ArgsError> {
    Ok(Some(length(values, flag, Sign::ZeroToo)?).filter(|length| !length.is_zero()))
}

fn count(values: &Values, flag: &'static str, smallest: i64) -> Result<u32, ArgsError> {
    let number = values.integer(flag);
    let fits = u32::try_from(number).ok().filter(|_| number >= smallest);
    fits.ok_or_else(|| {
        invalid(flag, values.text(flag), "a small whole number that is not negative (and not 0 for the rate)")
    })
}

/// `a=b,c=d`.
fn pairs(values: &Values, flag: &'static str) -> Result<BTreeMap<String, String>, ArgsError> {
    let elements = values.text(flag).split(',').filter(|element| !element.is_empty());
    let pair = |element: &str| {
        let mut parts = element.split('=');
        match (parts.next(), parts.next()) {
            (Some(key), Some(value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
            _ => Err(invalid(flag, element, "`key=value` pairs separated by commas")),
        }
    };
    elements.map(pair).collect()
}

fn own_namespace(variable: impl Fn(&str) -> Option<String>) -> String {
    let from_pod = || fs::read_to_string(NAMESPACE_FILE).ok().map(|text| text.trim().to_owned());
    let known = variable("POD_NAMESPACE").filter(|name| !name.is_empty()).or_else(from_pod);
    known.filter(|name| !name.is_empty()).unwrap_or_else(|| "default".to_owned())
}

fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn invalid(flag: &'static str, value: &str, expected: &'static str) -> ArgsError {
    ArgsError::Invalid { flag, value: value.to_owned(), expected }
}

fn usage() -> String {
    let line = |flag: &Flag| {
        let default = if flag.default.is_empty() { String::new() } else { format!(" (default {})", flag.default) };
        format!("      --{:<28} {}{default}\n", flag.name, flag.help)
    };
    let lines: String = TABLE.iter().filter(|flag| !flag.help.is_empty()).map(line).collect();
    format!("Usage of controller:\n{lines}")
}

/// The one key of a Pod that says where it runs.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
/// The API server adds random characters behind a prefix, and 253 is the end.
const LONGEST_PREFIX: usize = 245;
/// Below it no new key protects anything.
const SMALLEST_KEY: usize = 2048;
const LARGEST_KEY: usize = 8192;

const TABLE: &[Flag] = &[
    Flag::new(
        "accept-deprecated-v1-data",
        Kind::Switch,
        "true",
        "Accept SealedSecrets whose values are one blob in spec.data.",
    ),
    Flag::new(
        "additional-namespaces",
        Kind::Text,
        "",
        "Comma-separated namespaces to watch besides the own one, instead of all.",
    ),
    Flag::new("all-namespaces", Kind::Switch, "true", "Watch the whole cluster; otherwise the own namespace."),
    Flag::new(
        "allow-expensive-template-functions",
        Kind::Switch,
        "false",
        "Let templates call functions that make keys or are slow on purpose: genPrivateKey, genCA, bcrypt and their like.",
    ),
    Flag::new(
        "allow-secret-types",
        Kind::List,
        "",
        "Secret types that are refused unless listed here: service account and bootstrap tokens.",
    ),
    Flag::new("help", Kind::Switch, "", "Print this text and exit.").without_variable(),
    Flag::new(
        "key-cutoff-time",
        Kind::Text,
        "",
        "Make a new key at start if the newest is older than this RFC 1123 time with a numeric zone.",
    ),
    Flag::new(
        "key-order-priority",
        Kind::Text,
        "CertNotBefore",
        "What makes a key the newest: CertNotBefore or SecretCreationTimestamp.",
    ),
    Flag::new("key-prefix", Kind::Text, key_secret::DEFAULT_KEY_PREFIX, "Prefix of the names of new key Secrets."),
    Flag::new("key-renew-period", Kind::Duration, "720h", "Age at which a key gets a successor; 0 never."),
    Flag::new("key-size", Kind::Integer, "4096", "Bits of new keys."),
    Flag::new("key-ttl", Kind::Duration, "87600h", "Validity of new certificates."),
    Flag::new(
        "kubeclient-burst",
        Kind::Integer,
        "10",
        "Requests to the API server at once; no limit unless this or the rate is given.",
    ),
    Flag::new(
        "kubeclient-qps",
        Kind::Number,
        "5",
        "Requests to the API server a second; no limit unless this or the burst is given.",
    ),
    Flag::new("label-selector", Kind::Text, "", "Only look at SealedSecrets with these labels."),
    Flag::new("listen-addr", Kind::Text, ":8080", "Address of the public endpoints."),
    Flag::new("listen-metrics-addr", Kind::Text, ":8081", "Address of the metrics."),
    Flag::new("log-format", Kind::Text, "text", "text or json."),
    Flag::new(
        "log-info-stdout",
        Kind::Switch,
        "true",
        "Log up to INFO to stdout and the rest to stderr; otherwise all to stderr.",
    ),
    Flag::new("log-level", Kind::Text, "INFO", "DEBUG, INFO, WARN or ERROR."),
    Flag::new(
        "max-unseal-retries",
        Kind::Integer,
        "5",
        "Quick retries after a failure; slow ones follow for as long as it may pass.",
    ),
    Flag::new("metrics-omit-secret-labels", Kind::Switch, "false", "Do not name objects in metrics."),
    Flag::new("my-cn", Kind::Text, "", "Common name of new certificates."),
    Flag::new(
        "old-gc-behavior",
        Kind::Switch,
        "false",
        "Delete an owned Secret when its SealedSecret goes, besides Kubernetes' garbage collection.",
    ),
    Flag::new("privatekey-annotations", Kind::Text, "", "Annotations of new key Secrets: a=b,c=d."),
    Flag::new("privatekey-labels", Kind::Text, "", "Labels of new key Secrets: a=b,c=d."),
    Flag::new("rate-limit", Kind::Integer, "2", "Requests a second to verify and rotate."),
    Flag::new("rate-limit-burst", Kind::Integer, "2", "Requests above that rate at once."),
    Flag::new("read-timeout", Kind::Duration, "2m", "Time to read a request."),
    Flag::new("rotate-api", Kind::Text, "on", "Who may use /v1/rotate; as for verify-api."),
    Flag::new("rotate-period", Kind::Duration, "", ""),
    Flag::new("skip-recreate", Kind::Switch, "false", "Do not watch Secrets, and so do not make deleted ones again."),
    Flag::new("trust-new-keys", Kind::Text, "always", "Seal with keys of others: always, annotated or never."),
    Flag::new("update-status", Kind::Switch, "true", "Write the status of SealedSecrets."),
    Flag::new(
        "verify-api",
        Kind::Text,
        "on",
        "Who may use /v1/verify: on (whoever reaches the port), off, or authorized (whoever may update SealedSecrets in the object's namespace, by bearer token; the API server's proxy passes none on).",
    ),
    Flag::new("version", Kind::Switch, "false", "Print the version and exit."),
    Flag::new(
        "watch-for-secrets",
        Kind::Switch,
        "false",
        "Accepted for compatibility: sealing keys are always followed live.",
    ),
    Flag::new("write-timeout", Kind::Duration, "2m", "Time to answer a request."),
];

#[cfg(test)]
mod tests;
