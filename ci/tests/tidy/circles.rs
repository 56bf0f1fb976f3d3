//! Circles of production files that name each other: none is large.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};

use super::sources::{by_package, is_for_tests, parsed};

/// Files that a circle may have; more is no longer read as one thing.
const LARGEST: usize = 5;

/// Packages with a bound of their own: `ci` has no circle.
const OTHERWISE: [(&str, usize); 1] = [("ci", 1)];

/// Path of a module, from its crate's root.
type Module = Vec<String>;

/// Modules of a package, with the file of each; those for tests are left out.
struct Modules {
    files: BTreeMap<Module, String>,
    trees: BTreeMap<String, syn::File>,
}

impl Modules {
    /// The production modules below `src`.
    fn of(folder: &str, files: &[String]) -> Self {
        let source = format!("{folder}/src/");
        let own = files.iter().filter(|file| file.starts_with(&source) && !file.contains("/src/bin/"));
        let trees: BTreeMap<_, _> = own.map(|file| (file.clone(), parsed(file))).collect();
        let mut modules = BTreeMap::new();
        let mut for_tests = Vec::new();
        for (file, tree) in &trees {
            let module = module_of(file.trim_start_matches(&source));
            note_inline(&module, file, &tree.items, &mut modules, &mut for_tests);
            modules.insert(module, file.clone());
        }
        modules.retain(|module, _| !for_tests.iter().any(|tests| module.starts_with(tests)));
        Self { files: modules, trees }
    }

    /// File of the longest module that a path begins with.
    fn file_of(&self, mut path: &[String]) -> Option<&String> {
        while !self.files.contains_key(path) {
            path = path.split_last()?.1;
        }
        self.files.get(path)
    }

    /// Edges from each production file to those that it names.
    fn edges(&self) -> BTreeMap<&String, BTreeSet<&String>> {
        let production: BTreeSet<&String> = self.files.values().collect();
        let module_of_file = |file: &String| {
            self.files
                .iter()
                .filter(|(_, own)| *own == file)
                .map(|(module, _)| module)
                .min_by_key(|m| m.len())
        };
        let named_by = |file: &'_ String| {
            let mut named = Named {
                modules: self,
                here: module_of_file(file).cloned().unwrap_or_default(),
                imported: Vec::new(),
                paths: BTreeSet::new(),
            };
            named.visit_file(&self.trees[file]);
            let files = named.paths.iter().filter_map(|path| self.file_of(path));
            files.filter(|other| *other != file).collect::<BTreeSet<_>>()
        };
        production.iter().map(|file| (*file, named_by(file))).collect()
    }
}

/// Module of a file below `src`: nothing of `lib.rs`, `a::b` of `a/b.rs` and of `a/b/mod.rs`.
fn module_of(path: &str) -> Module {
    let path = path.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "lib" { Module::new() } else { path.split('/').map(str::to_owned).collect() }
}

/// Adds the modules that stand within a file, and sorts out those for tests.
fn note_inline(
    module: &[String],
    file: &str,
    items: &[syn::Item],
    modules: &mut BTreeMap<Module, String>,
    for_tests: &mut Vec<Module>,
) {
    for item in items {
        let syn::Item::Mod(inner) = item else { continue };
        let path = [module, &[inner.ident.to_string()][..]].concat();
        if is_for_tests(&inner.attrs) {
            for_tests.push(path);
        } else if let Some((_, items)) = &inner.content {
            note_inline(&path, file, items, modules, for_tests);
            modules.insert(path, file.to_owned());
        }
    }
}

/// Paths of the crate that a file names, in imports and elsewhere; what is for tests is not read.
struct Named<'a> {
    modules: &'a Modules,
    here: Module,
    /// Modules that were imported, by the name that they have here.
    imported: Vec<(String, Module)>,
    paths: BTreeSet<Module>,
}

impl Named<'_> {
    /// A path from the crate's root, where its first part leads there.
    fn absolute(&self, parts: &[String]) -> Option<Module> {
        let (first, rest) = parts.split_first()?;
        let (mut base, mut rest) = match first.as_str() {
            "crate" => (Module::new(), rest),
            "self" => (self.here.clone(), rest),
            "super" => (self.here[..self.here.len().checked_sub(1)?].to_vec(), rest),
            name => {
                let child = [&self.here[..], &[name.to_owned()][..]].concat();
                let imported = self.imported.iter().rev().find(|(alias, _)| alias == name);
                if self.modules.files.contains_key(&child) {
                    (child, rest)
                } else {
                    (imported?.1.clone(), rest)
                }
            }
        };
        while let Some((_, after)) = rest.split_first().filter(|(part, _)| *part == "super") {
            base.pop();
            rest = after;
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    fn note(&mut self, parts: &[String]) {
        self.paths.extend(self.absolute(parts));
    }

    /// Notes each path of an import, and what names of modules it brings here.
    fn import(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()][..]].concat();
        match tree {
            syn::UseTree::Path(path) => self.import(&with(&path.ident), &path.tree),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(before, tree)),
            syn::UseTree::Glob(_) => self.note(before),
            syn::UseTree::Name(name) if name.ident == "self" => {
                self.bring(before, before.last().cloned().unwrap_or_default());
            }
            syn::UseTree::Name(name) => self.bring(&with(&name.ident), name.ident.to_string()),
            syn::UseTree::Rename(name) => self.bring(&with(&name.ident), name.rename.to_string()),
        }
    }

    fn bring(&mut self, parts: &[String], alias: String) {
        let Some(path) = self.absolute(parts) else { return };
        if self.modules.files.contains_key(&path) {
            self.imported.push((alias, path.clone()));
        }
        self.paths.insert(path);
    }

    /// Paths within a macro's call, whose grammar is not known: `crate::…`, `super::…` and what follows, outside of texts.
    fn tokens(&mut self, text: &str) {
        let plain = text.replace("\\\"", "");
        let joined = plain.split('"').step_by(2).collect::<String>().replace(" :: ", "::");
        for word in joined.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
            let parts: Vec<String> =
                word.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
            if parts.len() > 1 {
                self.note(&parts);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Named<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Struct(item) => &item.attrs,
            syn::Item::Const(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.here.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.here.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.import(&[], &item.tree);
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if path.leading_colon.is_none() && parts.len() > 1 {
            self.note(&parts);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(&call.tokens.to_string());
    }
}

/// Circles, the largest first: files each of which leads to all others of it.
fn circles<'a>(edges: &BTreeMap<&'a String, BTreeSet<&'a String>>) -> Vec<BTreeSet<&'a String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> = edges
        .keys()
        .map(|file| {
            let mut seen = BTreeSet::new();
            let mut left = vec![*file];
            while let Some(next) = left.pop() {
                left.extend(edges[next].iter().filter(|other| seen.insert(**other)));
            }
            (*file, seen)
        })
        .collect();
    let circle_of = |file: &&'a String| -> BTreeSet<&'a String> {
        let others =
            edges.keys().filter(|other| reached[file].contains(*other) && reached[*other].contains(file));
        others.copied().collect()
    };
    let all: BTreeSet<_> = edges.keys().map(circle_of).filter(|circle| circle.len() > 1).collect();
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    all
}

#[test]
fn no_circle_of_files_is_large() {
    let mut large = Vec::new();
    for (package, files) in by_package() {
        let modules = Modules::of(package.folder, &files);
        let edges = modules.edges();
        let count: usize = edges.values().map(BTreeSet::len).sum();
        assert!(
            edges.len() < 3 || count > 1,
            "{}: no import was read: the rule would check nothing",
            package.name
        );
        let found = circles(&edges);
        let sizes: Vec<_> = found.iter().map(BTreeSet::len).collect();
        println!("{}: {} files, {count} edges, circles of {sizes:?} files", package.name, edges.len());
        let bound = OTHERWISE.iter().find(|(name, _)| *name == package.name).map_or(LARGEST, |(_, own)| *own);
        large.extend(
            found.into_iter().filter(|circle| circle.len() > bound).map(|circle| format!("{circle:#?}")),
        );
    }
    assert!(large.is_empty(), "these files name each other in a circle: {}", large.join("\n"));
}

#[test]
fn a_circle_is_seen() {
    let [a, b, c, d] = ["a", "b", "c", "d"].map(str::to_owned);
    let edges = BTreeMap::from([
        (&a, BTreeSet::from([&b])),
        (&b, BTreeSet::from([&c])),
        (&c, BTreeSet::from([&a, &d])),
        (&d, BTreeSet::new()),
    ]);
    assert_eq!(circles(&edges), [BTreeSet::from([&a, &b, &c])]);
}
