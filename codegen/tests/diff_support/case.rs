//! One small change of a document, as the files in `tests/diff/cases` have it.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

pub fn read<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    let text = fs::read_to_string(path).unwrap();
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// `request property`, `response body` and so on, or a JSON pointer into the base document.
    #[serde(rename = "in")]
    pub place: String,
    pub old: Option<Value>,
    pub new: Option<Value>,
    pub forward: Expected,
    pub reverse: Expected,
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    pub verdict: String,
    pub changes: Vec<String>,
}

impl Case {
    /// The base document with a fragment in its place.
    pub fn document(&self, base: &Value, fragment: Option<&Value>) -> Value {
        let operation = "/paths/~1things~1{id}/post";
        let schema = "content/application~1json/schema";
        let (side, what) = self.place.split_once(' ').unwrap_or(("", ""));
        let pointer = match side {
            "request" => format!("{operation}/requestBody/{schema}"),
            "response" => format!("{operation}/responses/200/{schema}"),
            _ => self.place.clone(),
        };
        let fragment = match what {
            "property" => {
                fragment.map(|it| json!({ "type": "object", "properties": { "it": it } }))
            }
            _ => fragment.cloned(),
        };
        let mut document = base.clone();
        put(&mut document, &pointer, fragment);
        document
    }
}

/// Sets what a pointer leads to, or takes it away.
fn put(document: &mut Value, pointer: &str, value: Option<Value>) {
    let (owner, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    match (document.pointer_mut(owner).unwrap(), value) {
        (Value::Object(map), Some(value)) => drop(map.insert(key, value)),
        (Value::Object(map), None) => drop(map.remove(&key)),
        (Value::Array(items), value) => {
            items.truncate(key.parse().unwrap());
            items.extend(value);
        }
        (other, _) => panic!("{pointer}: {other}"),
    }
}
