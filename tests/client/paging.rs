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
    // One after another, as it is written here.
    let items = server.client().api_keys().list().limit(2).items().ahead(1);
    items.map_ok(|key| key.id).try_collect().await
}

/// The query of each request.
fn queries(server: &Server) -> Vec<String> {
    let query = |request: &String| {
        let path = request.split(' ').nth(1).unwrap();
        path.split_once('?').map_or("", |(_, query)| query).to_owned()
    };
    server.requests().iter().map(query).collect()
}

#[tokio::test]
async fn every_item_of_every_page_and_no_request_more() {
    let server =
        Server::start([page(&[1, 2], &more("2")), page(&[3, 4], &more("4")), page(&[5], END)])
            .await;
    assert_eq!(all(&server).await.unwrap(), ["key_1", "key_2", "key_3", "key_4", "key_5"]);
    assert_eq!(queries(&server), ["limit=2", "limit=2&offset=2", "limit=2&offset=4"]);
}

#[tokio::test]
async fn a_page_is_fetched_when_it_is_wanted() {
    let server = Server::start([page(&[1, 2], &more("2")), page(&[3], END)]).await;
    let mut keys = server.client().api_keys().list().items().ahead(0);
    assert_eq!(server.count(), 0);
    keys.next().await.unwrap().unwrap();
    keys.next().await.unwrap().unwrap();
    settle().await;
    assert_eq!(server.count(), 1);
    keys.next().await.unwrap().unwrap();
    assert_eq!(server.count(), 2);
    assert!(keys.next().await.is_none());
    assert!(keys.next().await.is_none(), "it stays ended");
    assert_eq!(server.count(), 2);
}

/// Where a request's page begins.
fn offset(request: &str) -> usize {
    let query = request.split(' ').nth(1).unwrap().split_once('?').map_or("", |(_, query)| query);
    let offset = query.split('&').find_map(|part| part.strip_prefix("offset="));
    offset.map_or(0, |offset| offset.parse().unwrap())
}

/// The page that begins there, of so many of one key each.
fn nth(offset: usize, pages: usize) -> Act {
    match offset + 1 {
        number if number < pages => page(&[number], &more(&number.to_string())),
        number if number == pages => page(&[number], END),
        _ => page(&[], END),
    }
}

/// A server of so many pages of one key each.
async fn server_of(pages: usize) -> Server {
    Server::saying(move |request| nth(offset(request), pages)).await
}

/// Until all that can go on without us has.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// As many are fetched ahead as were taken, and no more than was said.
#[tokio::test]
async fn the_further_it_gets_the_more_are_fetched_ahead() {
    for (most, all) in [(None, 8), (Some(1), 1), (Some(4), 4), (Some(usize::MAX), 19)] {
        let server = server_of(40).await;
        let keys = server.client().api_keys().list().items();
        let mut keys = match most {
            Some(most) => keys.ahead(most),
            None => keys,
        };
        settle().await;
        assert_eq!(server.count(), 0, "nobody has asked yet");
        for taken in 1..20 {
            assert_eq!(keys.next().await.unwrap().unwrap().id, format!("key_{taken}"));
            let fetched = taken + taken.min(all);
            while server.count() < fetched {
                tokio::task::yield_now().await;
            }
            settle().await;
            assert_eq!(server.count(), fetched, "{most:?}, {taken} taken: {:?}", queries(&server));
        }
        let rest: Vec<_> = keys.map_ok(|key| key.id).try_collect().await.unwrap();
        assert_eq!(rest, (20..=40).map(|id| format!("key_{id}")).collect::<Vec<_>>());
        assert!(server.count() < 40 + most.unwrap_or(8).min(40), "{}", server.count());
    }

    let server = server_of(6).await;
    let mut pages = server.client().api_keys().list().pages().ahead(1);
    pages.next().await.unwrap().unwrap();
    while server.count() < 2 {
        tokio::task::yield_now().await;
    }
    // Whoever gives the stream up gives up its task.
    drop(pages);
    settle().await;
    assert_eq!(server.count(), 2);
}

/// The server responds to none before as many have come as may be under way.
#[tokio::test]
async fn pages_at_offsets_are_fetched_at_the_same_time() {
    const PAGES: usize = 30;
    let server = Server::saying(|request| {
        let offset = offset(request);
        let Act::Send(bytes) = nth(offset, PAGES) else { unreachable!() };
        Act::After(offset + if offset < 3 { 1 } else { offset.min(8) }, bytes)
    })
    .await;
    let ids: Vec<_> =
        server.client().api_keys().list().items().map_ok(|key| key.id).try_collect().await.unwrap();
    assert_eq!(ids, (1..=PAGES).map(|id| format!("key_{id}")).collect::<Vec<_>>());
}

/// Where the list does not go on evenly what was fetched too soon is dropped, and no item is left
/// out or comes twice.
#[tokio::test]
async fn a_wrong_guess_is_dropped() {
    // Pages of one key each, at offsets that go on by two from the tenth on, and by one again later.
    let places: Vec<usize> = (0..10).chain((10..30).step_by(2)).chain(30..40).collect();
    let server = Server::saying(move |request| {
        let offset = offset(request);
        match places.iter().position(|place| *place == offset) {
            Some(at) => match places.get(at + 1) {
                Some(next) => page(&[offset], &more(&next.to_string())),
                None => page(&[offset], END),
            },
            // What a guess that was wrong would have led to.
            None => page(&[1_000 + offset], &more("0")),
        }
    })
    .await;
    let ids: Vec<_> =
        server.client().api_keys().list().items().map_ok(|key| key.id).try_collect().await.unwrap();
    let right = (0..10).chain((10..30).step_by(2)).chain(30..40);
    assert_eq!(ids, right.map(|id| format!("key_{id}")).collect::<Vec<_>>());
}

/// What is beyond the end may well fail: nobody has asked for it.
#[tokio::test]
async fn a_failure_beyond_the_end_is_not_told() {
    let server = Server::saying(|request| match offset(request) {
        beyond if beyond >= 5 => response("400 Bad Request", "", ""),
        offset => nth(offset, 5),
    })
    .await;
    let keys = server.client().api_keys().list().items().all().await.unwrap();
    assert_eq!(keys.len(), 5);
}

#[tokio::test]
async fn what_fails_ahead_is_told_in_its_turn() {
    let server = Server::start([
        page(&[1, 2], &more("2")),
        page(&[3], &more("3")),
        response("403 Forbidden", "", ""),
    ])
    .await;
    let mut keys = server.client().api_keys().list().items().ahead(9);
    for id in ["key_1", "key_2", "key_3"] {
        assert_eq!(keys.next().await.unwrap().unwrap().id, id);
    }
    assert!(keys.next().await.unwrap().unwrap_err().is_forbidden());
    assert!(keys.next().await.is_none());
    assert_eq!(server.count(), 3);
}

/// What nobody fetches any more is not the end.
#[test]
fn a_stream_whose_runtime_is_gone_is_an_error() {
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let (servers, first, second) = (runtime(), runtime(), runtime());
    let server = servers.block_on(server_of(9));
    let mut pages = server.client().api_keys().list().pages().ahead(2);
    first.block_on(pages.next()).unwrap().unwrap();
    drop(first);
    let rest = second.block_on(pages.collect::<Vec<_>>());
    let error = rest.last().unwrap().as_ref().unwrap_err();
    assert!(error.to_string().contains("runtime") && rest.len() < 5, "{rest:?}");
}

#[tokio::test]
async fn the_callers_offset_is_the_first() {
    let server = Server::start([page(&[1], END)]).await;
    server.client().api_keys().list().offset(40).items().count().await;
    assert_eq!(queries(&server), ["offset=40"]);
}

/// The server may page by a cursor of its own: what it says is asked for, and nothing else is sent
/// with the first page.
#[tokio::test]
async fn the_first_page_is_as_it_was_asked_for_and_a_cursor_may_fall() {
    let server =
        Server::start([page(&[1], &more("50")), page(&[2], &more("30")), page(&[3], END)]).await;
    let keys = server.client().api_keys().list().query("x").items().all().await.unwrap();
    assert_eq!(keys.len(), 3);
    assert_eq!(queries(&server), ["query=x", "query=x&offset=50", "query=x&offset=30"]);
}

#[tokio::test]
async fn a_place_that_comes_again_ends_the_stream_however_long_the_way_round() {
    for (way, asked) in [(vec!["2"], 2), (vec!["2", "4"], 3), (vec!["7", "5", "3", "9"], 5)] {
        let acts = way.iter().cycle().take(20).map(|next| page(&[1], &more(next)));
        let server = Server::start(acts).await;
        let mut keys = server.client().api_keys().list().items().ahead(1);
        let error = loop {
            match keys.next().await.expect("an error before the end") {
                Ok(_) => assert!(server.count() < 10, "{way:?}"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::Paging);
        assert!(error.to_string().contains("a page before has begun at"), "{error}");
        assert!(keys.next().await.is_none());
        assert_eq!(server.count(), asked, "{way:?}");
    }
    // The caller's own place counts.
    let server = Server::start([page(&[1], &more("20"))]).await;
    let page = server.client().api_keys().list().offset(20).send().await.unwrap();
    let error = page.next().unwrap().send().await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::Paging, 1));
}

#[tokio::test]
async fn a_page_knows_the_next() {
    let server =
        Server::start([page(&[1, 2], &more("2")), page(&[3], &more("x")), page(&[1], END)]).await;
    let client = server.client();
    let first = client.api_keys().list().limit(2).send().await.unwrap();
    assert_eq!((first.items.len(), first.len()), (2, 2));
    let second = first.next().expect("more").send_raw().await.unwrap();
    assert_eq!(second.status().as_u16(), 200);
    let second = second.into_value();
    assert_eq!((&second).into_iter().map(|key| &*key.id).collect::<Vec<_>>(), ["key_3"]);
    assert_eq!(queries(&server), ["limit=2", "limit=2&offset=2"]);
    // What nobody can follow is an error, and no end.
    let error = second.next().expect("more is promised").send().await.unwrap_err();
    assert!(error.to_string().contains("leads to no page"), "{error}");
    assert_eq!(server.count(), 2);
    assert!(client.api_keys().list().send().await.unwrap().next().is_none());
}

#[tokio::test]
async fn pages_come_one_by_one() {
    let server = Server::start([page(&[1, 2], &more("2")), page(&[3], END)]).await;
    let mut pages = server.client().api_keys().list().pages();
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 2);
    assert_eq!(server.count(), 1);
    assert_eq!(pages.all().await.unwrap().len(), 1);
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
        (more("2"), "a page before has begun at"),
        (more("-1"), "leads to no page"),
        ("x-has-more: true\r\n".to_owned(), "`X-Next-Offset` is missing"),
        (more("soon"), "leads to no page"),
        (more("99999999999999999999"), "leads to no page"),
        ("x-has-more: perhaps\r\n".to_owned(), "leads to no page"),
        (more("\u{e9}"), "leads to no page"),
    ] {
        let server = Server::start([page(&[1, 2], &more("2")), page(&[3, 4], &headers)]).await;
        let keys: Vec<_> = server.client().api_keys().list().items().collect().await;
        assert_eq!(keys.len(), 5, "what came before is given out, and then the error: {headers:?}");
        let error = keys.into_iter().last().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Paging);
        assert!(error.to_string().to_lowercase().contains(&words.to_lowercase()), "{error}");
        assert_eq!(error.operation().unwrap().id, "api_keys.list");
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
async fn a_rejected_value_is_the_streams_only_item() {
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
