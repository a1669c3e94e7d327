//! What an error or a printed value shows of a response that holds a secret: nothing.

use std::time::Duration;

use onkernel::Method;
use onkernel::types::ApiKeysStatus;

use crate::scripted::{Act, KEY, SECRET, Server, create, get, json, raw, response, seen};

/// A documented response to a creation, to be spoiled.
const CREATED: &str = r#"{"id":"key_1","name":"ci","created_at":"2026-01-01T00:00:00Z","created_by":{"id":"u","email":"e@example.com","name":null},"expires_at":null,"deleted_at":null,"project_id":null,"project_name":null,"masked_key":"sk_live...cdef","key":"sk_live_0123456789abcdef"}"#;

#[tokio::test]
async fn a_created_key_is_redacted_wherever_it_is_printed() {
    let server = Server::start([json("201 Created", CREATED)]).await;
    let client = server.client();
    let created = client.api_keys().create("ci").send().await.unwrap();
    assert_eq!(created.key.expose(), KEY);
    assert!(!format!("{created:?} {created:#?}").contains(SECRET));
    assert!(!serde_json::to_string(&created).unwrap_err().to_string().contains(SECRET));
    assert!(!onkernel::secret::redacted(&created).unwrap().to_string().contains(SECRET));
}

#[tokio::test]
async fn a_201_that_does_not_parse_loses_no_key_and_shows_none() {
    let with = |from: &str, to: &str| {
        assert!(CREATED.contains(from));
        json("201 Created", &CREATED.replace(from, to))
    };
    let bytes = |text: String| Act::Send(raw(&text));
    let cut = &CREATED[..CREATED.len() - 1];
    for (name, act, saved) in [
        (
            "a field of another type",
            with(r#""name":"ci""#, r#""name":{"sk_live_0123456789abcdef":1}"#),
            true,
        ),
        ("a date that is none", with("2026-01-01T00:00:00Z", KEY), true),
        ("a field that is missing", with(r#""created_at":"2026-01-01T00:00:00Z","#, ""), true),
        (
            "the key where another thing is wanted",
            with(r#"{"id":"u","#, r#"{"id":["sk_live_0123456789abcdef"],"#),
            true,
        ),
        (
            "more than was announced to come",
            bytes(format!("HTTP/1.1 201 Created\ncontent-length: 9999\n\n{CREATED}")),
            true,
        ),
        (
            "the plaintext in an array",
            with(r#""key":"sk_live_0123456789abcdef""#, r#""key":["sk_live_0123456789abcdef"]"#),
            false,
        ),
        ("cut short, length right", json("201 Created", cut), false),
        (
            "cut short, length wrong",
            bytes(format!("HTTP/1.1 201 Created\ncontent-length: 9999\n\n{cut}")),
            false,
        ),
        ("an array", json("201 Created", &format!("[{CREATED}]")), false),
        ("rubbish behind it", json("201 Created", &format!("{CREATED}{KEY}")), true),
        (
            "the plaintext alone",
            response(
                "201 Created",
                "content-type: sk_live_0123456789abcdef\r\nx-request-id: sk_live_0123456789abcdef\r\n",
                KEY,
            ),
            false,
        ),
    ] {
        let server = Server::start([act]).await;
        let error = create(&server).await;
        assert_eq!(error.status().unwrap(), 201, "{name}");
        assert!(error.outcome_unknown(), "{name}");
        assert_eq!(error.body_excerpt(), None, "{name}");
        assert!(!seen(&error).contains(SECRET), "{name}: {}", seen(&error));
        let created = error.created().map(|(id, key)| (id, key.expose()));
        assert_eq!(created, saved.then_some(("key_1", KEY)), "{name}");
        if saved {
            assert!(error.to_string().contains("the key was created"), "{error}");
            assert!(error.advice().unwrap().contains("created()"));
        }
    }
    let server = Server::start([Act::SendAndHang(raw(&format!(
        "HTTP/1.1 201 Created\ncontent-length: 9999\n\n{CREATED}"
    )))])
    .await;
    let client = server.builder().timeout(Duration::from_millis(400)).build().unwrap();
    let error = client.api_keys().create("ci").send().await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(error.created().unwrap().1.expose(), KEY);
}

#[tokio::test]
async fn what_the_server_repeats_is_scrubbed() {
    let quoting = format!(
        r#"{{"code":"{KEY}","message":"bad key {KEY}","details":[{{"code":"{KEY}","message":"{KEY}"}}],"inner_error":{{"message":"{KEY}"}}}}"#
    );
    let escaped = KEY.replace("sk_", "\\u0073k_");
    for body in [
        quoting.clone(),
        quoting.replace("sk_live_0123456789abcdef", "sk_other_0123456789abcdef"),
        format!("<html><title>{KEY}</title><p>{KEY}</p></html>"),
        format!("{}{KEY}", "x".repeat(500)),
        format!("\"{escaped}\""),
        format!("[\"{escaped}\"]"),
        KEY.to_owned(),
    ] {
        for status in ["400 Bad Request", "500 Internal Server Error"] {
            let headers = format!("x-request-id: {KEY}\r\nlocation: https://e.example/{KEY}\r\n");
            let server = Server::start([response(status, &headers, &body)]).await;
            for error in [create(&server).await, get(&server).await] {
                assert!(!seen(&error).contains(SECRET), "{}", seen(&error));
                assert!(!format!("{:?}", error.inner_error()).contains(SECRET));
            }
        }
    }
    let location = format!("location: https://e.example/{KEY}?k={KEY}\r\n");
    let server = Server::start([response("302 Found", &location, "")]).await;
    let error = get(&server).await;
    assert!(!seen(&error).contains(SECRET), "{}", seen(&error));
}

#[tokio::test]
async fn secrets_of_any_shape_are_scrubbed_when_they_were_sent() {
    let body = "no hunter22-hunter22 and no odd.key.without.prefix";
    let server = Server::start([response("400 Bad Request", "", body)]).await;
    let client = server.builder().api_key("odd.key.without.prefix").build().unwrap();
    let secret = onkernel::Secret::from("hunter22-hunter22");
    let error = client.request(Method::PUT, "/x").json(&secret).send().await.unwrap_err();
    assert_eq!(error.body_excerpt(), Some("no [redacted] and no [redacted]"));
}

/// A response quotes a secret as its format wants it.
#[tokio::test]
async fn secrets_are_scrubbed_however_they_are_written() {
    for (secret, body) in [
        ("two  spaces\tand a tab", "no two  spaces\tand a tab"),
        ("two  spaces", "no two spaces"),
        ("wei\u{200b}rd-one", "no wei\u{200b}rd-one"),
        ("quo\"ted\\one", r#"{"message":"no quo\"ted\\one","echo":"quo\"ted\\one"}"#),
        ("quo\"ted\\one", r#"{"echo":"quo\"ted\\one"#),
        ("p\u{e4}ssword", r#"{"echo":"p\u00e4ssword"#),
        ("a&b<c>d", "<p>no a&amp;b&lt;c&gt;d</p>"),
    ] {
        let server = Server::start([response("400 Bad Request", "", body)]).await;
        let secret = onkernel::Secret::from(secret);
        let call = server.client().request(Method::PUT, "/x").json(&secret);
        let error = call.send().await.unwrap_err();
        let excerpt = error.body_excerpt().unwrap();
        assert!(excerpt.contains("[redacted]"), "{excerpt}");
        for part in ["spaces", "rd-one", "one", "ssword", "a&b"] {
            assert!(!excerpt.contains(part), "{excerpt}");
            assert!(!error.message().unwrap_or_default().contains(part), "{error}");
        }
    }
}

#[tokio::test]
async fn of_secrets_within_each_other_nothing_is_left() {
    let body = "no hunter22 and no hunter22-and-more";
    let server = Server::start([response("400 Bad Request", "", body)]).await;
    for secrets in [["hunter22", "hunter22-and-more"], ["hunter22-and-more", "hunter22"]] {
        let secrets = secrets.map(onkernel::Secret::from);
        let call = server.client().request(Method::PUT, "/x").json(&secrets);
        let error = call.send().await.unwrap_err();
        assert_eq!(error.body_excerpt(), Some("no [redacted] and no [redacted]"));
    }
}

/// Words that hold `sk_` are no keys: programs branch on codes.
#[tokio::test]
async fn words_are_not_taken_for_keys() {
    for code in ["disk_quota_exceeded", "task_abc123def456", "invalid_masks_configuration"] {
        let body = format!(r#"{{"code":"{code}","message":"{code}"}}"#);
        let server = Server::start([json("400 Bad Request", &body)]).await;
        let error = get(&server).await;
        assert_eq!(error.code(), Some(code));
        assert_eq!(error.message(), Some(code));
    }
    for key in ["sk_abcdefghijkl", "=sk_abcdefghijkl", "%3Dsk_abcDEFGHIJ"] {
        let body = format!(r#"{{"message":"no {key}"}}"#);
        let server = Server::start([json("400 Bad Request", &body)]).await;
        let error = get(&server).await;
        assert!(error.message().unwrap().ends_with("[redacted]"), "{error}");
    }
}

#[tokio::test]
async fn a_key_in_the_wrong_place_is_not_shown() {
    let server = Server::start([response("404 Not Found", "", "")]).await;
    let client = server.client();
    for error in [
        client.api_keys().get(KEY).send().await.unwrap_err(),
        client.request(Method::GET, &format!("/{KEY}")).send().await.unwrap_err(),
        client.request(Method::GET, &format!("{KEY}?")).send().await.unwrap_err(),
        client
            .api_keys()
            .list()
            .status(ApiKeysStatus::Unknown(KEY.to_owned()))
            .send()
            .await
            .unwrap_err(),
    ] {
        assert!(!seen(&error).contains(SECRET), "{}", seen(&error));
        assert!(!error.path().unwrap_or_default().contains(SECRET));
    }
}
