//! What progenitor is shown: it chooses types, for which neither the templates of paths nor the names of
//! parameters nor any words matter, and has rules of its own for them.
//!
//! Only schemas are read by openapiv3, since all the rest that it can read would be compiled with every
//! client.

use openapiv3::{
    Components, MediaType, OpenAPI, Operation, Parameter, ParameterData, ParameterSchemaOrContent,
    PathItem, QueryStyle, ReferenceOr, RequestBody, Response, Responses, Schema, StatusCode,
};
use serde_json::Value;

/// The types of a lowered document.
pub(super) fn shown(document: &Value) -> Result<OpenAPI, String> {
    let mut shown = OpenAPI { openapi: "3.0.3".to_owned(), ..OpenAPI::default() };
    for (index, (_, item)) in members(&document["paths"]).enumerate() {
        let operation = |method| item.get(method).map(operation).transpose();
        let item = PathItem {
            get: operation("get")?,
            put: operation("put")?,
            post: operation("post")?,
            delete: operation("delete")?,
            options: operation("options")?,
            head: operation("head")?,
            patch: operation("patch")?,
            trace: operation("trace")?,
            ..PathItem::default()
        };
        shown.paths.paths.insert(format!("/{index}"), ReferenceOr::Item(item));
    }
    let schemas = members(&document["components"]["schemas"]);
    let schemas = schemas.map(|(name, it)| Ok((name.clone(), schema(it)?)));
    let schemas = schemas.collect::<Result<_, String>>()?;
    shown.components = Some(Components { schemas, ..Components::default() });
    Ok(shown)
}

/// What progenitor is shown as the name of a parameter, by its place in the list.
pub(crate) fn parameter(index: usize) -> String {
    format!("parameter{index}")
}

fn operation(it: &Value) -> Result<Operation, String> {
    let parameters = it["parameters"].as_array().into_iter().flatten().enumerate();
    let parameters = parameters.map(|(index, it)| query(index, it));
    let body = it.get("requestBody").map(|body| -> Result<_, String> {
        let content = content(&body["content"])?;
        let required = body["required"] == true;
        Ok(ReferenceOr::Item(RequestBody { content, required, ..RequestBody::default() }))
    });
    Ok(Operation {
        operation_id: it["operationId"].as_str().map(str::to_owned),
        parameters: parameters.collect::<Result<_, String>>()?,
        request_body: body.transpose()?,
        responses: responses(&it["responses"])?,
        ..Operation::default()
    })
}

fn query(index: usize, it: &Value) -> Result<ReferenceOr<Parameter>, String> {
    Ok(ReferenceOr::Item(Parameter::Query {
        parameter_data: ParameterData {
            name: parameter(index),
            description: None,
            required: it["required"] == true,
            deprecated: None,
            format: ParameterSchemaOrContent::Schema(schema(&it["schema"])?),
            example: None,
            examples: Default::default(),
            explode: None,
            extensions: Default::default(),
        },
        allow_reserved: false,
        style: QueryStyle::Form,
        allow_empty_value: None,
    }))
}

fn responses(it: &Value) -> Result<Responses, String> {
    let mut responses = Responses::default();
    for (status, it) in members(it) {
        let content = content(&it["content"])?;
        let response = ReferenceOr::Item(Response { content, ..Response::default() });
        if status == "default" {
            responses.default = Some(response);
        } else if let Ok(status) = serde_json::from_value::<StatusCode>(status.as_str().into()) {
            responses.responses.insert(status, response);
        }
    }
    Ok(responses)
}

fn content<C: FromIterator<(String, MediaType)>>(it: &Value) -> Result<C, String> {
    let media = members(it).map(|(name, it)| {
        let schema = it.get("schema").map(schema).transpose()?;
        Ok((name.clone(), MediaType { schema, ..MediaType::default() }))
    });
    media.collect()
}

fn members(it: &Value) -> impl Iterator<Item = (&String, &Value)> {
    it.as_object().into_iter().flatten()
}

fn schema(it: &Value) -> Result<ReferenceOr<Schema>, String> {
    serde_json::from_value(it.clone())
        .map_err(|error| format!("a lowered schema is not one of OpenAPI 3.0: {error}"))
}
