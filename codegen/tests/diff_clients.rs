//! What a change of the document does to those who compile against the generated client, and how it
//! differs from what it does to those who speak HTTP. Each pair is the smallest one that shows it.

#![allow(clippy::unwrap_used)]

use onkernel_codegen::Document;
use onkernel_codegen::diff::{Report, diff_clients};

fn document(text: &str) -> Document {
    let head = "openapi: 3.1.0\ninfo: { title: T, version: '1' }\n";
    Document::parse(&format!("{head}{text}"), "api.yml").unwrap()
}

fn report(old: &str, new: &str) -> Report {
    let report = diff_clients(&document(old), &document(new));
    assert_eq!(report.not_generated, None);
    report
}

/// A pair, both verdicts, and what the report says among other things.
fn expect(old: &str, new: &str, verdicts: (&str, &str), said: &str) {
    let report = report(old, new);
    let text = report.to_text();
    assert_eq!((report.verdict.as_str(), report.http_verdict.as_str()), verdicts, "{text}");
    assert!(text.contains(said), "{said:?} is missing:\n{text}");
}

/// One operation that reads a `Book`.
fn books(schemas: &str) -> String {
    format!(
        "paths:
  /books:
    get:
      operationId: listBooks
      responses: {{ '200': {{ description: '', content: {{ application/json: {{ schema: {{ $ref: '#/components/schemas/Book' }} }} }} }} }}
components:
  schemas:
    {schemas}
"
    )
}

/// One operation with these parameters, or with other keys of its own.
fn shelf(path: &str, more: &str) -> String {
    format!(
        "paths:
  {path}:
    get:
      operationId: getShelf
      {more}
"
    )
}

const NOTHING: &str = "responses: { '204': { description: '' } }";

#[test]
fn a_schema_of_another_name_is_another_type() {
    let old = books("Book: { type: object, properties: { id: { type: string } } }");
    let new = old.replace("Book", "Volume").replace("listVolumes", "listBooks");
    expect(&old, &new, ("major", "none"), "`types::Book` removed");
}

#[test]
fn a_title_names_the_type_of_a_kind() {
    let kinds = |title: &str| {
        books(&format!(
            "Book: {{ oneOf: [{{ title: {title}, type: object, required: [a], properties: {{ a: {{ type: string }} }} }}, {{ title: Map, type: object, required: [b], properties: {{ b: {{ type: string }} }} }}] }}"
        ))
    };
    expect(&kinds("Novel"), &kinds("Story"), ("major", "patch"), "removed");
}

#[test]
fn a_field_that_becomes_required_where_a_reader_has_it_is_another_type() {
    let base = "Book: { allOf: [{ $ref: '#/components/schemas/Thing' }, { type: object REQUIRED }] }\n    Thing: { type: object, properties: { id: { type: string } } }";
    let old = books(&base.replace("REQUIRED", ", required: [id]"));
    let new = books(&base.replace("REQUIRED", ""));
    expect(&old, &new, ("major", "major"), "`types::Book.id` is `Option<String>`, was `String`");
}

#[test]
fn a_second_success_changes_what_is_returned() {
    let of = |more: &str| {
        let body = "content: { application/json: { schema: { type: string } } }";
        shelf("/shelf", &format!("responses: {{ '200': {{ description: '', {body} }}{more} }}"))
    };
    let more = ", '202': { description: '', content: { application/json: { schema: { type: integer } } } }";
    expect(&of(""), &of(more), ("major", "major"), "`resources::shelf::Get::send` is");
}

/// Also where both hold the same: which of them came is told.
#[test]
fn a_second_success_of_the_same_body_changes_what_is_returned() {
    let of = |more: &str| {
        let body = "content: { application/json: { schema: { type: string } } }";
        let more = if more.is_empty() {
            String::new()
        } else {
            format!(", {more}: {{ description: '', {body} }}")
        };
        shelf("/shelf", &format!("responses: {{ '200': {{ description: '', {body} }}{more} }}"))
    };
    expect(&of(""), &of("'201'"), ("major", "minor"), "`resources::shelf::Get::send` is");
}

/// No type is made of it.
#[test]
fn a_schema_that_nothing_uses_is_nothing() {
    let thing = "Book: { type: object, properties: { id: { type: string } } }";
    let of = |more: &str| books(&format!("{thing}\n    {more}"));
    for more in ["Event: { type: object }", "Odd: { not: { type: string } }"] {
        for (old, new) in [(of(""), of(more)), (of(more), of(""))] {
            let report = report(&old, &new);
            assert_eq!(report.verdict.as_str(), "none", "{}", report.to_text());
        }
    }
}

#[test]
fn a_discriminator_names_the_kinds() {
    let of = |more: &str| {
        books(&format!(
            "Book: {{ oneOf: [{{ $ref: '#/components/schemas/NovelBody' }}, {{ $ref: '#/components/schemas/MapBody' }}]{more} }}
    NovelBody: {{ type: object, required: [kind], properties: {{ kind: {{ type: string }}, pages: {{ type: integer }} }} }}
    MapBody: {{ type: object, required: [kind], properties: {{ kind: {{ type: string }}, scale: {{ type: boolean }} }} }}"
        ))
    };
    let discriminator = ", discriminator: { propertyName: kind, mapping: { novel: '#/components/schemas/NovelBody', map: '#/components/schemas/MapBody' } }";
    expect(&of(""), &of(discriminator), ("major", "minor"), "`types::Book::NovelBody` removed");
}

/// It is one that can grow.
#[test]
fn a_choice_of_one_is_a_choice() {
    let of = |schema: &str| {
        let body = format!("content: {{ application/json: {{ schema: {schema} }} }}");
        let get =
            shelf("/shelf", &format!("responses: {{ '200': {{ description: '', {body} }} }}"));
        format!(
            "{get}components: {{ schemas: {{ Book: {{ type: object, properties: {{ id: {{ type: string }} }} }} }} }}\n"
        )
    };
    let one = "$ref: '#/components/schemas/Book'";
    let (old, new) = (of(&format!("{{ {one} }}")), of(&format!("{{ oneOf: [{{ {one} }}] }}")));
    expect(&old, &new, ("major", "none"), "`resources::shelf::Get::send` is");
}

#[test]
fn what_comes_beside_a_name_takes_none_from_it_or_breaks_callers() {
    let of = |more: &str| {
        books(&format!(
            "Book: {{ type: object, required: [m], properties: {{ {more}m: {{ type: string }} }} }}"
        ))
    };
    expect(&of(""), &of("M: { type: integer }, "), ("minor", "minor"), "property `M` added");

    let of = |more: &str| {
        let header = "{ name: X-Shelf-Id, in: header, schema: { type: string } }";
        shelf("/shelf", &format!("parameters: [{header}{more}]\n      {NOTHING}"))
    };
    let beside =
        |name: &str| of(&format!(", {{ name: {name}, in: query, schema: {{ type: string }} }}"));
    expect(
        &of(""),
        &beside("X-Shelf-Id"),
        ("major", "minor"),
        "`resources::shelf::Get::x_shelf_id`",
    );
    expect(
        &of(""),
        &beside("x_shelf_id"),
        ("major", "minor"),
        "`resources::shelf::Get::x_shelf_id`",
    );
}

#[test]
fn path_parameters_that_change_places_send_another_url() {
    let parameter = |name: &str| {
        format!("{{ name: {name}, in: path, required: true, schema: {{ type: string }} }}")
    };
    let of = |path: &str| {
        let parameters = format!("parameters: [{}, {}]", parameter("row"), parameter("book"));
        shelf(path, &format!("{parameters}\n      {NOTHING}"))
    };
    expect(
        &of("/rows/{row}/books/{book}"),
        &of("/rows/{book}/books/{row}"),
        ("major", "none"),
        "arguments in another order: book, row",
    );
}

/// The argument is given by its place.
#[test]
fn a_path_parameter_may_change_its_name() {
    let of = |name: &str| {
        let parameter =
            format!("{{ name: {name}, in: path, required: true, schema: {{ type: string }} }}");
        shelf(&format!("/rows/{{{name}}}"), &format!("parameters: [{parameter}]\n      {NOTHING}"))
    };
    expect(&of("row"), &of("line"), ("patch", "patch"), "path parameter `row` renamed to `line`");
}

#[test]
fn a_body_of_json_may_change_the_name_of_its_media_type() {
    let of = |media: &str| {
        let body = format!(
            "requestBody: {{ required: true, content: {{ {media}: {{ schema: {{ type: object, properties: {{ a: {{ type: string }} }} }} }} }} }}"
        );
        shelf("/shelf", &format!("{body}\n      {NOTHING}"))
    };
    expect(
        &of("application/json"),
        &of("application/merge-patch+json"),
        ("minor", "major"),
        "content type changed from `application/json` to `application/merge-patch+json` (over HTTP: breaking)",
    );
}

#[test]
fn a_list_without_the_header_of_its_next_page_has_no_pages() {
    let of = |headers: &str| {
        let limit = "{ name: limit, in: query, schema: { type: integer } }";
        let offset = "{ name: offset, in: query, schema: { type: integer } }";
        let body =
            "content: { application/json: { schema: { type: array, items: { type: string } } } }";
        shelf(
            "/shelf",
            &format!(
                "parameters: [{limit}, {offset}]\n      responses: {{ '200': {{ description: '', {headers}{body} }} }}"
            ),
        )
    };
    let headers = "headers: { X-Has-More: { schema: { type: boolean } }, X-Next-Offset: { schema: { type: integer } } }, ";
    expect(&of(headers), &of(""), ("major", "minor"), "`resources::shelf::Get::pages` removed");
}

/// What callers never send is no demand on them.
#[test]
fn a_read_only_field_may_come_as_required() {
    let of = |more: &str| {
        format!(
            "paths:
  /books:
    post:
      operationId: createBook
      requestBody: {{ required: true, content: {{ application/json: {{ schema: {{ $ref: '#/components/schemas/Book' }} }} }} }}
      responses: {{ '201': {{ description: '', content: {{ application/json: {{ schema: {{ $ref: '#/components/schemas/Book' }} }} }} }} }}
components:
  schemas:
    Book: {{ type: object, required: [title{}], properties: {{ title: {{ type: string }}{} }} }}
",
            if more.is_empty() { "" } else { ", etag" },
            more
        )
    };
    let report = report(&of(""), &of(", etag: { type: string, readOnly: true }"));
    assert_eq!(report.verdict.as_str(), "minor", "{}", report.to_text());
    assert_eq!(report.http_verdict.as_str(), "minor", "{}", report.to_text());
}

#[test]
fn headers_that_the_client_decides_on_are_nothing() {
    let parameter = "{ name: Accept, in: header, schema: { type: string } }";
    let with = shelf("/shelf", &format!("parameters: [{parameter}]\n      {NOTHING}"));
    let report = report(&with, &shelf("/shelf", NOTHING));
    assert_eq!(report.verdict.as_str(), "none", "{}", report.to_text());
}

/// Two values that make one name: whoever is written as Rust would keeps it, so that only who is not can
/// lose it.
#[test]
fn a_variant_that_sends_another_value_breaks_callers() {
    let of = |values: &str| {
        books(&format!(
            "Book: {{ type: object, properties: {{ kind: {{ type: string, enum: [{values}] }} }} }}"
        ))
    };
    let said = "`types::BookKind::AB` stands for `a_b` instead of `a-b`";
    expect(&of("a-b, c"), &of("a-b, a_b, c"), ("major", "minor"), said);
    expect(&of("a_b, c"), &of("a-b, a_b, c"), ("minor", "minor"), "value `a-b` added");
    expect(&of("a_b, c"), &of("a_b, c, a-b"), ("minor", "minor"), "value `a-b` added");
}

#[test]
fn a_client_that_cannot_be_generated_leaves_the_documents() {
    let old = shelf("/shelf", NOTHING);
    let new = shelf("/shelf", "responses: { '204': { $ref: '#/nowhere' } }");
    let report = diff_clients(&document(&old), &document(&new));
    let why = report.not_generated.clone().unwrap();
    assert!(why.starts_with("api.yml:") && !why.contains('\n'), "{why}");
    assert!(report.to_text().contains("the generated clients are not compared: api.yml:"));
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["not_generated"], why);
}

#[test]
fn an_item_is_named_in_the_json() {
    let old = books("Book: { type: object, required: [id], properties: { id: { type: string } } }");
    let new = old.replace("required: [id], ", "");
    let json: serde_json::Value = serde_json::from_str(&report(&old, &new).to_json()).unwrap();
    let item = json["changes"].as_array().unwrap().iter().find(|it| it["item"] == "types::Book.id");
    let item = item.unwrap();
    assert_eq!(item["effect"], "breaking");
    assert_eq!(item["http_effect"], serde_json::Value::Null);
    assert_eq!((&item["operation"], &item["pointer"]), (&serde_json::Value::Null, &"".into()));
}
