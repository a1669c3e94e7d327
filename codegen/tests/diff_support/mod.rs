//! Documents to compare, and ways to change them with and without a difference.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, dead_code, unreachable_pub)]

pub mod case;
pub mod generate;
pub mod mutate;
pub mod respell;

use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The API-keys part of this repository's document, with what it reaches: small enough to change at
/// each of its places.
pub fn ours() -> Value {
    let text = fs::read_to_string(workspace().join("spec/openapi.documented.yml")).unwrap();
    let mut ours: Value = serde_yaml::from_str(&text).unwrap();
    ours["paths"].as_object_mut().unwrap().retain(|path, _| path.starts_with("/org/api_keys"));
    for kind in ["responses", "schemas"] {
        // Until nothing more is dropped: what was dropped may have been what held the rest.
        loop {
            let text = ours.to_string();
            let all = ours["components"][kind].as_object_mut().unwrap();
            let before = all.len();
            all.retain(|name, _| text.contains(&format!("\"#/components/{kind}/{name}\"")));
            if all.len() == before {
                break;
            }
        }
    }
    ours
}

/// The vendor's document of July 2026, which is not part of this repository.
pub fn vendors() -> Option<Value> {
    let path = env::var_os("ONKERNEL_VENDOR_SPEC").map_or_else(
        || workspace().join("../shared/spec/kernel-openapi-2026-07.yml"),
        PathBuf::from,
    );
    match fs::read_to_string(&path) {
        Ok(text) => Some(serde_yaml::from_str(&text).unwrap()),
        Err(error) => {
            eprintln!(
                "SKIPPED: no vendor document at {} ({error}); set ONKERNEL_VENDOR_SPEC to one",
                path.display()
            );
            None
        }
    }
}

/// Calls for each schema object below a value that holds schemas, the value itself included.
pub fn each_schema(schema: &mut Value, change: &mut impl FnMut(&mut Value)) {
    if let Some(map) = schema.as_object_mut() {
        for (key, value) in map.iter_mut() {
            match key.as_str() {
                "properties" => {
                    value
                        .as_object_mut()
                        .into_iter()
                        .flatten()
                        .for_each(|(_, it)| each_schema(it, change));
                }
                "items" | "additionalProperties" => each_schema(value, change),
                "allOf" | "oneOf" | "anyOf" => {
                    value
                        .as_array_mut()
                        .into_iter()
                        .flatten()
                        .for_each(|it| each_schema(it, change));
                }
                _ => {}
            }
        }
        change(schema);
    }
}

/// Calls for each schema of a document, wherever it stands.
pub fn each_schema_of(value: &mut Value, change: &mut impl FnMut(&mut Value)) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match key.as_str() {
                    "schema" => each_schema(value, change),
                    "schemas" => {
                        value
                            .as_object_mut()
                            .into_iter()
                            .flatten()
                            .for_each(|(_, it)| each_schema(it, change));
                    }
                    _ => each_schema_of(value, change),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| each_schema_of(it, change)),
        _ => {}
    }
}
