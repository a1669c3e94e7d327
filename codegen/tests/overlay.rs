//! Overlays as their authors write them, and as they should not.

use onkernel_codegen::{Document, Overlay};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const DOCUMENT: &str = "\
openapi: 3.1.0
info: {title: A, version: '1', contact: {name: B}}
tags: [{name: A}, {name: B}]
paths:
  /a:
    get: {tags: [A, X], parameters: [{name: p}, {name: q}, {name: r}]}
    post: {tags: [B]}
    parameters: []
  /b:
    get: {tags: [B], operationId: b}
";

fn document() -> Document {
    Document::parse(DOCUMENT, "api.yml").unwrap()
}

/// An overlay with these actions and whatever follows them.
fn overlay(actions: &str) -> String {
    format!("overlay: 1.0.0\ninfo: {{title: T, version: 1.0.0}}\nactions:\n{actions}")
}

fn apply(actions: &str) -> Value {
    let mut document = document();
    Overlay::parse(&overlay(actions), "overlay.yml").unwrap().apply(&mut document).unwrap();
    document.root().clone()
}

/// What is wrong with an overlay, or with applying it.
fn error(text: &str) -> String {
    let mut document = document();
    let applied = Overlay::parse(text, "overlay.yml").and_then(|it| it.apply(&mut document));
    let error = applied.unwrap_err().to_string();
    assert_eq!(document.root(), self::document().root(), "a failed overlay changes nothing");
    error
}

#[test]
fn mappings_are_merged() {
    let root = apply(
        "  - target: $.info\n    update: {title: Z, contact: {url: U}, license: {name: MIT}}\n",
    );
    assert_eq!(
        root["info"],
        json!({"title": "Z", "version": "1", "contact": {"name": "B", "url": "U"},
               "license": {"name": "MIT"}})
    );
}

#[test]
fn an_update_of_a_list_is_one_more_entry() {
    let root = apply("  - target: $.tags\n    update: {name: C}\n");
    assert_eq!(root["tags"], json!([{"name": "A"}, {"name": "B"}, {"name": "C"}]));
    let root = apply("  - target: $.tags\n    update: [1, 2]\n");
    assert_eq!(root["tags"], json!([{"name": "A"}, {"name": "B"}, [1, 2]]));
}

#[test]
fn lists_within_an_update_are_joined() {
    let root = apply("  - target: $\n    update: {tags: [{name: C}]}\n");
    assert_eq!(root["tags"], json!([{"name": "A"}, {"name": "B"}, {"name": "C"}]));
}

#[test]
fn single_values_are_replaced_whatever_they_are() {
    let root = apply("  - target: $.info\n    update: {title: 1, version: null}\n");
    assert_eq!((&root["info"]["title"], &root["info"]["version"]), (&json!(1), &json!(null)));
    let root = apply(
        "  - target: $\n    update: {empty: null}\n  - target: $\n    update: {empty: {a: 1}}\n",
    );
    assert_eq!(root["empty"], json!({"a": 1}));
}

#[test]
fn an_empty_value_adds_nothing_to_a_collection() {
    let root = apply("  - target: $\n    update:\n      info:\n      tags:\n");
    assert_eq!(&root, document().root());
}

#[test]
fn every_match_is_updated() {
    let root = apply("  - target: $.paths.*.get\n    update: {x-safe: true}\n");
    assert_eq!(root.pointer("/paths/~1a/get/x-safe"), Some(&json!(true)));
    assert_eq!(root.pointer("/paths/~1b/get/x-safe"), Some(&json!(true)));
    assert_eq!(root.pointer("/paths/~1a/post/x-safe"), None);
}

#[test]
fn removal_takes_every_match_and_nothing_else() {
    let root =
        apply("  - target: $.paths['/a'].get.parameters[?@.name != 'q']\n    remove: true\n");
    assert_eq!(root.pointer("/paths/~1a/get/parameters"), Some(&json!([{"name": "q"}])));
    let root = apply("  - target: $.paths['/a', '/a', '/b']\n    remove: true\n");
    assert_eq!(root["paths"], json!({}));
    // Also nested ones, and single values.
    let root = apply("  - target: $.paths..*\n    remove: true\n");
    assert_eq!(root["paths"], json!({}));
    let root = apply("  - target: $.paths['/a'].get.tags[?@ == 'X']\n    remove: true\n");
    assert_eq!(root.pointer("/paths/~1a/get/tags"), Some(&json!(["A"])));
}

#[test]
fn removal_wins_over_an_update() {
    let root = apply("  - target: $.info.contact\n    update: {name: Z}\n    remove: true\n");
    assert_eq!(root["info"], json!({"title": "A", "version": "1"}));
}

#[test]
fn actions_see_what_those_before_them_did() {
    let root = apply(
        "  - target: $.info.contact\n    remove: true\n\
         \x20 - target: $.info\n    update: {contact: [N]}\n\
         \x20 - target: $.info.contact\n    update: M\n",
    );
    assert_eq!(root["info"]["contact"], json!(["N", "M"]));
}

#[test]
fn the_report_counts_matches() {
    let text = overlay(
        "  - target: $.paths.*.get\n    description: Because.\n    update: {x-a: 1}\n\
         \x20 - target: $.nothing\n    x-onkernel-optional: Newer ones have it.\n    remove: true\n\
         x-onkernel-omit: {tags: [B]}\n",
    );
    let report = Overlay::parse(&text, "o").unwrap().apply(&mut document()).unwrap();
    insta::assert_debug_snapshot!(report, @r#"
    Report {
        actions: [
            Applied {
                target: "$.paths.*.get",
                description: Some(
                    "Because.",
                ),
                optional: None,
                matched: 2,
                position: Some(
                    Position {
                        line: 4,
                        column: 5,
                    },
                ),
            },
            Applied {
                target: "$.nothing",
                description: None,
                optional: Some(
                    "Newer ones have it.",
                ),
                matched: 0,
                position: Some(
                    Position {
                        line: 7,
                        column: 5,
                    },
                ),
            },
        ],
        omitted: [
            "POST /a",
            "GET /b",
        ],
    }
    "#);
}

#[test]
fn omitted_operations_take_empty_paths_with_them() {
    let omit = |omit: &str| {
        apply(&format!("  - {{target: $.info, update: {{}}}}\nx-onkernel-omit: {omit}\n"))["paths"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(path, item)| {
                let keys: Vec<_> = item.as_object().unwrap().keys().map(String::as_str).collect();
                format!("{path}: {}", keys.join(" "))
            })
            .collect::<Vec<_>>()
            .join(", ")
    };
    insta::assert_snapshot!(omit("{operations: [GET /b]}"), @"/a: get parameters post");
    insta::assert_snapshot!(omit("{operations: [GET /a]}"), @"/a: parameters post, /b: get");
    insta::assert_snapshot!(omit("{tags: [B]}"), @"/a: get parameters");
    insta::assert_snapshot!(omit("{tags: [A], operations: [POST /a]}"), @"/b: get");
    insta::assert_snapshot!(omit("{}"), @"/a: get parameters post, /b: get");
}

#[test]
fn what_matches_nothing_is_rejected() {
    insta::assert_snapshot!(error(&overlay(
        "  - target: $.paths['/c']\n    remove: true\n\
         \x20 - target: $.info.summary\n    update: {}\n\
         x-onkernel-omit: {operations: [PUT /a, GET /c], tags: [C]}\n"
    )), @r"
    overlay.yml:4:5: `$.paths['/c']` matches nothing in api.yml (at #/actions/0/target); correct the target, remove the action, or give it `x-onkernel-optional: REASON`
    overlay.yml:6:5: `$.info.summary` matches nothing in api.yml (at #/actions/1/target); correct the target, remove the action, or give it `x-onkernel-optional: REASON`
    overlay.yml:8:32: no operation of api.yml is `PUT /a` (at #/x-onkernel-omit/operations/0); correct or remove this entry
    overlay.yml:8:40: no operation of api.yml is `GET /c` (at #/x-onkernel-omit/operations/1); correct or remove this entry
    overlay.yml:8:56: no operation of api.yml has the tag `C` (at #/x-onkernel-omit/tags/0); correct or remove this entry
    ");
}

#[test]
fn what_does_not_fit_is_rejected() {
    insta::assert_snapshot!(error(&overlay(
        "  - target: $.info.title\n    update: B\n\
         \x20 - target: $.info\n    update: B\n\
         \x20 - target: $.info\n    update: {contact: {name: [B]}}\n\
         \x20 - target: $\n    update: {tags: {}}\n\
         \x20 - target: $\n    remove: true\n"
    )), @r"
    overlay.yml:5:5: the target is a text, and only mappings and lists can be updated, at #/info/title of api.yml (at #/actions/0/update); make the mapping around it the target, and name the field in the update
    overlay.yml:7:5: the update is a text and the target is a mapping, at #/info of api.yml (at #/actions/1/update); write the fields to merge into it
    overlay.yml:9:24: a text cannot become a list, at #/info/contact/name of api.yml (at #/actions/2/update/contact/name); remove the old value in an action before this one
    overlay.yml:11:14: a list cannot become a mapping, at #/tags of api.yml (at #/actions/3/update/tags); remove the old value in an action before this one
    overlay.yml:13:5: the whole document cannot be removed, at # of api.yml (at #/actions/4/remove); narrow the target
    ");
}

#[test]
fn what_is_not_an_overlay_is_rejected() {
    insta::assert_snapshot!(error(""), @"overlay.yml: the file is empty; give an OpenAPI file");
    insta::assert_snapshot!(error("a: [\n"), @"overlay.yml:2:1: this is not YAML: while parsing a node, did not find expected node content, inside the `[` at line 1 column 4; correct the indentation or quoting here");
    insta::assert_snapshot!(error("openapi: 3.1.0\npaths: {}\n"), @"overlay.yml:1:1: `overlay` is missing; add it, see the Overlay Specification 1.0");
    insta::assert_snapshot!(error("overlay: 1.1.0\ninfo: 1\n"), @"overlay.yml:1:1: this is Overlay `1.1.0` (at #/overlay); write it as Overlay 1.0, and say `1.0.0`");
    insta::assert_snapshot!(error("overlay: 1.0\n"), @"overlay.yml:1:1: `overlay` is a number (at #/overlay); write a text, in quotes");
    insta::assert_snapshot!(error("overlay: 1.0.0\n"), @r"
    overlay.yml:1:1: `info` is missing; add it with a `title` and a `version`
    overlay.yml:1:1: `actions` is missing; list at least one action
    ");
    insta::assert_snapshot!(error("overlay: 1.0.0\ninfo: {title: 1}\nactions: []\n"), @r"
    overlay.yml:2:1: `version` is missing (at #/info); add it, see the Overlay Specification 1.0
    overlay.yml:2:8: `title` is a number (at #/info/title); write a text, in quotes
    overlay.yml:3:1: `actions` is an empty list (at #/actions); list at least one action
    ");
    insta::assert_snapshot!(error("overlay: 1.0.0\ninfo: T\nactions: {}\n"), @r"
    overlay.yml:2:1: a mapping belongs here, and this is a text (at #/info); see the Overlay Specification 1.0
    overlay.yml:3:1: `actions` is a mapping (at #/actions); list at least one action
    ");
}

#[test]
fn what_is_not_an_action_is_rejected() {
    insta::assert_snapshot!(error(&overlay("  - 1\n")), @"overlay.yml:4:5: a mapping belongs here, and this is a number (at #/actions/0); see the Overlay Specification 1.0");
    insta::assert_snapshot!(error(&overlay("  - update: {}\n")), @"overlay.yml:4:5: `target` is missing (at #/actions/0); add it, see the Overlay Specification 1.0");
    insta::assert_snapshot!(error(&overlay("  - target: $.info\n")), @"overlay.yml:4:5: this action has nothing to do (at #/actions/0); give it an `update`, or `remove: true`");
    insta::assert_snapshot!(error(&overlay("  - target: $.info\n    remove: false\n")), @"overlay.yml:4:5: this action has nothing to do (at #/actions/0); give it an `update`, or `remove: true`");
    insta::assert_snapshot!(error(&overlay("  - target: $.info\n    remove: yes\n")), @"overlay.yml:5:5: `remove` is a text (at #/actions/0/remove); write `true` or `false`");
    insta::assert_snapshot!(error(&overlay("  - target: info\n    remove: true\n")), @"overlay.yml:4:5: `info` is not a JSONPath (at #/actions/0/target); write it as RFC 9535 has it, beginning with `$`");
    insta::assert_snapshot!(error(&overlay("  - target: $.paths[/a]\n    remove: true\n")), @"overlay.yml:4:5: `$.paths[/a]` is not a JSONPath, from `/a]` on (at #/actions/0/target); write it as RFC 9535 has it, beginning with `$`");
    insta::assert_snapshot!(
        error(&overlay(&format!("  - target: $[?{}@\n    remove: true\n", "(".repeat(10_000)))), @"overlay.yml:4:5: the target has more than 32 brackets (at #/actions/0/target); select less with one action"
    );
    insta::assert_snapshot!(
        error(&overlay("  - target: $.info\n    updates: {}\n    update: {}\n    x-own: 1\n")), @"overlay.yml:5:5: `updates` is not a field here (at #/actions/0/updates); correct or remove it"
    );
    insta::assert_snapshot!(
        error(&overlay("  - target: $.info\n    update: {}\n    x-onkernel-optional: ''\n")), @"overlay.yml:6:5: the reason is empty (at #/actions/0/x-onkernel-optional); say why a document need not match"
    );
    insta::assert_snapshot!(
        error(&overlay("  - target: $.info\n    update: {}\n    x-onkernel-optional: true\n")), @"overlay.yml:6:5: `x-onkernel-optional` is a boolean (at #/actions/0/x-onkernel-optional); write a text, in quotes"
    );
}

#[test]
fn what_is_not_an_omission_is_rejected() {
    let omit = |omit: &str| {
        error(&overlay(&format!("  - {{target: $.info, update: {{}}}}\nx-onkernel-omit: {omit}\n")))
    };
    insta::assert_snapshot!(omit("[GET /a]"), @"overlay.yml:5:1: a mapping belongs here, and this is a list (at #/x-onkernel-omit); see the Overlay Specification 1.0");
    insta::assert_snapshot!(
        omit("{operations: [/a, GET a, FETCH /a, {}], tags: A, paths: [/a]}"), @r"
    overlay.yml:5:32: `/a` is not an operation (at #/x-onkernel-omit/operations/0); write method and path, such as `GET /browsers`
    overlay.yml:5:36: `GET a` is not an operation (at #/x-onkernel-omit/operations/1); write method and path, such as `GET /browsers`
    overlay.yml:5:43: `FETCH /a` is not an operation (at #/x-onkernel-omit/operations/2); write method and path, such as `GET /browsers`
    overlay.yml:5:53: this is a mapping (at #/x-onkernel-omit/operations/3); write a text
    overlay.yml:5:58: `tags` is a text (at #/x-onkernel-omit/tags); write a list
    overlay.yml:5:67: `paths` is not a field here (at #/x-onkernel-omit/paths); correct or remove it
    "
    );
}

#[test]
fn updates_cannot_nest_without_end() {
    let nested = |levels| format!("{}{}", "{a: ".repeat(levels), "}".repeat(levels));
    let twice = |inner| {
        let (outer, target) = (nested(90), ".a".repeat(80));
        overlay(&format!(
            "  - target: $\n    update: {outer}\n  - target: ${target}\n    update: {}\n",
            nested(inner)
        ))
    };
    let fits = Overlay::parse(&twice(48), "o").unwrap().apply(&mut document());
    assert_eq!(fits.unwrap().actions[1].matched, 1);
    let error = error(&twice(49)).replace("/a/a/a/a/a/a/a/a/a/a", "/…");
    insta::assert_snapshot!(error, @"overlay.yml:7:5: the update nests the document more than 128 levels deep, at #/…/…/…/…/…/…/…/… of api.yml (at #/actions/1/update); narrow the target");
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The document that Kernel publishes, which is not in this repository.
fn vendor_document() -> Option<Document> {
    let path = match std::env::var_os("ONKERNEL_VENDOR_SPEC") {
        Some(path) => PathBuf::from(path),
        None => workspace().join("../shared/spec/kernel-openapi-2026-07.yml"),
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(Document::parse(&text, "vendor.yml").unwrap()),
        Err(error) => {
            eprintln!(
                "SKIPPED: no published document at {} ({error}); name one with ONKERNEL_VENDOR_SPEC",
                path.display()
            );
            None
        }
    }
}

fn our_overlay() -> Overlay {
    Overlay::parse(include_str!("../../spec/overlay.yml"), "spec/overlay.yml").unwrap()
}

/// What the client needs of a document once our overlay is applied.
fn assert_complete(document: &Document) {
    document.check_references().unwrap();
    let root = document.root();
    let schemas = &root["components"]["schemas"];
    let key = schemas["CreatedApiKey"]["allOf"]
        .as_array()
        .unwrap()
        .iter()
        .find_map(|member| member.pointer("/properties/key"));
    assert_eq!(key.unwrap()["format"], "password");
    let patch = root.pointer("/paths/~1org~1api_keys~1{id}/patch").unwrap();
    assert_eq!(patch["x-onkernel-repeat"], "safe");
    for schema in ["ApiKey", "CreateApiKeyRequest"] {
        let policy = &schemas[schema]["properties"]["policy"];
        assert_eq!(policy["$ref"], "#/components/schemas/ApiKeyPolicy");
    }
    assert_eq!(schemas["ApiKeyPolicyStatement"]["required"], json!(["action", "resource"]));
    assert_eq!(schemas["CreateApiKeyRequest"]["properties"]["expires_at"]["format"], "date-time");
}

#[test]
fn our_overlay_applies_to_our_document() {
    let text = include_str!("../../spec/openapi.documented.yml");
    let mut document = Document::parse(text, "spec/openapi.documented.yml").unwrap();
    let report = our_overlay().apply(&mut document).unwrap();
    assert_complete(&document);
    for action in report.actions {
        assert!(action.description.is_some(), "{} says why", action.target);
        assert!(action.matched > 0 || action.optional.is_some(), "{}", action.target);
    }
}

#[test]
fn our_overlay_applies_to_the_published_document() {
    let Some(mut document) = vendor_document() else { return };
    document.check_references().unwrap();
    let report = our_overlay().apply(&mut document).unwrap();
    assert_complete(&document);
    assert!(report.actions.iter().all(|action| action.matched <= 1));
}

/// What the overlay adds where it is missing is what our document says.
#[test]
fn our_overlay_and_our_document_agree() {
    let text = include_str!("../../spec/openapi.documented.yml");
    let ours = Document::parse(text, "ours").unwrap();
    let mut without = ours.clone();
    let paths = without.root_mut()["paths"].as_object_mut().unwrap();
    paths.remove("/auth/context").unwrap();
    let schemas = without.root_mut().pointer_mut("/components/schemas").unwrap();
    let schemas = schemas.as_object_mut().unwrap();
    schemas.retain(|name, _| !name.starts_with("ApiKeyPolicy") && name != "AuthContext");
    for (name, property) in [
        ("ApiKey", "policy"),
        ("CreateApiKeyRequest", "policy"),
        ("CreateApiKeyRequest", "expires_at"),
    ] {
        schemas[name]["properties"].as_object_mut().unwrap().remove(property).unwrap();
    }
    let report = our_overlay().apply(&mut without).unwrap();
    assert!(report.actions.iter().all(|action| action.matched == 1));

    let mut with = ours.clone();
    our_overlay().apply(&mut with).unwrap();
    let strip = |document: &Document| {
        let mut value = document.root()["components"]["schemas"].clone();
        for property in ["action", "resource"] {
            let statement = &mut value["ApiKeyPolicyStatement"]["properties"][property];
            statement.as_object_mut().unwrap().remove("example");
        }
        value
    };
    assert_eq!(strip(&without), strip(&with));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_overlay_makes_it_panic(
        target in "\\$([.][a-z]{1,5}|\\[[0-9'?*:@.=()!&-]{0,6}\\]|[.]{2}[a-z*]){0,4}",
        update in "[{\\[]?[a-z:, ]{0,8}[}\\]]?",
        remove in any::<bool>(),
        omit in "\\PC{0,10}",
    ) {
        let text = overlay(&format!(
            "  - target: \"{target}\"\n    update: {update}\n    remove: {remove}\n\
             x-onkernel-omit: {{operations: [{omit}]}}\n"
        ));
        for text in [&text, &omit] {
            let mut document = document();
            if let Err(error) = Overlay::parse(text, "o").and_then(|it| it.apply(&mut document)) {
                prop_assert_eq!(error.to_string().lines().count(), error.problems.len());
            }
        }
    }

    #[test]
    fn an_update_twice_is_an_update_once_but_for_lists(
        members in prop::collection::btree_map("[a-c]", any::<i64>(), 0..4),
    ) {
        let update = serde_json::to_string(&json!({"x": members})).unwrap();
        let once = format!("  - target: $.info\n    update: {update}\n");
        prop_assert_eq!(apply(&once), apply(&format!("{once}{once}")));
    }
}
