//! Features add: what a resource's feature generates is there, to the letter, whatever other features
//! are on beside it.

use std::collections::BTreeMap;
use std::path::Path;

use onkernel_codegen::{
    Client, DOCUMENT, Document, Features, OVERLAYS, RESOURCES, Source, client_of, load,
};
use quote::ToTokens;
use syn::{Field, Fields, ImplItem, Item, Visibility};

fn bundled() -> Document {
    let read = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
        Source { name: name.to_owned(), text: std::fs::read_to_string(path).unwrap() }
    };
    load(&read(DOCUMENT), &OVERLAYS.map(read)).unwrap_or_else(|error| panic!("{error}"))
}

fn generated(document: &Document, features: &Features) -> Client {
    client_of(document.clone(), features).unwrap_or_else(|error| panic!("{error}"))
}

/// How a builder's private field is filled when its type is read.
const FILLS_IT: &str = " invalid_ : :: std :: default :: Default :: default () ,";

/// What generation yields, item by item: the path of the module, the name or the head of an `impl`,
/// and how often it occurred before. Methods are items of their own, for
/// another feature may bring more of them.
fn items(rust: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    collect("", syn::parse_file(rust).unwrap().items, &mut found);
    found
}

fn collect(path: &str, items: Vec<Item>, found: &mut BTreeMap<String, String>) {
    for item in items {
        let (name, text) = match item {
            Item::Mod(item) => {
                let inside = item.content.map(|(_, items)| items).unwrap_or_default();
                collect(&format!("{path}{}::", item.ident), inside, found);
                continue;
            }
            Item::Impl(item) if item.trait_.is_none() => {
                let of = item.self_ty.to_token_stream().to_string().replace(' ', "");
                for method in item.items {
                    let ImplItem::Fn(method) = method else { continue };
                    let name = format!("{path}{of}::{}", method.sig.ident);
                    found.insert(name, method.to_token_stream().to_string());
                }
                continue;
            }
            // The one list of all operations.
            Item::Static(item) if item.ident == "ALL" => continue,
            Item::Use(_) => continue,
            Item::Impl(item) => {
                let of = item.trait_.as_ref().map(|(of, _)| of.to_token_stream().to_string());
                let name = format!("impl {of:?} for {}", item.self_ty.to_token_stream());
                (name, item.to_token_stream().to_string().replace(FILLS_IT, ""))
            }
            Item::Struct(mut item) => {
                // A type that another feature sends as well has a builder's private field more, which is also filled.
                if let Fields::Named(fields) = &mut item.fields {
                    let public = |field: &&Field| matches!(field.vis, Visibility::Public(_));
                    fields.named = fields.named.iter().filter(public).cloned().collect();
                }
                (format!("struct {}", item.ident), item.to_token_stream().to_string())
            }
            Item::Enum(item) => {
                (format!("enum {}", item.ident), item.to_token_stream().to_string())
            }
            other => {
                let text = other.to_token_stream().to_string();
                (text.clone(), text)
            }
        };
        let mut key = format!("{path}{name}");
        while found.contains_key(&key) {
            key.push('+');
        }
        found.insert(key, text);
    }
}

#[test]
fn a_feature_changes_nothing_of_another() {
    let document = bundled();
    let whole = items(&generated(&document, &Features::all()).rust());
    for resource in RESOURCES {
        let name = resource.replace('_', "-");
        let alone = items(&generated(&document, &Features::by(|feature| feature == name)).rust());
        assert!(
            alone.contains_key(&format!("crate::Client::{resource}")),
            "`{name}` brings no resource"
        );
        for (key, text) in alone {
            let of_whole = whole.get(&key).unwrap_or_else(|| {
                panic!("`{key}` is there with the feature `{name}` alone, and not with all")
            });
            assert_eq!(of_whole, &text, "`{key}` with `{name}` alone, and with all features");
        }
    }
}

#[test]
fn every_operation_of_the_document_has_a_feature() {
    let surface = generated(&bundled(), &Features::all()).surface;
    assert!(surface.operations.len() >= 175, "{}", surface.operations.len());
    for operation in &surface.operations {
        let top = operation.resource.split('.').next().unwrap();
        assert!(
            RESOURCES.contains(&top),
            "{} {} is in no feature",
            operation.method,
            operation.path
        );
    }
}
