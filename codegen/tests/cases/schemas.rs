//! Objects: what is required, what narrows what, sets of properties.

use super::{both_ways, field, findings, structure, surface, values};

#[test]
fn what_one_side_writes_is_required_of_that_side_only() {
    let surface = both_ways(
        "Thing:
  type: object
  required: [id, name, secret]
  properties:
    id: { type: string, readOnly: true }
    name: { type: string }
    secret: { $ref: '#/components/schemas/Text', writeOnly: true }
Text: { type: string }",
    );
    let required = |wire| field(&surface, "Thing", wire).required;
    assert_eq!([required("id"), required("name"), required("secret")], [false, true, false]);
    let sets = structure(&surface, "Thing").sets.as_ref().unwrap();
    assert_eq!(sets.sets, [["secret"]]);
}

#[test]
fn of_a_response_alone_everything_is_required_that_is_read() {
    let surface = surface(
        "/things:
  get:
    operationId: getThings
    responses: { '200': { description: '', content: { application/json: { schema: { $ref: '#/components/schemas/Thing' } } } } }",
        "Thing:
  allOf:
    - { type: object, required: [id, pin], properties: { id: { type: string, readOnly: true } } }
    - { type: object, properties: { pin: { type: string, writeOnly: true } } }",
    );
    assert!(field(&surface, "Thing", "id").required);
    assert!(!field(&surface, "Thing", "pin").required);
    assert!(structure(&surface, "Thing").sets.is_none());
}

#[test]
fn the_narrower_part_of_all_of_holds() {
    let surface = both_ways(
        "State: { type: string, enum: [open, shut] }
Base:
  type: object
  required: [type]
  properties:
    type: { type: string }
    level: { type: string, enum: [low, high] }
    weight: { type: number, maximum: 9 }
    state: { type: string, enum: [open, shut] }
    inner: { type: object, properties: { a: { type: string } } }
    note: { type: string }
Thing:
  allOf:
    - $ref: '#/components/schemas/Base'
    - type: object
      required: [note]
      properties:
        type: { const: created }
        level: { type: string, enum: [high] }
        weight: { type: integer, maximum: 5 }
        state: { $ref: '#/components/schemas/State' }
        inner: { type: object, properties: { b: { type: string } } }",
    );
    assert_eq!(values(&surface, "ThingType"), ["created"]);
    assert_eq!(values(&surface, "ThingLevel"), ["high"]);
    assert_eq!(field(&surface, "Thing", "weight").rule.maximum, Some(5.0));
    assert!(!surface.types.contains_key("ThingState"), "equal enums are one");
    assert_eq!(structure(&surface, "ThingInner").fields.len(), 2);
    assert!(field(&surface, "Thing", "note").required);
}

#[test]
fn parts_that_leave_nothing_are_named() {
    let found = findings(
        "/things:
  get:
    operationId: getThings
    responses: { '200': { description: '', content: { application/json: { schema: { $ref: '#/components/schemas/thing' } } } } }",
        "thing:
  allOf:
    - { type: object, properties: { id: { type: string } } }
    - { type: object, properties: { id: { type: integer } } }",
    );
    insta::assert_snapshot!(found, @"api.yml:10:5: `allOf` whose parts differ on `id`, in `type` (GET /things) (at #/components/schemas/thing); say it without `allOf`, in an overlay");
}

#[test]
fn strings_of_parts_are_one_string() {
    let surface = both_ways(
        "Thing: { type: object, properties: { name: { allOf: [{ type: string, minLength: 1 }, { maxLength: 5 }, { description: d }] } } }",
    );
    let rule = &field(&surface, "Thing", "name").rule;
    assert_eq!((rule.min_length, rule.max_length), (Some(1), Some(5)));
}

#[test]
fn a_set_that_forbids_another_makes_it_exactly_one() {
    let surface = both_ways(
        "Thing:
  type: object
  properties: { shelf: { type: string }, floor: { type: string } }
  anyOf: [{ required: [shelf] }, { required: [floor] }]
  not: { required: [shelf, floor] }",
    );
    let sets = structure(&surface, "Thing").sets.as_ref().unwrap();
    assert!(sets.exactly);
    assert_eq!(sets.sets, [["shelf"], ["floor"]]);
}

#[test]
fn what_is_required_and_not_declared_is_any_value() {
    let surface = both_ways(
        "Thing:
  type: object
  required: [zipcode]
  properties: { role: { type: string } }",
    );
    assert!(field(&surface, "Thing", "zipcode").required);
}

/// `e` in `e` of `Thing` is called by capitals that meet.
#[test]
fn a_name_whose_parts_end_and_begin_in_one_letter_is_one_name() {
    let surface = both_ways(
        "Thing: { type: object, properties: { e: { type: object, properties: { e: { type: string, enum: [a] } } } } }",
    );
    assert!(surface.types.contains_key("ThingEe"), "{:?}", surface.types.keys());
}
