//! A source of keys that is slow, dead or broken holds up no call that has a key, and is asked once
//! however many calls wait for it.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use onkernel::{Client, Credentials, Error, ErrorKind, Method, Secret};
use tokio::sync::Semaphore;

use crate::scripted::{Act, Server, raw, response};

const OLD: &str = "sk_old_0123456789abcdef";
const NEW: &str = "sk_new_0123456789abcdef";

fn fine() -> Act {
    response("204 No Content", "", "")
}

fn client(server: &Server, credentials: Credentials) -> Client {
    server.builder().credentials(credentials).build().unwrap()
}

async fn call(client: &Client) -> Result<(), Error> {
    client.request(Method::GET, "/x").send().await.map(drop)
}

/// Each request's key.
fn keys(server: &Server) -> Vec<String> {
    let key = |request: &String| {
        let rest = request.split("Bearer ").nth(1).unwrap();
        rest.lines().next().unwrap().to_owned()
    };
    server.requests().iter().map(key).collect()
}

/// A source that is told how often it was asked before, and the number of times.
fn counted<F, Fut>(every: Option<Duration>, fetch: F) -> (Credentials, Arc<AtomicUsize>)
where
    F: Fn(usize) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Secret, Infallible>> + Send + 'static,
{
    let fetched = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&fetched);
    let fetch = move || fetch(count.fetch_add(1, Ordering::SeqCst));
    let credentials = match every {
        Some(every) => Credentials::from_fn_every(every, fetch),
        None => Credentials::from_fn(fetch),
    };
    (credentials, fetched)
}

#[tokio::test]
async fn a_source_that_hangs_stops_no_call_while_there_is_a_key() {
    let (credentials, fetched) = counted(Some(Duration::ZERO), |number| async move {
        match number {
            0 => Ok(Secret::from(OLD)),
            _ => pending().await,
        }
    });
    let server = Server::start([fine()]).await;
    let client = client(&server, credentials);
    // Far longer than any call takes that does not wait for it.
    let in_time = |calls| tokio::time::timeout(Duration::from_secs(30), join_all(calls));
    for at_a_time in [1, 1, 1, 20] {
        let calls: Vec<_> = (0..at_a_time).map(|_| call(&client)).collect();
        let ended = in_time(calls).await.expect("no call waits for the source");
        assert!(ended.iter().all(Result::is_ok));
    }
    assert_eq!(fetched.load(Ordering::SeqCst), 2);
    assert!(keys(&server).iter().all(|key| key == OLD));
}

#[tokio::test]
async fn however_many_are_rejected_the_source_is_asked_once_more() {
    let (credentials, fetched) = counted(None, |_| async { Ok(Secret::from(OLD)) });
    let rejected = raw("HTTP/1.1 401 Unauthorized\nconnection: close\ncontent-length: 0\n\n");
    let server = Server::start([Act::After(20, rejected)]).await;
    let client = client(&server, credentials);
    let results = join_all((0..20).map(|_| call(&client))).await;
    assert!(results.into_iter().all(|result| result.unwrap_err().is_unauthorized()));
    assert_eq!(fetched.load(Ordering::SeqCst), 2, "at first, and after the 401s");
    assert_eq!(server.count(), 20);
}

/// What was asked before the key was rejected does not say what is there now.
#[tokio::test]
async fn a_fetch_from_before_the_rejection_is_not_the_last_word() {
    let may_end = Arc::new(Semaphore::new(0));
    let gate = Arc::clone(&may_end);
    let (credentials, fetched) = counted(Some(Duration::ZERO), move |number| {
        let gate = Arc::clone(&gate);
        async move {
            if number == 1 {
                // Begun by the call that is rejected, and late with what was true then.
                gate.acquire().await.unwrap().forget();
            }
            Ok(Secret::from(if number < 2 { OLD } else { NEW }))
        }
    });
    let rejected = response("401 Unauthorized", "", "");
    let server = Server::start([fine(), rejected, fine()]).await;
    let client = client(&server, credentials);
    call(&client).await.unwrap();
    let second = tokio::spawn({
        let client = client.clone();
        async move { call(&client).await }
    });
    while server.count() < 2 {
        tokio::task::yield_now().await;
    }
    may_end.add_permits(1);
    second.await.unwrap().unwrap();
    assert_eq!(keys(&server), [OLD, OLD, NEW]);
    assert!(fetched.load(Ordering::SeqCst) >= 3);
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_its_fetch_to_the_next() {
    let may_end = Arc::new(Semaphore::new(0));
    let gate = Arc::clone(&may_end);
    let (credentials, fetched) = counted(None, move |_| {
        let gate = Arc::clone(&gate);
        async move {
            gate.acquire().await.unwrap().forget();
            Ok(Secret::from(NEW))
        }
    });
    let server = Server::start([fine()]).await;
    let client = client(&server, credentials);
    let first = tokio::time::timeout(Duration::from_millis(20), call(&client)).await;
    assert!(first.is_err(), "it waits for the key");
    may_end.add_permits(1);
    call(&client).await.unwrap();
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_source_that_panics_is_an_error() {
    let credentials = Credentials::from_fn(|| async {
        assert!(std::env::var_os("PATH").is_none(), "as a caller's function may");
        Ok::<_, Infallible>(Secret::from(NEW))
    });
    let server = Server::start([fine()]).await;
    let error = call(&client(&server, credentials)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials, "{error}");
    assert_eq!(server.count(), 0);
}

/// As on a network file system whose server is gone.
#[cfg(unix)]
#[tokio::test]
async fn a_file_that_cannot_be_read_to_its_end_stops_no_call() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, OLD).unwrap();
    let server = Server::start([fine()]).await;
    let client = client(&server, Credentials::file(&path));
    std::fs::remove_file(&path).unwrap();
    // Opening it waits for someone who writes.
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(join_all((0..20).map(|_| call(&client))).await.iter().all(Result::is_ok));
    std::fs::write(&path, NEW).unwrap();
    std::fs::remove_file(&path).unwrap();
    while keys(&server).pop().unwrap() != NEW {
        call(&client).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_around_a_key_is_named() {
    for (key, words) in [
        ("\"sk_live_0123456789\"", "is in quotes: give the key without them"),
        ("'sk_live_0123456789'", "is in quotes"),
        ("sk_live_0123456789\"\n", "is in quotes"),
        ("\u{201c}sk_live_0123456789\u{201d}", "is in quotes"),
        ("sk_live\u{a0}0123456789", "a non-breaking space"),
        ("\u{feff}sk_live_0123456789", "no width"),
        ("sk_live_\u{200b}0123456789", "no width"),
        ("sk_live_0123456789 ", "a space"),
        ("sk_live_\n0123456789", "a line break"),
        ("sk_live_\u{7}0123456789", "a control character"),
        ("sk_live_\u{e9}0123456789", "a character that no API key has"),
    ] {
        let error = Client::builder().api_key(key).build().unwrap_err();
        assert!(error.to_string().contains(words), "{key:?}: {error}");
        assert!(!format!("{error} {error:?}").contains("0123456789"));

        let server = Server::start([fine()]).await;
        let source =
            Credentials::from_fn(move || async move { Ok::<_, Infallible>(Secret::from(key)) });
        let error = call(&client(&server, source)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials, "{error}");
        assert!(error.to_string().contains(words), "{key:?}: {error}");
        let sound = client(&server, Credentials::fixed(NEW));
        assert!(sound.swap_api_key(key).unwrap_err().to_string().contains(words));
        assert_eq!(server.count(), 0);
    }
}
