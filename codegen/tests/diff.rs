//! The comparison of documents, case by case: `diff/cases/` holds one small change a file, with what
//! a reader is shown, forwards and backwards.

#![allow(clippy::unwrap_used, clippy::panic)]

mod diff_support;

use std::fs;
use std::path::{Path, PathBuf};

use diff_support::case::{Case, Expected, read};
use onkernel_codegen::diff::{Report, diff};
use serde_json::{Value, json};

const OPERATION: &str = "POST /things/{id}";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diff")
}

fn shown(report: &Report) -> Expected {
    let line = |change: &onkernel_codegen::diff::Change| {
        let place = match change.operation.as_deref() {
            Some(OPERATION) => String::new(),
            Some(other) => format!("{other}: "),
            None => "document: ".to_owned(),
        };
        format!("{} {place}{}", change.effect.as_str(), change.message)
    };
    Expected {
        verdict: report.verdict.as_str().to_owned(),
        changes: report.changes.iter().map(line).collect(),
    }
}

#[test]
fn each_case_is_told_as_expected_forwards_and_backwards() {
    let base: Value = read(&folder().join("base.yml"));
    let mut failures = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(folder().join("cases")).unwrap() {
        let path = entry.unwrap().path();
        let case: Case = read(&path);
        let old = case.document(&base, case.old.as_ref());
        let new = case.document(&base, case.new.as_ref());
        for (way, from, to, expected) in
            [("forward", &old, &new, &case.forward), ("reverse", &new, &old, &case.reverse)]
        {
            let report = diff(from, to);
            if shown(&report) != *expected {
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                failures
                    .push(format!("{name} {way}: {:#?}\nexpected {expected:#?}", shown(&report)));
            }
            for change in &report.changes {
                assert!(
                    to.pointer(&change.pointer).or(from.pointer(&change.pointer)).is_some(),
                    "{change:?} leads nowhere"
                );
            }
        }
        assert!(diff(&new, &new).is_empty(), "{}", path.display());
        count += 1;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(count >= 80, "only {count} cases were found");
}

/// A document of operations that all return, and perhaps take, a `Thing`.
fn document(paths: &[&str], taken: bool, schemas: Value) -> Value {
    let thing =
        json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } } });
    let mut operation =
        json!({ "responses": { "200": { "description": "ok", "content": thing } } });
    if taken {
        operation["requestBody"] = json!({ "content": thing });
    }
    let paths: serde_json::Map<String, Value> =
        paths.iter().map(|path| ((*path).to_owned(), json!({ "put": operation }))).collect();
    json!({ "openapi": "3.1.0", "paths": paths, "components": { "schemas": schemas } })
}

#[test]
fn a_schema_that_goes_both_ways_is_judged_both_ways() {
    let old = json!({ "Thing": { "type": "integer", "maximum": 10 } });
    let new = json!({ "Thing": { "type": "integer", "maximum": 5 } });
    let report = diff(&document(&["/a"], true, old), &document(&["/a"], true, new));
    assert_eq!(
        shown(&report).changes,
        [
            "breaking PUT /a: request body: maximum lowered from 10 to 5",
            "documentation PUT /a: response 200 body: maximum lowered from 10 to 5",
        ]
    );
}

#[test]
fn a_recursive_schema_is_told_of_once() {
    let tree = |label: &str| {
        let children =
            json!({ "type": "array", "items": { "$ref": "#/components/schemas/Thing" } });
        json!({ "Thing": { "type": "object", "properties": {
            "label": { "type": label },
            "children": children,
        } } })
    };
    let (old, new) = (tree("string"), tree("integer"));
    let report = diff(&document(&["/a"], false, old), &document(&["/a"], false, new));
    assert_eq!(
        shown(&report).changes,
        ["breaking PUT /a: response 200 property `label`: type changed from string to integer"]
    );
    assert_eq!(report.changes[0].pointer, "/components/schemas/Thing/properties/label");
}

#[test]
fn references_that_fan_out_without_bound_come_to_an_end() {
    let chain = |last: &str| {
        let mut schemas = serde_json::Map::new();
        for index in 0..60 {
            let next = json!({ "$ref": format!("#/components/schemas/S{}", index + 1) });
            let schema = json!({ "properties": { "a": next, "b": next }, "not": next, "oneOf": [
                { "properties": { "c": next, "kind": { "const": 1 } } }, next
            ] });
            schemas.insert(format!("S{index}"), schema);
        }
        schemas.insert("S60".to_owned(), json!({ "type": last }));
        schemas.insert("Loop".to_owned(), json!({ "$ref": "#/components/schemas/Loop" }));
        let thing = json!({ "allOf": [
            { "$ref": "#/components/schemas/S0" },
            { "$ref": "#/components/schemas/Loop" },
            { "$ref": "#/nowhere" },
        ] });
        schemas.insert("Thing".to_owned(), thing);
        document(&["/a"], false, Value::Object(schemas))
    };
    assert!(diff(&chain("string"), &chain("string")).is_empty());
    assert!(!diff(&chain("string"), &chain("integer")).is_empty());
}

#[test]
fn the_same_change_of_many_operations_is_read_once() {
    let (old, new) =
        (json!({ "Thing": { "type": "string" } }), json!({ "Thing": { "type": "integer" } }));
    let old_paths = ["/a", "/b", "/c", "/d", "/gone"];
    let report = diff(&document(&old_paths, false, old), &document(&old_paths[..4], false, new));
    assert_eq!(
        report.to_text(),
        "for callers of this crate: major (5 breaking)\n\
         for anyone who speaks HTTP: major (5 breaking)\n\
         \n\
         4 operations\n  \
           breaking       response 200 body: type changed from string to integer\n    \
             PUT /a\n    PUT /b\n    PUT /c\n    PUT /d\n\
         \n\
         PUT /gone\n  \
           breaking       operation removed\n"
    );
    assert_eq!(
        report.to_markdown(),
        "for callers of this crate: major (5 breaking)\n\
         \n\
         for anyone who speaks HTTP: major (5 breaking)\n\
         \n\
         **4 operations**\n\
         \n\
         - breaking: response 200 body: type changed from string to integer\n\
         \n\
         These are: `PUT /a`, `PUT /b`, `PUT /c`, `PUT /d`.\n\
         \n\
         **PUT /gone**\n\
         \n\
         - breaking: operation removed\n"
    );
}

#[test]
fn the_json_has_its_documented_shape() {
    let old = json!({ "info": { "version": "1" }, "paths": { "/a": { "get": {} } } });
    let new = json!({ "info": { "version": "2" }, "paths": {} });
    let json: Value = serde_json::from_str(&diff(&old, &new).to_json()).unwrap();
    assert_eq!(
        json,
        json!({ "verdict": "major", "http_verdict": "major", "changes": [
            {
                "operation": null,
                "pointer": "/info/version",
                "message": "`info.version` changed from `1` to `2`",
                "effect": "documentation",
                "http_effect": "documentation",
            },
            {
                "operation": "GET /a",
                "pointer": "/paths/~1a/get",
                "message": "operation removed",
                "effect": "breaking",
                "http_effect": "breaking",
            },
        ] })
    );
    let nothing =
        "{\n  \"verdict\": \"none\",\n  \"http_verdict\": \"none\",\n  \"changes\": []\n}\n";
    assert_eq!(diff(&old, &old).to_json(), nothing);
}
