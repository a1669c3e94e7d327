//! Names that meet, that Rust keeps for itself, or that a call has a method for: each is there, and
//! is sent as the document has it.

use onkernel_codegen::surface::{Parameter, Place};

use super::{both_ways, field, lowered, surface, values};

const NOTHING: &str = "responses: { '204': { description: '' } }";

#[test]
fn parameters_of_one_name_say_where_they_are() {
    let surface = surface(
        &format!(
            "/projects/{{project}}/disks:
  get:
    operationId: getDisks
    parameters:
      - {{ name: project, in: header, schema: {{ type: string }} }}
      - {{ name: project, in: query, schema: {{ type: string }} }}
      - {{ name: project, in: path, required: true, schema: {{ type: string }} }}
    {NOTHING}"
        ),
        "Unused: {}",
    );
    let found: Vec<_> = surface.operations[0]
        .parameters
        .iter()
        .map(|Parameter { name, place, wire, .. }| (name.as_str(), *place, wire.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("header_project", Place::Header, "project"),
            ("query_project", Place::Query, "project"),
            ("project", Place::Path, "project"),
        ]
    );
}

#[test]
fn what_a_call_keeps_for_itself_ends_in_a_line() {
    let paths = |more: &str| {
        format!(
            "/apps/{{client}}:
  post:
    operationId: postApps
    parameters:
      - {{ name: client, in: path, required: true, schema: {{ type: string }} }}
      - {{ name: send, in: query, schema: {{ type: boolean }} }}
      - {{ name: new, in: query, schema: {{ type: boolean }} }}
      - {{ name: body, in: query, schema: {{ type: string }} }}
      - {{ name: self, in: query, schema: {{ type: string }} }}
      - {{ name: stream, in: query, schema: {{ type: boolean }} }}{more}
    requestBody:
      required: true
      content: {{ application/json: {{ schema: {{ type: object, properties: {{ note: {{ type: string }}, send: {{ type: string }} }} }} }} }}
    {NOTHING}"
        )
    };
    let names = |paths: &str| {
        let surface = surface(paths, "Unused: {}");
        let operation = &surface.operations[0];
        let mut all: Vec<String> =
            operation.parameters.iter().take(6).map(|it| it.name.clone()).collect();
        all.extend(operation.body.iter().flat_map(|body| body.slots.values().cloned()));
        all.join(" ")
    };
    let alone = "client send_ new_ body self_ stream note body_send";
    assert_eq!(names(&paths("")), alone);
    let more = "
      - { name: Send, in: query, schema: { type: boolean } }
      - { name: Stream, in: header, schema: { type: boolean } }";
    assert_eq!(names(&paths(more)), alone, "what comes later moves nothing");
}

#[test]
fn properties_that_differ_in_case_or_sign_are_fields_of_their_own() {
    let surface = both_ways(
        "Thing:
  type: object
  required: [M, m, AccountId__c]
  properties:
    M: { type: integer }
    m: { type: string }
    AccountId__c: { type: string }
    Account_Id__c: { type: string }
    '+1': { type: integer }
    '-1': { type: integer }
    '@type': { type: string }
    $type: { type: string }",
    );
    let name = |wire| field(&surface, "Thing", wire).name.as_str();
    assert_eq!([name("m"), name("M")], ["m", "m2"]);
    assert_eq!([name("AccountId__c"), name("Account_Id__c")], ["account_id_c", "account_id_c2"]);
    assert_eq!([name("+1"), name("-1")], ["plus1", "minus1"]);
    assert_eq!([name("$type"), name("@type")], ["type_", "type2"]);
}

#[test]
fn schemas_may_be_called_as_what_rust_has() {
    let (lowered, rust) = lowered(
        "/results/{code}:
  get:
    operationId: getResults
    parameters: [{ name: code, in: path, required: true, schema: { $ref: '#/components/schemas/Code' } }]
    responses: { '200': { description: '', content: { application/json: { schema: { $ref: '#/components/schemas/Result' } } } } }",
        "Code: { type: string, pattern: '^[a-z]{3}$', minLength: 3 }
Result:
  type: object
  required: [option, code]
  properties:
    option: { $ref: '#/components/schemas/Option' }
    code: { $ref: '#/components/schemas/Code' }
    string: { $ref: '#/components/schemas/String' }
    vec: { type: array, items: { $ref: '#/components/schemas/Vec' } }
    self: { $ref: '#/components/schemas/Self' }
    first: { $ref: '#/components/schemas/1st' }
    one: { $ref: '#/components/schemas/a_thing' }
    other: { $ref: '#/components/schemas/AThing' }
Option: { type: object, properties: { some: { type: string } } }
String: { type: integer }
Vec: { type: string, enum: [None, Some, Ok, Err, Self, '1'] }
Self: { type: object, properties: { a: { type: string } } }
1st: { type: object, properties: { b: { type: string } } }
a_thing: { type: object, properties: { c: { type: string } } }
AThing: { type: object, properties: { d: { type: string } } }",
    )
    .unwrap();
    assert_eq!(values(&lowered.surface, "Vec").len(), 6);
    for part in [
        "pub option: Option,",
        "pub string: ::std::option::Option<String>,",
        "pub self_: ::std::option::Option<Self_>,",
        "pub first: ::std::option::Option<Type1st>,",
        "pub one: ::std::option::Option<AThing2>,",
        "pub other: ::std::option::Option<AThing>,",
        "pub struct String(pub i64);",
    ] {
        assert!(rust.contains(part), "no `{part}` in\n{rust}");
    }
}

#[test]
fn what_a_map_requires_is_named_like_any_field() {
    let paths = "/things:
  get:
    operationId: getThings
    responses: { '200': { description: '', content: { application/json: { schema: { $ref: '#/components/schemas/Thing' } } } } }";
    let rust_of = |thing: &str| {
        let schemas = format!("Thing: {{ type: object, required: [M, m]{thing} }}");
        lowered(paths, &schemas).unwrap().1
    };
    let rust = rust_of(", additionalProperties: { type: integer }");
    assert!(rust.contains("pub m: i64") && rust.contains("pub m2: i64"), "{rust}");
    for anything in ["", ", properties: {}"] {
        let rust = rust_of(anything);
        assert!(rust.contains("Map<") && !rust.contains("pub m:"), "{rust}");
    }
}
