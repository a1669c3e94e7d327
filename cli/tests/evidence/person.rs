//! People mistype, take things into their own hands, and want to give up.

use std::fs;

use onkernel::testing::Fault;

use crate::support::{World, file};

/// Neither way can be gone with it; the command line says which command ends it.
#[test]
fn a_misspelled_deploy() {
    for resolution in [&["--deploy", "true"][..], &["--deployed"]] {
        let world = World::new();
        let held = world.stored();
        let typo = "sh -c 'systemctl-restrat web'";
        let said = world.rotate(&file(&held), &["--deploy", typo]).needs_attention("--deploy");
        assert!(world.server.authenticates(&fs::read_to_string(&held).unwrap()), "{said}");
        let again = world.run(&["resume"]).needs_attention("--deploy");
        assert!(world.server.authenticates(&fs::read_to_string(&held).unwrap()), "{again}");
        let ended = world.run(&[&["resume"], resolution].concat()).ended_with(0);
        world.assert_ended(&held, &format!("{said}{again}{ended}"));
    }
}

/// The retirement has begun and can only go forward; but not over the last key that works.
#[test]
fn a_new_key_deleted_by_hand_when_the_retirement_was_rejected() {
    let world = World::new();
    let held = world.stored();
    world.server.faults().add(Fault::rejected(403, "forbidden").method("DELETE"));
    let said = world.rotate(&file(&held), &[]).needs_attention("");
    let new = world.new_key();
    assert_eq!(fs::read_to_string(&held).unwrap().trim(), new.plaintext(), "{said}");
    assert!(world.server.delete(&new.id));
    world.server.faults().clear();

    let resumed = world.run(&["resume"]).needs_attention("--give-up");
    assert!(world.server.authenticates(world.old.plaintext()), "{resumed}");
    let given_up = world.run(&["resume", "--give-up"]);
    assert!(given_up.said.contains(&world.old.id), "{}", given_up.said);
    assert!(world.server.authenticates(world.old.plaintext()), "{}", given_up.said);
    world.assert_finished();
}
