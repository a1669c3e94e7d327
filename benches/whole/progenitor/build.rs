//! The plain rewriting of 3.1 to 3.0 that one would write first, and progenitor as it is. What it
//! refuses is left out, and counted.

use std::panic::catch_unwind;
use std::path::PathBuf;
use std::{env, fs};

use progenitor::{GenerationSettings, Generator, InterfaceStyle};
use serde_json::{Map, Value, json};

fn main() {
    println!("cargo::rerun-if-env-changed=ONKERNEL_SPEC");
    std::panic::set_hook(Box::new(|_| {}));
    let text = fs::read_to_string(env::var_os("ONKERNEL_SPEC").unwrap()).unwrap();
    let mut document = plain(serde_yaml::from_str(&text).unwrap());
    document["openapi"] = json!("3.0.3");

    let Some(Value::Object(paths)) =
        document["paths"].as_object_mut().map(std::mem::take).map(Value::Object)
    else {
        panic!("the document has no paths")
    };
    let mut kept = Map::new();
    let (mut count, mut all) = (0, 0);
    for (path, item) in &paths {
        for (method, operation) in item.as_object().unwrap() {
            if !["get", "put", "post", "delete", "patch"].contains(&method.as_str()) {
                continue;
            }
            all += 1;
            document["paths"] = json!({ path: { method: operation } });
            if generate(&document).is_some() {
                count += 1;
                let item = kept.entry(path).or_insert_with(|| json!({}));
                item[method] = operation.clone();
            }
        }
    }
    document["paths"] = Value::Object(kept);
    let file = generate(&document).expect("what it manages alone it manages together");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    fs::write(out.join("client.rs"), prettyplease::unparse(&file)).unwrap();
    fs::write(out.join("operations"), format!("{count} of {all}")).unwrap();
}

fn generate(document: &Value) -> Option<syn::File> {
    let document = serde_json::from_value(document.clone()).ok()?;
    let tokens = catch_unwind(|| {
        let mut settings = GenerationSettings::default();
        settings.with_interface(InterfaceStyle::Builder);
        Generator::new(&settings).generate_tokens(&document).ok()
    });
    syn::parse2(tokens.ok()??).ok()
}

/// Type lists, `const`, siblings of `$ref`, and keywords that 3.0 does not have.
fn plain(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(members) => {
            let mut members: Map<_, _> =
                members.into_iter().map(|(name, value)| (name, plain(value))).collect();
            if members.get("$ref").is_some_and(Value::is_string) {
                members.retain(|name, _| name == "$ref");
            }
            if let Some(Value::Array(types)) = members.get("type").cloned() {
                let (null, types): (Vec<_>, Vec<_>) =
                    types.into_iter().partition(|it| it == "null");
                if let [one] = &*types {
                    members.insert("type".to_owned(), one.clone());
                }
                if !null.is_empty() {
                    members.insert("nullable".to_owned(), true.into());
                }
            }
            if let Some(value) = members.remove("const") {
                members.insert("enum".to_owned(), json!([value]));
            }
            for keyword in ["contentEncoding", "contentMediaType", "propertyNames"] {
                members.remove(keyword);
            }
            if members.get("examples").is_some_and(Value::is_array) {
                members.remove("examples");
            }
            members.into()
        }
        other => other,
    }
}
