//! Faults described in a file.

use onkernel::testing::{Fault, Faults, Server};
use serde_json::{Value, json};

use super::KEYS;
use crate::support::Api;

#[tokio::test]
async fn a_file_can_order_every_fault() {
    let faults = Faults::from_json(
        r#"[
            {"do": "refuse", "nth": 1},
            {"nth": 1, "do": "drop", "method": "GET", "path": "/org/api_keys", "when": "before"},
            {"nth": 2, "do": "reset", "when": "after"},
            {"nth": 3, "do": {"status": {"code": 503}}},
            {"nth": 4, "do": {"status": {"code": 404, "body": {"code": "x"}}}},
            {"nth": 5, "do": {"too_many_requests": {"seconds": 2}}},
            {"nth": 6, "do": {"too_many_requests": {"date_in_seconds": 2}}},
            {"nth": 7, "do": {"too_many_requests": {"milliseconds": 2}}},
            {"nth": 8, "do": {"too_many_requests": {"text": "soon"}}},
            {"nth": 9, "do": {"too_many_requests": "none"}},
            {"nth": 10, "do": {"delay": {"ms": 1}}},
            {"nth": 11, "do": {"slow_body": {"bytes": 1000, "every_ms": 1}}},
            {"nth": 12, "do": "truncated_body"},
            {"nth": 13, "do": "wrong_length"},
            {"nth": 14, "do": "garbage_json"},
            {"nth": 15, "do": "html_bad_gateway"},
            {"nth": 16, "do": "wrong_content_type"},
            {"nth": 17, "do": {"redirect": {"location": "/elsewhere"}}},
            {"nth": 18, "do": {"oversized_body": {"bytes": 10}}},
            {"nth": 19, "do": {"replace": {"status": 200, "headers": {"x-a": "b"}, "body": "hi"}}},
            {"nth": 20, "do": {"headers": {"set": {"x-a": "b"}, "remove": ["x-has-more"]}}},
            {"nth": 21, "do": {"merge_json": {"name": "other"}}},
            {"nth": 22, "do": {"effect_later": {"ms": 5}}},
            {"from": 23, "every": 1, "times": 1, "probability": 1, "seed": 3, "do": {"replace": {"status": 204}}},
            {"nth": 25, "do": {"rejected": {"status": 402, "code": "api_key_limit"}}},
            {"nth": 26, "do": {"wrong_id": {}}},
            {"nth": 26, "do": {"stale_reads": {"lag": {"ms": 3000}, "changes": ["created", "updated", "deleted"]}}},
            {"nth": 26, "do": {"stale_reads": {"lag": {"requests": 3}}}},
            {"nth": 26, "do": {"stale_auth": {"lag": {"real_ms": 1}}}},
            {"nth": 26, "do": {"doubled": {"response": "second"}}},
            {"nth": 26, "do": {"clock_skew": {"ms": -36000000}}},
            {"nth": 27, "do": {"wrong_id": {"id": "c123"}}},
            {"nth": 99, "do": "endless_body"}
        ]"#,
    )
    .unwrap();
    let server = Server::builder().faults(faults).start().await.unwrap();
    let api = Api::new(&server);
    assert!(api.try_send("GET", KEYS, Value::Null).await.is_err(), "refused");
    let mut statuses = Vec::new();
    for _ in 1..=27 {
        let response = api.try_send("GET", KEYS, Value::Null).await;
        statuses.push(response.map(|response| response.status).unwrap_or_default());
    }
    let expected = [
        0, 0, 503, 404, 429, 429, 429, 429, 429, 200, 200, 0, 0, 200, 502, 200, 307, 200, 200, 200,
        200, 0, 204, 200, 402, 200, 200,
    ];
    assert_eq!(statuses, expected);
    let fired = server.faults().fired();
    assert!(fired[..32].iter().all(|times| *times == 1), "{fired:?}");
    assert_eq!((fired[32], server.faults().len()), (0, 33));
}

#[test]
fn a_file_that_is_wrong_is_rejected_with_the_place() {
    for (text, says, place) in [
        ("", "EOF", "line 1"),
        ("{}", "expected a sequence", "line 1"),
        ("[{}]", "missing field `do`", "line 1"),
        ("[\n{\"do\": \"explode\"}]", "unknown variant `explode`", "line 2"),
        ("[\n\n{\"do\": \"drop\", \"nht\": 3}]", "unknown field `nht`", "line 3"),
        (r#"[{"do": {"delay": {"ms": 1, "s": 2}}}]"#, "unknown field `s`", "line 1"),
        (r#"[{"do": {"delay": {"ms": -1}}}]"#, "invalid value", "line 1"),
        (r#"[{"do": "drop", "when": "during"}]"#, "unknown variant `during`", "line 1"),
        ("[{\"do\": \"drop\"},\n{\"do\": \"drop\", \"nth\": 0}]", "nth counts from 1", "line 2"),
        (r#"[{"do": "drop", "every": 0}]"#, "every counts from 1", "line 1"),
        (r#"[{"do": "drop", "probability": 1.5}]"#, "between 0 and 1", "line 1"),
        (r#"[{"do": "drop", "path": "org"}]"#, "path must begin with /", "line 1"),
        (r#"[{"do": {"status": {"code": 99}}}]"#, "status 99", "line 1"),
        (r#"[{"do": {"replace": {"status": 700}}}]"#, "status 700", "line 1"),
        (r#"[{"do": {"headers": {"set": {"a b": "c"}}}}]"#, "not a header", "line 1"),
        (r#"[{"do": {"redirect": {"location": "\n"}}}]"#, "not a header", "line 1"),
        (r#"[{"do": {"slow_body": {"bytes": 0, "every_ms": 1}}}]"#, "bytes of 1 or more", "line 1"),
        (r#"[{"do": {"rejected": {"status": 500, "code": "x"}}}]"#, "status 500", "line 1"),
        (r#"[{"do": {"stale_reads": {"lag": {"s": 3}}}}]"#, "unknown variant `s`", "line 1"),
        (r#"[{"do": {"stale_auth": {"ms": 3}}}]"#, "unknown field `ms`", "line 1"),
        (r#"[{"do": {"doubled": {"response": "third"}}}]"#, "unknown variant `third`", "line 1"),
    ] {
        let error = Faults::from_json(text).unwrap_err().to_string();
        assert!(error.starts_with("the fault orders cannot be read: "), "{error}");
        assert!(error.contains(says) && error.contains(place) && !error.contains('\n'), "{error}");
    }
    assert!(Faults::from_json("[]").unwrap().is_empty());
}

#[test]
fn an_order_that_is_printed_does_not_show_what_it_sends() {
    let faults = Faults::new();
    faults.add(Fault::replace(200, [("x-key", "sk_one")], "sk_two").path("/org/**"));
    faults.add(Fault::status_with(500, json!({ "key": "sk_three" })));
    faults.add(Fault::merge_json(json!({ "key": "sk_four" })));
    faults.add(Fault::set_header("x-key", "sk_five"));
    let printed = format!("{faults:?}");
    assert!(printed.contains("replaced by status 200") && printed.contains("/org/**"), "{printed}");
    assert!(!printed.contains("sk_"), "{printed}");
}
