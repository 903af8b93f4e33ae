//! Which template takes which value of a chart: the names that lead to a value, and those that a template asks for.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use super::loose::{LooseValue, Place};
use crate::manifest::patch::{EditableText, Tree};

/// What a template takes from the values of its chart: `db`, `password` of `.Values.db.password`. Without any name it takes
/// all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference(Vec<String>);

impl Reference {
    /// Names that it consists of: the more, the fewer values it leads to.
    pub(crate) fn length(&self) -> usize {
        self.0.len()
    }

    /// Whether a value is taken by it, alone or in a map that is taken as a whole (`range`, `toYaml`, `with`).
    pub(crate) fn leads_to(&self, place: &Place) -> bool {
        match place {
            Place::Path(path) => path.starts_with(&self.0),
            Place::Name(name) => self.0.last().is_some_and(|last| last == name),
            Place::Unknown => false,
        }
    }

    /// Whether the values of the file reach a template: they are those of its chart, or stand under its name in those of a
    /// chart above it.
    pub(crate) fn takes(&self, place: &Place, file: &Path, chart: &Path) -> bool {
        if file.starts_with(chart) {
            return self.leads_to(place);
        }
        let above = chart.parent().filter(|charts| charts.file_name().is_some_and(|name| name == "charts"));
        let name = chart.file_name().and_then(|name| name.to_str());
        let (Some(above), Some(name)) = (above.and_then(Path::parent), name) else { return false };
        if !file.starts_with(above) {
            return false;
        }
        let is_global = self.0.first().is_some_and(|first| first == "global");
        match place {
            Place::Path(path) if is_global => path.starts_with(&self.0),
            Place::Path(path) => {
                path.split_first().is_some_and(|(first, rest)| first == name && rest.starts_with(&self.0))
            }
            Place::Name(_) | Place::Unknown => false,
        }
    }
}

/// What a template takes from values, as far as it says so.
pub(crate) fn references(text: &str) -> Vec<Reference> {
    let mut found: Vec<Reference> = Vec::new();
    let Some(values) = &*VALUES else { return found };
    for taken in values.captures_iter(text).take(MOST_REFERENCES) {
        let part = |name: &str| taken.name(name).map_or("", |part| part.as_str());
        let plain = part("path").split('.').map(|name| name.trim_end_matches('-'));
        let quoted = part("keys").split('"').skip(1).step_by(2);
        let is_looked_up = !part("call").is_empty();
        let names = plain.chain(quoted.filter(|_| is_looked_up)).filter(|name| !name.is_empty());
        let reference = Reference(names.map(str::to_owned).collect());
        if !found.contains(&reference) {
            found.push(reference);
        }
    }
    found
}

/// The folder of the chart that a template is of, which takes values of its own alone.
pub(crate) fn chart(template: &Path) -> Option<&Path> {
    let of_templates = |folder: &&Path| folder.file_name().is_some_and(|name| name == "templates");
    let above = || template.ancestors().skip(1);
    let marked = above().find(|folder| folder.join("Chart.yaml").is_file());
    marked.or_else(|| above().find(of_templates).and_then(Path::parent))
}

/// Finds out which names lead to each of the values of a text.
pub(super) fn place(bytes: &[u8], edited: Option<&EditableText<'_>>, values: &mut [LooseValue]) {
    if values.is_empty() || bytes.len() > MOST_TEXT {
        return;
    }
    let read = || EditableText::read(std::str::from_utf8(bytes).ok()?).ok();
    let own = if edited.is_none() { read() } else { None };
    match edited.or(own.as_ref()) {
        Some(edited) => edited.documents().iter().for_each(|tree| walk(tree, &mut Vec::new(), values)),
        None => values.iter_mut().for_each(|value| value.place = named(bytes, value.start())),
    }
}

fn walk(tree: &Tree, path: &mut Vec<String>, values: &mut [LooseValue]) {
    match tree {
        Tree::Scalar(scalar) => {
            let inside = |value: &&mut LooseValue| scalar.range.contains(&value.start());
            for value in values.iter_mut().filter(inside).filter(|_| !path.is_empty()) {
                value.place = Place::Path(path.clone());
            }
        }
        Tree::List(items, _) => {
            for (number, item) in items.iter().enumerate() {
                path.push(number.to_string());
                walk(item, path, values);
                path.pop();
            }
        }
        Tree::Map(fields, _) => {
            for (key, value) in fields {
                path.push(key.text.clone());
                walk(value, path, values);
                path.pop();
            }
        }
    }
}

/// What stands ahead of `:` or `=` on the line of a value.
fn named(bytes: &[u8], start: usize) -> Place {
    let before = bytes.get(..start).unwrap_or_default();
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let name = line
        .split_once([':', '='])
        .map(|(name, _)| name.trim_matches(|c: char| c.is_whitespace() || "\"'-{".contains(c)));
    name.filter(|name| !name.is_empty()).map_or(Place::Unknown, |name| Place::Name(name.to_owned()))
}

/// `.Values.a.b`, and `index .Values "a" "b"`.
static VALUES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?P<call>\b(?:index|get)\s+\(?\s*)?\$?\.Values\b(?P<path>(?:\.[\w-]+)*)(?P<keys>(?:\s+"[^"\n]*")*)"#)
        .ok()
});
const MOST_REFERENCES: usize = 10_000;
/// Of a file, to read for its names.
const MOST_TEXT: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        references(text).iter().map(|reference| reference.0.join("/")).collect()
    }

    #[test]
    fn references_are_read_as_templates_write_them() {
        assert_eq!(shown("{{ .Values.db.password | quote }} {{- $.Values.a -}}"), ["db/password", "a"]);
        assert_eq!(shown(r#"{{ index .Values "a-b" "c" }} {{ index $.Values.x "y" }}"#), ["a-b/c", "x/y"]);
        assert_eq!(shown(r#"{{ .Values.a "b" }} {{ default "x" .Values.c }}"#), ["a", "c"]);
        assert_eq!(shown("{{ range $k, $v := .Values.secrets }}{{ toYaml .Values }}"), ["secrets", ""]);
        assert_eq!(shown("{{ include \"values\" . }} .Valuesque"), [""; 0]);
    }

    fn path(names: &[&str]) -> Place {
        Place::Path(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn a_reference_takes_what_is_under_it_in_its_own_chart() {
        let taken = |reference: &str, place: &Place, file: &str, chart: &str| {
            references(&format!(".Values{reference}"))
                .iter()
                .all(|it| it.takes(place, Path::new(file), Path::new(chart)))
        };
        let password = path(&["db", "password"]);
        for (reference, is_taken) in
            [(".db.password", true), (".db", true), ("", true), (".db.user", false), (".password", false)]
        {
            assert_eq!(taken(reference, &password, "a/values.yaml", "a"), is_taken, "{reference}");
            let above = path(&["sub", "db", "password"]);
            assert_eq!(taken(reference, &above, "a/values.yaml", "a/charts/sub"), is_taken, "{reference}");
        }
        assert!(
            !taken(".db", &password, "b/values.yaml", "a") && !taken(".db", &password, "a/values.yaml", "a/charts/sub")
        );
        assert!(taken(".global.x", &path(&["global", "x"]), "a/values.yaml", "a/charts/sub"));
        assert!(taken(".db.password", &Place::Name("password".to_owned()), "a/v.j2", "a"));
        assert!(!taken(".db", &Place::Unknown, "a/v.j2", "a"));
    }
}
