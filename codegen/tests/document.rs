//! Documents as their authors write them, and as they should not.

use onkernel_codegen::{Document, Problem};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Everything that is wrong with a document, references included.
fn error(text: &str) -> String {
    let checked = Document::parse(text, "api.yml").and_then(|it| it.check_references());
    checked.unwrap_err().to_string()
}

/// A document with this text after its head.
fn with(rest: &str) -> String {
    format!("openapi: 3.1.0\npaths: {{}}\n{rest}")
}

fn parse(text: &str) -> Value {
    Document::parse(text, "api.yml").unwrap().root().clone()
}

/// The value of a member `x` written as this text.
fn value(text: &str) -> Value {
    parse(&with(&format!("x: {text}\n")))["x"].clone()
}

#[test]
fn the_scalars_are_those_of_yaml_1_2() {
    for text in ["no", "yes", "on", "off", "NO", "2026-07-01", "0123", "1_000", "12:30:45"] {
        assert_eq!(value(text), json!(text), "{text} is a text");
    }
    assert_eq!(value("0o17"), json!(15));
    assert_eq!(value("0xff"), json!(255));
    assert_eq!(value("True"), json!(true));
    assert_eq!(value("~"), json!(null));
    assert_eq!(value(""), json!(null));
    assert_eq!(value("'200'"), json!("200"));
    assert_eq!(value("!!str 200"), json!("200"));
    assert_eq!(value("1.50"), json!(1.5));
}

#[test]
fn numbers_are_those_of_yaml_1_2() {
    for text in [
        "-01", "00", "0x", "0x1g", "+", ".", "--1", "+-1", "1e", "e1", "inf", "nan", "1e400",
        "0x+1",
    ] {
        assert_eq!(value(text), json!(text), "{text} is a text");
    }
    for (text, number) in [
        ("+12", json!(12)),
        ("-0x1F", json!(-31)),
        ("0b101", json!(5)),
        ("-0", json!(0)),
        ("0.10", json!(0.1)),
        (".5", json!(0.5)),
        ("-1.", json!(-1.0)),
        ("+1E-2", json!(0.01)),
        ("18446744073709551616", json!(18_446_744_073_709_551_616.0)),
        ("-9223372036854775809", json!(-9_223_372_036_854_775_809.0)),
        ("0x10000000000000000", json!(18_446_744_073_709_551_616.0)),
        ("0.30000000000000004", json!(0.300_000_000_000_000_04)),
        ("4.35", json!(4.35)),
    ] {
        assert_eq!(value(text), number, "{text}");
    }
}

#[test]
fn a_tag_of_the_core_schema_decides_what_a_scalar_is() {
    let value = value("[!!str 1, !!str no, !!int '12', !!float 1, !!bool 'true', !!null '']");
    assert_eq!(value, json!(["1", "no", 12, 1, true, null]));
    let value = self::value("{a: !!map {b: !!seq [c]}, !!str 1: d, !<tag:yaml.org,2002:str> e: f}");
    assert_eq!(value, json!({"a": {"b": ["c"]}, "1": "d", "e": "f"}));
    insta::assert_snapshot!(error(&with("a: !!int b\n")), @"api.yml:3:1: this is not what its tag `!!int` says (at #/a); correct the value or remove the tag");
    insta::assert_snapshot!(error(&with("a: !!bool 'yes'\n")), @"api.yml:3:1: this is not what its tag `!!bool` says (at #/a); correct the value or remove the tag");
}

#[test]
fn integers_of_64_bits_are_kept() {
    assert_eq!(value("18446744073709551615"), json!(u64::MAX));
    assert_eq!(value("-9223372036854775808"), json!(i64::MIN));
}

#[test]
fn keys_are_texts_as_they_are_written() {
    let value = value("{200: a, 2.0: b, yes: c, true: d, null: e, 0x1f: f}");
    assert_eq!(
        value,
        json!({"200": "a", "2.0": "b", "yes": "c", "true": "d", "null": "e", "0x1f": "f"})
    );
}

#[test]
fn aliases_are_read() {
    let value = parse(&with("a: &a {x: [1, 2]}\nb: *a\nc: [*a, *a]\n"));
    assert_eq!(value["b"], value["a"]);
    assert_eq!(value["c"], json!([{"x": [1, 2]}, {"x": [1, 2]}]));
    // As values and as keys, and the last of a name.
    let value = self::value("[&a 1, {*a : b}, {&b c: *b}, &a d, *a]");
    assert_eq!(value, json!([1, {"1": "b"}, {"c": "c"}, "d", "d"]));
}

#[test]
fn json_and_a_byte_order_mark_are_read() {
    let text = "\u{feff}{\"openapi\": \"3.0.3\",\n\t\"paths\": {}, \"x\": \"\\ud83d\\ude00\"}";
    let document = Document::parse(text, "api.json").unwrap();
    assert_eq!(document.root()["x"], "😀");
    assert_eq!(document.position("/paths").unwrap().line, 2);
}

#[test]
fn a_value_stands_at_its_key() {
    let text = "openapi: 3.1.0\npaths:\n  /ä/{id}:\n    get: {tags: [é, b]}\n    parameters:\n      - name: id\n";
    let document = Document::parse(text, "api.yml").unwrap();
    let at = |pointer| document.position(pointer).map(|at| (at.line, at.column));
    assert_eq!(at(""), Some((1, 1)));
    assert_eq!(at("/paths"), Some((2, 1)));
    assert_eq!(at("/paths/~1ä~1{id}"), Some((3, 3)));
    assert_eq!(at("#/paths/~1ä~1{id}/get/tags"), Some((4, 11)));
    assert_eq!(at("/paths/~1ä~1{id}/get/tags/1"), Some((4, 21)), "columns count characters");
    assert_eq!(at("/paths/~1ä~1{id}/parameters/0"), Some((6, 9)));
    assert_eq!(at("/paths/~1ä~1{id}/parameters/1"), None);
}

#[test]
fn what_is_not_in_the_file_is_shown_at_the_nearest_place() {
    let mut document = Document::parse(&with("info: {title: A}\n"), "api.yml").unwrap();
    document.root_mut()["info"]["contact"] = json!({"name": 1});
    insta::assert_snapshot!(
        document.problem("#/info/contact/name", "this is a number", "write a text"), @"api.yml:3:1: this is a number (at #/info/contact/name, which an overlay or an alias put below this place); write a text"
    );
    insta::assert_snapshot!(document.problem("/info", "no version", ""), @"api.yml:3:1: no version (at #/info)");
}

#[test]
fn references_are_resolved() {
    let document = Document::parse(&with("a b: {c/d~: [1, {e: 2}]}\n"), "api.yml").unwrap();
    assert_eq!(document.resolve("#/a%20b/c~1d~0/1/e"), Some(&json!(2)));
    assert_eq!(document.resolve("#/a b/c~1d~0/0"), Some(&json!(1)));
    assert_eq!(document.resolve("#"), Some(document.root()));
    for dangling in ["#/nothing", "#a", "/paths", "", "#/a%2", "#/a%zz", "#/%ff"] {
        assert_eq!(document.resolve(dangling), None, "{dangling}");
    }
}

#[test]
fn a_problem_is_one_line() {
    let problem = Problem::new("a\nb", "c\u{1b}[31m", "d\te");
    insta::assert_snapshot!(problem, @r"a\nb: c\u{1b}[31m; d\te");
}

#[test]
fn what_is_not_openapi_is_rejected() {
    insta::assert_snapshot!(error(""), @"api.yml: the file is empty; give an OpenAPI file");
    insta::assert_snapshot!(error(" \n\t\n"), @"api.yml: the file is empty; give an OpenAPI file");
    insta::assert_snapshot!(error("# nothing\n"), @"api.yml: an OpenAPI document is a mapping, and this is empty; give an OpenAPI file");
    insta::assert_snapshot!(error("<!DOCTYPE html><html></html>"), @"api.yml:1:1: an OpenAPI document is a mapping, and this is a text; give an OpenAPI file");
    insta::assert_snapshot!(error("- a\n"), @"api.yml:1:1: an OpenAPI document is a mapping, and this is a list; give an OpenAPI file");
    insta::assert_snapshot!(error("info: {}\n"), @"api.yml:1:1: `openapi` is missing; give a document of OpenAPI 3.0 or 3.1");
    insta::assert_snapshot!(error("swagger: '2.0'\n"), @"api.yml:1:1: this is Swagger 2.0 (at #/swagger); give a document of OpenAPI 3.0 or 3.1");
    insta::assert_snapshot!(error("swagger: 2.0\n"), @"api.yml:1:1: this is Swagger 2.0 (at #/swagger); give a document of OpenAPI 3.0 or 3.1");
    insta::assert_snapshot!(error("openapi: 3.2.0\npaths: {}\n"), @"api.yml:1:1: this is OpenAPI `3.2.0` (at #/openapi); give a document of OpenAPI 3.0 or 3.1");
    insta::assert_snapshot!(error("openapi: 3.1\npaths: {}\n"), @"api.yml:1:1: `openapi` is 3.1, which is a number (at #/openapi); write the version as a text of three parts, such as `3.1.0`");
    insta::assert_snapshot!(error("openapi: '3.1'\npaths: {}\n"), @"api.yml:1:1: this is OpenAPI `3.1` (at #/openapi); write the version as a text of three parts, such as `3.1.0`");
    insta::assert_snapshot!(error("openapi: 3.1.0\n"), @"api.yml:1:1: `paths` is missing; add the operations, since a client is made of them");
    insta::assert_snapshot!(error("openapi: 3.1.0\npaths:\n  - /a\n"), @"api.yml:2:1: `paths` is a list (at #/paths); make it a mapping from paths to operations");
}

#[test]
fn what_is_not_yaml_is_rejected() {
    insta::assert_snapshot!(error(&with("a: [1\nb: 2\n")), @"api.yml:4:2: this is not YAML: illegal placement of ':' indicator, inside the `[` at line 3 column 4; correct the indentation or quoting here");
    insta::assert_snapshot!(error(&with("a: 'b\n")), @"api.yml:3:4: this is not YAML: while scanning a quoted scalar, found unexpected end of stream; correct the indentation or quoting here");
    insta::assert_snapshot!(error(&with("a:\n\t- b\n")), @"api.yml:4:2: this is not YAML: tabs disallowed within this context (block indentation); correct the indentation or quoting here");
    insta::assert_snapshot!(error(&with("a: b: c\n")), @"api.yml:3:5: this is not YAML: mapping values are not allowed in this context; correct the indentation or quoting here");
    insta::assert_snapshot!(error(&with("a: @b\n")), @"api.yml:3:4: this is not YAML: unexpected character: `@'; correct the indentation or quoting here");
    insta::assert_snapshot!(error(&with("a: \u{0}\n")), @"api.yml:3:4: the file holds a control character; remove it, or escape it");
    insta::assert_snapshot!(error(&with("[a]: b\n")), @"api.yml:3:1: a list or a mapping cannot be a key; write a text as the key");
    insta::assert_snapshot!(error(&with("a: *b\n")), @"api.yml:3:4: this alias has no anchor before it; add the anchor, or write the value out");
    insta::assert_snapshot!(error(&with("---\nopenapi: 3.1.0\n")), @"api.yml:3:1: the file holds more than one YAML document; keep one, and remove the `---` that begins the next");
    let json = Document::parse("{\"openapi\": \"3.1.0\",\n \"paths\": }", "api.json").unwrap_err();
    insta::assert_snapshot!(json, @"api.json:2:11: this is not JSON: expected value; correct it here");
}

#[test]
fn what_json_cannot_carry_is_rejected() {
    insta::assert_snapshot!(error(&with("a:\n  - .inf\n")), @"api.yml:4:5: inf is not a number that JSON can carry (at #/a/0); give a finite number, or quote it if a text is meant");
    insta::assert_snapshot!(error(&with("a: {b: -.INF}\n")), @"api.yml:3:5: -inf is not a number that JSON can carry (at #/a/b); give a finite number, or quote it if a text is meant");
    insta::assert_snapshot!(error(&with("a: .nan\n")), @"api.yml:3:1: NaN is not a number that JSON can carry (at #/a); give a finite number, or quote it if a text is meant");
    insta::assert_snapshot!(error(&with("const: 18446744073709551616\n")), @"api.yml:3:1: 18446744073709551616 has more digits than can be kept (at #/const); give a number of 64 bits, or quote it if a text is meant");
    insta::assert_snapshot!(error(&with("a: !include b.yml\n")), @"api.yml:3:1: a YAML tag (`!…`) has no meaning here (at #/a); remove the tag, and bundle the document if it has several files");
    insta::assert_snapshot!(error(&with("a: !map {b: c}\n")), @"api.yml:3:1: a YAML tag (`!…`) has no meaning here (at #/a); remove the tag, and bundle the document if it has several files");
}

#[test]
fn a_key_stands_once() {
    insta::assert_snapshot!(error(&with("a:\n  b: 1\n  c: 2\n  b: 3\n")), @"api.yml:6:3: this key appears twice, first on line 4 (at #/a/b); remove one of them");
    insta::assert_snapshot!(error(&with("a: {200: b, '200': c}\n")), @"api.yml:3:13: this key appears twice, first on line 3 (at #/a/200); remove one of them");
    insta::assert_snapshot!(error("{\"openapi\": \"3.1.0\",\n\"paths\": {},\n\"paths\": {}}"), @"api.yml:3:1: this key appears twice, first on line 2 (at #/paths); remove one of them");
}

#[test]
fn merge_keys_are_rejected_and_the_name_is_not() {
    insta::assert_snapshot!(error(&with("a: &a {b: 1}\nc:\n  <<: *a\n  d: 2\n")), @"api.yml:5:3: merge keys (`<<`) are not part of YAML 1.2 (at #/c); write the fields out, or use `$ref` or `allOf`; quote the key if it is a name");
    let quoted = parse(&with("a: &a {'<<': 1}\nb: *a\n"));
    assert_eq!(quoted["b"], json!({"<<": 1}));
    assert_eq!(value("{<<: {b: 1}, a: <<}"), json!({"<<": {"b": 1}, "a": "<<"}));
}

#[test]
fn bombs_are_rejected() {
    let mut laughs = with("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        laughs.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    insta::assert_snapshot!(error(&laughs), @"api.yml:6:15: aliases make this document more than 10 times larger (at #/a3/1); write the values out, or use `$ref`");

    let wide = with(&format!("a: &a [{}]\nb: [{}]\n", "x,".repeat(20_000), "*a,".repeat(20_000)));
    insta::assert_snapshot!(error(&wide), @"api.yml:4:77: aliases make this document more than 10 times larger (at #/b/24); write the values out, or use `$ref`");

    let text = with(&format!("a: &a {}\nb: [{}]\n", "x".repeat(50_000), "*a,".repeat(1_000)));
    insta::assert_snapshot!(error(&text), @"api.yml:4:32: aliases make this document more than 10 times larger (at #/b/9); write the values out, or use `$ref`");

    insta::assert_snapshot!(error(&with("a: &a [*a]\n")), @"api.yml:3:8: this alias stands inside of what it names; use `$ref` instead");
}

#[test]
fn deep_nesting_is_rejected_and_does_not_exhaust_the_stack() {
    let nested = |levels| format!("a: {}{}\n", "[".repeat(levels), "]".repeat(levels));
    assert!(Document::parse(&with(&nested(100)), "api.yml").is_ok());
    insta::assert_snapshot!(error(&with(&nested(200))), @"api.yml:3:131: the document is nested more than 128 levels deep here; move the inner part to components and refer to it by `$ref`");
    assert!(Document::parse(&with(&nested(5_000)), "api.yml").is_err());
    let json = format!("{{\"a\": {}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    assert!(Document::parse(&json, "api.json").is_err());
    let block: String = (0..300).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    insta::assert_snapshot!(error(&with(&block)), @"api.yml:131:129: the document is nested more than 128 levels deep here; move the inner part to components and refer to it by `$ref`");
}

#[test]
fn every_reference_leads_somewhere() {
    insta::assert_snapshot!(error(&with(r"
components:
  schemas:
    Z: {$ref: '#/components/schemas/Missing'}
    A:
      allOf:
        - $ref: 'other.yml#/A'
        - $ref: https://example.com/a.json
        - $ref: '#anchor'
      properties:
        example: {$ref: '#/components/schemas/AlsoMissing'}
")), @r"
    api.yml:6:9: `#/components/schemas/Missing` leads nowhere (at #/components/schemas/Z/$ref); correct the reference or add what it means
    api.yml:9:11: `other.yml#/A` is outside this file (at #/components/schemas/A/allOf/0/$ref); bundle the document into one file first, for example with `redocly bundle`
    api.yml:10:11: `https://example.com/a.json` is outside this file (at #/components/schemas/A/allOf/1/$ref); bundle the document into one file first, for example with `redocly bundle`
    api.yml:11:11: `#anchor` is not a JSON pointer (at #/components/schemas/A/allOf/2/$ref); write the path from the root, such as `#/components/schemas/Name`
    api.yml:13:19: `#/components/schemas/AlsoMissing` leads nowhere (at #/components/schemas/A/properties/example/$ref); correct the reference or add what it means
    ");
}

#[test]
fn references_in_data_are_data() {
    let text = with(
        r"
components:
  schemas:
    A:
      example: {$ref: '#/nowhere'}
      examples: [{$ref: '#/nowhere'}]
      default: {$ref: '#/nowhere'}
      enum: [{$ref: '#/nowhere'}]
      const: {$ref: '#/nowhere'}
      x-anything: {$ref: '#/nowhere'}
      properties: {$ref: {type: string}, value: {$ref: '#/components/schemas/B%20b'}}
    B b: {type: [object], properties: {a: {$ref: '#/components/schemas/A'}}}
  examples:
    e: {value: {$ref: '#/nowhere'}}
",
    );
    Document::parse(&text, "api.yml").unwrap().check_references().unwrap();
}

#[test]
fn circles_of_references_are_rejected() {
    insta::assert_snapshot!(error(&with(r"
components:
  schemas:
    A: {$ref: '#/components/schemas/B'}
    B: {$ref: '#/components/schemas/A'}
    C: {$ref: '#/components/schemas/C'}
")), @r"
    api.yml:6:9: `#/components/schemas/B` leads back to itself through references alone (at #/components/schemas/A/$ref); let one of them be a value
    api.yml:7:9: `#/components/schemas/A` leads back to itself through references alone (at #/components/schemas/B/$ref); let one of them be a value
    api.yml:8:9: `#/components/schemas/C` leads back to itself through references alone (at #/components/schemas/C/$ref); let one of them be a value
    ");
}

#[test]
fn the_bundled_document_loads() {
    let text = include_str!("../../spec/openapi.documented.yml");
    let document = Document::parse(text, "spec/openapi.documented.yml").unwrap();
    document.check_references().unwrap();
    assert_eq!(document.root()["tags"].as_array().unwrap().len(), 29);
}

/// Any JSON value, with the strings that YAML would take for something else.
fn json_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "\\PC{0,12}",
        any::<String>(),
        prop::sample::select(vec![
            "no", "<<", "~", "0x1f", "1e3", ".inf", "- a", "<", "a: b", "#", "'", ""
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(text.clone(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_survives_being_written_and_read(value in json_value()) {
        let document = json!({"openapi": "3.1.0", "paths": {}, "x": value});
        prop_assert_eq!(&parse(&serde_yaml::to_string(&document).unwrap()), &document);
        prop_assert_eq!(&parse(&document.to_string()), &document);
        prop_assert_eq!(&parse(&serde_json::to_string_pretty(&document).unwrap()), &document);
    }

    #[test]
    fn any_value_has_a_position(value in json_value()) {
        fn pointers(value: &Value, at: String, found: &mut Vec<String>) {
            use onkernel_codegen::document::pointer::join;
            match value {
                Value::Array(items) => for (index, item) in items.iter().enumerate() {
                    pointers(item, join(&at, index), found);
                },
                Value::Object(members) => for (key, member) in members {
                    pointers(member, join(&at, key), found);
                },
                _ => {}
            }
            found.push(at);
        }
        let root = json!({"openapi": "3.1.0", "paths": {}, "x": value});
        let text = serde_yaml::to_string(&root).unwrap();
        // Line breaks of YAML 1.1 and not of 1.2, where the two parsers differ.
        prop_assume!(!text.contains(['\u{85}', '\u{2028}', '\u{2029}']));
        let document = Document::parse(&text, "a").unwrap();
        let mut found = Vec::new();
        pointers(&root, String::new(), &mut found);
        for pointer in found {
            prop_assert!(document.position(&pointer).is_some(), "{}", pointer);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), yaml in "[-a:{}\\[\\],&*!|>'\" \n#?<0.]{0,60}") {
        for text in [text.as_str(), &yaml, &with(&yaml), &format!("{{{yaml}}}")] {
            if let Err(error) = Document::parse(text, "a").and_then(|it| it.check_references()) {
                prop_assert_eq!(error.to_string().lines().count(), error.problems.len());
            }
        }
    }

    #[test]
    fn no_mutation_makes_it_panic(at in any::<prop::sample::Index>(), length in 0..40usize, insert in "\\PC{0,4}|[\n\t ]{0,4}") {
        let mut text = include_str!("../../spec/openapi.documented.yml").to_owned();
        let (start, length) = (at.index(text.len()), length);
        let end = (start + length).min(text.len());
        if text.is_char_boundary(start) && text.is_char_boundary(end) {
            text.replace_range(start..end, &insert);
        }
        if let Err(error) = Document::parse(&text, "a").and_then(|it| it.check_references()) {
            prop_assert!(error.problems.iter().all(|problem| problem.position.is_some()), "{}", error);
        }
    }
}
