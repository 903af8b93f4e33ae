//! Does every link of the documents lead somewhere? Files, and headings as forges and mdBook name them. A page that no reader
//! finds in the book's table of contents fails, too.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sealer_tests::product::repository;

/// The documents: those at the top, the chart's, and all below docs.
fn documents() -> Vec<PathBuf> {
    let root = repository();
    let mut found = markdown_below(&root.join("docs"));
    found.extend(["README.md", "CONTRIBUTING.md", "SECURITY.md", "deploy/chart/README.md"].map(|name| root.join(name)));
    found
}

fn markdown_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| match path.is_dir() {
        true => markdown_below(&path),
        false => Some(path).filter(|path| path.extension().is_some_and(|ending| ending == "md")).into_iter().collect(),
    };
    entries.flat_map(below).collect()
}

/// The lines outside of blocks of code, without what stands in code within them.
fn prose(text: &str) -> Vec<String> {
    let mut is_code = false;
    let outside = |line: &&str| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_fence && !is_code
    };
    text.lines().filter(outside).map(without_code).collect()
}

/// Code within a line may stand between single or double backticks.
fn without_code(line: &str) -> String {
    let (mut kept, mut rest) = (String::new(), line);
    while let Some((before, behind)) = rest.split_once('`') {
        let (mark, inside) = match behind.strip_prefix('`') {
            Some(inside) => ("``", inside),
            None => ("`", behind),
        };
        let Some((_, behind)) = inside.split_once(mark) else { break };
        kept.push_str(before);
        rest = behind;
    }
    kept + rest
}

/// Where the links and pictures of a text lead.
fn links(text: &str) -> Vec<String> {
    let targets = |line: &String| -> Vec<String> {
        let behind = line.split("](").skip(1);
        behind.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()).collect()
    };
    prose(text).iter().flat_map(targets).collect()
}

/// The names of the headings: small letters, hyphens for spaces, no other signs; code in them counts as its text.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        is_code ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#').trim();
        if is_code || !line.starts_with('#') || heading.is_empty() {
            continue;
        }
        let kept = heading.to_lowercase();
        let kept = kept.chars().filter(|sign| sign.is_alphanumeric() || [' ', '-', '_'].contains(sign));
        let name: String = kept.map(|sign| if sign == ' ' { '-' } else { sign }).collect();
        assert!(found.insert(name), "the heading `{heading}` stands there twice");
    }
    found
}

/// Says why a link of a document leads nowhere.
fn broken(document: &Path, target: &str) -> Option<String> {
    if target.contains("://") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() { document.to_owned() } else { document.parent()?.join(file) };
    if !path.exists() {
        return Some(format!("{}: {target}: there is no such file", document.display()));
    }
    let is_named = anchor.is_empty() || anchors(&fs::read_to_string(&path).unwrap()).contains(anchor);
    (!is_named).then(|| format!("{}: {target}: there is no such heading", document.display()))
}

#[test]
fn every_link_leads_to_a_file_and_heading_that_exist() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for document in documents() {
        let all = links(&fs::read_to_string(&document).unwrap());
        count += all.len();
        wrong.extend(all.iter().filter_map(|target| broken(&document, target)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 50, "only {count} links were found");
}

#[test]
fn the_book_names_every_page_once() {
    let folder = repository().join("docs");
    let listed = links(&fs::read_to_string(folder.join("SUMMARY.md")).unwrap());
    let names: BTreeSet<PathBuf> = listed.iter().map(PathBuf::from).collect();
    assert_eq!(names.len(), listed.len(), "a page stands there twice");
    let pages: BTreeSet<PathBuf> = markdown_below(&folder)
        .into_iter()
        .map(|page| page.strip_prefix(&folder).unwrap().to_owned())
        .filter(|page| page != Path::new("SUMMARY.md"))
        .collect();
    assert_eq!(names, pages, "docs/SUMMARY.md names every page below docs and nothing else");
}

#[test]
fn links_and_headings_are_read_as_they_are_written() {
    let text = "# A `b`: c, D\n[one](x.md#y) `[no](code.md)` ![two](z.svg)\n```\n# no\n[no](block.md)\n```\n``[n`o](x)`` [three](#e)\n";
    assert_eq!(links(text), ["x.md#y", "z.svg", "#e"]);
    assert_eq!(anchors(text), BTreeSet::from(["a-b-c-d".to_owned()]));
    let here = repository().join("README.md");
    assert!(broken(&here, "no-such-file.md").is_some() && broken(&here, "docs/format.md#no-such-heading").is_some());
    assert!(broken(&here, "docs/format.md#label").is_none() && broken(&here, "https://example.org").is_none());
}
