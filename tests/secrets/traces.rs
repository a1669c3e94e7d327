//! Everything that the library can say, at its most talkative, searched for a plaintext.

use std::time::Duration;

use onkernel::{CallOptions, Credentials, Method, Secret};

use crate::recorder::Recorder;
use crate::scripted::{Act, KEY, SECRET, Server, json, raw, response};

#[tokio::test]
async fn a_call_is_traced_within_the_span_that_awaits_it() {
    use tracing::Instrument;

    let recorder = Recorder::default();
    let _guard = recorder.trace("debug");
    let server = Server::start([json("200 OK", "[]")]).await;
    let call = server.client().api_keys().list().send();
    call.instrument(tracing::info_span!("caller")).await.unwrap();
    let log = recorder.text();
    assert!(log.contains("caller:call{operation=\"api_keys.list\""), "{log}");
    let finished = log.lines().find(|line| line.contains("finished")).unwrap();
    assert!(finished.contains("caller:call{"), "{finished}");
}

#[tokio::test]
async fn traces_at_their_most_talkative_hold_no_secret() {
    let recorder = Recorder::default();
    let _guard = recorder.trace("trace");
    let created = format!(r#"{{"id":"key_1","key":"{KEY}"}}"#);
    let echo = format!(r#"{{"code":"bad","message":"{KEY}"}}"#);
    let headers = format!("x-request-id: {KEY}\r\nset-cookie: {KEY}\r\nretry-after-ms: 1\r\n");
    for act in [
        json("201 Created", &created),
        json("200 OK", &created),
        response("400 Bad Request", &headers, &echo),
        response("401 Unauthorized", &headers, KEY),
        response("429 Too Many Requests", &headers, &echo),
        response("503 Service Unavailable", &headers, &echo),
        response("302 Found", &format!("location: https://e.example/{KEY}?{KEY}\r\n"), ""),
        response("204 No Content", &headers, ""),
        Act::Send(raw(&format!("HTTP/1.1 201 Created\ncontent-length: 999\n\n{created}"))),
        Act::Send(format!("HTTP/1.1 200 {KEY}\r\n{KEY}: {KEY}\r\n\r\n").into_bytes()),
        Act::Send(format!("HTTP/1.1 200 OK\r\n{KEY} {KEY}\r\n\r\n").into_bytes()),
        Act::Send(format!("{KEY}\r\n\r\n").into_bytes()),
        Act::SendAndHang(raw(&format!("HTTP/1.1 200 OK\nx: {KEY}\n\n{KEY}"))),
        Act::Drop,
    ] {
        let server = Server::start([act]).await;
        let vault = || async { Ok::<_, std::io::Error>(Secret::from(KEY)) };
        for credentials in [Credentials::fixed(KEY), Credentials::from_fn(vault)] {
            let client = server
                .builder()
                .credentials(credentials)
                .default_header("x-own", KEY)
                .timeout(Duration::from_millis(20))
                .build()
                .unwrap();
            let mut text = String::new();
            let mut keep = |error: Option<onkernel::Error>| {
                let Some(error) = error else { return };
                text += &format!("{error} {error:?} {error:#?} {:?}", error.created());
                let mut source = std::error::Error::source(&error);
                while let Some(cause) = source {
                    text += &format!("{cause} {cause:?}");
                    source = cause.source();
                }
            };
            let once = client.with(CallOptions::new().retries(1));
            keep(once.api_keys().create(KEY).send().await.err());
            keep(once.api_keys().rotate(KEY).send().await.err());
            keep(once.api_keys().list().name(KEY).send().await.err());
            keep(once.api_keys().delete(KEY).send().await.err());
            let body = serde_json::json!({ "password": KEY });
            let raw = once.request(Method::PUT, "/x").query("k", KEY).header("x-k", KEY);
            keep(raw.json(&body).send().await.err());
            client.swap_api_key(KEY).unwrap();
            text += &format!("{client:?} {client:#?}");
            assert!(!text.contains(SECRET), "{text}");
        }
    }
    let log = recorder.text();
    assert!(log.contains("api_keys.create"), "the trace was on");
    let leak = log.lines().find(|line| line.contains(SECRET));
    assert_eq!(leak, None);
}

#[tokio::test]
async fn a_call_is_one_span_and_each_retry_an_event() {
    let recorder = Recorder::default();
    let _guard = recorder.trace("onkernel=debug");
    let server = Server::start([
        response("503 Service Unavailable", "retry-after-ms: 3\r\n", ""),
        response("204 No Content", "x-request-id: req_7\r\n", ""),
    ])
    .await;
    server.client().api_keys().delete("key_secretive").send().await.unwrap();
    let log = recorder.text();
    let retry = log.lines().find(|line| line.contains("trying again")).unwrap();
    for part in [
        "INFO",
        "operation=\"api_keys.delete\"",
        "method=\"DELETE\"",
        "path=\"/org/api_keys/{id}\"",
        "reason=\"server error\"",
        "wait=3ms",
        "status=503",
    ] {
        assert!(retry.contains(part), "{part}: {retry}");
    }
    let end = log.lines().find(|line| line.contains("finished")).unwrap();
    for part in ["attempt=2", "status=204", "request_id=\"req_7\"", "elapsed_ms="] {
        assert!(end.contains(part), "{part}: {end}");
    }
    assert!(!log.contains("key_secretive"), "the template, not the path");
    assert_eq!(log.lines().filter(|line| line.ends_with(": new")).count(), 1);
}

/// A key that has no source but the caller cannot fail to be fetched.
#[tokio::test]
async fn a_fixed_key_that_is_rejected_is_no_failure_of_its_source() {
    let recorder = Recorder::default();
    let _guard = recorder.trace("onkernel=debug");
    let server = Server::start([response("401 Unauthorized", "", "")]).await;
    assert!(server.client().api_keys().list().send().await.unwrap_err().is_unauthorized());
    assert!(!recorder.text().contains("WARN"), "{}", recorder.text());
}

#[test]
fn secrets_print_as_redacted_in_every_form() {
    let secret = Secret::from(KEY);
    let held = (Some(secret.clone()), vec![secret.clone()]);
    let text = format!(
        "{secret} {secret:?} {secret:#?} {secret:>40} {held:?} {} {}",
        serde_json::to_string(&held).unwrap_err(),
        onkernel::secret::redacted(&held).unwrap(),
    );
    assert!(!text.contains(SECRET), "{text}");
    assert_eq!(secret.expose(), KEY);
    assert_eq!(secret, Secret::from(KEY.to_owned()));
    assert_ne!(secret, Secret::from("sk_live_0123456789abcdeF"));
    assert_ne!(secret, Secret::from("sk_live"));
    let read: Secret = serde_json::from_str(&format!("\"{KEY}\"")).unwrap();
    assert_eq!(read, secret);
    let error = serde_json::from_str::<Secret>("123456789").unwrap_err();
    assert!(!error.to_string().contains("123456789"), "{error}");
}

/// The token of a session, on its way past the API.
#[cfg(all(feature = "testing", feature = "browsers"))]
#[tokio::test]
async fn the_token_of_a_session_is_in_nothing_that_is_said() {
    use onkernel::testing::{Fault, Server, Stub};
    use serde_json::json;

    const TOKEN: &str = "tok0123456789abcdef";
    let recorder = Recorder::default();
    let _guard = recorder.trace("trace");
    let machine = scripted_machine(TOKEN).await;
    let server = Server::start().await.unwrap();
    let cdp = format!("ws://127.0.0.1/cdp?jwt={TOKEN}");
    let session = json!({ "base_url": machine.url, "cdp_ws_url": cdp });
    server.respond("browsers.create", Stub::merge(session)).unwrap();
    let client = onkernel::Client::builder().base_url(server.url()).retries(0);
    let client = client.api_key(server.bootstrap_key()).direct_to_vm(true).build().unwrap();
    let browser = client.browsers().create().send().await.unwrap();
    let id = &browser.session_id;
    server.faults().add(Fault::status(500));
    let mut said = format!("{browser:?} {client:?}");
    let mut machine = Some(machine);
    for attempt in 0..6 {
        if attempt == 5 {
            let requests = machine.take().unwrap().requests();
            assert_eq!(requests.len(), 5);
            assert!(requests.iter().all(|it| it.contains(&format!("jwt={TOKEN}"))));
        }
        let call = client.browsers().playwright().execute(id, "1");
        let error = call.send().await.unwrap_err();
        said.push_str(&format!("{error} {error:?} {:?}", error.advice()));
    }
    let log = recorder.text();
    assert!(log.contains("browsers.playwright.execute"), "{log}");
    for text in [said, log] {
        let at = text.find(TOKEN);
        assert!(at.is_none(), "{}", &text[at.unwrap_or(0).saturating_sub(200)..]);
    }
}

/// A machine that says the token in every way that it can.
#[cfg(all(feature = "testing", feature = "browsers"))]
async fn scripted_machine(token: &str) -> Server {
    let echo = format!(r#"{{"code":"bad","message":"{token}"}}"#);
    let headers = format!("x-request-id: {token}\r\nset-cookie: {token}\r\n");
    Server::start([
        json("200 OK", &format!(r#"{{"success":"{token}"}}"#)),
        response("400 Bad Request", &headers, &echo),
        response("302 Found", &format!("location: https://e.example/{token}?jwt={token}\r\n"), ""),
        Act::Send(format!("{token}\r\n\r\n").into_bytes()),
        response("500 Internal Server Error", &headers, &echo),
    ])
    .await
}
