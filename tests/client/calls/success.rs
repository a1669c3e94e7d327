//! A success is a success, whatever comes with it; what cannot be one is named.

use onkernel::{ErrorKind, Method};

use crate::scripted::{Act, Server, json, raw, response};

/// `{}`, compressed.
const GZIP: &[u8] =
    &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0xab, 0xae, 5, 0, 0x43, 0xbf, 0xa6, 0xa3, 2, 0, 0, 0];

#[tokio::test]
async fn a_deletion_is_done_whatever_comes_with_the_word_that_it_is() {
    for act in [
        response("200 OK", "content-type: text/plain\r\n", "OK"),
        response("200 OK", "", "deleted key_1"),
        response("201 Created", "content-type: text/plain\r\n", "Created"),
        response("202 Accepted", "content-type: application/json\r\n", "{ not json"),
        response("200 OK", "content-type: text/html\r\n", ""),
        response("200 OK", "content-encoding: gzip\r\n", "\u{1f}\u{8b}"),
        // Cut, and too large.
        Act::Send(raw("HTTP/1.1 200 OK\ncontent-length: 9\n\nO")),
        Act::Send(raw("HTTP/1.1 200 OK\ncontent-length: 99999999\n\nO")),
    ] {
        let server = Server::start([act]).await;
        let deleted = server.client().api_keys().delete("key_1").send().await;
        assert!(deleted.is_ok(), "{:?}", deleted.err());
        assert_eq!(server.count(), 1);
    }
}

#[tokio::test]
async fn a_page_is_no_success() {
    for (headers, body) in [
        ("content-type: text/html; charset=utf-8\r\n", "<html>log in"),
        ("content-type: Text/HTML\r\n", "log in"),
        ("", " <!doctype html><p>log in"),
    ] {
        let server = Server::start([response("200 OK", headers, body)]).await;
        let error = server.client().api_keys().delete("key_1").send().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        assert_eq!(server.count(), 3);
    }
}

fn gzip(status: &str) -> Act {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        GZIP.len()
    );
    Act::Send([head.as_bytes(), GZIP].concat())
}

#[tokio::test]
async fn an_encoding_that_nobody_requested_is_named_once() {
    let server = Server::start([gzip("200 OK")]).await;
    let client = server.client();
    let errors = [
        client.api_keys().list().send().await.err(),
        client.request(Method::GET, "/x").send().await.err(),
        client.request(Method::GET, "/x").download().await.err(),
        client.request(Method::GET, "/x").events::<serde_json::Value>().await.err(),
    ];
    for error in &errors {
        let error = error.as_ref().unwrap();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Decode, 1), "{error}");
        assert!(error.to_string().contains("encoded with `gzip`"), "{error}");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(200));
    }
    assert_eq!(server.count(), errors.len());
    assert!(server.requests()[0].to_lowercase().contains("accept-encoding: identity\r\n"));

    // What a status says needs no body.
    let server = Server::start([gzip("404 Not Found")]).await;
    let error = server.client().request(Method::GET, "/x").send().await.unwrap_err();
    assert!(error.is_not_found() && error.body_excerpt().is_none(), "{error}");

    let identity = response("200 OK", "content-encoding: identity\r\n", "[]");
    let server = Server::start([identity]).await;
    assert!(server.client().api_keys().list().send().await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_creation_in_an_unknown_encoding_may_have_been_done() {
    let server = Server::start([gzip("201 Created"), json("201 Created", "{}")]).await;
    let error = crate::scripted::create(&server).await;
    assert!(error.outcome_unknown(), "{error}");
    assert_eq!(server.count(), 1);
}
