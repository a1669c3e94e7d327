//! What is said of fields together names fields that there are: a misspelt one would check nothing.

use serde_json::Value;

use crate::lower::finding::Finding;
use crate::openapi::walk;
use crate::surface::{Relations, Term};

pub(in crate::lower) fn check(document: &mut Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    walk::operations(document, &mut |at, _, _, operation| {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let fields: Vec<_> =
            parameters.filter_map(|it| Some((it["name"].as_str()?, &it["schema"]))).collect();
        unknown(at, operation, &fields, &mut findings);
    });
    walk::schemas(document, &mut |at, schema| {
        let properties = schema["properties"].as_object().into_iter().flatten();
        let fields: Vec<_> = properties.map(|(name, it)| (name.as_str(), it)).collect();
        unknown(at, schema, &fields, &mut findings);
    });
    findings
}

fn unknown(at: &str, owner: &Value, fields: &[(&str, &Value)], findings: &mut Vec<Finding>) {
    let relations = Relations::read(owner);
    let is_known = |term: &&Term| {
        fields.iter().any(|(name, schema)| *name == term.wire && may_be(schema, term))
    };
    for term in relations.terms().filter(|term| !is_known(term)) {
        findings.push(Finding::new(
            at,
            format!("`{}` is no field here, or none of this value", term.words()),
            "correct `x-onkernel-exclusive` or `x-onkernel-requires`",
        ));
    }
}

/// Whether a field can have the value of a term; what a reference says is left to its schema.
fn may_be(schema: &Value, term: &Term) -> bool {
    let Some(value) = &term.value else { return true };
    match (schema["type"].as_str(), schema["enum"].as_array()) {
        (_, Some(values)) => values.iter().any(|it| it == value),
        (Some("boolean"), None) => ["true", "false"].contains(&value.as_str()),
        (Some(kind), None) => kind == "string",
        (None, None) => schema.get("$ref").is_some(),
    }
}
