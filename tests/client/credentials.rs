//! Keys that change under a running client.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use onkernel::{Client, Credentials, ErrorKind, Secret};

use crate::scripted::{Act, Server, json, response};

const OLD: &str = "sk_old_0123456789abcdef";
const NEW: &str = "sk_new_0123456789abcdef";

fn unauthorized() -> Act {
    response("401 Unauthorized", "", "")
}

fn fine() -> Act {
    json("200 OK", "[]")
}

fn client(server: &Server, credentials: Credentials) -> Client {
    server.builder().credentials(credentials).build().unwrap()
}

/// The key of each request.
fn keys(server: &Server) -> Vec<String> {
    let key = |request: &String| {
        let line = request.lines().find_map(|line| line.strip_prefix("authorization: Bearer "));
        line.unwrap_or("none").to_owned()
    };
    server.requests().iter().map(key).collect()
}

#[tokio::test]
async fn a_swap_reaches_all_clones_and_the_next_attempt() {
    let server = Server::start([fine()]).await;
    let client = client(&server, Credentials::fixed(OLD));
    let clone = client.with(onkernel::CallOptions::new().retries(0));
    client.swap_api_key(NEW).unwrap();
    clone.api_keys().list().send().await.unwrap();
    assert_eq!(keys(&server), [NEW]);

    let error = client.swap_api_key("two words 0123456789").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("0123456789"));
    clone.api_keys().list().send().await.unwrap();
    assert_eq!(keys(&server), [NEW, NEW]);
}

#[tokio::test]
async fn a_call_rejected_with_the_old_key_is_tried_once_with_the_new() {
    let server = Server::start([
        Act::After(
            2,
            crate::scripted::raw(
                "HTTP/1.1 401 Unauthorized\nconnection: close\ncontent-length: 0\n\n",
            ),
        ),
        fine(),
    ])
    .await;
    let client =
        client(&server, Credentials::fixed(OLD)).with(onkernel::CallOptions::new().retries(0));
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.api_keys().create("ci").send().await }
    });
    while server.count() < 1 {
        tokio::task::yield_now().await;
    }
    client.swap_api_key(NEW).unwrap();
    client.api_keys().list().send().await.unwrap();
    // Its response is a list and so no key; what counts is that it was asked for again.
    assert!(first.await.unwrap().unwrap_err().is_decode());
    assert_eq!(keys(&server), [OLD, NEW, NEW]);
}

#[tokio::test]
async fn a_401_with_the_only_key_is_final() {
    let server = Server::start([unauthorized()]).await;
    for credentials in [
        Credentials::fixed(OLD),
        Credentials::from_fn(|| async { Ok::<_, std::io::Error>(Secret::from(OLD)) }),
    ] {
        let error = client(&server, credentials).api_keys().list().send().await.unwrap_err();
        assert!(error.is_unauthorized());
        assert_eq!(error.attempts(), 1);
    }
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn a_file_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, format!("{OLD}\n")).unwrap();
    let server = Server::start([fine()]).await;
    let client = client(&server, Credentials::file(&path));
    client.api_keys().list().send().await.unwrap();

    // Replaced, as a rotation does it.
    let beside = folder.path().join("key.new");
    fs::write(&beside, format!("{NEW}\r\n")).unwrap();
    fs::rename(&beside, &path).unwrap();
    client.api_keys().list().send().await.unwrap();

    // Away, empty, or nonsense: the key that works stays in use.
    fs::remove_file(&path).unwrap();
    client.api_keys().list().send().await.unwrap();
    fs::write(&path, "").unwrap();
    client.api_keys().list().send().await.unwrap();
    fs::write(&path, "two words").unwrap();
    client.api_keys().list().send().await.unwrap();
    fs::write(&path, [0xff, 0xfe]).unwrap();
    client.api_keys().list().send().await.unwrap();

    // Written in place.
    fs::write(&path, OLD).unwrap();
    client.api_keys().list().send().await.unwrap();
    assert_eq!(keys(&server), [OLD, NEW, NEW, NEW, NEW, NEW, OLD]);
}

#[tokio::test]
async fn a_file_is_read_again_after_a_401() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, OLD).unwrap();
    let server = Server::start([
        unauthorized(),
        Act::After(
            3,
            crate::scripted::raw(
                "HTTP/1.1 401 Unauthorized\nconnection: close\ncontent-length: 0\n\n",
            ),
        ),
        fine(),
        fine(),
    ])
    .await;
    let client = client(&server, Credentials::file(&path));
    let error = client.api_keys().list().send().await.unwrap_err();
    assert!(error.is_unauthorized(), "the file still holds the rejected key");
    assert_eq!(server.count(), 1);

    // The file changes while a call with the old key is under way.
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.api_keys().list().send().await }
    });
    while server.count() < 2 {
        tokio::task::yield_now().await;
    }
    fs::write(&path, NEW).unwrap();
    client.api_keys().list().send().await.unwrap();
    call.await.unwrap().unwrap();
    assert_eq!(keys(&server), [OLD, OLD, NEW, NEW]);
}

#[tokio::test]
async fn a_swap_outlives_a_file_until_the_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, OLD).unwrap();
    let server = Server::start([fine()]).await;
    let client = client(&server, Credentials::file(&path));
    client.swap_api_key(NEW).unwrap();
    client.api_keys().list().send().await.unwrap();
    fs::write(&path, "sk_third_0123456789abcdef").unwrap();
    client.api_keys().list().send().await.unwrap();
    assert_eq!(keys(&server), [NEW, "sk_third_0123456789abcdef"]);
}

#[tokio::test]
async fn a_missing_or_malformed_file_is_an_error_of_the_builder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let build = || Client::builder().credentials(Credentials::file(&path)).build();
    for (content, words) in [
        (None, "cannot be read"),
        (Some(""), "is empty"),
        (Some("KEY=sk_live_0123456789 x"), "a space"),
    ] {
        if let Some(content) = content {
            fs::write(&path, content).unwrap();
        }
        let error = build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        let text = format!("{error} {error:?}");
        assert!(text.contains(words) && text.contains(&path.display().to_string()), "{text}");
        assert!(!text.contains("0123456789"));
    }
}

#[tokio::test]
async fn however_many_wait_a_key_is_fetched_once() {
    let fetched = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&fetched);
    let credentials = Credentials::from_fn(move || {
        let number = count.fetch_add(1, Ordering::SeqCst);
        async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok::<_, std::io::Error>(Secret::from(if number == 0 { OLD } else { NEW }))
        }
    });
    // The first ten requests are rejected, when all of them have come.
    let rejected = Act::After(
        10,
        crate::scripted::raw("HTTP/1.1 401 Unauthorized\nconnection: close\ncontent-length: 0\n\n"),
    );
    let server = Server::start(std::iter::repeat_n(rejected, 10).chain([fine()])).await;
    let client = client(&server, credentials);
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.api_keys().list().send().await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(fetched.load(Ordering::SeqCst), 2, "at first, and after the 401s");
    let keys = keys(&server);
    assert!(keys[..10].iter().all(|key| key == OLD));
    assert!(keys[10..].iter().all(|key| key == NEW));
    assert_eq!(keys.len(), 20);
}

/// The vault has no other key: one question is enough for all who wait.
#[tokio::test]
async fn however_many_wait_the_same_key_is_fetched_once_too() {
    let fetched = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&fetched);
    let credentials = Credentials::from_fn(move || {
        count.fetch_add(1, Ordering::SeqCst);
        async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok::<_, std::io::Error>(Secret::from(OLD))
        }
    });
    let rejected = Act::After(
        10,
        crate::scripted::raw("HTTP/1.1 401 Unauthorized\nconnection: close\ncontent-length: 0\n\n"),
    );
    let server = Server::start([rejected]).await;
    let client = client(&server, credentials);
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.api_keys().list().send().await })
        })
        .collect();
    for call in calls {
        assert!(call.await.unwrap().unwrap_err().is_unauthorized());
    }
    // Once at first, and after the 401s once more, or twice for those who came while it was asked.
    let fetched = fetched.load(Ordering::SeqCst);
    assert!((2..=3).contains(&fetched), "{fetched}");
    assert_eq!(server.count(), 10);
}

#[tokio::test]
async fn a_valid_key_is_kept_while_fetching_fails() {
    let fetched = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&fetched);
    let credentials = Credentials::from_fn_every(Duration::ZERO, move || {
        let number = count.fetch_add(1, Ordering::SeqCst);
        async move {
            match number {
                0 => Ok(Secret::from(OLD)),
                1 => Err("the vault is sealed"),
                _ => Ok(Secret::from(NEW)),
            }
        }
    });
    let server = Server::start([fine()]).await;
    let client = client(&server, credentials);
    // Each call begins a fetch, and is sent with the key at hand.
    while server.count() == 0 || keys(&server).pop().unwrap() != NEW {
        client.api_keys().list().send().await.unwrap();
    }
    assert!(fetched.load(Ordering::SeqCst) >= 3);
    assert!(keys(&server).iter().rev().skip(1).all(|key| key == OLD));
}

#[tokio::test]
async fn without_any_key_nothing_is_sent() {
    let server = Server::start([fine()]).await;
    let sealed = || async { Err::<Secret, _>(format!("sealed, token {NEW}")) };
    let error =
        client(&server, Credentials::from_fn(sealed)).api_keys().list().send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
    assert!(error.to_string().contains("sealed, token [redacted]"), "{error}");
    assert!(error.operation().is_some());

    let malformed = || async { Ok::<_, String>(Secret::from("two words")) };
    let error = client(&server, Credentials::from_fn(malformed))
        .api_keys()
        .list()
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);

    let slow = || std::future::pending::<Result<Secret, String>>();
    let options = onkernel::CallOptions::new().deadline(Duration::from_millis(30));
    let slow = client(&server, Credentials::from_fn(slow)).with(options);
    let error = slow.api_keys().create("ci").send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert!(error.to_string().contains("getting the API key"), "{error}");
    assert!(!error.outcome_unknown(), "nothing was sent");
    assert_eq!(server.count(), 0);
}

#[test]
fn an_environment_variable_is_named_when_it_is_not_there() {
    let build = |name| Client::builder().credentials(Credentials::env(name)).build();
    let error = build("ONKERNEL_TEST_NO_SUCH_VARIABLE").unwrap_err();
    assert!(error.to_string().contains("`ONKERNEL_TEST_NO_SUCH_VARIABLE` is not set"), "{error}");
    // Cargo sets this one for tests.
    assert!(build("CARGO_PKG_NAME").is_ok());
}

#[test]
fn nothing_prints_a_key() {
    for credentials in [Credentials::fixed(NEW), Credentials::env("X"), Credentials::file("/x")] {
        assert!(!format!("{credentials:?}").contains("0123456789"));
    }
}
