//! Progenitor, and the settings with which it is called.

mod trim;

use std::panic::{AssertUnwindSafe, catch_unwind};

use progenitor::{GenerationSettings, Generator, InterfaceStyle, TagStyle, TypeImpl};
use schemars::schema::{InstanceType, SchemaObject, SingleOrVec};
use serde_json::{Map, Value, json};
use syn::visit_mut::VisitMut;
use syn::{Type, parse_quote};

use crate::openapi::walk;

/// The formats of strings for which the generated crate has a type of its own.
const OURS: [(&str, &str); 3] =
    [("password", "crate::Secret"), ("binary", "crate::Upload"), ("null", NULL)];

/// What the generator is told to write for `null`: it takes a path only, so that the unit type is
/// written in its place.
const NULL: &str = "crate::Null";

/// Has progenitor make types and operation builders from a lowered document.
///
/// # Errors
/// What progenitor says, its panics included: they are its way of rejecting a document.
pub fn generate(document: &Value) -> Result<syn::File, String> {
    let document: openapiv3::OpenAPI = serde_json::from_value(shown(document))
        .map_err(|error| format!("the lowered document is not OpenAPI 3.0: {error}"))?;
    let mut settings = GenerationSettings::default();
    settings
        .with_interface(InterfaceStyle::Builder)
        .with_tag(TagStyle::Merged)
        .with_derive("PartialEq");
    for (format, ours) in OURS {
        let schema = SchemaObject {
            instance_type: Some(SingleOrVec::Single(Box::new(InstanceType::String))),
            format: Some(format.to_owned()),
            ..SchemaObject::default()
        };
        settings.with_conversion(schema, ours, std::iter::empty::<TypeImpl>());
    }
    let tokens = catch_unwind(AssertUnwindSafe(|| {
        Generator::new(&settings).generate_tokens(&document).map_err(|error| error.to_string())
    }))
    .map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
    })??;
    let mut file = syn::parse2(trim::trim(tokens))
        .map_err(|error| format!("what it generated is not Rust: {error}"))?;
    Units.visit_file_mut(&mut file);
    Ok(file)
}

/// What progenitor is shown: it chooses types, for which neither the templates of paths nor the names
/// of parameters nor any words matter, and has rules of its own for them.
fn shown(document: &Value) -> Value {
    let mut paths = Map::new();
    for (index, item) in
        document["paths"].as_object().into_iter().flatten().map(|(_, it)| it).enumerate()
    {
        let operations = walk::METHODS
            .iter()
            .filter_map(|method| Some(((*method).to_owned(), operation(item.get(*method)?))));
        paths.insert(format!("/{index}"), operations.collect());
    }
    json!({
        "openapi": "3.0.3",
        "info": { "title": "", "version": "" },
        "paths": paths,
        "components": { "schemas": document["components"]["schemas"] },
    })
}

fn operation(it: &Value) -> Value {
    let parameters = it["parameters"].as_array().into_iter().flatten().enumerate();
    let parameters = parameters.map(|(index, it)| {
        json!({
            "name": parameter(index),
            "in": "query",
            "required": it["required"] == true,
            "schema": it["schema"],
        })
    });
    let mut shown = json!({
        "operationId": it["operationId"],
        "parameters": parameters.collect::<Vec<_>>(),
        "responses": it["responses"],
    });
    if let Some(body) = it.get("requestBody") {
        let required = body["required"] == true;
        shown["requestBody"] = json!({ "required": required, "content": body["content"] });
    }
    shown
}

/// What progenitor is shown as the name of a parameter, by its place in the list.
pub(crate) fn parameter(index: usize) -> String {
    format!("parameter{index}")
}

/// Writes the unit type.
struct Units;

impl VisitMut for Units {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if matches!(ty, Type::Path(path) if is_null(&path.path)) {
            *ty = parse_quote!(());
        }
        syn::visit_mut::visit_type_mut(self, ty);
    }
}

fn is_null(path: &syn::Path) -> bool {
    path.segments.len() == 2
        && path.segments.iter().map(|it| &it.ident).zip(NULL.split("::")).all(|(a, b)| a == b)
}
