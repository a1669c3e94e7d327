//! Media types, parameters and responses.

use onkernel_codegen::surface::{Content, Style};

use super::{lowered, operation, surface};

#[test]
fn json_of_which_nothing_is_said_is_any_json() {
    let (_, rust) = lowered(
        "/raw:
  get:
    operationId: getRaw
    responses: { '200': { description: '', content: { application/json: { example: { a: 1 } } } } }
  post:
    operationId: postRaw
    requestBody: { required: true, content: { application/json: {} } }
    responses: { '204': { description: '' } }",
        "Unused: {}",
    )
    .unwrap();
    assert!(rust.contains("::serde_json::Value"), "{rust}");
}

#[test]
fn the_default_is_the_success_where_there_is_no_other() {
    let surface = surface(
        "/state:
  get:
    operationId: getState
    responses: { default: { description: '', content: { application/json: { schema: { type: object, properties: { up: { type: boolean } } } } } } }
  post:
    operationId: postState
    responses: { '204': { description: '' }, default: { description: '' } }",
        "Unused: {}",
    );
    let statuses = |method| {
        let found = operation(&surface, method, "/state").successes.iter();
        found.map(|it| (it.status.clone(), it.content)).collect::<Vec<_>>()
    };
    assert_eq!(statuses("GET"), [("2XX".to_owned(), Some(Content::Json))]);
    assert_eq!(statuses("POST"), [("204".to_owned(), None)]);
}

#[test]
fn headers_that_something_else_decides_are_no_parameters() {
    let surface = surface(
        "/things:
  get:
    operationId: getThings
    parameters:
      - { name: accept, in: header, required: true, schema: { type: string } }
      - { name: Content-Type, in: header, schema: { type: string } }
      - { name: AUTHORIZATION, in: header, schema: { type: string } }
      - { name: Accept, in: query, schema: { type: string } }
    responses: { '204': { description: '' } }",
        "Unused: {}",
    );
    let names: Vec<_> = surface.operations[0].parameters.iter().map(|it| &it.wire).collect();
    assert_eq!(names, ["Accept"]);
}

#[test]
fn reserved_characters_are_allowed_where_the_document_says_so() {
    let surface = surface(
        "/fetch:
  get:
    operationId: getFetch
    parameters:
      - { name: url, in: query, allowReserved: true, schema: { type: string } }
      - { name: sort, in: query, schema: { type: string } }
    responses: { '204': { description: '' } }",
        "Unused: {}",
    );
    let styles: Vec<_> = surface.operations[0].parameters.iter().map(|it| it.style).collect();
    assert_eq!(styles, [Style::Reserved, Style::Repeated]);
}

#[test]
fn each_media_type_is_a_method_of_its_own() {
    let surface = surface(
        "/scans:
  post:
    operationId: postScans
    requestBody:
      required: true
      content:
        multipart/form-data: { schema: { type: object, required: [file], properties: { file: { type: string, format: binary } } } }
        application/json: { schema: { type: object, required: [id], properties: { id: { type: string } } } }
    responses: { '204': { description: '' } }
/questions:
  post:
    operationId: postQuestions
    responses:
      '200':
        description: ''
        content:
          text/event-stream: { schema: { type: object, properties: { delta: { type: string } } } }
          application/json: { schema: { type: object, properties: { text: { type: string } } } }",
        "Unused: {}",
    );
    let found: Vec<_> = surface
        .operations
        .iter()
        .map(|it| {
            let body = it.body.as_ref().map(|body| body.content);
            (it.name.as_str(), it.path.as_str(), body, it.successes[0].content)
        })
        .collect();
    assert_eq!(
        found,
        [
            ("questions_create", "/questions", None, Some(Content::Json)),
            ("questions_create_events", "/questions", None, Some(Content::Events)),
            ("scans_create", "/scans", Some(Content::Json), None),
            ("scans_create_form", "/scans", Some(Content::Multipart), None),
        ]
    );
}

#[test]
fn a_file_in_json_is_a_string() {
    let (lowered, rust) = lowered(
        "/letters:
  post:
    operationId: postLetters
    requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/Letter' } } } }
    responses: { '200': { description: '', content: { application/json: { schema: { $ref: '#/components/schemas/Letter' } } } } }",
        "Letter: { type: object, properties: { file: { type: string, format: binary } } }",
    )
    .unwrap();
    assert!(!lowered.surface.types["Letter"].holds_file);
    assert!(!rust.contains("Upload"), "{rust}");
}

#[test]
fn operations_without_ids_are_called_by_what_they_do() {
    let surface = surface(
        "/crates:
  post:
    responses: { '204': { description: '' } }
/crates/{id}:
  parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
  post:
    responses: { '204': { description: '' } }",
        "Unused: {}",
    );
    let names: Vec<_> = surface.operations.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["crates_create", "crates_update"]);
}
