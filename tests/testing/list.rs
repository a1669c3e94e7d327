//! Looking at keys: pages, filters, order, deleted ones.

use chrono::Duration;
use onkernel::testing::{Creator, NewKey};

use crate::support::{assert_error, noon, server};

#[tokio::test]
async fn pages_follow_each_other_to_the_end() {
    let (server, api) = server().await;
    for number in 2..=45 {
        server.add_key(NewKey::named(format!("k{number:02}")));
    }
    let first = api.list("").await;
    assert_eq!(first.names().len(), 20);
    assert_eq!(first.names()[0], "k45", "the newest first");
    assert_eq!((first.header("x-has-more"), first.header("x-next-offset")), ("true", "20"));

    let mut seen = Vec::new();
    let mut offset = 0;
    loop {
        let page = api.list(&format!("limit=15&sort_direction=asc&offset={offset}")).await;
        seen.extend(page.names());
        offset = page.header("x-next-offset").parse().unwrap();
        assert_eq!(page.header("x-has-more"), (offset != 0).to_string());
        if offset == 0 {
            break;
        }
    }
    let expected: Vec<String> = server.keys().into_iter().map(|key| key.name).collect();
    assert_eq!(seen, expected);

    let exact = api.list("limit=45").await;
    assert_eq!((exact.header("x-has-more"), exact.header("x-next-offset")), ("false", "0"));
    let beyond = api.list("offset=9223372036854775807").await;
    assert_eq!(beyond.names(), Vec::<String>::new());
    assert_eq!((beyond.header("x-has-more"), beyond.header("x-next-offset")), ("false", "0"));
}

#[tokio::test]
async fn parameters_out_of_bounds_are_rejected() {
    let (_server, api) = server().await;
    let to_100 = "limit must be a whole number from 1 to 100";
    for (query, says) in [
        ("limit=0", to_100),
        ("limit=-1", to_100),
        ("limit=101", to_100),
        ("limit=ten", to_100),
        ("limit=1.5", to_100),
        ("limit=", to_100),
        ("offset=-1", "offset must be a whole number from 0"),
        ("offset=x", "offset must be a whole number from 0"),
        ("offset=9223372036854775808", "offset must be a whole number from 0"),
        ("sort_by=id", "sort_by must be one of created_at, name, expires_at"),
        ("sort_direction=up", "sort_direction must be one of desc, asc"),
        ("status=expired", "status must be one of active, deleted, all"),
        ("include_deleted=yes", "include_deleted must be one of false, true"),
        ("limit=1&limit=2", "limit is given more than once"),
    ] {
        assert_error(&api.list(query).await, 400, "bad_request", says);
    }
    let flag = api.get("/org/api_keys/unknown?include_deleted=1").await;
    assert_error(&flag, 400, "bad_request", "include_deleted must be");
    assert_eq!(api.list("limit=1&unknown=1&unknown=2").await.status, 200);
    assert_eq!(api.list("limit=100").await.status, 200);
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let (server, api) = server().await;
    let jane = Creator::new("user_2", "jane@corp.example").name("Jane Döe");
    let deploy = server.add_key(NewKey::named("Deploy éclair").created_by(jane));
    server.add_key(NewKey::named("deploy").project("proj_a"));
    server.add_key(NewKey::named("100% + more").project("proj_b"));
    let gone = server.add_key(NewKey::named("deploy"));
    assert!(server.delete(&gone.id));
    let expired = server.add_key(NewKey::named("expired").days(1));
    server.advance(Duration::days(2));

    let names = async |query: &str| api.list(&format!("sort_direction=asc&{query}")).await.names();
    let all = ["bootstrap", "Deploy éclair", "deploy", "100% + more", "expired"];
    assert_eq!(names("").await, all, "expired keys are listed, deleted ones are not");
    assert_eq!(names("query=").await, all);
    assert_eq!(names("name=DEPLOY").await, ["deploy"], "exact, whatever the case");
    assert_eq!(names("name=deploy&status=all").await, ["deploy", "deploy"]);
    assert_eq!(names("name=deploy&include_deleted=true").await, ["deploy", "deploy"]);
    assert_eq!(names("name=").await, Vec::<String>::new());
    assert_eq!(names("name=100%25+%2B%20more").await, ["100% + more"]);
    assert_eq!(names("status=deleted").await, ["deploy"]);
    assert_eq!(names("status=deleted&include_deleted=false").await, ["deploy"]);
    assert_eq!(names("query=EPLO").await, ["Deploy éclair", "deploy"]);
    assert_eq!(names("query=%C3%89CLAIR").await, ["Deploy éclair"]);
    assert_eq!(names("query=jane@CORP").await, ["Deploy éclair"]);
    assert_eq!(names("query=d%C3%B6e").await, ["Deploy éclair"]);
    assert_eq!(names("query=alph").await, ["deploy"], "the project's name");
    assert_eq!(names("query=roj_b").await, ["100% + more"], "the project's id");
    assert_eq!(names(&format!("query={}", deploy.id)).await, ["Deploy éclair"]);
    assert_eq!(names(&format!("query={}", &deploy.id[..12])).await, ["Deploy éclair"]);
    assert_eq!(names(&format!("query={}", &deploy.id[5..])).await, Vec::<String>::new());
    assert_eq!(names(&format!("query={}", expired.masked_key)).await, ["expired"]);
    assert_eq!(names(&format!("query={}", &expired.masked_key[..7])).await, ["expired"]);
    assert_eq!(names("query=deploy&name=deploy&limit=1").await, ["deploy"]);
}

#[tokio::test]
async fn keys_are_sorted_by_each_field_both_ways() {
    let (server, api) = server().await;
    server.add_key(NewKey::named("beta").created_at(noon() - Duration::days(2)).days(30));
    server.add_key(NewKey::named("Alpha").created_at(noon() - Duration::days(1)).days(1));
    server.add_key(NewKey::named("gamma").created_at(noon() - Duration::days(1)));
    for (query, expected) in [
        ("sort_by=created_at&sort_direction=asc", ["beta", "Alpha", "gamma", "bootstrap"]),
        ("sort_by=created_at", ["bootstrap", "gamma", "Alpha", "beta"]),
        ("sort_by=name&sort_direction=asc", ["Alpha", "beta", "bootstrap", "gamma"]),
        ("sort_by=name&sort_direction=desc", ["gamma", "bootstrap", "beta", "Alpha"]),
        ("sort_by=expires_at&sort_direction=asc", ["Alpha", "beta", "bootstrap", "gamma"]),
        ("sort_by=expires_at", ["gamma", "bootstrap", "beta", "Alpha"]),
    ] {
        assert_eq!(api.list(query).await.names(), expected, "{query}");
    }
}

#[tokio::test]
async fn a_deleted_key_is_shown_only_on_request() {
    let (server, api) = server().await;
    let key = server.add_key(NewKey::named("k"));
    let path = format!("/org/api_keys/{}", key.id);
    let deleted = api.delete(&key.id).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    assert!(deleted.header("x-request-id").starts_with("req_"));
    assert_error(&api.get(&path).await, 404, "not_found", "no such API key");
    let get = api.get(&format!("{path}?include_deleted=false")).await;
    assert_error(&get, 404, "not_found", "no such API key");
    let shown = api.get(&format!("{path}?include_deleted=true")).await;
    assert_eq!(shown.json()["deleted_at"], "2026-11-01T12:00:00Z");
}
