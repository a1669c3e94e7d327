//! Events of a stream: none is lost, and where it is taken up again is where it broke off.

use std::time::Duration;

use futures_util::StreamExt;
use onkernel::{Error, ErrorKind, Event, EventStream, Method};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::scripted::{Act, Server, raw};

#[derive(Debug, Deserialize, PartialEq)]
struct Tick {
    n: u64,
}

/// A stream that the server ends.
fn ends(events: &str) -> Act {
    Act::Send(raw(&format!("HTTP/1.1 200 OK\ncontent-type: text/event-stream\n\n{events}")))
}

/// A stream that breaks off.
fn breaks(events: &str) -> Act {
    Act::Send(raw(&format!(
        "HTTP/1.1 200 OK\ncontent-type: text/event-stream\ncontent-length: 99999\n\n{events}"
    )))
}

async fn ticks(server: &Server) -> EventStream<Tick> {
    server.client().request(Method::GET, "/events").events().await.unwrap()
}

async fn messages(server: &Server) -> Vec<Result<Tick, Error>> {
    ticks(server).await.messages().collect().await
}

#[tokio::test]
async fn the_last_event_needs_no_empty_line() {
    for last in ["data: {\"n\":2}", "data: {\"n\":2}\n", "data: {\"n\":2}\n\n"] {
        let server = Server::start([ends(&format!("data: {{\"n\":1}}\n\n{last}"))]).await;
        let all: Vec<_> = messages(&server).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(all, [Tick { n: 1 }, Tick { n: 2 }], "{last:?}");
    }
    // What is there of it shows that it is not all.
    let server = Server::start([ends("data: {\"n\":1}\n\ndata: {\"n\":")]).await;
    let all = messages(&server).await;
    assert_eq!(all.len(), 2);
    assert!(all[1].as_ref().unwrap_err().is_decode());
}

#[tokio::test]
async fn an_event_of_another_shape_is_an_error_and_not_the_end() {
    let text = ": a comment\n\nevent: odd\ndata: {\"n\":\"sk_live_0123456789\"}\n\ndata: {\"type\":\"ping\"}\n\nevent: ping\ndata: {\"n\":2}\n\nevent: sse_heartbeat\ndata: {}\n\ndata: {\"event\":\"heartbeat\"}\n\ndata: {\"n\":3}\n\n";
    let server = Server::start([ends(text)]).await;
    let all = messages(&server).await;
    assert_eq!(all.len(), 4, "{all:?}");
    for (index, words) in [(0, "an event `odd` is not as documented"), (1, "an event is not")] {
        let error = all[index].as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.to_string().contains(words), "{error}");
        assert!(!format!("{error:?}").contains("0123456789"));
        assert_eq!(error.path(), Some("/events"));
    }
    assert_eq!(all[2].as_ref().unwrap(), &Tick { n: 2 });
    assert_eq!(all[3].as_ref().unwrap(), &Tick { n: 3 });

    // The stream itself has each as it came.
    let events: Vec<_> = ticks(&server).await.map(Result::unwrap).collect().await;
    assert_eq!(events.len(), 6);
    let raw = r#"{"type":"ping"}"#.to_owned();
    assert_eq!(events[1], Event::Unknown { id: None, name: None, data: raw });
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Heartbeat)).count(), 2);

    // What a caller takes as it comes has no other shape.
    let stream = server.client().request(Method::GET, "/events").events::<Value>().await.unwrap();
    let all: Vec<_> = stream.messages().map(Result::unwrap).collect().await;
    assert_eq!(all[1], json!({ "type": "ping" }));
}

fn last_event(request: &str) -> Option<&str> {
    request.lines().find_map(|line| line.strip_prefix("last-event-id: "))
}

#[tokio::test]
async fn a_stream_goes_on_from_where_the_caller_began() {
    let server = Server::start([breaks(""), breaks("id: 8\ndata: {\"n\":8}\n\n"), ends("")]).await;
    let call = server.client().request(Method::GET, "/events").header("last-event-id", "7");
    let stream: EventStream<Tick> = call.events().await.unwrap();
    let all: Vec<_> = stream.messages().map(Result::unwrap).collect().await;
    assert_eq!(all, [Tick { n: 8 }]);
    let requests = server.requests();
    let from: Vec<_> = requests.iter().map(|request| last_event(request)).collect();
    assert_eq!(from, [Some("7"), Some("7"), Some("8")]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_no_wait_is_not_asked_in_a_tight_loop() {
    for (asked, waited) in [("0", 500), ("499", 500), ("2000", 2000), ("99999999", 60_000)] {
        let text = format!("retry: {asked}\nid: 1\ndata: {{\"n\":1}}\n\n");
        let server = Server::start([breaks(&text), ends("")]).await;
        let half = Duration::from_millis(500);
        let client = server.builder().backoff(half, half).timeout(Duration::from_secs(999));
        let began = Instant::now();
        let call = client.build().unwrap().request(Method::GET, "/events");
        let stream: EventStream<Tick> = call.events().await.unwrap();
        assert_eq!(stream.messages().map(Result::unwrap).count().await, 1);
        // The clock stands still but for waits.
        assert_eq!(began.elapsed().as_millis() / 10 * 10, waited, "{asked}");
    }
}
