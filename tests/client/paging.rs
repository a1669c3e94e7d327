//! Streams over pages, and what the server must not be able to do to them.

use futures_util::{StreamExt, TryStreamExt};
use onkernel::{Error, ErrorKind};

use crate::scripted::{Act, Server, response};

/// A page of keys with these ids.
fn page(ids: &[usize], headers: &str) -> Act {
    let keys: Vec<String> = ids
        .iter()
        .map(|id| {
            format!(
                r#"{{"id":"key_{id}","name":"n","created_at":"2026-01-01T00:00:00Z","created_by":{{"id":"u","email":"e@example.com","name":null}},"expires_at":null,"deleted_at":null,"project_id":null,"project_name":null,"masked_key":"sk_1...2"}}"#
            )
        })
        .collect();
    response("200 OK", headers, &format!("[{}]", keys.join(",")))
}

fn more(next: &str) -> String {
    format!("x-has-more: true\r\nx-next-offset: {next}\r\n")
}

const END: &str = "x-has-more: false\r\n";

async fn all(server: &Server) -> Result<Vec<String>, Error> {
    server.client().api_keys().list().limit(2).items().map_ok(|key| key.id).try_collect().await
}

/// The query of each request.
fn queries(server: &Server) -> Vec<String> {
    let query = |request: &String| {
        request.split(' ').nth(1).and_then(|path| path.split_once('?')).unwrap().1.to_owned()
    };
    server.requests().iter().map(query).collect()
}

#[tokio::test]
async fn every_item_of_every_page_and_no_request_more() {
    let server =
        Server::start([page(&[1, 2], &more("2")), page(&[3, 4], &more("4")), page(&[5], END)])
            .await;
    assert_eq!(all(&server).await.unwrap(), ["key_1", "key_2", "key_3", "key_4", "key_5"]);
    assert_eq!(queries(&server), ["limit=2&offset=0", "limit=2&offset=2", "limit=2&offset=4"]);
}

#[tokio::test]
async fn a_page_is_fetched_when_it_is_wanted() {
    let server = Server::start([page(&[1, 2], &more("2")), page(&[3], END)]).await;
    let mut keys = Box::pin(server.client().api_keys().list().items());
    assert_eq!(server.count(), 0);
    keys.next().await.unwrap().unwrap();
    keys.next().await.unwrap().unwrap();
    assert_eq!(server.count(), 1);
    keys.next().await.unwrap().unwrap();
    assert_eq!(server.count(), 2);
    assert!(keys.next().await.is_none());
    assert!(keys.next().await.is_none(), "it stays ended");
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn the_callers_offset_is_the_first() {
    let server = Server::start([page(&[1], END)]).await;
    server.client().api_keys().list().offset(40).items().count().await;
    assert_eq!(queries(&server), ["offset=40"]);
}

#[tokio::test]
async fn an_empty_page_with_more_to_come_is_read_past() {
    let server =
        Server::start([page(&[], &more("2")), page(&[], &more("4")), page(&[5], END)]).await;
    assert_eq!(all(&server).await.unwrap(), ["key_5"]);
}

#[tokio::test]
async fn a_page_without_headers_is_the_last() {
    for headers in ["", "x-next-offset: 9\r\n", END, "X-Has-More:  FALSE \r\nx-next-offset: x\r\n"]
    {
        let server = Server::start([page(&[1, 2], &more("2")), page(&[3], headers)]).await;
        assert_eq!(all(&server).await.unwrap().len(), 3, "{headers:?}");
        assert_eq!(server.count(), 2);
    }
}

/// Something on the way may take the headers out: nothing is left out in silence.
#[tokio::test]
async fn a_full_page_without_headers_is_an_error() {
    let ids: Vec<usize> = (0..20).collect();
    for (list, server) in [
        ("limit=2", Server::start([page(&[1, 2], &more("2")), page(&[3, 4], "")]).await),
        ("no limit", Server::start([page(&ids, &more("20")), page(&ids, "")]).await),
    ] {
        let call = server.client().api_keys().list();
        let call = if list == "no limit" { call } else { call.limit(2) };
        let error = call.items().try_collect::<Vec<_>>().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Paging, "{list}");
        assert!(error.to_string().contains("`X-Has-More`"), "{error}");
    }
    let server = Server::start([page(&[1], "")]).await;
    let keys: Vec<_> = server.client().api_keys().list().items().collect().await;
    assert!(keys.len() == 1 && keys[0].is_ok());
}

#[tokio::test]
async fn headers_that_lead_nowhere_are_an_error_and_no_loop() {
    for (headers, words) in [
        (more("2"), "does not go beyond"),
        (more("1"), "does not go beyond"),
        (more("-1"), "does not go beyond"),
        ("x-has-more: true\r\n".to_owned(), "`X-Next-Offset` is missing"),
        (more("soon"), "leads to no page"),
        (more("99999999999999999999"), "leads to no page"),
        ("x-has-more: perhaps\r\n".to_owned(), "leads to no page"),
        (more("\u{e9}"), "leads to no page"),
    ] {
        let server = Server::start([page(&[1, 2], &more("2")), page(&[3, 4], &headers)]).await;
        let keys: Vec<_> = server.client().api_keys().list().items().collect().await;
        assert_eq!(keys.len(), 3, "what came before is given out, and then the error: {headers:?}");
        let error = keys.into_iter().last().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Paging);
        assert!(error.to_string().to_lowercase().contains(&words.to_lowercase()), "{error}");
        assert_eq!(error.operation().unwrap().id, "list_api_keys");
        assert_eq!(server.count(), 2);
    }
}

#[tokio::test]
async fn the_first_error_ends_the_stream() {
    let server = Server::start([page(&[1], &more("1")), response("403 Forbidden", "", "")]).await;
    let mut keys = Box::pin(server.client().api_keys().list().items());
    assert!(keys.next().await.unwrap().is_ok());
    assert!(keys.next().await.unwrap().unwrap_err().is_forbidden());
    assert!(keys.next().await.is_none());
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn a_failing_page_is_repeated_like_any_call() {
    let server = Server::start([
        page(&[1], &more("1")),
        Act::Drop,
        response("503 Service Unavailable", "", ""),
        page(&[2], END),
    ])
    .await;
    assert_eq!(all(&server).await.unwrap(), ["key_1", "key_2"]);
}

#[tokio::test]
async fn a_refused_value_is_the_streams_only_item() {
    let server = Server::start([page(&[1], END)]).await;
    let client = server.client();
    for stream in [
        client.api_keys().list().limit(101).items().boxed(),
        client.api_keys().list().offset(u64::MAX).items().boxed(),
    ] {
        let keys: Vec<_> = stream.collect().await;
        assert_eq!(keys.len(), 1);
        assert!(keys[0].as_ref().unwrap_err().is_invalid_request());
    }
    assert_eq!(server.count(), 0);
}
