//! What stands in the public signatures of the libraries? docs/decisions/0011-public-api.md says what may.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use sealer_tests::parsed::files;
use sealer_tests::product::repository;
use syn::visit::{self, Visit};

const LIBRARIES: [&str; 4] = ["sealer-encoding", "sealer-core", "sealer-go", "sealer-resource"];

/// The items of a library that stand outside of its tests, file by file.
fn sources(library: &str) -> Vec<syn::File> {
    let is_product = |path: &PathBuf| !path.with_extension("").iter().any(|part| part == "tests" || part == "fuzzing");
    let of_library = |path: PathBuf| path.strip_prefix(repository()).unwrap().to_path_buf();
    let files = files(&repository().join(library).join("src")).into_iter().map(of_library).filter(is_product);
    files
        .map(|path| repository().join(path))
        .map(|path| syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap())
        .collect()
}

/// What the imports of a file bring in: a name, and the crate that it is of.
fn imports(file: &syn::File) -> BTreeMap<String, String> {
    fn add(tree: &syn::UseTree, of: Option<&str>, found: &mut BTreeMap<String, String>) {
        match tree {
            syn::UseTree::Path(path) => {
                let name = path.ident.to_string();
                add(&path.tree, Some(of.unwrap_or(&name)), found);
            }
            syn::UseTree::Name(name) => drop(of.map(|of| found.insert(name.ident.to_string(), of.to_owned()))),
            syn::UseTree::Rename(name) => drop(of.map(|of| found.insert(name.rename.to_string(), of.to_owned()))),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| add(tree, of, found)),
            syn::UseTree::Glob(_) => {}
        }
    }
    let mut found = BTreeMap::new();
    for item in &file.items {
        if let syn::Item::Use(item) = item {
            add(&item.tree, None, &mut found);
        }
    }
    found
}

/// The first words of the paths of public signatures, fields and variants. The lint `unreachable_pub` holds that what is
/// `pub` can be reached.
#[derive(Default)]
struct Signatures {
    words: BTreeSet<String>,
}

fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

impl Signatures {
    fn add_fields<'a>(&mut self, fields: impl IntoIterator<Item = &'a syn::Field>, are_public: bool) {
        for field in fields {
            if are_public || is_public(&field.vis) {
                self.visit_type(&field.ty);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Signatures {
    fn visit_item_mod(&mut self, _: &'ast syn::ItemMod) {}

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if is_public(&function.vis) {
            self.visit_signature(&function.sig);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if is_public(&function.vis) {
            self.visit_signature(&function.sig);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        if is_public(&item.vis) {
            self.visit_generics(&item.generics);
            self.add_fields(&item.fields, false);
        }
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        if is_public(&item.vis) {
            item.variants.iter().for_each(|variant| self.add_fields(&variant.fields, true));
        }
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        if is_public(&item.vis) {
            self.visit_type(&item.ty);
        }
    }

    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        if is_public(&item.vis) {
            visit::visit_item_trait(self, item);
        }
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        if is_public(&item.vis) {
            self.visit_type(&item.ty);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        for item in &item.items {
            if let syn::ImplItem::Fn(function) = item {
                self.visit_impl_item_fn(function);
            }
        }
    }

    fn visit_item_use(&mut self, _: &'ast syn::ItemUse) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.words.insert(path.segments.first().unwrap().ident.to_string());
        visit::visit_path(self, path);
    }
}

/// The crates whose types stand in public signatures of a library.
fn foreign(library: &str) -> BTreeSet<String> {
    let dependencies = dependencies(library);
    let mut found = BTreeSet::new();
    for file in sources(library) {
        let imports = imports(&file);
        let mut signatures = Signatures::default();
        signatures.visit_file(&file);
        found.extend(signatures.words.iter().filter_map(|word| imports.get(word).cloned()));
        // Written with the crate in front.
        found.extend(signatures.words);
    }
    found.intersection(&dependencies).cloned().collect()
}

/// The crates that a library uses, as code names them.
fn dependencies(library: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(repository().join(library).join("Cargo.toml")).unwrap();
    let (_, rest) = manifest.split_once("\n[dependencies]\n").unwrap();
    let lines = rest.split("\n[").next().unwrap().lines();
    let names = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split(['.', ' ']).next());
    names.filter(|name| !name.is_empty()).map(|name| name.replace('-', "_")).collect()
}

/// Crates that a library gives back under their own names.
fn given_back(library: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(repository().join(library).join("src/lib.rs")).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("pub use ")?.strip_suffix(';'));
    lines.flat_map(|names| names.trim_matches(['{', '}']).split(", ")).map(str::to_owned).collect()
}

#[test]
fn foreign_types_of_signatures_are_given_back() {
    for library in LIBRARIES {
        let (foreign, given_back) = (foreign(library), given_back(library));
        let missing: Vec<_> = foreign.difference(&given_back).collect();
        assert!(
            missing.is_empty(),
            "{library} has types of {missing:?} in its signatures, and does not `pub use` them"
        );
        assert!(!foreign.is_empty(), "{library}: nothing was read");
    }
}

/// Enums of failure grow: no caller may rely on having seen all of them.
#[test]
fn enums_of_failure_may_grow() {
    let says = |attributes: &[syn::Attribute], name: &str, word: &str| {
        let mut fitting = attributes.iter().filter(|attribute| attribute.path().is_ident(name));
        fitting.any(|attribute| match &attribute.meta {
            syn::Meta::List(list) => list.tokens.to_string().contains(word),
            _ => word.is_empty(),
        })
    };
    let mut seen = 0;
    for library in LIBRARIES {
        for item in sources(library).into_iter().flat_map(|file| file.items) {
            let syn::Item::Enum(item) = item else { continue };
            if is_public(&item.vis) && says(&item.attrs, "derive", "Error") {
                assert!(says(&item.attrs, "non_exhaustive", ""), "{library}: {} is not #[non_exhaustive]", item.ident);
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "{seen}");
}
