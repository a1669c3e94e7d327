//! Keys of ours.

use super::{Error, Overlay, Source, findings, load, source};

const PATHS: &str = "/things:
  get:
    operationId: getThings
    x-onkernel-repat: safe
    responses: { '204': { description: '' } }";

/// Each line without the keys that are known.
fn without_list(error: &Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(|line| line.split("; the known ones").next().unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_misspelt_key_is_named_with_the_known_ones() {
    let schemas = "Thing: { type: object, properties: { x-onkernel-odd: { x-onkernel-item: a }, a: { default: { x-onkernel-b: 1 } } }, x-else: { x-onkernel-c: 1 } }";
    let error = load(&source(PATHS, schemas), &[]).unwrap_err();
    insta::assert_snapshot!(without_list(&error), @r"
    api.yml:7:7: the key `x-onkernel-repat` is unknown (at #/paths/~1things/get/x-onkernel-repat); correct it
    api.yml:11:60: the key `x-onkernel-item` is unknown (at #/components/schemas/Thing/properties/x-onkernel-odd/x-onkernel-item); correct it
    ");
    let known = error.to_string();
    assert!(known.contains("the known ones are x-onkernel-exclusive, "), "{known}");
}

#[test]
fn a_misspelt_key_of_an_overlay_is_named_there() {
    let text = "overlay: 1.0.0
info: { title: t, version: '1' }
actions:
  - target: $.paths['/gone'].get
    x-onkernel-optional: Not every document has it.
    update: { x-onkernel-omit: true, x-onkernel-repeat: safe }
";
    let error = Overlay::parse(text, "o.yml").unwrap_err();
    insta::assert_snapshot!(without_list(&error), @"o.yml:6:15: the key `x-onkernel-omit` is unknown (at #/actions/0/update/x-onkernel-omit); correct it");
    let source =
        Source { name: "o.yml".to_owned(), text: text.replace("omit: true", "max-bytes: 9") };
    let document = self::source(&PATHS.replace("repat", "repeat"), "Thing: {}");
    load(&document, &[source]).unwrap();
}

#[test]
fn what_excludes_or_needs_a_field_that_is_not_there_is_named() {
    let paths = "/things:
  get:
    operationId: getThings
    x-onkernel-requires: { versoin: app }
    parameters:
      - { name: app, in: query, schema: { type: string } }
      - { name: version, in: query, schema: { type: string } }
    responses: { '200': { description: '', content: { application/json: { schema: { $ref: '#/components/schemas/Thing' } } } } }";
    let schemas = "Thing:
  type: object
  x-onkernel-exclusive: [[a], [b=maybe]]
  properties: { a: { type: string }, b: { type: boolean } }";
    insta::assert_snapshot!(findings(paths, schemas), @r"
    api.yml:5:5: `versoin` is no field here, or none of this value (GET /things) (at #/paths/~1things/get); correct `x-onkernel-exclusive` or `x-onkernel-requires`
    api.yml:14:5: `b=maybe` is no field here, or none of this value (GET /things) (at #/components/schemas/Thing); correct `x-onkernel-exclusive` or `x-onkernel-requires`
    ");
}
