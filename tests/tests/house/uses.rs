//! What a source file uses outside of its tests, from the parsed text: paths, methods, and the words of macros.

use sealer_tests::parsed::imports;
use syn::visit::{self, Visit};

/// The uses of one file.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    /// Every path and import, whole: `["std", "io", "stdout"]`.
    paths: Vec<Vec<String>>,
    /// Names of methods that are called with a reference first.
    methods: Vec<String>,
    /// The tokens inside of macros, which nobody parses.
    macros: String,
}

impl Uses {
    /// Those of a text.
    pub(crate) fn of(text: &str) -> Self {
        let mut uses = Self::default();
        uses.visit_file(&syn::parse_file(text).expect("a source file that compiles"));
        uses
    }

    /// Whether a path stands somewhere in one of the file's.
    pub(crate) fn names(&self, path: &str) -> bool {
        let words: Vec<&str> = path.split("::").collect();
        self.paths.iter().any(|used| used.windows(words.len()).any(|some| some == words))
            || self.macros.contains(&format!("{path}::"))
    }

    /// Whether a method of that name is called with a reference first, as those of an `Api` are that write.
    pub(crate) fn calls(&self, method: &str) -> bool {
        self.methods.iter().any(|called| called == method) || self.macros.contains(&format!(".{method}(&"))
    }

    /// The paths that go on behind a name, without it; a word alone may be a variable.
    pub(crate) fn below<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        let below =
            move |used: &'a Vec<String>| used.split_first().filter(|(first, rest)| *first == name && !rest.is_empty());
        let of_paths = self.paths.iter().filter_map(below).map(|(_, rest)| rest.join("::"));
        let in_macros = self.macros.contains(&format!("{name}::")).then(|| "a macro".to_owned());
        of_paths.chain(in_macros)
    }
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !attributes(item).iter().any(is_test) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !function.attrs.iter().any(is_test) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.paths.extend(imports(&item.tree));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if matches!(call.args.first(), Some(syn::Expr::Reference(_))) {
            self.methods.push(call.method.to_string());
        }
        if call.turbofish.is_some() {
            self.methods.push(format!("{}::<", call.method));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, found: &'ast syn::Macro) {
        self.macros.push_str(&found.tokens.to_string().replace(' ', ""));
        self.macros.push(' ');
    }
}

/// Whether an item is there for tests alone.
fn is_test(attribute: &syn::Attribute) -> bool {
    let condition = || attribute.meta.require_list().map(|list| list.tokens.to_string()).unwrap_or_default();
    attribute.path().is_ident("test")
        || attribute.path().is_ident("cfg")
            && condition().split(|end: char| !end.is_alphanumeric()).any(|word| word == "test")
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

#[test]
fn uses_are_found_in_code_and_not_in_tests_or_texts() {
    let uses = Uses::of(
        "use std::io::{self, stdout as out}; use sealer_core::{Label, unseal::KeyTrials};
        #[cfg(test)] mod tests { use rsa::Never; fn f() { api.create(&x); } }
        // rsa::Never
        fn g() { let text = \"aes_gcm::x\"; io::stderr(); api.replace(&a, b); api.delete(c); }
        impl X { #[cfg(test)] fn h() { sha2::x(); } }
        #[test] fn t() { sha2::x(); }
        fn m() { tokio::select! { _ = api.patch(&a) => hmac::y() } }",
    );
    for (path, is_named) in [
        ("io::stdout", true),
        ("io::stderr", true),
        ("rsa", false),
        ("aes_gcm", false),
        ("sha2", false),
        ("hmac", true),
    ] {
        assert_eq!(uses.names(path), is_named, "{path}");
    }
    for (method, is_called) in [("create", false), ("replace", true), ("delete", false), ("patch", true)] {
        assert_eq!(uses.calls(method), is_called, "{method}");
    }
    assert_eq!(uses.below("sealer_core").collect::<Vec<_>>(), ["Label", "unseal::KeyTrials"]);
}
