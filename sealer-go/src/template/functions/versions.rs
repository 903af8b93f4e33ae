//! Functions for versions, and the constraints that they fit (`Masterminds/semver`).

use std::sync::LazyLock;

use regex_automata::meta::Regex;

use super::super::error::Fault;
use super::super::value::version::{Version, parse_version};
use super::super::value::{HeldVersion, Kind, Value};
use super::Function;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("semver", &[Kind::Text], |runtime, arguments| {
        bounded(arguments.bytes(0))?;
        runtime.budget.allocate(VERSION_SIZE)?;
        let version = parse_version(&arguments.str(0)).map_err(|text| Fault::new(NO_VERSION, text))?;
        Ok(Value::Version(HeldVersion::new(version, true)))
    }),
    Function::new("semverCompare", &[Kind::Text, Kind::Text], |runtime, arguments| {
        bounded(arguments.bytes(0))?;
        bounded(arguments.bytes(1))?;
        let length = arguments.bytes(0).len() + arguments.bytes(1).len();
        runtime.budget.steps(COMPARE + length as u64 / 2)?;
        let constraints = constraints(&arguments.str(0)).map_err(|text| Fault::new("no version constraint", text))?;
        let version = parse_version(&arguments.str(1)).map_err(|text| Fault::new(NO_VERSION, text))?;
        Ok(Value::Bool(constraints.iter().any(|all| all.iter().all(|one| one.allows(&version)))))
    }),
];

/// No version and no constraint is so long, and reading one takes longer the longer it is.
pub(super) fn bounded(text: &[u8]) -> Result<(), Fault> {
    if text.len() > LONGEST { Err(Fault::Limit("too long a version")) } else { Ok(()) }
}

/// One comparison, like `>=1.2`. Of a version that is not complete the rest does not matter.
struct Constraint {
    operator: Operator,
    version: Version,
    any_minor: bool,
    any_patch: bool,
    incomplete: bool,
}

#[derive(Clone, Copy)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

/// The alternatives of a constraint; of each all comparisons must hold.
fn constraints(text: &str) -> Result<Vec<Vec<Constraint>>, String> {
    with_ranges(text).split("||").map(comparisons).collect()
}

/// `1.2 - 2` as `>= 1.2, <= 2`.
fn with_ranges(text: &str) -> String {
    let mut result = String::new();
    let mut end = 0;
    for captures in RANGE.captures_iter(text) {
        let group = |index| captures.get_group(index).and_then(|span| text.get(span.range())).unwrap_or_default();
        let Some(span) = captures.get_match() else { continue };
        result.push_str(text.get(end..span.start()).unwrap_or_default());
        result.push_str(&format!(">= {}, <= {} ", group(1), group(2)));
        end = span.end();
    }
    result.push_str(text.get(end..).unwrap_or_default());
    result
}

fn comparisons(text: &str) -> Result<Vec<Constraint>, String> {
    if !VALID.is_match(text) {
        return Err(format!("improper constraint: {text}"));
    }
    COMPARISON
        .captures_iter(text)
        .map(|captures| {
            let group = |index| captures.get_group(index).and_then(|span| text.get(span.range())).unwrap_or_default();
            comparison(group(1), [group(2), group(3), group(4)], group(5))
                .ok_or_else(|| "constraint parser error".to_owned())
        })
        .collect()
}

fn comparison(operator: &str, [major, minor, patch]: [&str; 3], rest: &str) -> Option<Constraint> {
    let is_any = |part: &str| matches!(part.trim_start_matches('.'), "" | "x" | "X" | "*");
    let (any_major, any_minor) = (is_any(major), is_any(minor));
    let (any_minor, any_patch) = (!any_major && any_minor, !any_major && !any_minor && is_any(patch));
    let text = if any_major {
        format!("0.0.0{rest}")
    } else if any_minor {
        format!("{major}.0.0{rest}")
    } else if any_patch {
        format!("{major}{minor}.0{rest}")
    } else {
        format!("{major}{minor}{patch}{rest}")
    };
    let operator = match operator {
        "!=" => Operator::NotEqual,
        ">" => Operator::Greater,
        "<" => Operator::Less,
        ">=" | "=>" => Operator::GreaterOrEqual,
        "<=" | "=<" => Operator::LessOrEqual,
        "~" | "~>" => Operator::Tilde,
        "^" => Operator::Caret,
        _ => Operator::Equal,
    };
    let incomplete = any_major || any_minor || any_patch;
    Some(Constraint { operator, version: parse_version(&text).ok()?, any_minor, any_patch, incomplete })
}

impl Constraint {
    fn allows(&self, version: &Version) -> bool {
        // Who does not ask for pre-releases gets none.
        let unasked = !version.prerelease.is_empty() && self.version.prerelease.is_empty();
        let order = version.compare(&self.version);
        match self.operator {
            _ if unasked => false,
            Operator::NotEqual if !self.incomplete => order.is_ne(),
            Operator::NotEqual => self.differs(version),
            Operator::Equal if !self.incomplete => order.is_eq(),
            Operator::Equal | Operator::Tilde => order.is_ge() && self.in_tilde_range(version),
            Operator::Greater => self.is_below(version),
            Operator::Less => order.is_lt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::LessOrEqual => self.is_not_below(version),
            Operator::Caret => order.is_ge() && self.in_caret_range(version),
        }
    }

    /// Not equal, where parts that were left open do not matter.
    fn differs(&self, version: &Version) -> bool {
        if self.version.major != version.major {
            return true;
        }
        if self.any_minor || self.version.minor != version.minor {
            return !self.any_minor;
        }
        if self.any_patch || self.version.patch != version.patch {
            return !self.any_patch || version.prerelease != self.version.prerelease;
        }
        version.compare(&self.version).is_ne()
    }

    fn is_below(&self, version: &Version) -> bool {
        if !self.incomplete || version.major != self.version.major {
            return version.compare(&self.version).is_gt();
        }
        // `>11` begins with 12, `>11.1` with 11.2.
        if self.any_minor {
            return false;
        }
        if self.any_patch {
            return version.minor > self.version.minor;
        }
        version.compare(&self.version).is_gt()
    }

    fn is_not_below(&self, version: &Version) -> bool {
        if !self.incomplete {
            return version.compare(&self.version).is_le();
        }
        let beyond = version.major == self.version.major && version.minor > self.version.minor && !self.any_minor;
        version.major <= self.version.major && !beyond
    }

    fn in_tilde_range(&self, version: &Version) -> bool {
        let constraint = &self.version;
        let zero = (constraint.major, constraint.minor, constraint.patch) == (0, 0, 0);
        if zero && !self.any_minor && !self.any_patch {
            return true;
        }
        version.major == constraint.major && (version.minor == constraint.minor || self.any_minor)
    }

    fn in_caret_range(&self, version: &Version) -> bool {
        let constraint = &self.version;
        if constraint.major > 0 || self.any_minor || version.major > 0 {
            return version.major == constraint.major;
        }
        if constraint.minor > 0 || self.any_patch || version.minor > 0 {
            return version.minor == constraint.minor;
        }
        version.patch == constraint.patch
    }
}

fn regex(parts: &[&str]) -> Regex {
    #[expect(clippy::expect_used, reason = "the patterns are constants, and a test compiles them")]
    Regex::new(&parts.concat()).expect("the pattern is valid")
}

static RANGE: LazyLock<Regex> =
    LazyLock::new(|| regex(&[SPACE, "(", VERSION, ")", SPACES, "-", SPACES, "(", VERSION, ")", SPACE]));
static VALID: LazyLock<Regex> = LazyLock::new(|| {
    let one = [OPERATOR, SPACE, VERSION, SPACE].concat();
    regex(&["^(?:", SPACE, &one, ")(?:(?:", SPACES, "|,", SPACE, ")", &one, ")*$"])
});
static COMPARISON: LazyLock<Regex> = LazyLock::new(|| regex(&["(", OPERATOR, ")", SPACE, VERSION_PARTS]));

const NO_VERSION: &str = "no semantic version";
const SPACE: &str = r"[\t\n\x0C\r ]*";
const SPACES: &str = r"[\t\n\x0C\r ]+";
const OPERATOR: &str = "(?:=||!=|>|<|>=|=>|<=|=<|~|~>|\\^)";
const VERSION: &str = r"v?[0-9|x|X|*]+(?:\.[0-9|x|X|*]+)?(?:\.[0-9|x|X|*]+)?(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?";
const VERSION_PARTS: &str = r"v?([0-9|x|X|*]+)(\.[0-9|x|X|*]+)?(\.[0-9|x|X|*]+)?((?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?";
const LONGEST: usize = 1 << 10;
pub(super) const VERSION_SIZE: usize = 4 << 10;
/// Steps that reading the shortest constraint takes.
const COMPARE: u64 = 100;
