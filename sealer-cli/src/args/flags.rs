//! Rows of pflag's tables as arguments of clap: the flags that `sealer`'s verbs share with the surface of `kubeseal`.

use clap::builder::ValueParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};
use sealer_go::pflag::{self, Flag, Kind, variable_of};

/// A flag as clap knows it; none for those that are accepted and not told of.
pub(crate) fn argument(flag: &Flag) -> Option<Arg> {
    if flag.help.is_empty() || flag.help == ACCEPTED {
        return None;
    }
    let mut argument = Arg::new(flag.name).long(flag.name).help(flag.help.trim_end_matches('.'));
    if let Some(short) = flag.short {
        argument = argument.short(short);
    }
    if flag.variable {
        argument = argument.env(variable_of(flag.name)).hide_env(true);
    }
    if !flag.default.is_empty() {
        argument = argument.default_value(flag.default).hide_default_value(flag.default == "0");
    }
    Some(match flag.kind {
        Kind::Switch => argument.action(ArgAction::SetTrue),
        Kind::Words(words) => argument.value_parser(words.to_vec()).value_name("WORD"),
        Kind::Integer => argument.value_parser(ValueParser::new(pflag::integer)).value_name("NUMBER"),
        Kind::List => {
            argument.action(ArgAction::Append).value_parser(ValueParser::new(pflag::split_list)).value_name("LIST")
        }
        Kind::Repeated => argument.action(ArgAction::Append).value_name("VALUE"),
        _ => argument.value_name("VALUE"),
    })
}

/// What was given for the flags of a table.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a>(pub(crate) &'a ArgMatches);

impl Given<'_> {
    /// A text that is not empty.
    pub(crate) fn text(self, flag: &str) -> Option<String> {
        self.0.try_get_one::<String>(flag).ok().flatten().filter(|text| !text.is_empty()).cloned()
    }

    pub(crate) fn is_on(self, flag: &str) -> bool {
        self.0.try_get_one::<bool>(flag).ok().flatten().copied().unwrap_or_default()
    }

    pub(crate) fn integer(self, flag: &str) -> i64 {
        self.0.try_get_one::<i64>(flag).ok().flatten().copied().unwrap_or_default()
    }

    /// One text an occurrence.
    pub(crate) fn texts(self, flag: &str) -> Vec<String> {
        self.0.try_get_many::<String>(flag).ok().flatten().into_iter().flatten().cloned().collect()
    }

    /// The texts of all occurrences.
    pub(crate) fn list(self, flag: &str) -> Vec<String> {
        self.0.try_get_many::<Vec<String>>(flag).ok().flatten().into_iter().flatten().flatten().cloned().collect()
    }

    /// Whether it stood on the command line.
    pub(crate) fn is_on_command_line(self, flag: &str) -> bool {
        self.0.try_get_raw(flag).is_ok() && self.0.value_source(flag) == Some(ValueSource::CommandLine)
    }
}

/// What the usage says of flags that change nothing.
pub(crate) const ACCEPTED: &str = "Accepted for compatibility.";
