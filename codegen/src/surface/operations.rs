//! What an operation takes, how it succeeds and how it fails.

use std::collections::BTreeMap;

use heck::ToSnakeCase;
use serde_json::Value;

use super::reach::{holds_types, media, resolve};
use super::relations::Relations;
use super::schemas::{field_rule, name_of, notes};
use super::types::{Body, Operation, Paging, Parameter, Place, Style, Success};
use crate::openapi::{Content, Holders, reference, walk};

/// What an operation is compared with, read once from the whole document.
pub(super) struct Common<'a> {
    secrets: Holders,
    /// The body that most errors have.
    error: Option<&'a str>,
}

impl<'a> Common<'a> {
    pub(super) fn read(document: &'a Value) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, item) in document["paths"].as_object().into_iter().flatten() {
            for operation in walk::METHODS.iter().filter_map(|method| item.get(method)) {
                bodies(operation).for_each(|(_, name)| *counts.entry(name).or_default() += 1);
            }
        }
        let error = counts.iter().max_by_key(|(_, count)| **count).map(|(name, _)| *name);
        Self { secrets: Holders::of(document, "password"), error }
    }
}

pub(super) fn read_operation(
    document: &Value,
    common: &Common<'_>,
    path: &str,
    method: &str,
    it: &Value,
) -> Operation {
    let text = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
    let parameters = it["parameters"].as_array().into_iter().flatten();
    let parameters = parameters.filter_map(|it| read_parameter(document, it));
    let parameters: Vec<Parameter> = parameters.collect();
    let responses = it["responses"].as_object();
    let successes = responses.into_iter().flatten().filter(|(status, _)| status.starts_with('2'));
    let found: Vec<Success> =
        successes.clone().map(|(status, response)| read_success(status, response)).collect();
    let secret_response = successes
        .clone()
        .flat_map(|(_, response)| media(response))
        .any(|(_, media)| common.secrets.hold(&media["schema"]));
    let paging = successes.clone().find_map(|(_, response)| read_paging(response, it));
    let repeat = it["x-onkernel-repeat"].as_str();
    Operation {
        name: text("operationId"),
        resource: text("x-onkernel-resource"),
        call: text("x-onkernel-method"),
        method: method.to_uppercase(),
        path: walk::path(path).to_owned(),
        summary: text("summary"),
        description: text("description"),
        deprecated: it["deprecated"] == true,
        hidden: ["x-hidden", "x-internal"].iter().any(|key| it[*key] == true),
        parameters,
        body: it.get("requestBody").and_then(|it| read_body(document, it)),
        successes: found,
        errors: read_errors(common, it),
        statuses: responses
            .into_iter()
            .flatten()
            .map(|(status, response)| {
                let description = response["description"].as_str().unwrap_or_default();
                (status.clone(), description.to_owned())
            })
            .collect(),
        safe: match repeat {
            Some(repeat) => repeat == "safe",
            None => matches!(method, "get" | "head" | "options" | "put" | "delete"),
        },
        secret_response,
        paging,
        relations: Relations::read(it),
    }
}

fn read_body(document: &Value, it: &Value) -> Option<Body> {
    let (name, media) = media(it).next()?;
    let properties = resolve(document, &media["schema"])["properties"].as_object();
    let styles = properties.into_iter().flatten().filter_map(|(name, property)| {
        let style = match property.get("x-onkernel-encoding") {
            Some(encoding) => read_style(encoding),
            None => property.get("x-onkernel-part").map(|_| Style::Json)?,
        };
        Some((name.clone(), style))
    });
    let slots = it["x-onkernel-slots"].as_object().into_iter().flatten();
    Some(Body {
        whole: name_of(it),
        slots: slots
            .filter_map(|(wire, name)| Some((wire.clone(), name.as_str()?.to_owned())))
            .collect(),
        extra: it["x-onkernel-extra"].as_str().map(ToOwned::to_owned),
        styles: styles.collect(),
        required: it["required"] == true,
        content: Content::of_request(name, media)?,
        media_type: name.clone(),
    })
}

fn read_success(status: &str, response: &Value) -> Success {
    let media = media(response).next();
    let content = media.and_then(|(name, media)| Content::of_response(name, media));
    Success {
        status: status.to_owned(),
        name: name_of(response).unwrap_or_default(),
        description: response["description"].as_str().unwrap_or_default().to_owned(),
        content,
    }
}

/// Pages are announced by two headers, whether there is more and what comes next, of which the
/// second is named as the query parameter that selects it.
fn read_paging(response: &Value, operation: &Value) -> Option<Paging> {
    let headers = response["headers"].as_object()?;
    let (has_more, _) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("X-Has-More"))?;
    headers.iter().find_map(|(next, _)| {
        let parameter = next.to_snake_case().strip_prefix("x_next_")?.to_owned();
        let asks = |name: &str| {
            let mut parameters = operation["parameters"].as_array().into_iter().flatten();
            parameters.find(|it| it["in"] == "query" && it["name"] == name)
        };
        let limit = asks("limit").filter(|it| it["schema"]["type"] == "integer");
        let asks = asks(&parameter)?;
        let media = media(response).next().map(|(_, media)| media)?;
        Some(Paging {
            limit: limit.map(|it| ("limit".to_owned(), it["schema"]["default"].as_u64())),
            has_more: has_more.clone(),
            next: next.clone(),
            parameter,
            by_offset: asks["schema"]["type"] == "integer",
            of_items: media["schema"]["type"] == "array",
        })
    })
}

/// The errors that say more, or something else, than most errors of the document.
fn read_errors(common: &Common<'_>, operation: &Value) -> Vec<(String, String)> {
    bodies(operation)
        .filter(|(_, name)| Some(*name) != common.error)
        .map(|(status, name)| (status.clone(), name.to_owned()))
        .collect()
}

/// The bodies of an operation's errors: status and type.
fn bodies(operation: &Value) -> impl Iterator<Item = (&String, &str)> {
    let responses = operation["responses"].as_object().into_iter().flatten();
    responses.filter(|(status, _)| !status.starts_with('2')).flat_map(|(status, response)| {
        media(response).filter_map(move |(_, media)| Some((status, reference(&media["schema"])?)))
    })
}

/// The style of a parameter, or of a property of a form that is written like one.
fn read_style(it: &Value) -> Style {
    match it["style"].as_str() {
        Some("json") => Style::Json,
        Some("deepObject") => Style::Deep,
        Some("spaceDelimited") => Style::Joined(' '),
        Some("pipeDelimited") => Style::Joined('|'),
        Some("simple") => Style::Joined(','),
        _ if it["explode"] == false => Style::Joined(','),
        _ if it["allowReserved"] == true => Style::Reserved,
        _ => Style::Repeated,
    }
}

/// Whether a parameter of this schema is one text, or in the query a list of them, as its Rust type
/// shows itself.
fn is_text(document: &Value, schema: &Value, place: Place) -> bool {
    let schema = resolve(document, schema);
    let in_query = place == Place::Query;
    match schema["type"].as_str() {
        Some("boolean" | "integer" | "number") => true,
        Some("string") => match schema["format"].as_str() {
            Some("password" | "binary") => false,
            Some("date-time") => in_query,
            _ => true,
        },
        Some("array") => {
            let items = &schema["items"];
            let nested = items["nullable"] == true || resolve(document, items)["type"] == "array";
            in_query && !nested && is_text(document, items, place)
        }
        _ => schema["enum"][0].is_string(),
    }
}

fn read_parameter(document: &Value, it: &Value) -> Option<Parameter> {
    let place = match it["in"].as_str()? {
        "path" => Place::Path,
        "query" => Place::Query,
        "header" => Place::Header,
        _ => return None,
    };
    let schema = &it["schema"];
    let mut notes = notes(schema);
    if let Some(description) = it["description"].as_str() {
        description.clone_into(&mut notes.description);
    }
    notes.deprecated |= it["deprecated"] == true;
    let style = match place {
        Place::Query => read_style(it),
        _ if it["style"] == "json" => Style::Json,
        _ => Style::Joined(','),
    };
    let usual = if place == Place::Query { Style::Repeated } else { Style::Joined(',') };
    let structured = style != usual || !is_text(document, schema, place);
    Some(Parameter {
        name: name_of(it)?,
        wire: it["name"].as_str()?.to_owned(),
        place,
        style,
        structured,
        required: it["required"] == true,
        rule: field_rule(schema),
        holds_types: holds_types(schema) && (structured || schema.get("$ref").is_none()),
        notes,
    })
}
