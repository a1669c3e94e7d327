//! What the hand-written part of the client has methods of, nothing generated is called: read from its
//! sources, so that a new method is reserved, or this fails.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use heck::ToSnakeCase;
use onkernel_codegen::{RESOURCES, Source, load, lower};
use quote::ToTokens;
use syn::{ImplItem, Item, TraitItem};

/// The folders in which the client and its resources are given methods.
const FOLDERS: [&str; 3] = ["client", "helpers", "rotation"];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Each method, and the resource that has it: none is the client.
fn hand_written() -> BTreeSet<(Option<String>, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src");
    let mut paths = Vec::new();
    FOLDERS.iter().for_each(|folder| files(&src.join(folder), &mut paths));
    let mut methods = BTreeSet::new();
    for path in paths {
        let file = syn::parse_file(&std::fs::read_to_string(path).unwrap()).unwrap();
        for item in file.items {
            match item {
                Item::Impl(it)
                    if it.trait_.is_none()
                        && it.self_ty.to_token_stream().to_string() == "Client" =>
                {
                    methods.extend(it.items.iter().filter_map(|it| match it {
                        ImplItem::Fn(it) => Some((None, it.sig.ident.to_string())),
                        _ => None,
                    }));
                }
                Item::Trait(it) => {
                    let name = it.ident.to_string();
                    let Some(of) = name.strip_suffix("Ext").map(ToSnakeCase::to_snake_case) else {
                        continue;
                    };
                    let of = Some(of).filter(|of| RESOURCES.contains(&of.as_str()));
                    methods.extend(it.items.iter().filter_map(|it| match it {
                        TraitItem::Fn(it) => Some((of.clone(), it.sig.ident.to_string())),
                        _ => None,
                    }));
                }
                _ => {}
            }
        }
    }
    methods
}

/// Resource and method of an operation with this tag and this id.
fn named(tag: &str, id: &str) -> (String, String) {
    let text = format!(
        "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      tags: [{tag}]\n      operationId: {id}\n      \
         responses: {{ '204': {{ description: '' }} }}\n"
    );
    let document = load(&Source { name: "api.yml".to_owned(), text }, &[]).unwrap();
    let operation = lower::lower(document.root().clone()).unwrap().surface.operations.remove(0);
    (operation.resource, operation.call)
}

#[test]
fn no_method_of_the_hand_written_part_is_generated() {
    let methods = hand_written();
    for (of, name) in &methods {
        let (named, expected) = match of {
            None => (named(name, "look"), (format!("{name}_"), "look".to_owned())),
            Some(of) => (named(of, name), (of.clone(), format!("{name}_"))),
        };
        assert_eq!(named, expected);
    }
    assert!(methods.len() > 20, "too few were found: {methods:?}");
    assert!(methods.iter().filter_map(|(of, _)| of.as_ref()).collect::<BTreeSet<_>>().len() == 4);
}
