//! Names every keyword whose value is of a kind that it cannot be, such as `required: true` at a
//! property: what cannot be read is not passed over. It is taken out, so that later rules can go on.

use serde_json::{Value, json};

use super::supported::kind;
use crate::lower::finding::Finding;
use crate::openapi::walk;

/// What the value of a keyword is.
#[derive(Clone, Copy)]
enum Wanted {
    Flag,
    Text,
    Number,
    Count,
    Texts,
    Type,
    List,
    Object,
}

use Wanted::{Count, Flag, List, Number, Object, Text, Texts, Type};

const SCHEMA: &[(&str, Wanted)] = &[
    ("$ref", Text),
    ("deprecated", Flag),
    ("discriminator", Object),
    ("format", Text),
    ("maxItems", Count),
    ("maxLength", Count),
    ("maxProperties", Count),
    ("maximum", Number),
    ("minItems", Count),
    ("minLength", Count),
    ("minProperties", Count),
    ("minimum", Number),
    ("multipleOf", Number),
    ("nullable", Flag),
    ("pattern", Text),
    ("properties", Object),
    ("readOnly", Flag),
    ("required", Texts),
    ("type", Type),
    ("writeOnly", Flag),
];

const PARAMETER: &[(&str, Wanted)] = &[
    ("allowReserved", Flag),
    ("deprecated", Flag),
    ("explode", Flag),
    ("in", Text),
    ("name", Text),
    ("required", Flag),
    ("style", Text),
];

const OPERATION: &[(&str, Wanted)] = &[
    ("deprecated", Flag),
    ("operationId", Text),
    ("parameters", List),
    ("requestBody", Object),
    ("responses", Object),
];

const BODY: &[(&str, Wanted)] = &[("content", Object), ("required", Flag)];

const RESPONSE: &[(&str, Wanted)] = &[("content", Object), ("headers", Object)];

pub(in crate::lower) fn check(document: &mut Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    walk::operations(document, &mut |at, _, _, operation| {
        hold(at, operation, OPERATION, &mut findings);
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for (index, parameter) in parameters.into_iter().flatten().enumerate() {
            hold(&format!("{at}/parameters/{index}"), parameter, PARAMETER, &mut findings);
        }
        if let Some(body) = operation.get_mut("requestBody") {
            let at = format!("{at}/requestBody");
            hold(&at, body, BODY, &mut findings);
            media(&at, body, &mut findings);
        }
        let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
        for (status, response) in responses.into_iter().flatten() {
            let at = format!("{at}/responses/{}", walk::escape(status));
            object(&at, response, "a response", &mut findings);
            hold(&at, response, RESPONSE, &mut findings);
            media(&at, response, &mut findings);
        }
    });
    walk::schemas(document, &mut |at, schema| hold(at, schema, SCHEMA, &mut findings));
    findings
}

fn media(at: &str, owner: &mut Value, findings: &mut Vec<Finding>) {
    let content = owner.get_mut("content").and_then(Value::as_object_mut);
    for (name, media) in content.into_iter().flatten() {
        object(&format!("{at}/content/{}", walk::escape(name)), media, "a media type", findings);
    }
}

fn object(at: &str, it: &mut Value, what: &str, findings: &mut Vec<Finding>) {
    if !it.is_object() {
        let message = format!("{} where {what} is expected", kind(it));
        findings.push(Finding::new(at, message, "describe it"));
        *it = json!({});
    }
}

fn hold(at: &str, owner: &mut Value, known: &[(&str, Wanted)], findings: &mut Vec<Finding>) {
    let Some(owner) = owner.as_object_mut() else { return };
    for (keyword, wanted) in known {
        let Some(value) = owner.get(*keyword).filter(|value| !wanted.fits(value)) else { continue };
        let message =
            format!("`{keyword}` is {} where {} is expected", kind(value), wanted.words());
        let help = match *keyword {
            "required" if value.is_boolean() => {
                "list the names of required properties at their object"
            }
            _ => "correct it",
        };
        findings.push(Finding::new(format!("{at}/{keyword}"), message, help));
        owner.remove(*keyword);
    }
}

impl Wanted {
    fn fits(self, value: &Value) -> bool {
        match self {
            Flag => value.is_boolean(),
            Text => value.is_string(),
            Number => value.is_number(),
            Count => value.is_u64(),
            Texts => value.as_array().is_some_and(|it| it.iter().all(Value::is_string)),
            // Of several, another rule knows more.
            Type => value.is_string() || value.is_array(),
            List => value.is_array(),
            Object => value.is_object(),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Flag => "true or false",
            Text => "a string",
            Number => "a number",
            Count => "a whole number",
            Texts => "a list of strings",
            Type => "the name of a type",
            List => "a list",
            Object => "an object",
        }
    }
}
