//! Names of Go's types, and which parameters a value fits (`reflect`).

use super::{IntegerKind, ListKind, Value};

/// The type of a function's parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Any value, as the function's own type says nothing.
    Any,
    /// Any value, taken by a built-in function that looks at the type itself.
    Reflect,
    Text,
    Int,
    Uint32,
    Float,
    Bool,
    Dict,
    Anys,
    Time,
    Duration,
    Location,
    Version,
    Bytes,
    Certificate,
}

impl Kind {
    pub(crate) fn go_name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Reflect => "reflect.Value",
            Self::Text => "string",
            Self::Int => "int",
            Self::Uint32 => "uint32",
            Self::Float => "float64",
            Self::Bool => "bool",
            Self::Dict => "map[string]interface {}",
            Self::Anys => "[]interface {}",
            Self::Time => "time.Time",
            Self::Duration => "time.Duration",
            Self::Location => "*time.Location",
            Self::Version => "*semver.Version",
            Self::Bytes => "[]uint8",
            Self::Certificate => "sprig.certificate",
        }
    }

    pub(crate) fn can_be_nil(self) -> bool {
        matches!(
            self,
            Self::Any | Self::Reflect | Self::Dict | Self::Anys | Self::Location | Self::Version | Self::Bytes
        )
    }
}

/// Whether the value may be passed for the parameter as it is.
pub(crate) fn assignable(value: &Value, kind: Kind) -> bool {
    match (kind, value) {
        (Kind::Any | Kind::Reflect, _)
        | (Kind::Text, Value::Text(_))
        | (Kind::Float, Value::Float(_))
        | (Kind::Bool, Value::Bool(_))
        | (Kind::Dict, Value::Dict(_))
        | (Kind::Time, Value::Time(_))
        | (Kind::Location, Value::Location(_))
        | (Kind::Certificate, Value::Certificate(_)) => true,
        (Kind::Version, Value::Version(version)) => version.pointer,
        (Kind::Int, Value::Int(integer)) => integer.kind == IntegerKind::Int,
        (Kind::Duration, Value::Int(integer)) => integer.kind == IntegerKind::Duration,
        (Kind::Anys, Value::List(list)) => list.kind == ListKind::Any,
        (Kind::Bytes, Value::List(list)) => list.kind == ListKind::Byte,
        _ => false,
    }
}

/// What `%T` prints.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Nil => "<nil>",
        Value::NilInterface => "interface {}",
        Value::Bool(_) => "bool",
        Value::Int(integer) => integer_type_name(integer.kind),
        Value::Float(_) => "float64",
        Value::Complex(..) => "complex128",
        Value::Text(_) => "string",
        Value::List(list) => list_type_name(list.kind),
        Value::Dict(_) => "map[string]interface {}",
        Value::Strings(_) => "map[string]string",
        Value::Time(_) => "time.Time",
        Value::Location(_) => "*time.Location",
        Value::NoError | Value::Error { is_interface: true, .. } => "error",
        Value::Error { problem, .. } => problem.type_name(),
        Value::Version(version) if version.pointer => "*semver.Version",
        Value::Version(_) => "semver.Version",
        Value::Certificate(_) => "sprig.certificate",
    }
}

fn integer_type_name(kind: IntegerKind) -> &'static str {
    match kind {
        IntegerKind::Int => "int",
        IntegerKind::Int64 => "int64",
        IntegerKind::Uint8 => "uint8",
        IntegerKind::Uint64 => "uint64",
        IntegerKind::Month => "time.Month",
        IntegerKind::Weekday => "time.Weekday",
        IntegerKind::Duration => "time.Duration",
    }
}

fn list_type_name(kind: ListKind) -> &'static str {
    match kind {
        ListKind::Any => "[]interface {}",
        ListKind::Text => "[]string",
        ListKind::Int => "[]int",
        ListKind::Byte => "[]uint8",
        ListKind::Lists => "[][]interface {}",
    }
}

/// What Go calls the value's kind.
pub(crate) fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Nil | Value::NilInterface | Value::NoError => "invalid",
        Value::Location(_) | Value::Error { .. } => "ptr",
        Value::Int(integer) => match integer.kind {
            IntegerKind::Int | IntegerKind::Month | IntegerKind::Weekday => "int",
            IntegerKind::Int64 | IntegerKind::Duration => "int64",
            kind => integer_type_name(kind),
        },
        Value::List(_) => "slice",
        Value::Dict(_) | Value::Strings(_) => "map",
        Value::Time(_) | Value::Certificate(_) => "struct",
        Value::Version(version) => {
            if version.pointer {
                "ptr"
            } else {
                "struct"
            }
        }
        Value::Bool(_) | Value::Float(_) | Value::Complex(..) | Value::Text(_) => type_name(value),
    }
}
