//! `delete`: after a confirmation.

use crate::support::{Bench, assert_mentions};

#[test]
fn a_deletion_is_confirmed() {
    let bench = Bench::new();
    let key = &bench.add(&["ci"])[0];
    assert_mentions(bench.run(["delete", &key.id]).failed(2), &["confirm", "--yes"]);
    assert_mentions(
        bench.run(["--json", "delete", &key.id]).error(2)["advice"].as_str().unwrap(),
        &["--yes"],
    );
    assert_eq!(bench.server.log(), []);

    let ran = bench.run(["delete", &key.id, "--yes"]);
    assert_eq!(ran.done(), format!("Deleted {}.", key.id));
    assert!(bench.server.key(&key.id).unwrap().deleted_at.is_some());
}

#[test]
fn programs_learn_what_was_deleted() {
    let bench = Bench::new();
    let key = &bench.add(&["ci"])[0];
    let printed = bench.run(["delete", "-y", &key.id, "--json"]).json();
    assert_eq!(printed, serde_json::json!({ "id": key.id, "deleted": true }));
}

#[test]
fn what_cannot_be_deleted_is_explained() {
    let bench = Bench::new();
    let own = bench.last().id;
    let ran = bench.run(["delete", &own, "--yes"]);
    assert_mentions(ran.failed(1), &["400", "use another"]);
    assert_mentions(bench.run(["delete", "nobody", "--yes"]).failed(1), &["404"]);
}
