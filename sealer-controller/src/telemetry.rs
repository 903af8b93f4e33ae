//! Logs as existing log pipelines parse them: `time=… level=… msg="…" key=value`, or one JSON object a line.

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::writer::MakeWriterExt as _;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

#[cfg(test)]
pub(crate) mod captured;

/// How to log.
#[derive(Clone, Debug)]
pub(crate) struct LogConfig {
    pub(crate) info_to_stdout: bool,
    pub(crate) level: String,
    pub(crate) json: bool,
}

/// Installs the process's log.
pub(crate) fn init(config: &LogConfig) {
    let filter = filter(level(&config.level));
    let format = Slog { json: config.json };
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().event_format(format);
    // A second call (in tests) keeps the first subscriber.
    let _ = if config.info_to_stdout {
        let split = std::io::stderr.with_max_level(Level::WARN).or_else(std::io::stdout);
        registry.with(layer.with_writer(split)).try_init()
    } else {
        registry.with(layer.with_writer(std::io::stderr)).try_init()
    };
}

/// Only our own words are logged, whatever the level: kube logs the body of an answer that it cannot decode as a
/// warning, and that is a Secret.
fn filter(level: LevelFilter) -> Targets {
    Targets::new().with_target("sealer_controller", level).with_default(LevelFilter::OFF)
}

/// Has a panic logged by its place alone: its text may hold what was worked on.
pub(crate) fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "internal error");
    }));
}

/// Prints what `--version` and `--help` ask for.
pub(crate) fn print(text: &str) -> ExitCode {
    let written = std::io::stdout().write_all(text.as_bytes());
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Says why the process ends.
pub(crate) fn exit_with_error(message: &str, code: u8) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "error: {message}");
    ExitCode::from(code)
}

/// Names as slog knows them, in any case, with an offset such as `error+2`; anything else is INFO.
fn level(text: &str) -> LevelFilter {
    let word = text.to_ascii_uppercase();
    let word = word.split(['+', '-']).next().unwrap_or_default();
    match word {
        "DEBUG" => LevelFilter::DEBUG,
        "WARN" => LevelFilter::WARN,
        "ERROR" => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    }
}

struct Slog {
    json: bool,
}

impl<S, N> FormatEvent<S, N> for Slog
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields(Vec::new());
        event.record(&mut fields);
        let message = fields.0.iter().position(|(name, _)| *name == "message").map(|at| fields.0.remove(at).1);
        #[expect(clippy::disallowed_methods, reason = "a line says when it was written")]
        let time = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let level = event.metadata().level().as_str();
        let head = [("time", time), ("level", level.to_owned()), ("msg", message.unwrap_or_default())];
        let pairs = head.into_iter().chain(fields.0);
        let line = if self.json { json_line(pairs) } else { text_line(pairs) };
        writeln!(writer, "{line}")
    }
}

fn json_line(pairs: impl Iterator<Item = (&'static str, String)>) -> String {
    let object: Map<String, Value> =
        pairs.map(|(name, value)| (name.replace('_', "-"), Value::String(value))).collect();
    Value::Object(object).to_string()
}

fn text_line(pairs: impl Iterator<Item = (&'static str, String)>) -> String {
    let pair = |(name, value): (&'static str, String)| {
        let bare = !value.is_empty() && value.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '=');
        let value = if bare { value } else { format!("{value:?}") };
        format!("{}={value}", name.replace('_', "-"))
    };
    pairs.map(pair).collect::<Vec<_>>().join(" ")
}

struct Fields(Vec<(&'static str, String)>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push((field.name(), format!("{value:?}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_slog() {
        let pairs = || {
            [
                ("level", "INFO".to_owned()),
                ("msg", "two words".to_owned()),
                ("sealed_secret", "a/b".to_owned()),
                ("error", String::new()),
            ]
            .into_iter()
        };
        assert_eq!(text_line(pairs()), "level=INFO msg=\"two words\" sealed-secret=a/b error=\"\"");
        assert_eq!(json_line(pairs()), r#"{"error":"","level":"INFO","msg":"two words","sealed-secret":"a/b"}"#);
    }

    #[test]
    fn libraries_log_nothing_at_any_level() {
        for level in [LevelFilter::TRACE, LevelFilter::DEBUG, LevelFilter::INFO] {
            let filter = filter(level);
            for target in ["kube_client::client", "kube_runtime", "hyper::proto", "h2", "tower_http", "rustls", "x"] {
                assert!(!filter.would_enable(target, &Level::ERROR), "{target}");
            }
            assert!(filter.would_enable("sealer_controller::watch", &Level::INFO));
        }
    }

    #[test]
    fn odd_levels_are_info() {
        for (text, expected) in
            [("debug", LevelFilter::DEBUG), ("error+2", LevelFilter::ERROR), ("loud", LevelFilter::INFO)]
        {
            assert_eq!(level(text), expected);
        }
    }
}
