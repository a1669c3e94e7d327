//! From document to Rust: what each pass yields on small documents, the same bytes every time, and
//! one clear line for what cannot be done.

use onkernel_codegen::{
    DOCUMENT, Features, OVERLAYS, Source, client, finish, generate, lower, outline,
};
use serde_json::{Value, json};

/// The document and the overlays, as the build script takes them.
fn bundled() -> (Source, [Source; OVERLAYS.len()]) {
    let read = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
        Source { name: name.to_owned(), text: std::fs::read_to_string(path).unwrap() }
    };
    (read(DOCUMENT), OVERLAYS.map(read))
}

/// The finished Rust and the outline of a small document with these schemas, sent and received by
/// one operation each.
fn finished(schemas: Value) -> (String, String) {
    let response = |name: &str| {
        json!({ "200": { "description": "", "content": { "application/json": {
            "schema": { "$ref": format!("#/components/schemas/{name}") }
        } } } })
    };
    let body = |name: &str| {
        json!({ "required": true, "content": { "application/json": {
            "schema": { "$ref": format!("#/components/schemas/{name}") }
        } } })
    };
    let document = json!({
        "openapi": "3.1.0",
        "info": { "title": "t", "version": "1" },
        "paths": { "/things": {
            "post": {
                "operationId": "postThings", "tags": ["T"],
                "requestBody": body("Ask"), "responses": response("Tell")
            }
        } },
        "components": { "schemas": schemas }
    });
    let lowered = lower::lower(document).unwrap_or_else(|findings| panic!("{findings:?}"));
    let file = finish::finish(generate::generate(&lowered.document).unwrap(), &lowered.surface);
    let file = file.unwrap();
    let outline = outline::outline(&file, &lowered.surface);
    (prettyplease::unparse(&file), outline.into_values().collect())
}

#[test]
fn generation_is_deterministic() {
    let (document, overlays) = bundled();
    let once = client(&document, &overlays, &Features::all()).unwrap();
    let twice = client(&document, &overlays, &Features::all()).unwrap();
    assert_eq!(once.rust(), twice.rust());
    assert_eq!(once.outline(), twice.outline());
}

#[test]
fn what_changes_of_one_type_stays_in_its_file() {
    let (mut document, overlays) = bundled();
    let before = client(&document, &overlays, &Features::all()).unwrap().files();
    const WORDS: &str = "description: The plaintext. Keep it now; it cannot be fetched later.";
    assert_eq!(document.text.matches(WORDS).count(), 1);
    document.text = document.text.replace(WORDS, r#"description: "The plaintext.\n\nKeep it.""#);
    let after = client(&document, &overlays, &Features::all()).unwrap().files();
    let changed = after.iter().filter(|(name, text)| before.get(*name) != Some(text));
    let changed: Vec<&String> = changed.map(|(name, _)| name).collect();
    assert_eq!(changed, ["client/types/created_api_key.rs"]);
    // `client.rs` includes each of the others once.
    for name in after.keys().filter(|name| *name != "client.rs") {
        assert_eq!(after["client.rs"].matches(&format!("\"/{name}\"")).count(), 1, "{name}");
    }
}

#[test]
fn the_three_states_of_a_field_follow_the_direction() {
    let thing = json!({
        "type": "object",
        "required": ["a", "b"],
        "properties": {
            "a": { "type": "string" },
            "b": { "type": ["string", "null"] },
            "c": { "type": "array", "items": { "type": "string" } },
            "d": { "type": ["integer", "null"] }
        }
    });
    let (rust, outline) = finished(json!({ "Ask": thing, "Tell": thing }));
    insta::assert_snapshot!(outline, @r#"
    create_thing(a: String, b: String or null)  POST /things
        .c([String])  body
        .d(integer or null)  body
        body: Ask
        send -> Tell
        responses 200

    struct Ask  [sent]
        a: String
        b: Option<String>
        c: Option<Vec<String>>
        d: Option<Nullable<i64>>

    struct Tell  [received]
        a: String
        b: Option<String>
        c: Option<Vec<String>>
        d: Option<i64>
    "#);
    // Required and nullable is written as null; everything optional is left out.
    let written = |how| rust.matches(&format!("writer.{how}(")).count();
    assert_eq!((written("member"), written("optional")), (4, 4), "{rust}");
}

#[test]
fn bounds_become_checks_of_what_is_sent_and_never_of_what_is_read() {
    let thing = json!({
        "type": "object",
        "properties": {
            "n": { "type": "integer", "minimum": 1, "exclusiveMaximum": 10, "default": 3 },
            "s": { "type": "string", "maxLength": 4 },
            "inner": { "type": "object", "properties": { "s": { "type": "string", "minLength": 2 } } }
        }
    });
    let (rust, outline) = finished(json!({ "Ask": thing, "Tell": thing }));
    assert!(outline.contains("n: Option<i64>  at least 1, below 10  default 3"), "{outline}");
    assert!(rust.contains("impl crate::model::validate::Validate for Ask "), "{rust}");
    assert!(rust.contains("impl crate::model::validate::Validate for AskInner "), "{rust}");
    assert!(!rust.contains("impl crate::model::validate::Validate for Tell"), "{rust}");
    assert!(rust.contains("Rule::NONE.min(1f64).below(10f64)"), "{rust}");
    // The server applies its default; the client neither sends nor assumes it.
    assert!(!rust.contains("fn default_") && !rust.contains("default = "), "{rust}");
}

#[test]
fn a_password_is_a_secret_and_the_response_is_known_to_hold_one() {
    let (rust, outline) = finished(json!({
        "Ask": { "type": "object", "properties": { "token": { "type": "string", "format": "password" } } },
        "Tell": { "type": "object", "required": ["key"], "properties": {
            "key": { "type": "string", "format": "password" }
        } }
    }));
    assert!(outline.contains("token: Option<Secret>"), "{outline}");
    assert!(outline.contains("key: Secret"), "{outline}");
    assert!(outline.contains("[secret response]"), "{outline}");
    assert!(rust.contains("secret_response: true"), "{rust}");
}

#[test]
fn enums_are_open_and_everything_can_grow() {
    let (rust, outline) = finished(json!({
        "Ask": { "type": "object", "properties": { "kind": { "enum": ["isp", "data-center"] } } },
        "Tell": { "type": "object", "additionalProperties": false, "properties": {
            "kind": { "const": "isp" }
        } }
    }));
    assert!(outline.contains("isp | data-center | unknown"), "{outline}");
    assert!(rust.contains("Unknown(::std::string::String)"), "{rust}");
    assert!(!rust.contains("deny_unknown_fields"), "{rust}");
    let types = rust.matches("pub struct ").count() + rust.matches("pub enum ").count();
    // Calls and resources cannot be written literally anyway: their fields are private.
    let calls = rust.matches("#[must_use = ").count();
    let (resources, errors) = (1, 1);
    let grown = types - calls - resources - errors;
    assert_eq!(rust.matches("#[non_exhaustive]").count(), grown, "{rust}");
}

#[test]
fn what_cannot_be_lowered_is_named_with_its_place_all_at_once() {
    let text = "\
openapi: 3.1.0
info: { title: t, version: '1' }
paths:
  /a:
    get:
      operationId: fetchA
      parameters:
        - { name: x, in: cookie, schema: { type: string } }
      responses:
        '200':
          description: ok
          content:
            application/json:
              schema:
                not: { type: string }
";
    let document = Source { name: "api.yml".to_owned(), text: text.to_owned() };
    let error = client(&document, &[], &Features::all()).unwrap_err();
    insta::assert_snapshot!(error, @r#"
    api.yml:8:11: a parameter in "cookie" (GET /a) (at #/paths/~1a/get/parameters/0); leave the operation out with `x-onkernel-omit` in an overlay
    api.yml:14:15: a schema with `not` (GET /a) (at #/paths/~1a/get/responses/200/content/application~1json/schema); leave the operation out with `x-onkernel-omit` in an overlay
    "#);
}

/// Rules of every kind report, and a place in a named schema says which operations it costs.
#[test]
fn every_rule_reports_at_once() {
    let text = "\
openapi: 3.1.0
info: { title: t, version: '1' }
paths:
  /a:
    get:
      operationId: fetchA
      parameters:
        - { name: x, in: cookie, schema: { type: string } }
      responses: { '200': { description: ok, content: { application/json: { schema: { $ref: '#/components/schemas/A' } } } } }
    post:
      operationId: postA
      requestBody: { content: { application/json: { schema: {
        oneOf: [{ $ref: '#/components/schemas/B' }], discriminator: { propertyName: k, mapping: { b: Gone, c: Lost } } } } } }
      responses: { '204': { description: '' } }
    put:
      operationId: postA
      tags: [x]
      responses: { '204': { description: '' } }
  /b:
    get:
      operationId: postA
      tags: [x]
      responses: { '200': { description: ok, content: { application/json: { schema: { $ref: '#/components/schemas/A' } } } } }
components:
  schemas:
    A:
      type: object
      properties:
        odd: { not: { type: string } }
        both: { allOf: [{ $ref: '#/components/schemas/B' }, { properties: { k: { type: integer } } }] }
    B: { type: object, properties: { k: { type: string } } }
    Unused: { not: {} }
";
    let document = Source { name: "api.yml".to_owned(), text: text.to_owned() };
    insta::assert_snapshot!(client(&document, &[], &Features::all()).unwrap_err(), @r#"
    api.yml:8:11: a parameter in "cookie" (GET /a) (at #/paths/~1a/get/parameters/0); leave the operation out with `x-onkernel-omit` in an overlay
    api.yml:12:53: a discriminator that maps `b` to `Gone`, which is missing (POST /a) (at #/paths/~1a/post/requestBody/content/application~1json/schema); give every kind a constant of its own, in an overlay
    api.yml:20:5: GET /b and PUT /a would both be called `x.post_a` (GET /b) (at #/paths/~1b/get); name it with `x-onkernel-resource` and `x-onkernel-method` in an overlay
    api.yml:29:9: a schema with `not` (GET /a, GET /b) (at #/components/schemas/A/properties/odd); leave the operation out with `x-onkernel-omit` in an overlay
    api.yml:30:9: `allOf` whose parts differ on `k`, in `type` (GET /a, GET /b) (at #/components/schemas/A/properties/both); say it without `allOf`, in an overlay
    "#);
}

#[test]
fn what_the_client_needs_and_lacks_is_named() {
    let (document, overlays) = bundled();
    let without = |feature: &str, from: &str, to: &str| {
        let text = document.text.replace(from, to);
        assert_ne!(text, document.text, "`{from}` is not in the document");
        let features = Features::by(|it| it == feature);
        client(&Source { name: "api.yml".to_owned(), text }, &overlays, &features)
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(
        without("api-keys", "/org/api_keys/{id}/rotate:", "/org/other/{id}/rotate:"),
        @r#"api.yml:76:1: `POST /org/api_keys/{id}/rotate`, which is `api_keys.rotate` here, is missing (at #/paths); add it with an overlay, correct its `x-onkernel-resource` and `x-onkernel-method`, or build without the feature `api-keys`"#
    );
    for (path, feature) in [
        ("/browsers/{id_or_name}", "browsers"),
        ("/deployments/{id}/events", "deployments"),
        ("/invocations/{id}", "invocations"),
    ] {
        let found = without(feature, &format!("  {path}:\n"), &format!("  {path}/other:\n"));
        let ends = format!("or build without the feature `{feature}`");
        assert!(found.contains(&format!(" {path}`, which is `{feature}.")), "{found}");
        assert!(found.lines().all(|line| line.ends_with(&ends)), "{found}");
    }
    let fields = without("api-keys", "masked_key", "masked");
    let lines: Vec<_> = fields.lines().filter(|line| line.contains("masked_key`, which")).collect();
    assert_eq!(lines.len(), 2, "{fields}");
    assert!(
        lines[0].contains("`ApiKey.masked_key`") && lines[1].contains("`CreatedApiKey."),
        "{fields}"
    );
}

/// The outline of a document with one operation, as the build makes it.
fn of(operation: Value, schemas: Value) -> String {
    let (document, overlays) = bundled();
    let overlay = json!({
        "overlay": "1.0.0",
        "info": { "title": "t", "version": "1" },
        "actions": [
            { "target": "$.paths", "update": { "/things": { "post": operation } } },
            { "target": "$.components.schemas", "update": schemas }
        ]
    });
    let overlay = Source { name: "more.yml".to_owned(), text: overlay.to_string() };
    let overlays: Vec<Source> = overlays.into_iter().chain([overlay]).collect();
    match client(&document, &overlays, &Features::all()) {
        Ok(client) => client.outline()["things"].clone(),
        Err(error) => error.to_string(),
    }
}

fn sends(media_type: &str, schema: Value) -> Value {
    json!({
        "operationId": "postThings",
        "requestBody": { "required": true, "content": { media_type: { "schema": schema } } },
        "responses": { "204": { "description": "" } }
    })
}

fn asks(parameter: Value) -> Value {
    json!({
        "operationId": "postThings",
        "parameters": [parameter],
        "responses": { "204": { "description": "" } }
    })
}

#[test]
fn further_properties_are_a_map_beside_the_fields() {
    let note = json!({
        "type": "object",
        "required": ["extra"],
        "properties": { "extra": { "type": "string" }, "any": {
            "type": "object", "properties": { "a": {} }, "additionalProperties": true
        } },
        "additionalProperties": { "type": "integer", "maximum": 9 }
    });
    insta::assert_snapshot!(of(sends("application/json", note), json!({})), @r#"
    create(extra: String)  POST /things
        .any(ThingsCreateRequestAny)  body
        .extra_(HashMap<String, i64>)  body
        body: ThingsCreateRequest
        send -> ()
        responses 204

    struct ThingsCreateRequest  [sent]
        extra: String
        any: Option<ThingsCreateRequestAny>
        extra_: HashMap<String, i64>  all else

    struct ThingsCreateRequestAny  [sent]
        a: Option<Value>
        extra: Map<String, Value>  all else
    "#);
}

#[test]
fn what_stands_beside_a_choice_is_in_each_of_its_kinds() {
    let shape = json!({
        "properties": { "kind": { "type": "string" }, "name": { "type": "string" } },
        "oneOf": [{ "$ref": "#/components/schemas/Circle" }, { "$ref": "#/components/schemas/Square" }],
        "discriminator": { "propertyName": "kind", "mapping": { "round": "#/components/schemas/Circle" } }
    });
    let schemas = json!({
        "Circle": { "type": "object", "properties": { "radius": { "type": "number" } } },
        "Square": { "type": "object", "properties": { "kind": { "const": "flat" }, "side": { "type": "number" } } }
    });
    insta::assert_snapshot!(of(sends("application/json", shape), schemas), @r#"
    create(body: ThingsCreateRequest)  POST /things
        body: ThingsCreateRequest
        send -> ()
        responses 204

    choice ThingsCreateRequest  [sent]  by kind
        Round: ThingsCreateRequestCircle  as round
        Flat: ThingsCreateRequestSquare  as flat

    struct ThingsCreateRequestCircle  [sent]
        kind: Option<ThingsCreateRequestCircleKind>  round | unknown
        name: Option<String>
        radius: Option<f64>

    struct ThingsCreateRequestSquare  [sent]
        kind: Option<ThingsCreateRequestSquareKind>  flat | unknown
        name: Option<String>
        side: Option<f64>
    "#);
}

#[test]
fn tuples_and_patterns_are_lists_and_maps() {
    let thing = json!({ "type": "object", "properties": {
        "pair": { "prefixItems": [{ "type": "integer" }, { "type": "integer" }], "items": false },
        "any": { "type": "array" },
        "labels": { "patternProperties": { "^x-": { "type": "string" } }, "additionalProperties": false },
        "open": { "patternProperties": { "^x-": { "type": "string" } } }
    } });
    insta::assert_snapshot!(of(sends("application/json", thing), json!({})), @r#"
    create()  POST /things
        .any([Value])  body
        .labels([(String, String)])  body
        .open(Map<String, Value>)  body
        .pair(Vec<i64>)  body
        body: ThingsCreateRequest
        send -> ()
        responses 204

    struct ThingsCreateRequest  [sent]
        any: Option<Vec<Value>>
        labels: Option<HashMap<String, String>>
        open: Option<Map<String, Value>>
        pair: Option<Vec<i64>>  at most 2 items
    "#);
}

#[test]
fn a_form_of_names_and_strings_is_typed_and_holds_no_file() {
    let form = json!({ "type": "object", "properties": { "q": { "type": "string" } } });
    insta::assert_snapshot!(of(sends("application/x-www-form-urlencoded", form), json!({})), @r#"
    create()  POST /things
        .q(String)  body
        body: ThingsCreateRequest
        send -> ()
        responses 204

    struct ThingsCreateRequest  [sent]
        q: Option<String>
    "#);
    let file = json!({ "type": "object", "properties": { "f": { "type": "string", "format": "binary" } } });
    insta::assert_snapshot!(of(sends("application/x-www-form-urlencoded", file), json!({})), @r#"spec/openapi.documented.yml:76:1: a file in a form of names and strings (POST /things) (at #/paths/~1things/post/requestBody/content/application~1x-www-form-urlencoded, which an overlay or an alias put below this place); send it as `multipart/form-data`, or say `contentEncoding` instead of `format: binary`"#);
}

#[test]
fn a_parameter_can_be_a_choice_an_object_or_json() {
    let choice = json!({ "oneOf": [{ "type": "string" }, { "type": "integer" }] });
    insta::assert_snapshot!(of(asks(json!({ "name": "near", "in": "query", "schema": choice })), json!({})), @r#"
    create()  POST /things
        .near(ThingsNear)  query
        send -> ()
        responses 204

    choice ThingsNear  [sent]
        String: String
        Integer: i64
    "#);
    let object =
        json!({ "type": "object", "properties": { "a": { "type": "integer", "minimum": 1 } } });
    insta::assert_snapshot!(of(asks(json!({ "name": "X-Filter", "in": "header", "content": { "application/json": { "schema": object } } })), json!({})), @r#"
    create()  POST /things
        .x_filter(ThingsXFilter)  header  as X-Filter
        send -> ()
        responses 204

    struct ThingsXFilter  [sent]
        a: Option<i64>  at least 1
    "#);
    insta::assert_snapshot!(of(asks(json!({ "name": "X-Filter", "in": "header", "explode": true, "schema": object })), json!({})), @r#"spec/openapi.documented.yml:76:1: an exploded object in the path or in a header (POST /things) (at #/paths/~1things/post/parameters/0, which an overlay or an alias put below this place); leave the operation out with `x-onkernel-omit` in an overlay"#);
}

#[test]
fn a_method_says_what_it_sends_and_is_marked_as_the_document_marks_it() {
    let mut lowered = sends("application/json", json!({ "type": "object" }));
    lowered["deprecated"] = json!(true);
    lowered["x-hidden"] = json!(true);
    let document = json!({
        "openapi": "3.1.0",
        "info": { "title": "t", "version": "1" },
        "paths": { "/things": { "post": lowered } }
    });
    let lowered = lower::lower(document).unwrap_or_else(|findings| panic!("{findings:?}"));
    let file = finish::finish(generate::generate(&lowered.document).unwrap(), &lowered.surface);
    let rust = prettyplease::unparse(&file.unwrap());
    let method = rust.split("pub fn create(").next().unwrap();
    let method = &method[method.rfind("impl Things").unwrap()..];
    for part in ["/// Sends a `POST` request to `/things`", "#[deprecated]", "#[doc(hidden)]"] {
        assert!(method.contains(part), "{part}: {method}");
    }
}
