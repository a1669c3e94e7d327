//! People mistype, take things into their own hands, and want to give up.

use std::fs;

use onkernel::testing::{Fault, NewKey};

use crate::hosts::killed_in_deploy;
use crate::support::{World, file, files_below, until};

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

/// The store holds a third key that works. A person who says otherwise is mistaken.
#[test]
fn a_word_that_the_store_contradicts() {
    let world = World::new();
    let held = world.stored();
    let third = world.server.add_key(NewKey::named("by hand"));
    let (hand, store) = (world.path("by-hand"), file(&held));
    fs::write(&hand, third.plaintext()).unwrap();
    let lines = format!("[ $KERNEL_KEYS_HOLDS = old ] || cp {} {}", hand.display(), held.display());
    let hook = world.program("deploy", &lines);
    let said = world.rotate(&store, &["--deploy", hook.to_str().unwrap()]);
    let said = said.needs_attention("--store-holds other");
    let (before, journals) = (world.server.keys(), world.journals());
    for word in ["old", "new"] {
        assert!(!said.contains(&format!("--store-holds {word}")), "{said}");
        let ran = world.run(&["resume", "--store", &store, "--store-holds", word]);
        let said = ran.needs_attention("--store-holds other");
        assert!(said.contains(&format!("\"{word}\" was said of it")), "{said}");
        assert!(said.contains("nothing was changed"), "{said}");
        assert!(world.server.keys() == before && world.journals() == journals, "{said}");
    }
    let ended = world.run(&["resume", "--store-holds", "other"]).ended_with(0);
    assert_eq!(fs::read_to_string(&held).unwrap(), third.plaintext(), "{ended}");
    let ours: Vec<_> = world.ours().into_iter().map(|key| key.id).collect();
    assert_eq!(ours, [&*world.old.id], "{ended}");
}

/// The journal knows nothing of the new key yet, which the store holds: its marker says whose it is. And
/// whatever is given up and swept, it stays.
#[test]
fn a_journal_restored_from_before_the_new_key_was_known() {
    // The plan; and the creation announced.
    for lines in [1, 2] {
        for gives_up in [false, true] {
            let world = World::new();
            let held = world.stored();
            killed_in_deploy(&world, &file(&held));
            let new = world.new_key();
            let files = files_below(&world.path("home"));
            let is_journal = |path: &&std::path::PathBuf| {
                path.extension().is_some_and(|extension| extension == "jsonl")
            };
            let journal = files.iter().find(is_journal).unwrap();
            let written = fs::read_to_string(journal).unwrap();
            let older: String = written.split_inclusive('\n').take(lines).collect();
            fs::write(journal, older).unwrap();

            let mut said = match gives_up {
                true => world.run(&["resume", "--give-up"]).ended_with(0),
                false if lines == 1 => {
                    // Its marker is not in the journal, so it may be another rotation's.
                    world.run(&["resume"]).needs_attention("--store");
                    let store = file(&held);
                    world.run(&["resume", "--store", &store, "--settle", "2"]).ended_with(0)
                }
                false => world.run(&["resume"]).ended_with(0),
            };
            assert_eq!(said.contains("is rotated"), !gives_up, "{lines}: {said}");
            said += &world.run(&["sweep", "--settle", "2"]).said;
            assert!(world.server.authenticates(new.plaintext()), "{lines}: {said}");
            assert_eq!(fs::read_to_string(&held).unwrap().trim(), new.plaintext(), "{said}");
        }
    }
}

#[test]
fn a_rotation_that_was_given_up_is_found_again_by_its_store() {
    let world = World::new();
    let held = world.stored();
    let store = file(&held);
    killed_in_deploy(&world, &file(&held));
    let given_up = world.run(&["resume", "--give-up"]).ended_with(0);
    let said = world.rotate(&store, &[]).needs_attention(&format!("--store {store}"));
    // A rotation that is continued without its journal has an overlap of its own, of a minute.
    let resume = ["resume", "--store", &store, "--settle", "2"];
    let resuming = world.begin(&mut world.command(&resume));
    let goes_on = || resuming.said().contains("waiting for the overlap");
    until(&format!("it does not go on: {given_up}{said}"), goes_on);
    resuming.kill();
    assert!(world.server.authenticates(&fs::read_to_string(&held).unwrap()));
}
