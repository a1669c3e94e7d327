//! From paths to files: which file of a package defines what another one uses.

use super::read::{Module, Path};
use std::collections::BTreeMap;

/// Imports by the importing and the imported file, with a path of each.
pub(super) type Imports = BTreeMap<(String, String), String>;

/// The modules of a package.
pub(super) struct Package<'a> {
    /// By path from the root, with the file that holds each.
    modules: BTreeMap<Path, (&'a str, &'a Module)>,
}

impl<'a> Package<'a> {
    /// Takes the files of a source folder.
    pub(super) fn new(source: &str, files: &'a BTreeMap<String, Module>) -> Self {
        let mut package = Self { modules: BTreeMap::new() };
        for (file, module) in files {
            let inside = file.strip_prefix(source).unwrap_or(file).trim_start_matches('/');
            package.add(module_path(inside), file, module);
        }
        package
    }

    fn add(&mut self, path: Path, file: &'a str, module: &'a Module) {
        for (name, inner) in &module.inline {
            let inside = path.iter().chain([name]).cloned().collect();
            self.add(inside, file, inner);
        }
        // A package with a library and a program has two roots; the program imports the library.
        if !file.ends_with("/main.rs") || !self.modules.contains_key(&path) {
            self.modules.insert(path, (file, module));
        }
    }

    /// Every import of one file by another.
    pub(super) fn imports(&self) -> Imports {
        let mut imports = Imports::new();
        for (here, (file, module)) in &self.modules {
            let used = module.imports.iter().filter(|(name, _)| {
                // A name that is only re-exported is the business of whoever imports it.
                module.reexports.contains(*name) && module.names.contains(*name)
            });
            for path in module.uses.iter().chain(used.map(|(_, path)| path)) {
                let to = self.absolute(here, path).and_then(|path| self.file(&path, 0));
                if let Some(to) = to.filter(|to| to != file) {
                    let files = ((*file).to_owned(), to.to_owned());
                    imports.entry(files).or_insert_with(|| path.join("::"));
                }
            }
        }
        imports
    }

    /// A path from the root; none for what another package defines.
    fn absolute(&self, here: &[String], path: &[String]) -> Option<Path> {
        let (first, rest) = path.split_first()?;
        let mut base = here.to_vec();
        match first.as_str() {
            "crate" => base.clear(),
            "self" => {}
            "super" => {
                base.pop()?;
                let above = rest.iter().take_while(|word| *word == "super").count();
                base.truncate(base.len().checked_sub(above)?);
                return Some([&base, &rest[above..]].concat());
            }
            name => {
                let inside = [here, std::slice::from_ref(first)].concat();
                let (_, module) = self.modules.get(here)?;
                if self.modules.contains_key(&inside) || module.items.contains(name) {
                    base = inside;
                } else {
                    let import = module.imports.get(name)?;
                    // One step is enough: imports of imports are written from the root.
                    let rooted = matches!(import[0].as_str(), "crate" | "self" | "super");
                    base = rooted.then(|| self.absolute(here, import)).flatten()?;
                }
            }
        }
        Some([&base, rest].concat())
    }

    /// The file that defines what a path from the root names.
    fn file(&self, path: &[String], depth: usize) -> Option<&'a str> {
        let known =
            (0..=path.len()).rev().find(|length| self.modules.contains_key(&path[..*length]))?;
        let (here, rest) = path.split_at(known);
        let (file, module) = self.modules[here];
        // No chain of re-exports is as long as this, unless it is a circle.
        let (Some(name), true) = (rest.first(), depth < 16) else { return Some(file) };
        let follow = |import: &Path, rest: &[String]| {
            let import = self.absolute(here, import)?;
            self.file(&[&import, rest].concat(), depth + 1)
        };
        if let Some(import) = module.imports.get(name) {
            // None for what another package defines.
            return follow(import, &rest[1..]);
        }
        if !module.items.contains(name) {
            let mut globs = module.globs.iter().filter_map(|glob| self.absolute(here, glob));
            if let Some(glob) = globs.find(|glob| self.has(glob, name)) {
                return self.file(&[&glob, rest].concat(), depth + 1);
            }
        }
        Some(file)
    }

    fn has(&self, module: &[String], name: &str) -> bool {
        let inside = [module, &[name.to_owned()]].concat();
        self.modules.contains_key(&inside)
            || self.modules.get(module).is_some_and(|(_, module)| {
                module.items.contains(name) || module.imports.contains_key(name)
            })
    }
}

/// `error/kind.rs` and `error/kind/mod.rs` are both `error::kind`.
fn module_path(file: &str) -> Path {
    let file = file.strip_suffix(".rs").unwrap_or(file);
    let mut path: Path = file.split('/').map(str::to_owned).collect();
    if matches!(path.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        path.pop();
    }
    path
}

#[cfg(test)]
mod tests {
    use super::super::read::read;
    use super::*;

    fn imports(files: &[(&str, &str)]) -> Vec<String> {
        let files = files.iter().map(|(file, text)| ((*file).to_owned(), read(text).unwrap()));
        let files = files.collect();
        let imports = Package::new("", &files).imports();
        imports.keys().map(|(from, to)| format!("{from} -> {to}")).collect()
    }

    #[test]
    fn a_re_export_leads_to_where_the_item_is_defined() {
        let files = [
            (
                "lib.rs",
                "mod a; mod b; pub use self::a::Thing; pub mod prelude { pub use crate::Thing; }",
            ),
            ("a/mod.rs", "mod deep; pub use self::deep::*;"),
            ("a/deep.rs", "pub struct Thing;"),
            ("b.rs", "use crate::prelude::Thing; fn f(_: Thing) {}"),
        ];
        assert_eq!(imports(&files), ["b.rs -> a/deep.rs"]);
    }

    #[test]
    fn a_re_export_that_its_file_uses_is_an_import() {
        let files = [
            ("lib.rs", "mod a;"),
            ("a/mod.rs", "mod deep; pub use self::deep::Thing; fn f(_: Thing) {}"),
            ("a/deep.rs", "pub struct Thing;"),
        ];
        assert_eq!(imports(&files), ["a/mod.rs -> a/deep.rs"]);
    }

    #[test]
    fn a_re_export_of_another_package_is_nobodys() {
        let files = [
            ("lib.rs", "mod a; pub use http::Method;"),
            ("a.rs", "use crate::Method; fn f(_: Method) {}"),
        ];
        assert_eq!(imports(&files), [""; 0]);
    }

    #[test]
    fn neighbours_children_parents_and_imported_modules_are_found() {
        let files = [
            ("main.rs", "mod a; mod b; fn main() { a::run() }"),
            ("a/mod.rs", "mod c; pub struct Up; pub fn run() { c::run() }"),
            (
                "a/c.rs",
                "use super::Up; use crate::b; pub fn run() { let _: Up; b::f(); std::mem::drop(1) }",
            ),
            ("b.rs", "use std::fs; pub fn f() { fs::read(\"\") }"),
        ];
        assert_eq!(
            imports(&files),
            ["a/c.rs -> a/mod.rs", "a/c.rs -> b.rs", "a/mod.rs -> a/c.rs", "main.rs -> a/mod.rs"]
        );
    }
}
