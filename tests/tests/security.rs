//! Every security property has a test by name, or a reason why there is none: `tests/security-tests.txt`, and the page
//! that is made of it.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use sealer_tests::product::repository;

struct Row {
    id: String,
    property: String,
    proof: Proof,
}

enum Proof {
    Tests(Vec<String>),
    None(String),
}

enum Line {
    Heading(String),
    Row(Row),
}

fn table() -> Vec<Line> {
    let text = fs::read_to_string(repository().join("tests/security-tests.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .filter_map(|line| match line.strip_prefix("## ") {
            Some(heading) => Some(Line::Heading(heading.to_owned())),
            None => (!line.starts_with('#')).then(|| Line::Row(row(line))),
        })
        .collect()
}

fn row(line: &str) -> Row {
    let parts: Vec<&str> = line.splitn(3, " | ").collect();
    let [id, property, proof] = parts.try_into().unwrap_or_else(|_| panic!("not `id | property | tests`: {line}"));
    let proof = match proof.strip_prefix("none: ") {
        Some(reason) => Proof::None(reason.to_owned()),
        None => Proof::Tests(proof.split_whitespace().map(str::to_owned).collect()),
    };
    Row { id: id.to_owned(), property: property.to_owned(), proof }
}

fn rows() -> Vec<Row> {
    table().into_iter().filter_map(|line| if let Line::Row(row) = line { Some(row) } else { None }).collect()
}

/// Every source file that may hold a test, with its path in the repository.
fn sources() -> Vec<(String, String)> {
    let root = repository();
    let mut folders: Vec<PathBuf> =
        ["sealer-encoding", "sealer-core", "sealer-go", "sealer-resource", "sealer-controller", "sealer-cli"]
            .map(|crate_| root.join(crate_))
            .into();
    folders.push(root.join("tests"));
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() && !path.ends_with("target") && !path.ends_with("fuzz") {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Where a test stands: a function without parameters that is marked as one, or a scene of the end-to-end suite.
fn places(sources: &[(String, String)], test: &str) -> Vec<String> {
    // A scene is run where the list of the suite names it.
    let list = sources.iter().find(|(name, _)| name == "tests/e2e/main.rs").map_or("", |(_, text)| text);
    let is_run = |scene: &str| list.contains(&format!("::{scene},"));
    let is_test = |name: &str, text: &str| {
        let declared = |start: &str| {
            text.match_indices(&format!("fn {test}(")).any(|(at, _)| {
                let before: Vec<&str> = text.get(..at).unwrap_or_default().lines().rev().take(6).collect();
                before.iter().any(|line| line.trim_start().starts_with(start))
            })
        };
        let is_scene =
            name.starts_with("tests/e2e/") && text.contains(&format!("pub(crate) async fn {test}(")) && is_run(test);
        is_scene || declared("#[test]") || declared("#[tokio::test")
    };
    sources.iter().filter(|(name, text)| is_test(name, text)).map(|(name, _)| name.clone()).collect()
}

fn shown(row: &Row, sources: &[(String, String)]) -> String {
    let one = |test: &String| match test.strip_prefix("compile_fail:") {
        Some(file) => format!("examples that must not compile, in `{file}`"),
        None => match test.strip_prefix("program:") {
            Some(file) => format!("`{file}`"),
            None => {
                let places = places(sources, test);
                format!("`{test}` ({})", places.first().map_or("missing", String::as_str))
            }
        },
    };
    let proof = match &row.proof {
        Proof::Tests(tests) => tests.iter().map(one).collect::<Vec<_>>().join("; "),
        Proof::None(reason) => format!("none: {reason}"),
    };
    format!("| {} | {} | {proof} |\n", row.id, row.property)
}

fn rendered() -> String {
    let sources = sources();
    let mut page = "# Security properties and their tests\n\nMade from `tests/security-tests.txt` by \
                    `WRITE=1 cargo test -p sealer-tests --test security`; edit that file, not this one.\n"
        .to_owned();
    for line in table() {
        match line {
            Line::Heading(heading) => {
                page.push_str(&format!("\n## {heading}\n\n| id | property | tests |\n|---|---|---|\n"));
            }
            Line::Row(row) => page.push_str(&shown(&row, &sources)),
        }
    }
    page
}

#[test]
fn every_test_of_the_table_exists() {
    let sources = sources();
    let mut missing = Vec::new();
    for Row { id, proof, .. } in rows() {
        let Proof::Tests(tests) = proof else { continue };
        assert!(!tests.is_empty(), "{id} names no test and no reason");
        for test in tests {
            let holds = |file: &str, what: &str| sources.iter().any(|(name, text)| name == file && text.contains(what));
            let exists = match test.split_once(':') {
                Some(("compile_fail", file)) => holds(file, "```compile_fail"),
                Some((_, file)) => holds(file, "fn main()"),
                None => !places(&sources, &test).is_empty(),
            };
            if !exists {
                missing.push(format!("{id}: {test}"));
            }
        }
    }
    assert!(missing.is_empty(), "no such test:\n{}", missing.join("\n"));
}

#[test]
fn every_property_has_one_row() {
    let ids: Vec<String> = rows().into_iter().map(|row| row.id).collect();
    let unique: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "an id stands there twice");
    let groups = [
        ("C", 10),
        ("S", 4),
        ("O", 5),
        ("L", 6),
        ("P", 8),
        ("D", 7),
        ("F", 9),
        ("Z", 6),
        ("K", 7),
        ("M", 1),
        ("W", 2),
        ("V", 10),
        ("X", 7),
    ];
    let wanted =
        groups.into_iter().flat_map(|(group, last)| (1..=last).map(move |number| format!("T-{group}{number}")));
    let others = ["T-C4'", "T-K0", "T-FZ"].map(str::to_owned);
    let missing: Vec<String> = wanted.chain(others).filter(|id| !unique.contains(id)).collect();
    assert!(missing.is_empty(), "without a row: {missing:?}");
}

#[test]
fn the_committed_page_of_security_tests_is_current() {
    let path = repository().join("docs/security-tests.md");
    if std::env::var_os("WRITE").is_some() {
        fs::write(&path, rendered()).unwrap();
    }
    assert!(fs::read_to_string(&path).is_ok_and(|page| page == rendered()), "run it once with WRITE=1");
}
