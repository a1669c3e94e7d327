//! Our document against what the vendor publishes, where those files are present: same facts, other
//! words. spec/README.md says how to run this, and with what.
//!
//! `ONKERNEL_VENDOR_SPEC` is the vendor's document of July 2026, `ONKERNEL_FACTS` the facts of
//! November 2026, `ONKERNEL_DOCUMENT` another document to check than the bundled one.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use onkernel_codegen::{DOCUMENT, Document};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::workspace;
use xtask::{merge, yaml};

/// What ours says otherwise than the facts, on purpose. All else has to be equal.
const DIFFERENT: [&str; 5] = [
    "keys that begin with `x-`",
    "`format: password` on what is secret",
    "words, and examples",
    "null: `type: [T, 'null']` or `anyOf` with it, instead of `nullable`",
    "a key's policy and its statements: schemas of their own instead of in place, twice",
];

/// The schemas of the last difference.
const OURS_ALONE: [&str; 2] = ["ApiKeyPolicy", "ApiKeyPolicyStatement"];

/// A file that an environment variable names, or the usual one beside the project; says so and is
/// none where it does not exist.
fn shared(variable: &str, usual: &str) -> Option<PathBuf> {
    let file = std::env::var_os(variable).map_or_else(|| workspace().join(usual), PathBuf::from);
    if file.is_file() {
        return Some(file);
    }
    println!("skipped: {} does not exist; {variable} says where it is", file.display());
    None
}

fn july() -> Option<PathBuf> {
    shared("ONKERNEL_VENDOR_SPEC", "../shared/spec/kernel-openapi-2026-07.yml")
}

fn facts() -> Option<PathBuf> {
    shared("ONKERNEL_FACTS", "../shared/spec/kernel-facts-2026-11.yml")
}

fn ours() -> PathBuf {
    std::env::var_os("ONKERNEL_DOCUMENT").map_or_else(|| workspace().join(DOCUMENT), PathBuf::from)
}

fn read(path: &Path) -> Document {
    let text = std::fs::read_to_string(path).unwrap();
    Document::parse(&text, &path.display().to_string()).unwrap()
}

#[test]
fn no_eight_words_in_a_row_are_the_vendors() {
    let Some(july) = july() else { return };
    let runs = |text: &str| -> Vec<String> {
        let separator = |it: char| !it.is_alphanumeric() && it != '_' && it != '\'';
        let words: Vec<String> =
            text.split(separator).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
        words.windows(8).map(|run| run.join(" ")).collect()
    };
    let mut vendors = BTreeMap::new();
    for (at, text) in prose(read(&july).root()) {
        for run in runs(&text) {
            vendors.entry(run).or_insert_with(|| at.clone());
        }
    }
    assert!(vendors.len() > 1000, "{} has hardly any words", july.display());
    let copied: Vec<_> = prose(read(&ours()).root())
        .into_iter()
        .flat_map(|(at, text)| runs(&text).into_iter().map(move |run| (at.clone(), run)))
        .filter_map(|(at, run)| Some(format!("{at}: \"{run}\", as {}", vendors.get(&run)?)))
        .collect();
    assert!(copied.is_empty(), "say it otherwise:\n{}", copied.join("\n"));
}

/// Every text of a document that is meant for people, with its pointer.
fn prose(value: &Value) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    collect(value, "", &mut texts);
    texts
}

fn collect(value: &Value, at: &str, texts: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let at = format!("{at}/{key}");
                match value {
                    Value::String(text)
                        if ["description", "summary", "title"].contains(&key.as_str()) =>
                    {
                        texts.push((at, text.clone()));
                    }
                    _ => collect(value, &at, texts),
                }
            }
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, it)| collect(it, &format!("{at}/{index}"), texts));
        }
        _ => {}
    }
}

#[test]
fn what_ours_has_the_facts_have_field_for_field() {
    let Some(facts) = facts() else { return };
    let (facts, ours) = (bare(read(&facts).root()), bare(read(&ours()).root()));
    let mut differences = Vec::new();
    for (path, item) in ours["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let other = &facts["paths"][path][method];
            compare(operation, other, &format!("/paths/{path}/{method}"), &mut differences);
        }
    }
    for section in ["schemas", "responses", "securitySchemes"] {
        for (name, component) in ours["components"][section].as_object().unwrap() {
            let other = &facts["components"][section][name];
            if !OURS_ALONE.contains(&name.as_str()) {
                let at = format!("/components/{section}/{name}");
                compare(component, other, &at, &mut differences);
            }
        }
    }
    for key in ["servers", "security"] {
        compare(&ours[key], &facts[key], &format!("/{key}"), &mut differences);
    }
    let allowed = DIFFERENT.join("; ");
    assert!(
        differences.is_empty(),
        "beyond what is meant ({allowed}):\n{}",
        differences.join("\n")
    );
}

#[test]
fn what_the_facts_have_ours_has() {
    let Some(facts) = facts() else { return };
    let (facts, ours) = (bare(read(&facts).root()), bare(read(&ours()).root()));
    let mut missing: Vec<_> = operations(&facts).difference(&operations(&ours)).cloned().collect();
    for section in ["schemas", "responses", "securitySchemes"] {
        let names = facts["components"][section].as_object().unwrap().keys();
        let missed = names.filter(|name| ours["components"][section].get(*name).is_none());
        missing.extend(missed.map(|name| format!("components/{section}/{name}")));
    }
    let tags = |document: &Value| -> BTreeSet<String> {
        let tags = document["tags"].as_array().unwrap().iter();
        tags.map(|tag| tag["name"].as_str().unwrap().to_owned()).collect()
    };
    missing.extend(tags(&facts).difference(&tags(&ours)).map(|tag| format!("tag {tag}")));
    assert!(missing.is_empty(), "{} are missing:\n{}", missing.len(), missing.join("\n"));
}

/// What `cargo xtask regen` would make of the facts is the whole document, byte for byte.
#[test]
fn taking_the_facts_again_changes_nothing() {
    let Some(facts) = facts() else { return };
    let path = ours();
    let text = std::fs::read_to_string(&path).unwrap();
    let merged = merge::merge(&read(&path), &read(&facts)).unwrap();
    let written = yaml::write(&merged.tree);
    let head: String =
        text.split_inclusive('\n').take_while(|line| line.starts_with('#')).collect();
    let same = text.lines().zip(head.lines().chain(written.lines())).enumerate();
    let first = same.into_iter().find(|(_, (before, after))| before != after);
    assert!(format!("{head}{written}") == text, "{first:?}\n{}", merged.notes.to_text());
}

/// The names of what is newer than July are those of a client, and may not be the document's.
#[test]
fn schemas_of_other_names_lose_no_word() {
    let Some(facts) = facts() else { return };
    let mut facts: Value = read(&facts).root().clone();
    let schemas = facts["components"]["schemas"].take();
    let renamed = schemas.as_object().unwrap().iter();
    let renamed: Map<String, Value> =
        renamed.map(|(name, schema)| (format!("Other{name}"), schema.clone())).collect();
    facts["components"]["schemas"] = Value::Object(renamed);
    let renamed = facts.to_string().replace("#/components/schemas/", "#/components/schemas/Other");
    let renamed = Document::parse(&renamed, "renamed.json").unwrap();
    let ours = read(&ours());
    let merged = merge::merge(&ours, &renamed).unwrap();
    assert_eq!(merged.notes.dropped, BTreeSet::new());
    let words = |value: &Value| prose(value).iter().filter(|(_, text)| !text.is_empty()).count();
    assert_eq!(words(&merged.tree.to_value()), words(ours.root()));
}

/// As when the vendor publishes a document with other facts: whatever it says, it says no word.
#[test]
fn taking_the_vendors_document_brings_no_word_of_theirs() {
    let Some(july) = july() else { return };
    let (ours, theirs) = (read(&ours()), read(&july));
    let merged = merge::merge(&ours, &theirs).unwrap();
    let words = |value: &Value| -> BTreeSet<String> {
        prose(value).into_iter().map(|(_, text)| text).filter(|text| !text.is_empty()).collect()
    };
    let merged = merged.tree.to_value();
    let (kept, known) = (words(&merged), words(ours.root()));
    let foreign: Vec<_> = kept.difference(&known).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    assert_eq!(operations(&merged), operations(theirs.root()));
}

#[test]
fn the_report_since_july_lists_the_operations_that_are_newer_and_no_others() {
    let Some(july) = july() else { return };
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["diff", "--format", "json"])
        .args([&july, &ours()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let reported = |message: &str| -> BTreeSet<String> {
        let changes = report["changes"].as_array().unwrap().iter();
        let changes = changes.filter(|change| change["message"] == message);
        changes.map(|change| shape(change["operation"].as_str().unwrap())).collect()
    };
    let shapes = |path: &Path| -> BTreeSet<String> {
        operations(read(path).root()).iter().map(|it| shape(it)).collect()
    };
    let (mut before, after) = (shapes(&july), shapes(&ours()));
    // Our overlay brings this one to older documents, so that the report does not miss it.
    before.insert("GET /auth/context".to_owned());
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| -> BTreeSet<String> {
        one.difference(other).cloned().collect()
    };
    assert_eq!(reported("operation added"), only(&after, &before));
    assert_eq!(reported("operation removed"), only(&before, &after));
}

/// The operations of a document, as `GET /things/{id}`.
fn operations(document: &Value) -> BTreeSet<String> {
    const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];
    let paths = document["paths"].as_object().unwrap().iter();
    let of = |(path, item): (&String, &Value)| -> Vec<String> {
        let methods = item.as_object().unwrap().keys();
        let methods = methods.filter(|it| METHODS.contains(&it.as_str()));
        methods.map(|method| format!("{} {path}", method.to_uppercase())).collect()
    };
    paths.flat_map(of).collect()
}

/// An operation without the names of its path's parameters.
fn shape(operation: &str) -> String {
    let step = |step: &str| if step.starts_with('{') { "{}".to_owned() } else { step.to_owned() };
    operation.split('/').map(step).collect::<Vec<_>>().join("/")
}

/// A document without what may differ.
fn bare(document: &Value) -> Value {
    let schemas = document["components"]["schemas"].clone();
    plain(document, false, &schemas)
}

/// `named` where the keys are names: a property may be called `description`.
fn plain(value: &Value, named: bool, schemas: &Value) -> Value {
    let object = match value {
        Value::Object(object) => object,
        Value::Array(items) => return items.iter().map(|it| plain(it, false, schemas)).collect(),
        other => return other.clone(),
    };
    let reference = object.get("$ref").and_then(Value::as_str).unwrap_or_default();
    if let Some(name) =
        OURS_ALONE.iter().find(|name| reference == format!("#/components/schemas/{name}"))
    {
        return plain(&schemas[*name], false, schemas);
    }
    let mut out = Map::new();
    for (key, value) in object {
        let is_word = matches!(key.as_str(), "description" | "summary" | "example");
        if !named && (key.starts_with("x-") || is_word) {
            continue;
        }
        let holds_names = !named && matches!(key.as_str(), "properties" | "mapping");
        out.insert(key.clone(), plain(value, holds_names, schemas));
    }
    if named {
        return Value::Object(out);
    }
    let is_secret = object.get("x-secret") == Some(&json!(true));
    if is_secret || out.get("format") == Some(&json!("password")) {
        out.insert("format".to_owned(), json!("password"));
    }
    spell_null(out)
}

/// Both ways to say that null is allowed, as one.
fn spell_null(mut object: Map<String, Value>) -> Value {
    let null = json!({ "type": "null" });
    let is_null = |it: &Value| *it == null;
    match object.remove("anyOf") {
        Some(Value::Array(choices)) if choices.len() == 2 && choices.iter().any(is_null) => {
            let other = choices.into_iter().find(|it| !is_null(it));
            object.extend(other.and_then(|it| it.as_object().cloned()).unwrap_or_default());
            object.insert("nullable".to_owned(), json!(true));
        }
        Some(other) => drop(object.insert("anyOf".to_owned(), other)),
        None => {}
    }
    if let Some(Value::Array(types)) = object.get("type").cloned() {
        let others: Vec<_> = types.iter().filter(|it| **it != "null").cloned().collect();
        if let ([one], true) = (others.as_slice(), types.len() == 2) {
            object.insert("type".to_owned(), one.clone());
            object.insert("nullable".to_owned(), json!(true));
            if let Some(Value::Array(values)) = object.get_mut("enum") {
                values.retain(|it| !it.is_null());
            }
        }
    }
    Value::Object(object)
}

fn compare(ours: &Value, facts: &Value, at: &str, differences: &mut Vec<String>) {
    match (ours, facts) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: BTreeSet<_> = one.keys().chain(other.keys()).collect();
            for key in keys {
                let get = |it: &Map<String, Value>| it.get(key).cloned().unwrap_or_default();
                compare(&get(one), &get(other), &format!("{at}/{key}"), differences);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                compare(one, other, &format!("{at}/{index}"), differences);
            }
        }
        _ if ours == facts => {}
        _ => differences.push(format!("{at}: {ours} here, {facts} in the facts")),
    }
}
