//! `get`, `rename`, `whoami`.

use onkernel::testing::{AuthContext, Fault, NewKey, Policy, Server};
use serde_json::json;

use crate::support::{Bench, assert_mentions, run};

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
fn an_id_that_is_no_path_is_rejected() {
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
fn whoami_says_which_key_it_is_and_what_it_reaches() {
    let bench = Bench::new();
    bench.add(&["other"]);
    let id = bench.server.keys()[0].id.clone();
    let ran = bench.run(["whoami"]);
    assert_mentions(ran.done(), &["bootstrap", &id]);
    for line in ["Scope        org-wide", "Organization org_main", "Project      all"] {
        assert!(ran.out.lines().any(|printed| printed == line), "{line:?} is not in {ran:?}");
    }
    assert_eq!(ran.err, "");
    let printed = bench.run(["whoami", "--json"]).json();
    assert_eq!(printed["candidates"].as_array().unwrap().len(), 1);
    assert_eq!(printed["candidates"][0]["name"], "bootstrap");
    let expected = json!({
        "exact": true, "id": id, "organization": "org_main", "scope": "organization",
        "project": null, "candidates": printed["candidates"],
    });
    assert_eq!(printed, expected);
}

#[test]
fn whoami_shows_the_project_that_a_key_or_an_option_confines_to() {
    let bench = Bench::new();
    let key = bench.server.add_key(NewKey::named("ci").project("proj_1"));
    let as_key = |args: &[&str]| run(bench.command(args).env("KERNEL_API_KEY", key.plaintext()));
    let ran = as_key(&["whoami"]);
    let line = |title, value| format!("{title:<12} {value}\n");
    let checkout = "Checkout (proj_1)";
    assert_mentions(
        ran.done(),
        &["ci", &line("Scope", "project Checkout (proj_1)"), &line("Organization", "org_main")],
    );
    assert!(ran.out.ends_with(&line("Project", checkout)), "{ran:?}");
    let printed = as_key(&["whoami", "--json"]).json();
    assert_eq!((&printed["scope"], &printed["project"]), (&json!("project"), &json!("proj_1")));

    // A project of the call's own: the key reaches further, and is not seen from within.
    let ran = bench.run(["whoami", "--project", "Checkout"]);
    let id = &bench.server.keys()[0].id;
    assert_mentions(ran.done(), &[id, &line("Scope", "org-wide")]);
    assert!(ran.out.ends_with(&line("Project", "proj_1")), "{ran:?}");
    let printed = bench.run(["whoami", "--project", "Checkout", "--json"]).json();
    let (scope, project) = (&printed["scope"], &printed["project"]);
    assert_eq!((scope, project), (&json!("organization"), &json!("proj_1")));
}

#[test]
fn whoami_knows_a_key_that_may_not_manage_keys() {
    let bench = Bench::new();
    let policy = Policy::new().allow("browsers:use", "*");
    let key = bench.server.add_key(NewKey::named("ro").policy(policy));
    let as_key = |args: &[&str]| run(bench.command(args).env("KERNEL_API_KEY", key.plaintext()));
    let rejected = as_key(&["list", "--json"]).error(1);
    assert_eq!(rejected["code"], "insufficient_scope");
    let ran = as_key(&["whoami"]);
    assert_mentions(ran.done(), &[&key.id, "org-wide", "org_main", "all"]);
    assert_mentions(&ran.err, &["may not see its own details"]);
    let printed = as_key(&["whoami", "--json"]).json();
    assert_eq!((&printed["exact"], &printed["id"]), (&json!(true), &json!(key.id)));
    assert_eq!(printed["candidates"], json!([]));
}

#[test]
fn whoami_knows_a_session_from_a_key() {
    let bench = Bench::new();
    let session = json!({ "authentication": { "credential_id": null } });
    bench.server.faults().add(Fault::merge_json(session));
    assert_mentions(bench.run(["whoami"]).done(), &["no API key", "org_main"]);
}

#[test]
fn whoami_goes_by_masked_forms_where_it_is_not_told_and_does_not_guess() {
    for context in [AuthContext::Missing, AuthContext::Forbidden] {
        let bench = Bench::with(Server::builder().auth_context(context));
        let key = bench.server.add_key(NewKey::named("ci").project("proj_1"));
        bench.server.clear_log();
        let mut command = bench.command(["whoami", "--json"]);
        let printed = run(command.env("KERNEL_API_KEY", key.plaintext())).json();
        assert_eq!(bench.server.log().len(), 2, "no retry");
        assert_eq!((&printed["exact"], &printed["id"]), (&json!(false), &json!(key.id)));
        assert_eq!((&printed["scope"], &printed["project"]), (&json!("project"), &json!("proj_1")));
        assert_eq!(printed["organization"], json!(null));
        assert_mentions(&bench.run(["whoami"]).err, &["the only listed key"]);
    }

    let bench = Bench::with(Server::builder().colliding_masks().auth_context(AuthContext::Missing));
    bench.add(&["other"]);
    let ran = bench.run(["whoami"]);
    assert_mentions(ran.done(), &["bootstrap", "other"]);
    assert_mentions(&ran.err, &["2 listed keys", "the API does not tell"]);
    let printed = bench.run(["whoami", "--json"]).json();
    assert_eq!((&printed["exact"], &printed["id"]), (&json!(false), &json!(null)));

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
