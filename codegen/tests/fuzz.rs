//! Mutated documents through the whole pipeline: an error that names the place, or Rust; never a
//! panic, never what progenitor rejects, never Rust that does not parse or in which two names meet.

#[path = "support/sound.rs"]
mod sound;

use onkernel_codegen::{Source, finish, generate, load, lower, outline};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

/// A document with every construct that the generator knows.
fn everything() -> Value {
    let overlay = include_str!("../../tests/whole/everything.overlay.yml");
    let overlay: Value = serde_yaml::from_str(overlay).unwrap();
    let update = |at: usize| &overlay["actions"][at]["update"];
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Everything", "version": "1" },
        "paths": update(0),
        "components": { "schemas": update(1) }
    })
}

/// What documents hold at times, and generators stumble over.
fn odd() -> impl Strategy<Value = Value> {
    let odd = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(1e300),
        json!(""),
        json!("type"),
        json!("self"),
        json!("1st"),
        json!("a b"),
        json!("é"),
        json!("$ref"),
        json!("\"}\n"),
        json!([]),
        json!({}),
        json!([null]),
        json!({ "type": "string" }),
        json!({ "$ref": "#/components/schemas/Thing" }),
        json!({ "$ref": "#/components/schemas/Gone" }),
        json!({ "oneOf": [] }),
        json!({ "allOf": [{}] }),
        json!({ "type": "object", "properties": {} }),
        json!(["string", "null"]),
        json!({ "enum": [] }),
        json!({ "enum": ["", " ", "Unknown", "Self", "a", "A"] }),
        json!({ "type": "array" }),
        json!("binary"),
        json!("array"),
        json!("object"),
        json!("integer"),
        json!("text/event-stream"),
        json!("body"),
        json!("client"),
    ];
    proptest::sample::select(odd.to_vec())
}

#[derive(Clone, Debug)]
enum Mutation {
    Replace(Value),
    Remove,
    Rename(String),
    Copy(usize),
}

fn mutation() -> impl Strategy<Value = (usize, Mutation)> {
    let name = proptest::sample::select(vec![
        "",
        "type",
        "self",
        "1st",
        "a b",
        "é",
        "$ref",
        "oneOf",
        "allOf",
        "enum",
        "body",
        "client",
        "send",
        "not",
        "application/json",
        "multipart/form-data",
        "application/x-www-form-urlencoded",
        "204",
        "2XX",
        "default",
        "A",
        "Thing",
        "thing",
        "String",
        "Vec",
    ]);
    let what = prop_oneof![
        4 => odd().prop_map(Mutation::Replace),
        2 => Just(Mutation::Remove),
        2 => name.prop_map(|name| Mutation::Rename(name.to_owned())),
        2 => (0_usize..4000).prop_map(Mutation::Copy),
    ];
    (0_usize..4000, what)
}

/// The pointers of all values of a document.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                places(inner, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), all);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                places(inner, &format!("{at}/{index}"), all);
            }
        }
        _ => {}
    }
}

fn mutate(document: &mut Value, (place, what): &(usize, Mutation)) {
    let mut all = Vec::new();
    places(document, "", &mut all);
    let at = all[place % all.len()].clone();
    let Some((owner, name)) = at.rsplit_once('/') else { return };
    let name = name.replace("~1", "/").replace("~0", "~");
    match what {
        Mutation::Replace(value) => {
            if let Some(it) = document.pointer_mut(&at) {
                *it = value.clone();
            }
        }
        Mutation::Copy(from) => {
            let copy = document.pointer(&all[from % all.len()]).cloned().unwrap_or_default();
            if let Some(it) = document.pointer_mut(&at).filter(|_| copy.to_string().len() < 2000) {
                *it = copy;
            }
        }
        Mutation::Remove | Mutation::Rename(_) => {
            let removed = match document.pointer_mut(owner) {
                Some(Value::Object(members)) => members.remove(&name),
                _ => None,
            };
            if let (Mutation::Rename(new), Some(value)) = (what, removed)
                && let Some(Value::Object(members)) = document.pointer_mut(owner)
            {
                members.insert(new.clone(), value);
            }
        }
    }
}

fn pipeline(document: &Value) -> Result<String, Vec<String>> {
    let source = Source { name: "mutated.yml".to_owned(), text: document.to_string() };
    let loaded = load(&source, &[]).map_err(|error| vec![error.to_string()])?;
    let lowered = lower::lower(loaded.root().clone())
        .map_err(|findings| findings.into_iter().map(|it| it.message).collect::<Vec<_>>())?;
    // What lowering lets through, progenitor takes.
    let generated = generate::generate(&lowered.document).unwrap_or_else(|it| panic!("{it}"));
    let file = finish::finish(generated, &lowered.surface).unwrap_or_else(|it| panic!("{it}"));
    outline::outline(&file, &lowered.surface);
    let problems = sound::problems(&file);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    Ok(prettyplease::unparse(&file))
}

#[test]
fn a_document_of_everything_is_generated() {
    let rust = pipeline(&everything()).unwrap();
    syn::parse_file(&rust).unwrap();
    for part in [
        "pub enum PostThingsResponse",
        "pub enum ThingEvent",
        "pub enum ThingConfig",
        "impl crate::request::multipart::Part",
    ] {
        let part = part.replace("PostThings", "ThingsCreate");
        assert!(rust.contains(&part), "no `{part}`");
    }
}

#[test]
fn no_document_makes_the_generator_panic() {
    // Progenitor rejects by panicking, which is caught and need not be shown.
    std::panic::set_hook(Box::new(|_| {}));
    let document = everything();
    let cases =
        std::env::var("ONKERNEL_FUZZ_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(200);
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let generated = std::cell::Cell::new(0);
    let result = runner.run(&proptest::collection::vec(mutation(), 1..4), |mutations| {
        let mut document = document.clone();
        mutations.iter().for_each(|it| mutate(&mut document, it));
        match std::panic::catch_unwind(|| pipeline(&document)) {
            Ok(Ok(rust)) => {
                generated.set(generated.get() + 1);
                prop_assert!(syn::parse_file(&rust).is_ok());
            }
            Ok(Err(problems)) => prop_assert!(!problems.is_empty()),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or(panic.downcast_ref::<&str>().map(|it| (*it).to_owned()));
                prop_assert!(false, "{}", text.unwrap_or_default());
            }
        }
        Ok(())
    });
    let _ = std::panic::take_hook();
    if let Err(failure) = result {
        panic!("{failure}");
    }
    assert!(generated.get() > cases / 10, "too few documents came through: {}", generated.get());
}
