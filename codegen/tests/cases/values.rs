//! Constants, enums, `null` and limits.

use super::{both_ways, choice, field, findings, structure, surface, values};

/// Name, JSON type, strings and numbers of each kind.
fn kinds(surface: &onkernel_codegen::surface::Surface, name: &str) -> Vec<String> {
    let variants = choice(surface, name).variants.iter();
    variants
        .map(|it| {
            let kind = it.shape.kind.as_deref().unwrap_or("any");
            format!("{} {kind} {:?} {:?}", it.name, it.shape.strings, it.rule.one_of)
        })
        .collect()
}

#[test]
fn a_constant_beside_an_object_is_one_kind_of_a_choice() {
    let surface = both_ways(
        "Options: { type: object, properties: { text: { type: boolean } } }
Thing:
  type: object
  properties:
    yes: { oneOf: [{ type: boolean, const: true }, { $ref: '#/components/schemas/Options' }] }
    number: { oneOf: [{ const: 1 }, { const: 2 }, { $ref: '#/components/schemas/Options' }] }
    text: { anyOf: [{ const: auto }, { const: none }, { type: array, items: { type: string } }] }
    all: { oneOf: [{ const: 0.5 }, { const: false }, { const: auto }, { type: integer }] }
    inline: { oneOf: [{ const: false }, { type: object, properties: { a: { type: string } } }] }",
    );
    assert_eq!(kinds(&surface, "ThingYes"), ["Boolean boolean [] [1.0]", "Options object [] []"]);
    assert_eq!(
        kinds(&surface, "ThingNumber"),
        ["Integer integer [] [1.0, 2.0]", "Options object [] []"]
    );
    assert_eq!(
        kinds(&surface, "ThingText"),
        [r#"ThingTextKind1 string ["auto", "none"] []"#, "List array [] []"]
    );
    assert_eq!(
        kinds(&surface, "ThingAll"),
        [
            "Number number [] [0.5]",
            "Boolean boolean [] [0.0]",
            r#"ThingAllKind3 string ["auto"] []"#,
            "Integer integer [] []"
        ]
    );
    assert_eq!(
        kinds(&surface, "ThingInline"),
        ["Boolean boolean [] [0.0]", "ThingInlineKind2 object [] []"]
    );
}

#[test]
fn constants_of_one_type_are_an_enum_and_null_among_them_is_nullable() {
    let surface = both_ways(
        "Thing:
  type: object
  required: [vote, state, level]
  properties:
    vote: { oneOf: [{ const: yea, title: Yea }, { const: nay }, { const: null }] }
    state: { anyOf: [{ type: string, enum: [open, shut] }, { type: string, enum: [gone, null] }] }
    level: { oneOf: [{ type: [string, 'null'], enum: [low, null] }, { type: string, enum: [high] }] }
    count: { oneOf: [{ const: 1 }, { const: 2 }] }",
    );
    assert_eq!(values(&surface, "ThingVote"), ["yea", "nay"]);
    assert_eq!(values(&surface, "ThingState"), ["open", "shut", "gone"]);
    assert_eq!(values(&surface, "ThingLevel"), ["low", "high"]);
    for wire in ["vote", "state", "level"] {
        assert!(field(&surface, "Thing", wire).nullable, "{wire}");
    }
    assert_eq!(field(&surface, "Thing", "count").rule.one_of, [1.0, 2.0]);
}

#[test]
fn values_that_nobody_quoted_are_strings_where_nothing_is_lost() {
    let surface = both_ways(
        "Thing:
  type: object
  properties:
    chromosome: { type: string, enum: [1, 22, X] }
    state: { type: string, enum: [true, false, both] }
    level: { type: integer, enum: ['1', 2] }
    mixed: { enum: [1, auto] }",
    );
    assert_eq!(values(&surface, "ThingChromosome"), ["1", "22", "X"]);
    assert_eq!(values(&surface, "ThingState"), ["true", "false", "both"]);
    assert_eq!(field(&surface, "Thing", "level").rule.one_of, [1.0, 2.0]);
    assert_eq!(
        kinds(&surface, "ThingMixed"),
        ["Integer integer [] [1.0]", r#"ThingMixedKind2 string ["auto"] []"#]
    );
}

#[test]
fn a_fraction_that_nobody_quoted_is_named() {
    let found = findings(
        "/things:
  get:
    operationId: getThings
    parameters: [{ name: version, in: query, schema: { type: string, enum: [1.10, '2'] } }]
    responses: { '204': { description: '' } }",
        "Unused: {}",
    );
    insta::assert_snapshot!(found, @"api.yml:7:48: an `enum` with 1.1, which is not of the type `string` (GET /things) (at #/paths/~1things/get/parameters/0/schema); write the value in quotes");
}

#[test]
fn limits_that_went_through_a_double_say_nothing() {
    let surface = surface(
        "/seeds:
  post:
    operationId: postSeeds
    parameters:
      - { name: seed, in: query, schema: { type: integer, minimum: -9223372036854776000, maximum: 9223372036854776000 } }
      - { name: big, in: query, schema: { type: integer, format: uint64, maximum: 18446744073709551616 } }
      - { name: sum, in: query, schema: { type: number, maximum: 340282346638528860000000000000000000000 } }
    responses: { '204': { description: '' } }",
        "Unused: {}",
    );
    let rules: Vec<_> = surface.operations[0].parameters.iter().map(|it| it.rule.words()).collect();
    assert_eq!(rules[..2], [None, None]);
    assert!(rules[2].is_some(), "a number can be as large as that");
}

#[test]
fn what_is_always_null_is_unit() {
    let (lowered, rust) = super::lowered(
        "/done:
  get:
    operationId: getDone
    responses: { '200': { description: '', content: { application/json: { schema: { $ref: '#/components/schemas/Done' } } } } }
  post:
    operationId: postDone
    requestBody: { required: true, content: { application/json: { schema: { type: object, properties: { none: { type: ['null'] } } } } } }
    responses: { '200': { description: '', content: { application/json: { schema: { type: 'null' } } } } }",
        "Done: { type: object, required: [error, ok], properties: { error: { type: 'null' }, ok: { const: null } } }",
    )
    .unwrap();
    assert_eq!(structure(&lowered.surface, "Done").fields.len(), 2);
    assert!(rust.contains("pub error: ()"), "{rust}");
    assert!(rust.contains("pub ok: ()"), "{rust}");
}

#[test]
fn a_format_without_a_type_is_any_value() {
    let (_, rust) = super::lowered(
        "/things:
  get:
    operationId: getThings
    responses: { '200': { description: '', content: { application/json: { schema: { $ref: '#/components/schemas/Thing' } } } } }",
        "Thing: { type: object, properties: { a: { format: date }, b: { format: int32 }, c: { minLength: 3 } } }",
    )
    .unwrap();
    for field in ["a", "b", "c"] {
        let field = format!("pub {field}: ::std::option::Option<::serde_json::Value>");
        assert!(rust.contains(&field), "{rust}");
    }
}
