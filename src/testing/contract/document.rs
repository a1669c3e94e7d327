//! The document as the build script leaves it: operations, and schemas that are a reference, a choice
//! or a type.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

/// Every operation of the document, whichever resources of the client are built.
#[derive(Deserialize)]
pub(in crate::testing) struct Contract {
    pub(super) operations: Vec<Operation>,
    pub(super) schemas: BTreeMap<String, Schema>,
}

#[derive(Deserialize)]
pub(in crate::testing) struct Operation {
    /// Resource and method: `browsers.create`.
    pub(in crate::testing) id: String,
    pub(super) method: String,
    pub(super) path: String,
    /// Whether it needs no key.
    pub(in crate::testing) open: bool,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Body>,
    /// The ways to succeed, in the order of their statuses.
    pub(super) responses: Vec<Success>,
    pub(super) relations: Relations,
}

#[derive(Deserialize)]
pub(super) struct Parameter {
    pub(super) name: String,
    #[serde(rename = "in")]
    pub(super) place: Place,
    #[serde(default)]
    pub(super) required: bool,
    #[serde(flatten)]
    pub(super) style: Style,
    pub(super) schema: Schema,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Place {
    Path,
    Query,
    Header,
}

/// How a list or an object is written as text.
#[derive(Default, Deserialize)]
pub(super) struct Style {
    #[serde(rename = "style")]
    pub(super) name: Option<String>,
    pub(super) explode: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct Body {
    #[serde(rename = "type")]
    pub(super) media_type: String,
    pub(super) required: bool,
    pub(super) schema: Schema,
}

#[derive(Deserialize)]
pub(super) struct Success {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, Schema>,
    #[serde(rename = "type")]
    pub(super) media_type: Option<String>,
    #[serde(default)]
    pub(super) schema: Schema,
}

/// What a value must be.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Schema {
    #[serde(rename = "$ref")]
    pub(super) reference: Option<String>,
    pub(super) choice: Option<Choice>,
    #[serde(rename = "type")]
    pub(super) kind: Option<Kind>,
    pub(super) nullable: bool,
    pub(super) default: Option<Value>,
    #[serde(rename = "enum")]
    pub(super) values: Option<Vec<Value>>,
    pub(super) format: Option<String>,
    pub(super) pattern: Option<String>,
    pub(super) min_length: Option<usize>,
    pub(super) max_length: Option<usize>,
    #[serde(rename = "max-bytes")]
    pub(super) max_bytes: Option<usize>,
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    pub(super) exclusive_minimum: bool,
    pub(super) exclusive_maximum: bool,
    pub(super) multiple_of: Option<f64>,
    pub(super) items: Option<Box<Schema>>,
    /// Of a tuple, what its items are in their order; the last stands for all further ones.
    pub(super) places: Vec<Schema>,
    pub(super) min_items: Option<usize>,
    pub(super) max_items: Option<usize>,
    pub(super) unique_items: bool,
    pub(super) properties: BTreeMap<String, Schema>,
    pub(super) required: Vec<String>,
    /// What there may be besides the properties.
    pub(super) rest: Option<Box<Schema>>,
    /// Whether there may be nothing besides the properties.
    pub(super) closed: bool,
    pub(super) property_names: Option<Box<Schema>>,
    pub(super) min_properties: Option<usize>,
    pub(super) max_properties: Option<usize>,
    pub(super) sets: Option<Sets>,
    #[serde(flatten)]
    pub(super) relations: Relations,
    /// The media type of a part of a form.
    pub(super) part: Option<String>,
    /// How a field of a form is written.
    pub(super) encoding: Option<Style>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

/// A value of one of several kinds.
#[derive(Deserialize)]
pub(super) struct Choice {
    /// The property that says which; without it the shape of the value does.
    pub(super) tag: Option<String>,
    /// Whether that property stands beside the value instead of inside it.
    pub(super) beside: bool,
    pub(super) kinds: Vec<Variant>,
}

#[derive(Deserialize)]
pub(super) struct Variant {
    /// What the tag says for it.
    pub(super) tags: Vec<String>,
    pub(super) schema: Schema,
}

/// Sets of properties of which one must be there: exactly one, or at least one.
#[derive(Deserialize)]
pub(super) struct Sets {
    pub(super) exactly: bool,
    pub(super) sets: Vec<Vec<String>>,
}

/// What holds between fields, each a name or `name=value`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Relations {
    /// Groups of which at most one may be there.
    pub(super) exclusive: Vec<Vec<String>>,
    /// Fields that may not all be there.
    pub(super) excluded: Vec<Vec<String>>,
    /// What is left needs what is right.
    pub(super) requires: BTreeMap<String, String>,
}

impl Contract {
    /// The document that the crate was built with.
    pub(in crate::testing) fn get() -> &'static Self {
        static CONTRACT: OnceLock<Contract> = OnceLock::new();
        CONTRACT.get_or_init(|| {
            let text = include_str!(concat!(env!("OUT_DIR"), "/contract.json"));
            // The build script wrote it, and a test reads it.
            serde_json::from_str(text)
                .unwrap_or(Contract { operations: Vec::new(), schemas: BTreeMap::new() })
        })
    }

    /// The operation of this id.
    pub(in crate::testing) fn operation(&self, id: &str) -> Option<&Operation> {
        self.operations.iter().find(|it| it.id == id)
    }

    /// Follows references.
    pub(super) fn resolve<'a>(&'a self, schema: &'a Schema) -> &'a Schema {
        let mut schema = schema;
        // A reference to itself is no schema; what follows so many is none.
        for _ in 0..32 {
            let target = schema.reference.as_ref().and_then(|name| self.schemas.get(name));
            let Some(target) = target else { break };
            schema = target;
        }
        schema
    }
}

impl Operation {
    /// Whether it is about keys, which have state.
    pub(in crate::testing) fn is_on_keys(&self) -> bool {
        self.path.starts_with("/org/api_keys") || self.path == "/auth/context"
    }
}

impl Schema {
    pub(super) fn requires(&self, name: &str) -> bool {
        self.required.iter().any(|it| it == name)
    }

    /// The schema of the item at a place of a list, if it has items.
    pub(super) fn item(&self, index: usize) -> Option<&Schema> {
        self.places.get(index).or(self.places.last()).or(self.items.as_deref())
    }

    /// The schema of a member of an object, if it may have it.
    pub(super) fn member(&self, name: &str) -> Option<&Schema> {
        self.properties.get(name).or(self.rest.as_deref())
    }

    pub(super) fn is_object(&self) -> bool {
        self.kind == Some(Kind::Object) || !self.properties.is_empty()
    }
}
