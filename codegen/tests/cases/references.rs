//! References to any place of the document.

use super::{field, operation, structure, surface, values};

#[test]
fn a_reference_in_percent_names_what_it_means() {
    let surface = surface(
        "/pages:
  get:
    operationId: getPages
    responses: { '200': { description: '', content: { application/json: { schema: { $ref: '#/components/schemas/Page%5BThing%5D' } } } } }",
        "'Page[Thing]': { type: object, required: [items], properties: { items: { type: array, items: { type: string } } } }",
    );
    assert!(field(&surface, "PageThing", "items").required);
}

#[test]
fn parameters_and_responses_of_another_operation_are_found() {
    let surface = surface(
        "/things/{id}:
  get:
    operationId: getThing
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    responses:
      '200': { description: '', content: { application/json: { schema: { type: object, properties: { id: { type: string } } } } } }
      '404': { description: none }
  put:
    operationId: putThing
    parameters: [{ $ref: '#/paths/~1things~1%7Bid%7D/get/parameters/0' }]
    requestBody: { content: { application/json: { schema: { $ref: '#/paths/~1things~1%7Bid%7D/get/responses/200/content/application~1json/schema' } } } }
    responses:
      '204': { description: done }
      '404': { $ref: '#/paths/~1things~1%7Bid%7D/get/responses/404' }",
        "Unused: {}",
    );
    let put = operation(&surface, "PUT", "/things/{id}");
    assert_eq!(put.parameters[0].wire, "id");
    assert_eq!(put.statuses[1], ("404".to_owned(), "none".to_owned()));
    assert!(surface.types["GetThingResponse"].sent && put.body.is_some());
}

#[test]
fn a_part_of_a_schema_is_one_type_wherever_it_is_referred_to() {
    let surface = surface(
        "/crates:
  get:
    operationId: getCrates
    responses: { '200': { description: '', content: { application/json: { schema: { type: object, properties: {
      label: { $ref: '#/components/schemas/Crate/properties/label' },
      state: { $ref: '#/components/schemas/Crate/properties/state' },
      crate: { $ref: '#/components/schemas/Crate' } } } } } } }",
        "Crate: { type: object, properties: { label: { type: string, maxLength: 3 }, state: { enum: [open, shut] } } }",
    );
    assert_eq!(values(&surface, "CrateState"), ["open", "shut"]);
    assert_eq!(structure(&surface, "Crate").fields.len(), 2);
    assert!(field(&surface, "CratesGetResponse", "state").holds_types);
    assert!(!field(&surface, "CratesGetResponse", "label").holds_types);
}

#[test]
fn a_path_item_of_components_has_references_of_its_own() {
    let mut source = super::source(
        "/crates: { $ref: '#/components/pathItems/Crates' }",
        "Crate: { type: object, properties: { state: { enum: [open, shut] } } }",
    );
    source.text.push_str(
        "  pathItems:
    Crates:
      get:
        operationId: getCrates
        responses: { '200': { description: '', content: { application/json: { schema: { $ref: '#/components/schemas/Crate/properties/state' } } } } }
",
    );
    let surface = super::lowered_of(&source).unwrap().0.surface;
    assert_eq!(values(&surface, "CrateState"), ["open", "shut"]);
    assert!(surface.types["CrateState"].received);
}
