//! A finding is at its place in the document, whatever the rules have made of it, and said once.

use super::findings;

#[test]
fn what_has_moved_is_named_where_it_stands() {
    let found = findings(
        "/things/{id}:
  parameters:
    - { name: id, in: path, required: true, schema: { type: string } }
    - { name: session, in: cookie, schema: { type: string } }
  get:
    operationId: getThings
    parameters: [{ name: a, in: query, schema: { $ref: '#/components/schemas/odd_one/properties/odd' } }]
    responses:
      default:
        description: ''
        content: { application/json: { schema: { $ref: '#/components/schemas/whole' } } }",
        "whole:
  allOf:
    - { $ref: '#/components/schemas/part' }
    - { type: object, properties: { b: { oneOf: [{ $ref: '#/components/schemas/part' }], discriminator: { propertyName: k, mapping: { x: Gone, y: Lost } } } } }
part: { type: object, properties: { a: { not: {} } } }
odd_one: { type: object, properties: { odd: { type: object, properties: { c: { if: {} } } } } }",
    );
    insta::assert_snapshot!(found, @r#"
    api.yml:22:79: a schema with `if` (GET /things/{id}) (at #/components/schemas/odd_one/properties/odd/properties/c); leave the operation out with `x-onkernel-omit` in an overlay
    api.yml:21:41: a schema with `not` (GET /things/{id}) (at #/components/schemas/part/properties/a); leave the operation out with `x-onkernel-omit` in an overlay
    api.yml:7:9: a parameter in "cookie" (GET /things/{id}) (at #/paths/~1things~1{id}/parameters/1); leave the operation out with `x-onkernel-omit` in an overlay
    api.yml:20:41: a discriminator that maps `x` to `Gone`, which is missing (GET /things/{id}) (at #/components/schemas/whole/allOf/1/properties/b); give every kind a constant of its own, in an overlay
    "#);
}

#[test]
fn a_parameter_that_is_there_twice_is_named() {
    let found = findings(
        "/things:
  parameters: [{ name: a, in: query, schema: { type: string } }]
  get:
    operationId: getThings
    parameters:
      - { name: a, in: query, schema: { type: integer } }
      - { name: b, in: query, schema: { type: integer } }
      - { name: b, in: header, schema: { type: integer } }
      - { name: b, in: query, schema: { type: integer } }
    responses: { '204': { description: '' } }",
        "Thing: {}",
    );
    insta::assert_snapshot!(found, @"api.yml:10:11: a second query parameter `b` (GET /things) (at #/paths/~1things/get/parameters/1); leave the operation out with `x-onkernel-omit` in an overlay");
}

#[test]
fn one_kind_of_fault_in_one_operation_is_said_once() {
    let found = findings(
        "/things:
  get:
    operationId: getThings
    responses: { '200': { description: '', content: { application/json: { schema: { $ref: '#/components/schemas/Thing' } } } } }",
        "Thing: { type: object, properties: { a: { not: {} }, b: { not: {} }, c: { type: object, properties: { d: { not: {} } } }, e: { if: {} } } }",
    );
    insta::assert_snapshot!(found, @r"
    api.yml:10:42: a schema with `not` (GET /things), here and in 2 more places (at #/components/schemas/Thing/properties/a); leave the operation out with `x-onkernel-omit` in an overlay
    api.yml:10:127: a schema with `if` (GET /things) (at #/components/schemas/Thing/properties/e); leave the operation out with `x-onkernel-omit` in an overlay
    ");
}

#[test]
fn a_keyword_of_another_kind_is_named() {
    let found = findings(
        "/things:
  get:
    operationId: getThings
    deprecated: soon
    parameters: [{ name: a, in: query, required: 'yes', schema: { type: string, maxLength: ten } }]
    responses: { '200': { description: '', content: { application/json: { schema: { $ref: '#/components/schemas/Thing' } } } } }",
        "Thing: { type: object, properties: { a: { type: string, required: true }, b: { type: string, required: true } } }
Unused: { required: 3 }",
    );
    insta::assert_snapshot!(found, @r"
    api.yml:7:7: `deprecated` is a string where true or false is expected (GET /things) (at #/paths/~1things/get/deprecated); correct it
    api.yml:8:42: `required` is a string where true or false is expected (GET /things) (at #/paths/~1things/get/parameters/0/required); correct it
    api.yml:12:61: `required` is a boolean where a list of strings is expected (GET /things), here and in one more place (at #/components/schemas/Thing/properties/a/required); list the names of required properties at their object
    api.yml:8:83: `maxLength` is a string where a whole number is expected (GET /things) (at #/paths/~1things/get/parameters/0/schema/maxLength); correct it
    ");
}
