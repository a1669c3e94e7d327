//! `get`, `rename`, `whoami`.

use onkernel::testing::{AuthContext, Fault, NewKey, Policy, Server};
use serde_json::json;

use crate::support::{Bench, assert_mentions};

#[test]
fn get_shows_a_key_in_full() {
    let bench = Bench::new();
    let policy = Policy::new().allow("browsers:use", "projects/proj_1/*");
    let key = bench.server.add_key(NewKey::named("ci").days(12).project("proj_1").policy(policy));
    let ran = bench.run(["get", &key.id]);
    assert_mentions(
        ran.done(),
        &[
            "ci",
            &key.id,
            &key.masked_key,
            "project Checkout (proj_1)",
            "just now",
            "Owner <owner@example.com>",
            "in 12 days (",
            "browsers:use on projects/proj_1/*",
        ],
    );
    let printed = bench.run(["get", &key.id, "--json"]).json();
    assert_eq!(printed["policy"]["statements"][0]["action"], "browsers:use");
}

#[test]
fn a_deleted_key_is_found_by_those_who_ask_for_it() {
    let bench = Bench::new();
    let key = &bench.add(&["ci"])[0];
    assert!(bench.server.delete(&key.id));
    let ran = bench.run(["get", &key.id]);
    assert_mentions(ran.failed(1), &["404", "Check the key's id"]);
    assert_mentions(bench.run(["get", &key.id, "--include-deleted"]).done(), &["Deleted"]);
}

#[test]
fn an_id_that_is_no_path_is_refused() {
    let bench = Bench::new();
    for id in ["", ".", ".."] {
        bench.run(["get", id]).failed(2);
        bench.run(["rename", id, "x"]).failed(2);
        bench.run(["delete", id, "--yes"]).failed(2);
    }
    assert_eq!(bench.server.log(), []);
}

#[test]
fn rename_gives_another_name() {
    let bench = Bench::new();
    let key = &bench.add(&["ci"])[0];
    let ran = bench.run(["rename", &key.id, "cd"]);
    assert_eq!(ran.done(), format!("Renamed {} to cd.", key.id));
    assert_eq!(bench.server.key(&key.id).unwrap().name, "cd");
    assert_eq!(bench.run(["rename", &key.id, "--json", "ce"]).json()["name"], "ce");
    assert_mentions(bench.run(["rename", &key.id, ""]).failed(2), &["1 to 255"]);
    assert_mentions(bench.run(["rename", "nobody", "x"]).failed(1), &["404"]);
}

#[test]
fn whoami_finds_the_one() {
    let bench = Bench::new();
    bench.add(&["other"]);
    let ran = bench.run(["whoami"]);
    assert_mentions(ran.done(), &["bootstrap", &bench.server.keys()[0].id]);
    let printed = bench.run(["whoami", "--json"]).json();
    assert_eq!(printed["certain"], true);
    assert_eq!(printed["candidates"][0]["name"], "bootstrap");
}

#[test]
fn whoami_does_not_guess() {
    let bench = Bench::with(Server::builder().colliding_masks().auth_context(AuthContext::Missing));
    bench.add(&["other"]);
    let ran = bench.run(["whoami"]);
    assert_mentions(ran.done(), &["bootstrap", "other"]);
    assert_mentions(&ran.err, &["2 listed keys", "the API does not tell"]);
    assert_eq!(bench.run(["whoami", "--json"]).json()["certain"], false);

    let bench = Bench::with(Server::builder().auth_context(AuthContext::Missing));
    bench.server.faults().add(Fault::merge_json(json!({ "masked_key": "sk_zzzz...zzzz" })));
    assert_mentions(bench.run(["whoami"]).failed(1), &["no listed key"]);

    // Where the service says which key it is, masked forms do not matter.
    let bench = Bench::with(Server::builder().colliding_masks());
    bench.add(&["other"]);
    let ran = bench.run(["whoami"]);
    assert_mentions(ran.done(), &["bootstrap"]);
    assert!(!ran.out.contains("other") && ran.err.is_empty(), "{ran:?}");
}
