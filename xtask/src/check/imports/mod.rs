//! Imports go down a short table of layers, and never in a circle.

mod circle;
mod layers;
mod order;
mod read;
mod resolve;

use self::layers::{LAYERS, Layers, PACKAGES};
use self::read::Module;
use self::resolve::Package;
use super::report::Failure;
use crate::files;
use std::collections::BTreeMap;
use std::path::Path;

/// Checks every package.
pub(super) fn check(root: &Path) -> Vec<Failure> {
    PACKAGES.iter().flat_map(|folder| package(root, folder, LAYERS)).collect()
}

/// Checks one package by the tables of its folders.
fn package(root: &Path, source: &str, tables: &[Layers]) -> Vec<Failure> {
    let mut failures = Vec::new();
    let mut modules: BTreeMap<String, Module> = BTreeMap::new();
    let mut files = files::sources(root, source);
    files.retain(|file| file.ends_with(".rs"));
    for file in &files {
        let read = files::read_in(root, file)
            .and_then(|text| read::read(&text).map_err(|error| format!("{file}: {error}")));
        match read {
            Ok(module) => {
                modules.insert(file.clone(), module);
            }
            Err(error) => failures.push(Failure::new(file, &error, "cargo check --workspace")),
        }
    }
    if !failures.is_empty() {
        // Without one file, others seem to import what they do not.
        return failures;
    }
    let imports = Package::new(source, &modules).imports();
    failures.extend(circle::circles(&imports).into_iter().map(|circle| {
        let what = format!("imports in a circle: {}", circle.join(" -> "));
        let repair = "move what both sides need into a file of its own, or pass it as an argument";
        Failure::new(circle[0], &what, repair)
    }));
    for table in tables.iter().filter(|table| {
        table
            .folder
            .strip_prefix(source)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }) {
        failures.extend(order::rows(table, &files));
        failures.extend(order::imports(table, &imports));
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::layers::TABLE;
    use super::*;
    use crate::check::tree::Tree;

    const TABLES: &[Layers] = &[
        Layers { folder: "src", rows: &["top", "middle", "bottom"], apart: &["alone"] },
        Layers { folder: "src/middle", rows: &["left", "right"], apart: &[] },
    ];

    /// A package that is in order.
    fn tree() -> Tree {
        let tree = Tree::new();
        tree.write("src/lib.rs", "mod top; mod middle; mod bottom; mod alone; pub use top::Top;");
        tree.write("src/top.rs", "use crate::middle::left::Left; pub struct Top(Left);");
        tree.write("src/middle/mod.rs", "pub mod left; pub mod right;");
        tree.write("src/middle/left.rs", "use super::right::Right; pub struct Left(Right);");
        tree.write("src/middle/right.rs", "use crate::bottom::Bottom; pub struct Right(Bottom);");
        tree.write("src/bottom.rs", "pub struct Bottom;");
        tree.write("src/alone.rs", "pub struct Alone;");
        tree
    }

    #[track_caller]
    fn only_failure(file: &str, code: &str) -> Failure {
        let tree = tree();
        assert_eq!(package(tree.root(), "src", TABLES), []);
        tree.write(file, code);
        let failures = package(tree.root(), "src", TABLES);
        assert_eq!(failures.len(), 1, "{failures:?}");
        failures.into_iter().next().unwrap()
    }

    #[test]
    fn an_import_from_above_names_both_files() {
        let tree = tree();
        tree.write("src/top.rs", "pub struct Top;");
        tree.write("src/bottom.rs", "use crate::Top; pub struct Bottom(Top);");
        let failures = package(tree.root(), "src", TABLES);
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert_eq!(failures[0].file, "src/bottom.rs");
        assert!(failures[0].what.contains("`crate::Top` from src/top.rs"), "{failures:?}");
    }

    #[test]
    fn what_stands_apart_imports_nothing() {
        let failure = only_failure("src/alone.rs", "fn f() { crate::bottom::f() }");
        assert_eq!(failure.file, "src/alone.rs");
        assert!(failure.what.contains("src/bottom.rs"), "{failure:?}");
        assert!(failure.what.contains("share no code"), "{failure:?}");
    }

    #[test]
    fn an_import_against_a_nested_table_is_found() {
        let tree = tree();
        tree.write("src/middle/left.rs", "pub struct Left;");
        tree.write("src/middle/right.rs", "use super::left::Left; pub struct Right(Left);");
        let failures = package(tree.root(), "src", TABLES);
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert_eq!(failures[0].file, "src/middle/right.rs");
        assert!(failures[0].what.contains("src/middle/left.rs"), "{failures:?}");
        assert!(failures[0].what.contains("`left` stands above `right`"), "{failures:?}");
        assert!(failures[0].repair.contains(TABLE));
    }

    #[test]
    fn a_circle_names_every_file_in_it() {
        let tree = tree();
        tree.write("src/top.rs", "pub struct Top;");
        tree.write("src/middle/mod.rs", "mod left; mod right; pub struct Own;");
        tree.write("src/middle/left.rs", "use super::right::Right; pub struct Left(Right);");
        tree.write("src/middle/right.rs", "pub struct Right; fn f() { crate::middle::left::f() }");
        let failures = package(tree.root(), "src", &TABLES[..1]);
        assert_eq!(failures.len(), 1, "{failures:?}");
        let circle = "src/middle/left.rs -> src/middle/right.rs -> src/middle/left.rs";
        assert!(failures[0].what.contains(circle), "{failures:?}");
    }

    #[test]
    fn the_root_stands_above_everything() {
        let failure = only_failure("src/alone.rs", "use crate::Root; struct Alone(Root);");
        assert!(failure.what.contains("src/lib.rs"), "{failure:?}");
        assert!(failure.what.contains("above everything"), "{failure:?}");
    }

    #[test]
    fn a_table_and_its_folder_agree() {
        let failure = only_failure("src/new.rs", "");
        assert!(failure.what.contains("no row for `new`"), "{failure:?}");
        let tree = tree();
        std::fs::remove_file(tree.root().join("src/alone.rs")).unwrap();
        let failures = package(tree.root(), "src", TABLES);
        assert!(failures[0].what.contains("a row `alone`"), "{failures:?}");
    }

    #[test]
    fn a_file_that_is_no_rust_is_named() {
        let failure = only_failure("src/alone.rs", "pub struct");
        assert_eq!(failure.file, "src/alone.rs");
    }
}
