//! A key's life through the generated client against the embedded server: every operation, the
//! short forms, and paging.

use chrono::TimeDelta;
use futures_util::TryStreamExt;
use onkernel::prelude::*;
use onkernel::testing::{AuthContext, NewKey, Server};
use onkernel::types::{ApiKeyPolicy, ApiKeyPolicyStatement};

async fn server() -> Server {
    Server::start().await.unwrap()
}

fn client(server: &Server, key: &str) -> Client {
    Client::builder().base_url(server.url()).api_key(key).retries(0).build().unwrap()
}

fn admin(server: &Server) -> Client {
    client(server, server.bootstrap_key())
}

#[tokio::test]
async fn a_key_lives_and_dies() {
    let server = server().await;
    server.add_project("proj_1", "One");
    let admin = admin(&server);

    let created =
        admin.api_keys().create("ci").days_to_expire(30).project_id("proj_1").send().await.unwrap();
    assert_eq!(created.project_id.as_deref(), Some("proj_1"));
    assert_eq!(created.expires_at.unwrap() - created.created_at, TimeDelta::days(30));
    assert!(server.authenticates(created.key.expose()));

    let seen = admin.api_keys().get(&created.id).send().await.unwrap();
    assert_eq!((&seen.name, &seen.masked_key), (&created.name, &created.masked_key));

    admin.api_keys().update(&created.id, "ci-2").send().await.unwrap();
    assert_eq!(admin.api_keys().get(&created.id).send().await.unwrap().name, "ci-2");

    admin.api_keys().delete(&created.id).send().await.unwrap();
    assert!(!server.authenticates(created.key.expose()));
    let error = admin.api_keys().get(&created.id).send().await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let deleted = admin.api_keys().get(&created.id).include_deleted(true).send().await.unwrap();
    assert!(deleted.deleted_at.is_some());
}

#[tokio::test]
async fn a_lifetime_is_days_a_time_or_for_ever() {
    let server = server().await;
    let admin = admin(&server);
    let forever = admin.api_keys().create("a").days_to_expire(Null).send().await.unwrap();
    assert_eq!(forever.expires_at, None);
    let until = server.now() + TimeDelta::hours(5);
    let exact = admin.api_keys().create("b").expires_at(until).send().await.unwrap();
    assert_eq!(exact.expires_at.unwrap().timestamp_millis(), until.timestamp_millis());
    server.clear_log();
    let both = admin.api_keys().create("c").expires_at(until).days_to_expire(3).send().await;
    let error = both.unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    assert!(
        error
            .to_string()
            .contains("must not have more than one of `days_to_expire` or `expires_at`"),
        "{error}"
    );
    assert_eq!(server.log(), []);
}

#[tokio::test]
async fn a_rotation_by_the_server_keeps_or_changes_the_lifetime() {
    let server = server().await;
    let admin = admin(&server);
    let old = admin.api_keys().create("ci").days_to_expire(30).send().await.unwrap();
    let kept = admin.api_keys().rotate(&old.id).send().await.unwrap();
    assert_eq!(kept.name, "ci");
    assert_eq!(kept.expires_at.unwrap() - kept.created_at, TimeDelta::days(30));
    let rotate = admin.api_keys().rotate(&kept.id);
    let endless = rotate.days_to_expire(Null).expire_in_days(1).send().await;
    assert_eq!(endless.unwrap().expires_at, None);
    server.advance(TimeDelta::days(2));
    assert!(server.authenticates(old.key.expose()), "seven days of grace");
    assert!(!server.authenticates(kept.key.expose()), "one day of grace");
}

#[tokio::test]
async fn a_restricted_key_stays_restricted() {
    let server = server().await;
    let policy = ApiKeyPolicy::new([ApiKeyPolicyStatement::new("browsers:use", "*")]);
    let made = admin(&server).api_keys().create("ro").policy(policy).send().await;
    let made = made.unwrap();
    assert_eq!(made.policy.as_ref().unwrap().statements[0].action, "browsers:use");
    let restricted = client(&server, made.key.expose());
    // Alive, and not for the management of keys.
    let error = restricted.api_keys().create("x").send().await.unwrap_err();
    assert!(error.is_forbidden() && error.code() == Some("insufficient_scope"), "{error}");
}

#[tokio::test]
async fn a_key_of_a_project_stays_in_it() {
    let server = server().await;
    server.add_project("proj_1", "One");
    server.add_project("proj_2", "Two");
    let admin = admin(&server);
    let scoped = admin.api_keys().create("p").project_id("proj_1").send().await.unwrap();
    let scoped = client(&server, scoped.key.expose());
    let names: Vec<_> = scoped
        .api_keys()
        .list()
        .limit(100)
        .items()
        .map_ok(|key| key.name)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(names, ["p"]);
    let error = scoped.api_keys().create("q").project_id("proj_2").send().await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert!(error.advice().unwrap().contains("project"), "{:?}", error.advice());
}

#[tokio::test]
async fn a_stream_reads_every_page_once_and_asks_no_further() {
    let server = server().await;
    for index in 0..7 {
        let _ = server.add_key(NewKey::named(format!("k{index}")));
    }
    let admin = admin(&server);
    server.clear_log();
    let pages = admin
        .api_keys()
        .list()
        .limit(3)
        .sort_by(SortBy::Name)
        .sort_direction(onkernel::types::SortDirection::Asc)
        .items();
    let names: Vec<_> = pages.map_ok(|key| key.name).try_collect().await.unwrap();
    assert_eq!(names.len(), 8);
    assert!(names.windows(2).all(|pair| pair[0] <= pair[1]), "{names:?}");
    assert_eq!(server.log().len(), 3, "8 keys by 3 are 3 pages");

    server.clear_log();
    let rest: Vec<_> =
        admin.api_keys().list().limit(3).offset(6).items().try_collect().await.unwrap();
    assert_eq!((rest.len(), server.log().len()), (2, 1), "an offset is where it begins");

    let rejected = admin.api_keys().list().limit(0).items().try_collect::<Vec<_>>().await;
    assert!(rejected.unwrap_err().is_bad_request());
}

#[tokio::test]
async fn keys_are_found_by_name_age_and_expiry() {
    let server = server().await;
    let admin = admin(&server);
    for (name, days) in [("ci", 3), ("CI", 30), ("ci", 300)] {
        admin.api_keys().create(name).days_to_expire(days).send().await.unwrap();
    }
    assert_eq!(admin.api_keys().named("ci").await.unwrap().len(), 2, "byte for byte");
    let soon = admin.api_keys().expiring_within(TimeDelta::days(14)).await.unwrap();
    assert_eq!(soon.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["ci"]);
    assert_eq!(admin.api_keys().expiring_within(TimeDelta::days(9000)).await.unwrap().len(), 3);
    assert!(admin.api_keys().older_than(TimeDelta::hours(1)).await.unwrap().is_empty());
    let old = NewKey::named("old").created_at(server.now() - TimeDelta::days(90));
    let _ = server.add_key(old);
    let found = admin.api_keys().older_than(TimeDelta::days(60)).await.unwrap();
    assert_eq!(found.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["old"]);
    assert!(admin.api_keys().older_than(TimeDelta::MAX).await.unwrap().is_empty());
}

/// The service says it; where it does not, that is taken at once, and masked forms decide.
#[tokio::test]
async fn a_key_finds_itself_by_what_the_service_says_and_else_by_its_mask() {
    for available in [AuthContext::Available, AuthContext::Forbidden, AuthContext::Missing] {
        let server = Server::builder().auth_context(available).start().await.unwrap();
        let admin = admin(&server);
        let created = admin.api_keys().create("me").send().await.unwrap();
        let me = client(&server, created.key.expose()).with(CallOptions::new().retries(2));
        server.clear_log();
        let found = me.api_keys().current().await.unwrap();
        let ids: Vec<_> = found.candidates.iter().map(|key| &key.id).collect();
        assert_eq!(ids, [&created.id], "{available:?}");
        assert_eq!(found.is_exact(), available == AuthContext::Available);
        assert_eq!(found.id(), Some(&*created.id), "{available:?}");
        assert_eq!(server.log().len(), 2, "{available:?}");
    }
}

#[tokio::test]
async fn a_key_that_may_not_see_itself_knows_its_id_all_the_same() {
    let server = server().await;
    let policy = ApiKeyPolicy::new([ApiKeyPolicyStatement::new("browsers:use", "*")]);
    let made = admin(&server).api_keys().create("ro").policy(policy).send().await.unwrap();
    server.clear_log();
    let found = client(&server, made.key.expose()).api_keys().current().await.unwrap();
    assert!(found.is_exact() && found.candidates.is_empty(), "{found:?}");
    assert_eq!(found.id(), Some(&*made.id));
    assert_eq!(server.log().len(), 2, "and lists nothing");
}

#[tokio::test]
async fn a_builder_can_be_kept_cloned_and_sent_from_another_task() {
    let server = server().await;
    let create = admin(&server).api_keys().create("ci");
    let again = create.clone();
    let one = tokio::spawn(create.send()).await.unwrap().unwrap();
    let two = tokio::spawn(again.send()).await.unwrap().unwrap();
    assert_ne!(one.id, two.id);
}
