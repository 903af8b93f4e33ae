//! Rust sources as the tests on the house read them.

use std::fs;
use std::path::{Path, PathBuf};

/// All source files below a folder.
///
/// # Panics
/// If a folder cannot be read.
#[must_use]
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let below = |path: PathBuf| match path.is_dir() {
        true => files(&path),
        false => Some(path).filter(|path| path.extension().is_some_and(|ending| ending == "rs")).into_iter().collect(),
    };
    paths.into_iter().flat_map(below).collect()
}

/// The paths that an import brings in, each whole; the last word of one that takes all is `*`.
#[must_use]
pub fn imports(tree: &syn::UseTree) -> Vec<Vec<String>> {
    let behind = |word: String, rest: Vec<Vec<String>>| {
        let whole = |path: Vec<String>| std::iter::once(word.clone()).chain(path).collect();
        rest.into_iter().map(whole).collect()
    };
    match tree {
        syn::UseTree::Path(path) => behind(path.ident.to_string(), imports(&path.tree)),
        syn::UseTree::Group(group) => group.items.iter().flat_map(imports).collect(),
        syn::UseTree::Name(name) if name.ident == "self" => vec![Vec::new()],
        syn::UseTree::Name(name) => vec![vec![name.ident.to_string()]],
        syn::UseTree::Rename(name) => vec![vec![name.ident.to_string()]],
        syn::UseTree::Glob(_) => vec![vec!["*".to_owned()]],
    }
}
