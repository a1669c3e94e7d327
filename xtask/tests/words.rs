//! Taking over facts: our words stay where their place stays, and the vendor's never come in.
#![allow(clippy::unwrap_used)]

use onkernel_codegen::Document;
use serde_json::{Value, json};
use xtask::merge::{Merged, Notes, merge};
use xtask::yaml;

const OURS: &str = "\
openapi: 3.1.0
info:
  title: An API
  description: What it is for.
  version: 0.1.0
tags:
  - name: Things
    description: All about things.
paths:
  /things/{id}:
    get:
      operationId: getThing
      tags:
        - Things
      summary: Get a thing
      x-onkernel-repeat: safe
      parameters:
        - name: id
          in: path
          required: true
          description: The thing's id.
          schema:
            type: string
        - name: limit
          in: query
          description: How many.
          schema:
            type: integer
            maximum: 100
      responses:
        '200':
          description: The thing.
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/Thing'
components:
  schemas:
    Thing:
      description: What one is.
      type: object
      required:
        - token
        - kind
      properties:
        token:
          type: string
          format: password
          description: What opens it.
          example: ours
        kind:
          type: string
          enum:
            - small
            - large
          description: Its kind.
        owner:
          $ref: '#/components/schemas/Owner'
    Owner:
      description: Who has it.
      type: object
      properties:
        name:
          type: [string, 'null']
          description: How they are called.
";

/// A sentence that stands wherever the vendor could write one.
const MARK: &str = "Words of the vendor.";

fn ours() -> Document {
    Document::parse(OURS, "ours.yml").unwrap()
}

/// What the vendor would publish: the same facts, with prose everywhere and keys of their own.
fn theirs() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": MARK, "description": MARK, "version": "9", "contact": { "name": MARK }, "x-logo": MARK,
        },
        "externalDocs": { "description": MARK, "url": "https://example.com" },
        "x-vendor": { "prose": MARK },
        "tags": [{ "name": "Things", "description": MARK, "externalDocs": { "description": MARK } }],
        "paths": {
            "x-paths": MARK,
            "/things/{id}": {
                "get": {
                    "tags": ["Things"], "operationId": "getThing", "summary": MARK, "description": MARK,
                    "x-codeSamples": [{ "lang": "go", "source": MARK }],
                    "parameters": [
                        {
                            "in": "path", "name": "id", "required": true, "description": MARK,
                            "schema": { "type": "string", "title": MARK, "example": MARK }, "example": MARK,
                        },
                        {
                            "in": "query", "name": "limit", "description": MARK,
                            "schema": { "maximum": 100, "type": "integer", "$comment": MARK },
                            "examples": { "one": { "summary": MARK, "value": MARK } },
                        },
                    ],
                    "responses": {
                        "x-responses": MARK,
                        "200": {
                            "description": MARK,
                            "links": { "next": { "description": MARK } },
                            "content": {
                                "application/json": {
                                    "schema": { "$ref": "#/components/schemas/Thing", "description": MARK },
                                    "example": { "token": MARK },
                                },
                            },
                        },
                    },
                },
            },
        },
        "components": {
            "examples": { "thing": { "summary": MARK, "value": MARK } },
            "schemas": {
                "Owner": {
                    "description": MARK, "type": "object",
                    "properties": { "name": { "nullable": true, "type": "string", "description": MARK } },
                },
                "Thing": {
                    "type": "object", "title": MARK, "description": MARK, "required": ["kind", "token"],
                    "properties": {
                        "kind": { "enum": ["large", "small"], "type": "string", "x-enum-descriptions": [MARK] },
                        "owner": { "$ref": "#/components/schemas/Owner", "summary": MARK },
                        "token": { "type": "string", "description": MARK, "examples": [MARK] },
                    },
                },
            },
        },
    })
}

fn take(theirs: &Value) -> Merged {
    let theirs = Document::parse(&theirs.to_string(), "theirs.json").unwrap();
    let merged = merge(&ours(), &theirs).unwrap();
    let text = yaml::write(&merged.tree);
    assert!(!text.contains("vendor"), "{text}");
    // What was taken is not taken again.
    let again = merge(&Document::parse(&text, "merged.yml").unwrap(), &theirs).unwrap();
    assert_eq!(yaml::write(&again.tree), text);
    merged
}

/// What the vendor publishes, with one change.
fn changed(pointer: &str, value: Value) -> Value {
    let mut theirs = theirs();
    *theirs.pointer_mut(pointer).unwrap() = value;
    theirs
}

fn added(pointer: &str, key: &str, value: Value) -> Value {
    let mut theirs = theirs();
    theirs.pointer_mut(pointer).unwrap().as_object_mut().unwrap().insert(key.to_owned(), value);
    theirs
}

fn text(merged: &Merged) -> String {
    yaml::write(&merged.tree)
}

fn reread(notes: &Notes) -> Vec<String> {
    let line = |(at, facts): (&String, &std::collections::BTreeSet<String>)| {
        format!("{at}: {}", facts.iter().cloned().collect::<Vec<_>>().join(", "))
    };
    notes.reread.iter().map(line).collect()
}

fn wordless(notes: &Notes) -> Vec<&str> {
    notes.wordless.iter().map(String::as_str).collect()
}

#[test]
fn the_same_facts_change_no_byte_and_bring_no_word() {
    let merged = take(&theirs());
    assert_eq!(text(&merged), OURS);
    assert_eq!(merged.notes, Notes::default());
}

#[test]
fn a_new_operation_comes_without_words_and_is_listed() {
    let mut operation = theirs()["paths"]["/things/{id}"]["get"].clone();
    operation["operationId"] = json!("moveThing");
    let merged = take(&added("/paths/~1things~1{id}", "post", operation));
    assert_eq!(
        wordless(&merged.notes),
        [
            "/paths/~1things~1{id}/post",
            "/paths/~1things~1{id}/post/parameters/0",
            "/paths/~1things~1{id}/post/parameters/1",
            "/paths/~1things~1{id}/post/responses/200",
        ]
    );
    let text = text(&merged);
    assert!(text.contains("    post:\n      operationId: moveThing\n      tags:\n"), "{text}");
    assert!(text.contains("summary: Get a thing"), "{text}");
    let report = merged.notes.to_text();
    assert!(report.contains("Without words yet (4)"), "{report}");
}

#[test]
fn a_renamed_path_parameter_and_operation_lose_no_word() {
    let mut theirs = theirs();
    let mut path = theirs["paths"]["/things/{id}"].take();
    path["get"]["operationId"] = json!("fetchThing");
    path["get"]["parameters"][0]["name"] = json!("id_or_name");
    theirs["paths"] = json!({ "/things/{id_or_name}": path });
    let merged = take(&theirs);
    let expected = OURS
        .replace("/things/{id}", "/things/{id_or_name}")
        .replace("getThing", "fetchThing")
        .replace("- name: id\n", "- name: id_or_name\n");
    assert_eq!(text(&merged), expected);
    assert!(merged.notes.dropped.is_empty());
    let at = "/paths/~1things~1{id_or_name}/get";
    assert_eq!(
        reread(&merged.notes),
        [format!("{at}: `operationId`"), format!("{at}/parameters/0: `name`")]
    );
}

#[test]
fn a_changed_bound_keeps_the_words_and_is_listed() {
    let at = "/paths/~1things~1{id}/get/parameters/1";
    let merged = take(&changed(&format!("{at}/schema/maximum"), json!(50)));
    assert_eq!(text(&merged), OURS.replace("maximum: 100", "maximum: 50"));
    assert_eq!(reread(&merged.notes), [format!("{at}: `schema/maximum`")]);
    let report = merged.notes.to_text();
    assert!(report.contains("Facts changed under words of ours (1)"), "{report}");
}

#[test]
fn what_is_gone_takes_its_words_along() {
    let mut theirs = theirs();
    let things = theirs.pointer_mut("/components/schemas/Thing").unwrap();
    things["properties"].as_object_mut().unwrap().remove("kind");
    things["required"] = json!(["token"]);
    let merged = take(&theirs);
    let dropped: Vec<_> = merged.notes.dropped.iter().map(String::as_str).collect();
    assert_eq!(dropped, ["/components/schemas/Thing/properties/kind/description"]);
    assert_eq!(
        reread(&merged.notes),
        ["/components/schemas/Thing: `properties/kind` removed, `required`"]
    );
    assert!(merged.notes.to_text().contains("Words dropped with their place (1)"));
}

/// A secret that is called otherwise from now on would be printed in the clear.
#[test]
fn a_mark_that_loses_its_place_is_listed() {
    let renamed = theirs().to_string().replace("\"token\":{", "\"opener\":{");
    let merged = take(&serde_json::from_str(&renamed).unwrap());
    let unmarked: Vec<_> = merged.notes.unmarked.iter().map(String::as_str).collect();
    assert_eq!(unmarked, ["/components/schemas/Thing/properties/token/format"]);
    let report = merged.notes.to_text();
    assert!(report.contains("Marks dropped with their place (1)"), "{report}");

    let mut without = theirs();
    without["paths"] = json!({});
    let merged = take(&without);
    assert!(merged.notes.unmarked.contains("/paths/~1things~1{id}/get/x-onkernel-repeat"));
}

#[test]
fn what_is_new_in_a_schema_stands_beside_what_it_follows() {
    let properties = json!({ "kind": {}, "color": { "type": "string" } });
    let mut theirs = theirs();
    let place = theirs.pointer_mut("/components/schemas/Thing/properties").unwrap();
    let kind = place["kind"].clone();
    place["color"] = properties["color"].clone();
    place["kind"] = kind;
    theirs["components"]["schemas"]["Thing"]["required"] = json!(["kind", "token", "color"]);
    let merged = take(&theirs);
    assert_eq!(wordless(&merged.notes), ["/components/schemas/Thing/properties/color"]);
    let text = text(&merged);
    // The order of ours is the order of a method's arguments.
    assert!(text.contains("        - token\n        - color\n        - kind\n"), "{text}");
}

#[test]
fn a_component_of_another_name_keeps_the_words() {
    let renamed = theirs().to_string().replace("schemas/Owner\"", "schemas/Person\"");
    let renamed = renamed.replace("\"Owner\":", "\"Person\":");
    let merged = take(&serde_json::from_str(&renamed).unwrap());
    let expected =
        OURS.replace("schemas/Owner'", "schemas/Person'").replace("    Owner:", "    Person:");
    assert_eq!(text(&merged), expected);
    assert_eq!(merged.notes, Notes::default());
}

#[test]
fn what_the_vendor_writes_out_keeps_our_name() {
    let mut theirs = theirs();
    let owner = theirs["components"]["schemas"].as_object_mut().unwrap().remove("Owner").unwrap();
    theirs["components"]["schemas"]["Thing"]["properties"]["owner"] = owner;
    let merged = take(&theirs);
    assert_eq!(text(&merged), OURS);
    assert_eq!(merged.notes, Notes::default());
}

#[test]
fn what_the_vendor_shares_from_now_on_takes_the_words_along() {
    let mut theirs = theirs();
    let parameter = theirs["paths"]["/things/{id}"]["get"]["parameters"][1].take();
    theirs["paths"]["/things/{id}"]["get"]["parameters"][1] =
        json!({ "$ref": "#/components/parameters/Limit" });
    theirs["components"]["parameters"] = json!({ "Limit": parameter });
    let merged = take(&theirs);
    let text = text(&merged);
    assert!(
        text.contains(
            "    Limit:\n      name: limit\n      in: query\n      description: How many.\n"
        ),
        "{text}"
    );
    assert_eq!(merged.notes, Notes::default());
}

#[test]
fn a_key_that_may_hold_prose_is_rejected_with_its_place() {
    let theirs = added("/components/schemas/Thing", "$remark", json!(MARK)).to_string();
    let theirs = Document::parse(&theirs, "theirs.json").unwrap();
    let error = merge(&ours(), &theirs).unwrap_err().to_string();
    assert!(error.contains("`$remark`") && error.contains("grammar.rs"), "{error}");
    assert!(error.contains("/components/schemas/Thing/$remark"), "{error}");
}
