//! Every key is listed twice at the same time, and none that stays is missed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use onkernel::Client;
use onkernel::rotation::{Policy, RotationExt};
use onkernel::testing::{Fault, NewKey, Server};
use serde_json::{Map, Value};

async fn server_with(keys: usize) -> (Server, Client) {
    with_keys(Server::builder().start().await.unwrap(), keys)
}

fn with_keys(server: Server, keys: usize) -> (Server, Client) {
    for n in 0..keys {
        server.add_key(NewKey::named(format!("k-{n}")));
    }
    let client = Client::builder().base_url(server.url()).api_key(server.bootstrap_key());
    (server, client.build().unwrap())
}

async fn listed(client: &Client) -> BTreeSet<String> {
    let audited = client.audit(&Policy::new().named("k-*")).await.unwrap();
    audited.into_iter().map(|audited| audited.key.id).collect()
}

/// What somebody else does, while the request of this number is under way.
async fn while_listed(change: fn(&Server, &str)) {
    // Three pages, each of them twice, and one request before.
    for at in 1..=8 {
        let (server, client) = server_with(250).await;
        let keys: BTreeSet<_> = server.keys().into_iter().map(|key| key.id).collect();
        let newest = server.keys().into_iter().rfind(|key| key.name == "k-249").unwrap().id;
        let gone = newest.clone();
        server.faults().add(Fault::run(move |server| change(server, &gone)).nth(at));
        let listed = listed(&client).await;
        let stays = |id: &&String| server.key(id).is_some_and(|key| key.name.starts_with("k-"));
        let missed: Vec<_> = keys
            .iter()
            .filter(stays)
            .filter(|id| !listed.contains(*id) && **id != newest)
            .collect();
        assert!(missed.is_empty(), "changed at request {at}: {missed:?} were missed");
    }
}

#[tokio::test]
async fn a_key_that_goes_meanwhile_hides_no_other() {
    while_listed(|server, newest| assert!(server.remove(newest))).await;
}

#[tokio::test]
async fn a_key_that_comes_meanwhile_hides_no_other() {
    while_listed(|server, _| drop(server.add_key(NewKey::named("k-new")))).await;
}

#[tokio::test]
async fn the_second_pass_looks_where_the_first_has_been() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let see = Arc::clone(&asked);
    let server = Server::builder().on_request(move |it| see.lock().unwrap().push(it.query.clone()));
    let (server, client) = with_keys(server.start().await.unwrap(), 1_000);
    server.set_latency(Duration::from_millis(10));
    assert_eq!(listed(&client).await.len(), 1_000);
    let asked = asked.lock().unwrap().clone();
    let offset = |query: &Map<String, Value>| match query.get("limit")?.as_str()? {
        "100" => {
            Some(query.get("offset").map_or(0, |offset| offset.as_str().unwrap().parse().unwrap()))
        }
        _ => None,
    };
    let offsets: Vec<u64> = asked.iter().filter_map(offset).collect();
    for page in 0..10 {
        let nth = |page: u64, n| offsets.iter().enumerate().filter(|it| *it.1 == page * 100).nth(n);
        let second = nth(page, 1).map(|(at, _)| at).unwrap();
        let behind = nth(page + 1, 0).map(|(at, _)| at);
        assert!(behind.is_none_or(|behind| behind < second), "page {page}: {offsets:?}");
    }
}

/// More of them than attempts at any one request.
#[tokio::test]
async fn failures_all_over_a_long_listing_do_not_end_it() {
    let (server, client) = server_with(3_000).await;
    server.faults().add(Fault::status(503).every(12));
    assert_eq!(listed(&client).await.len(), 3_000);
    let failed = server.log().iter().filter(|entry| entry.status == Some(503)).count();
    assert!(failed > 4, "{failed} failed");
}

#[tokio::test]
async fn one_page_that_fails_is_asked_for_again_and_no_other() {
    let (server, client) = server_with(1_000).await;
    server.faults().add(Fault::status(503).nth(9));
    server.faults().add(Fault::status(502).nth(17));
    assert_eq!(listed(&client).await.len(), 1_000);
    // One to try the key, eleven pages twice, two again, and what guesses may reach beyond the end.
    let requests = server.log().len();
    assert!((25..=33).contains(&requests), "{requests} requests");
}
