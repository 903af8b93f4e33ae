//! Are the module graphs of the libraries and of both programs free of cycles, and is the controller's the one that
//! docs/architecture.md shows?
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use sealer_tests::parsed::{self, imports};
use sealer_tests::product::repository;
use syn::visit::{self, Visit};

/// Which module uses which others: a module is a file or a folder right below `src`.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// The paths of a file that begin at the crate's root, its tests apart.
struct Paths {
    /// Where the file stands: `["keys", "store"]`.
    module: Vec<String>,
    used: BTreeSet<Vec<String>>,
}

impl Paths {
    /// Takes a path in, with `crate`, `self` and `super` resolved.
    fn add(&mut self, segments: &[String]) {
        let mut at = self.module.clone();
        let mut rest = segments;
        match rest.first().map(String::as_str) {
            Some("crate") => at.clear(),
            Some("self") => {}
            Some("super") => {
                while rest.first().is_some_and(|first| first == "super") {
                    at.pop();
                    rest = rest.split_first().unwrap().1;
                }
                self.used.insert(at.into_iter().chain(rest.iter().cloned()).collect());
                return;
            }
            _ => return,
        }
        at.extend(rest.iter().skip(1).cloned());
        self.used.insert(at);
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_for_tests(&item.attrs) {
            for path in imports(&item.tree) {
                self.add(path.strip_suffix(&["*".to_owned()]).unwrap_or(&path));
            }
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.add(&segments);
        visit::visit_path(self, path);
    }

    /// Paths inside of macros such as `tracing::info!` are not parsed by syn.
    fn visit_macro(&mut self, found: &'ast syn::Macro) {
        let text = found.tokens.to_string().replace(' ', "");
        for (at, _) in text.match_indices("crate::") {
            let path = text.get(at..).unwrap().split(|end: char| !(end.is_alphanumeric() || end == '_' || end == ':'));
            let segments: Vec<String> = path.take(1).flat_map(|path| path.split("::")).map(str::to_owned).collect();
            self.add(&segments);
        }
        visit::visit_macro(self, found);
    }
}

/// Whether an item is there for tests or fuzzing alone.
fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        let condition = quote_of(attribute);
        condition.contains("test") || condition.contains("fuzzing")
    })
}

fn quote_of(attribute: &syn::Attribute) -> String {
    attribute.meta.require_list().map(|list| list.tokens.to_string()).unwrap_or_default()
}

/// What every file of a crate uses of it, by the file's module. What is built for tests alone is left out.
fn used(source: &Path) -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let (mut all, mut for_tests) = (BTreeMap::new(), BTreeSet::new());
    let is_test =
        |path: &Path| path.strip_prefix(source).unwrap().with_extension("").iter().any(|part| part == "tests");
    for path in parsed::files(source).into_iter().filter(|path| !is_test(path)) {
        let relative = path.strip_prefix(source).unwrap().with_extension("");
        let module: Vec<String> =
            relative.iter().map(|part| part.to_str().unwrap().to_owned()).filter(|part| part != "lib").collect();
        let file = syn::parse_file(&fs::read_to_string(&path).unwrap());
        let file = file.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for item in &file.items {
            if let syn::Item::Mod(inner) = item
                && is_for_tests(&inner.attrs)
            {
                for_tests.insert(module.iter().cloned().chain([inner.ident.to_string()]).collect::<Vec<_>>());
            }
        }
        let mut paths = Paths { module: module.clone(), used: BTreeSet::new() };
        paths.visit_file(&file);
        all.insert(module, paths.used);
    }
    all.retain(|module, _| !for_tests.iter().any(|test| module.starts_with(test)));
    all
}

/// The graph of the rooms: files and folders right below `src`. The root wires them, and the programs and fuzz targets
/// stand above it.
fn rooms(source: &Path) -> Graph {
    let all = used(source);
    let rooms: BTreeSet<&String> = all.keys().filter_map(|module| module.first()).collect();
    let mut graph = Graph::new();
    for (module, paths) in &all {
        let Some(room) = module.first().filter(|room| !["main", "fuzzing"].contains(&room.as_str())) else { continue };
        let others = graph.entry(room.clone()).or_default();
        let used = paths.iter().filter_map(|path| path.first()).filter(|first| *first != room);
        for first in used {
            assert!(rooms.contains(first), "{} uses `{first}` of the root; put it into a module", module.join("::"));
            others.insert(first.clone());
        }
    }
    graph
}

/// The graph of the files of a room, the room's own file apart: that one stands above them, and has what they share.
fn files(source: &Path) -> Graph {
    let all = used(source);
    let mut graph = Graph::new();
    for (module, paths) in all.iter().filter(|(module, _)| module.len() > 1) {
        let others = graph.entry(module.join("::")).or_default();
        for path in paths {
            // A path names an item of a module: the deepest module of that path.
            let names = (2..=path.len()).rev().filter_map(|length| path.get(..length));
            let Some(other) = names.into_iter().find(|name| all.contains_key(*name)) else { continue };
            if !other.starts_with(module) && !module.starts_with(other) {
                others.insert(other.join("::"));
            }
        }
    }
    graph
}

/// The graph of the folders and files at a depth, with all that is in them; what stands above it is left out.
fn rooms_at(source: &Path, depth: usize) -> Graph {
    let all = used(source);
    let room = |module: &[String]| module.get(..depth).map(|parts| parts.join("::"));
    let known: BTreeSet<String> = all.keys().filter_map(|module| room(module)).collect();
    let mut graph = Graph::new();
    for (module, paths) in &all {
        let Some(own) = room(module) else { continue };
        let others = paths.iter().filter_map(|path| room(path)).filter(|other| *other != own && known.contains(other));
        graph.entry(own.clone()).or_default().extend(others);
    }
    graph
}

/// Rooms in layers: each uses only what stands in layers below its own. An error names the rooms of the cycles and those above.
fn layers(graph: &Graph) -> Result<Vec<BTreeSet<String>>, BTreeSet<String>> {
    let mut left: BTreeSet<String> = graph.keys().cloned().collect();
    let mut layers = Vec::new();
    while !left.is_empty() {
        let is_free = |room: &&String| graph.get(*room).unwrap().iter().all(|used| !left.contains(used));
        let layer: BTreeSet<String> = left.iter().filter(is_free).cloned().collect();
        if layer.is_empty() {
            return Err(left);
        }
        left.retain(|room| !layer.contains(room));
        layers.push(layer);
    }
    Ok(layers)
}

/// The graph as docs/architecture.md has it: a line a room.
fn shown(graph: &Graph) -> String {
    let mut text = String::new();
    for layer in layers(graph).unwrap().iter().rev() {
        for room in layer {
            let used: Vec<&str> = graph.get(room).unwrap().iter().map(String::as_str).collect();
            text.push_str(format!("{room:<10} -> {}", used.join(" ")).trim_end_matches([' ', '-', '>']));
            text.push('\n');
        }
        text.push('\n');
    }
    text.trim_end().to_owned()
}

#[test]
fn modules_use_each_other_without_a_circle() {
    for name in ["sealer-encoding", "sealer-core", "sealer-go", "sealer-resource", "sealer-controller", "sealer-cli"] {
        let source = repository().join(name).join("src");
        let graphs = [rooms(&source), files(&source)].into_iter().chain((2..4).map(|depth| rooms_at(&source, depth)));
        for graph in graphs {
            let found = circles(&graph);
            assert!(found.is_empty(), "{name} has a circle among {found:#?}");
        }
    }
    let largest = repository().join("sealer-go/src");
    assert!(files(&largest).len() > 80 && rooms_at(&largest, 2).len() > 10, "modules are read");
}

#[test]
fn architecture_shows_the_graph_of_the_controller() {
    let graph = shown(&rooms(&repository().join("sealer-controller/src")));
    let text = fs::read_to_string(repository().join("docs/architecture.md")).unwrap();
    assert!(text.contains(&graph), "docs/architecture.md does not show the module graph as it is:\n\n{graph}\n");
}

/// The modules that use each other in a circle, with what of the circle they use.
fn circles(graph: &Graph) -> Graph {
    let below = |module: &String| {
        let (mut found, mut next) = (BTreeSet::new(), vec![module.clone()]);
        while let Some(module) = next.pop() {
            for used in graph.get(&module).into_iter().flatten() {
                if found.insert(used.clone()) {
                    next.push(used.clone());
                }
            }
        }
        found
    };
    let reached: Graph = graph.keys().map(|module| (module.clone(), below(module))).collect();
    let reaches = |from: &String, to: &String| reached.get(from).is_some_and(|below| below.contains(to));
    let within = |module: &String, used: &BTreeSet<String>| {
        used.iter().filter(|used| reaches(used, module)).cloned().collect::<BTreeSet<_>>()
    };
    let all = graph.iter().map(|(module, used)| (module.clone(), within(module, used)));
    all.filter(|(_, used)| !used.is_empty()).collect()
}

#[test]
fn cycle_is_found_and_named() {
    let edge = |used: &[&str]| used.iter().map(|room| (*room).to_owned()).collect::<BTreeSet<_>>();
    let mut graph =
        Graph::from([("a".to_owned(), edge(&["b"])), ("b".to_owned(), edge(&["c"])), ("c".to_owned(), edge(&[]))]);
    assert_eq!(layers(&graph).unwrap(), [edge(&["c"]), edge(&["b"]), edge(&["a"])]);
    assert_eq!(circles(&graph), Graph::new());
    graph.insert("c".to_owned(), edge(&["b"]));
    assert_eq!(layers(&graph), Err(edge(&["a", "b", "c"])));
    let circle = Graph::from([("b".to_owned(), edge(&["c"])), ("c".to_owned(), edge(&["b"]))]);
    assert_eq!(circles(&graph), circle, "what only uses the circle is no part of it");
}

#[test]
fn every_form_of_a_path_is_seen() {
    let text = "use crate::one::{self, Two, three::Four as Five}; use super::six::*; use std::fmt;
        mod inner { fn f() { crate::seven::g(); let _ = info!(error = crate::eight::text()); } }
        #[cfg(test)] mod tests { use crate::never; }
        #[cfg(any(test, feature = \"fuzzing\"))] pub(crate) use crate::never;";
    let mut paths = Paths { module: vec!["room".to_owned(), "file".to_owned()], used: BTreeSet::new() };
    paths.visit_file(&syn::parse_file(text).unwrap());
    let firsts: BTreeSet<&str> = paths.used.iter().map(|path| path.first().unwrap().as_str()).collect();
    assert_eq!(firsts, ["eight", "one", "room", "seven"].into());
    assert!(paths.used.contains(["room", "six"].map(str::to_owned).as_slice()));
}
