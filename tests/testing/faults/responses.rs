//! Responses of other kinds: statuses, pages, redirects.

use chrono::Utc;
use onkernel::testing::{Fault, RetryAfter};
use serde_json::json;

use super::{made, named, with};

#[tokio::test]
async fn a_status_comes_before_or_after_the_effect() {
    let documented =
        json!({ "code": "service_unavailable", "message": "a fault that was ordered" });
    for (fault, status, body, effect) in [
        (Fault::status(503), 503, documented.clone(), false),
        (Fault::status(503).after(), 503, documented, true),
        (Fault::status_with(409, json!({ "odd": 1 })), 409, json!({ "odd": 1 }), false),
        (Fault::status_with(200, json!([])).after(), 200, json!([]), true),
    ] {
        let (server, api) = with(fault).await;
        let response = api.create(named("k")).await;
        assert_eq!((response.status, response.json()), (status, body));
        assert_eq!(response.header("content-type"), "application/json");
        assert_eq!(response.header("x-request-id"), "req_000001");
        assert_eq!(made(&server, "k"), effect);
        assert_eq!(server.log()[0].status, Some(status));
    }
    let (_server, api) = with(Fault::status(99)).await;
    assert_eq!(api.list("").await.status, 500, "documented");
}

#[tokio::test]
async fn too_many_requests_say_when_to_come_back() {
    for (retry_after, header, value) in [
        (RetryAfter::None, "retry-after", ""),
        (RetryAfter::Seconds(2), "retry-after", "2"),
        (RetryAfter::Milliseconds(1500), "retry-after-ms", "1500"),
        (RetryAfter::Text("in a while".into()), "retry-after", "in a while"),
    ] {
        let (server, api) = with(Fault::too_many_requests(retry_after)).await;
        let response = api.create(named("k")).await;
        assert_eq!((response.status, response.header(header)), (429, value));
        assert_eq!(response.json()["code"], "too_many_requests");
        assert!(!made(&server, "k"));
    }
    let (server, api) = with(Fault::too_many_requests(RetryAfter::DateInSeconds(60)).after()).await;
    let response = api.create(named("k")).await;
    let date = chrono::DateTime::parse_from_rfc2822(response.header("retry-after")).unwrap();
    let ahead = date.to_utc() - Utc::now();
    assert!((30..=60).contains(&ahead.num_seconds()), "{date}");
    assert!(response.header("retry-after").ends_with(" GMT"));
    assert!(made(&server, "k"), "after the effect where that is asked for");
    let (_server, api) = with(Fault::too_many_requests(RetryAfter::DateInSeconds(u64::MAX))).await;
    assert_eq!(api.list("").await.status, 429);
}

#[tokio::test]
async fn a_gateway_responds_with_a_page() {
    for (fault, effect) in
        [(Fault::html_bad_gateway(), false), (Fault::html_bad_gateway().after(), true)]
    {
        let (server, api) = with(fault).await;
        let response = api.create(named("k")).await;
        assert_eq!(
            (response.status, response.header("content-type")),
            (502, "text/html; charset=utf-8")
        );
        assert!(response.text.starts_with("<!DOCTYPE html>"));
        assert_eq!(made(&server, "k"), effect);
    }
}

#[tokio::test]
async fn a_redirect_points_where_it_is_told() {
    let (server, api) = with(Fault::redirect("http://elsewhere.example/")).await;
    let response = api.create(named("k")).await;
    assert_eq!((response.status, response.header("location")), (307, "http://elsewhere.example/"));
    assert!(!made(&server, "k"));
}

#[tokio::test]
async fn a_response_can_be_replaced_word_for_word() {
    let headers = [("content-type", "text/plain"), ("x-odd", "1"), ("not a header", "left out")];
    let (_server, api) = with(Fault::replace(418, headers, "short and stout")).await;
    let response = api.list("").await;
    assert_eq!((response.status, &*response.text), (418, "short and stout"));
    assert_eq!((response.header("content-type"), response.header("x-odd")), ("text/plain", "1"));
    let (_server, api) = with(Fault::replace::<&str, &str>(500, [], "")).await;
    let response = api.list("").await;
    assert_eq!((response.status, &*response.text, response.header("content-type")), (500, "", ""));
}
