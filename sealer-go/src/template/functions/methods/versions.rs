//! Methods of versions.

use super::super::super::error::Fault;
use super::super::super::value::version::parse_version;
use super::super::super::value::{HeldVersion, Kind, Problem, Value, Version};
use super::super::versions::{VERSION_SIZE, bounded};
use super::super::{Outcome, Runtime, json, lists};
use super::marshal::{bytes, bytes_of};
use super::{Arguments, Function};

/// Of every version.
pub(super) static PLAIN: &[Function] = &[
    Function::new("Major", &[], |_, a| Ok(Value::uint64(version(a, 0)?.major))),
    Function::new("Minor", &[], |_, a| Ok(Value::uint64(version(a, 0)?.minor))),
    Function::new("Patch", &[], |_, a| Ok(Value::uint64(version(a, 0)?.patch))),
    Function::new("Prerelease", &[], |runtime, a| runtime.text(version(a, 0)?.prerelease.as_str())),
    Function::new("Metadata", &[], |runtime, a| runtime.text(version(a, 0)?.metadata.as_str())),
    Function::new("String", &[], |runtime, a| runtime.text(version(a, 0)?.to_string())),
    Function::new("Value", &[], |runtime, a| runtime.text(version(a, 0)?.to_string())),
    Function::new("IncMajor", &[], |runtime, a| changed(runtime, version(a, 0)?.next_major())),
    Function::new("IncMinor", &[], |runtime, a| changed(runtime, version(a, 0)?.next_minor())),
    Function::new("IncPatch", &[], |runtime, a| changed(runtime, version(a, 0)?.next_patch())),
    Function::new("SetPrerelease", &[Kind::Text], |runtime, a| {
        bounded(a.bytes(1))?;
        let made = version(a, 0)?.with_prerelease(&a.str(1));
        changed(runtime, made.map_err(|why| Fault::new("no pre-release", why))?)
    }),
    Function::new("SetMetadata", &[Kind::Text], |runtime, a| {
        bounded(a.bytes(1))?;
        let made = version(a, 0)?.with_metadata(&a.str(1));
        changed(runtime, made.map_err(|why| Fault::new("no metadata of a version", why))?)
    }),
    Function::new("MarshalJSON", &[], |runtime, a| {
        let text = format!("\"{}\"", version(a, 0)?);
        bytes(runtime, &[], text.as_bytes())
    }),
    Function::new("MarshalText", &[], |runtime, a| {
        let text = version(a, 0)?.to_string();
        bytes(runtime, &[], text.as_bytes())
    }),
];

/// Of pointers to versions alone.
pub(super) static POINTER: &[Function] = &[
    Function::new("Original", &[], |runtime, a| runtime.text(version(a, 0)?.original.as_str())),
    Function::new("Compare", OTHER, |_, a| Ok(Value::int(version(a, 0)?.compare(&version(a, 1)?) as i64))),
    Function::new("Equal", OTHER, |_, a| match a.any(1) {
        Value::Version(other) => Ok(Value::Bool(version(a, 0)?.compare(&other.get()).is_eq())),
        _ => Ok(Value::Bool(false)),
    }),
    Function::new("LessThan", OTHER, |_, a| Ok(Value::Bool(version(a, 0)?.compare(&version(a, 1)?).is_lt()))),
    Function::new("LessThanEqual", OTHER, |_, a| Ok(Value::Bool(version(a, 0)?.compare(&version(a, 1)?).is_le()))),
    Function::new("GreaterThan", OTHER, |_, a| Ok(Value::Bool(version(a, 0)?.compare(&version(a, 1)?).is_gt()))),
    Function::new("GreaterThanEqual", OTHER, |_, a| Ok(Value::Bool(version(a, 0)?.compare(&version(a, 1)?).is_ge()))),
    Function::new("Scan", &[Kind::Any], |runtime, a| read_anew(runtime, a, a.bytes(1))),
    Function::new("UnmarshalText", &[Kind::Bytes], |runtime, a| {
        let text = bytes_of(runtime, a, 1)?;
        read_anew(runtime, a, &text)
    }),
    Function::new("UnmarshalJSON", &[Kind::Bytes], |runtime, a| {
        let text = bytes_of(runtime, a, 1)?;
        match json::string(runtime, &text)? {
            Ok(text) => read_anew(runtime, a, &text),
            Err(problem) => Ok(Value::error(problem)),
        }
    }),
];

const OTHER: &[Kind] = &[Kind::Version];

fn version(arguments: Arguments<'_>, index: usize) -> Result<Version, Fault> {
    match arguments.any(index) {
        Value::Version(version) => Ok(version.get()),
        _ => Err(Fault::new("nothing to compare with", lists::NIL_POINTER)),
    }
}

/// A version that a method made of another one.
fn changed(runtime: &mut Runtime<'_, '_>, version: Version) -> Outcome {
    bounded(version.original.as_bytes())?;
    runtime.budget.allocate(VERSION_SIZE)?;
    Ok(Value::Version(HeldVersion::new(version, false)))
}

/// Makes the version another one for all that hold it, or returns the error as a value.
fn read_anew(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>, text: &[u8]) -> Outcome {
    bounded(text)?;
    runtime.budget.steps(text.len() as u64 / 2)?;
    match (arguments.any(0), parse_version(&crate::template::value::lossy(text))) {
        (Value::Version(held), Ok(version)) => {
            held.set(version);
            Ok(Value::NoError)
        }
        (_, Err(text)) => Ok(Value::error(Problem::of_version(text))),
        _ => Ok(Value::NoError),
    }
}
