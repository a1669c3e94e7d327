//! Whoever resumes or sweeps may be of another organization, or bear the key that has just gone.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use onkernel::testing::{Fault, NewKey};

use crate::support::{STRANGERS, World, file, until};

/// Longer than any test.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// Where a rotation is killed.
#[derive(Clone, Copy, Debug)]
enum Point {
    /// The creation has taken effect, and its response has not come.
    Creating,
    /// It has, and nothing else has happened.
    Created,
    /// The new key is on its way into a store that held nothing.
    StoringNew,
}

/// A rotation that was killed there, and the file that its store keeps the key in.
fn killed_at(point: Point) -> (World, PathBuf) {
    let world = World::new();
    let faults = world.server.faults();
    let post = |fault: Fault| fault.method("POST").path("/org/api_keys").after();
    match point {
        Point::Creating => faults.add(post(Fault::delay(FOR_EVER))),
        Point::Created => {
            let silence = |server: &onkernel::testing::Server| {
                server.faults().add(Fault::delay(FOR_EVER));
            };
            faults.add(post(Fault::run(silence)));
        }
        Point::StoringNew => {
            let held = world.path("held");
            // The program that reads it prints nothing.
            fs::write(&held, "").unwrap();
            let gate = world.gate("write");
            let store = world.commands(&held, &gate.pass(), "propagation = 1");
            let args = [&*world.old.id, "--store-is-new"];
            let running = world.begin(&mut patient(&world, &store, &args));
            gate.wait(&running);
            running.kill();
            gate.open();
            until("it does not write", || !holds(&held).is_empty());
            return (world, held);
        }
    }
    let held = world.stored();
    let running = world.begin(&mut patient(&world, &file(&held), &[]));
    until(&format!("no key is made: {}", running.said()), || world.ours().len() == 2);
    if let Point::Created = point {
        let id = world.new_key().id;
        until("it is not in the journal", || world.journals().contains(&id));
    }
    running.kill();
    world.server.faults().clear();
    (world, held)
}

/// Its timeout is one that no test reaches.
fn patient(world: &World, store: &str, args: &[&str]) -> std::process::Command {
    world.rotation(store, &[args, &["--timeout", "15", "--settle", "30"]].concat())
}

fn holds(held: &Path) -> String {
    fs::read_to_string(held).unwrap()
}

/// To somebody who cannot see the keys they are not gone.
#[test]
fn of_another_organization() {
    for command in ["resume", "sweep"] {
        for point in [Point::Creating, Point::Created, Point::StoringNew] {
            let (world, held) = killed_at(point);
            let (keys, holding) = (world.server.keys(), holds(&held));
            let stranger = world.server.bootstrap_key_of(STRANGERS).unwrap();
            let ran = world.run_as(&stranger, &[command]);
            let what = format!("{command} at {point:?}: {}", ran.said);
            assert!(ran.code.is_some_and(|code| code != 0), "{:?} {what}", ran.code);
            assert!(ran.said.contains(&world.old.id), "which rotation? {what}");
            assert!(world.server.keys() == keys && holds(&held) == holding, "{what}");

            // Nothing was closed: who can see it ends it.
            let said = world.run(&["resume", "--settle", "2"]).ended_with(0);
            let said = format!("{what}{said}");
            match point {
                Point::StoringNew => world.assert_rotated(&held, &said),
                _ => world.assert_as_before(&held, &said),
            }
        }
    }
}

/// The caller's key has gone with the rotation; what the store holds may look and delete.
#[test]
fn a_sweep_after_a_self_rotation() {
    let world = World::new();
    let held = world.stored();
    let own = world.old.plaintext().to_owned();
    // The first creation is lost, and when the old key has gone nobody can look for it.
    let faults = world.server.faults();
    faults.add(Fault::drop_connection().before().method("POST").path("/org/api_keys").times(1));
    let blind = |server: &onkernel::testing::Server| {
        server.faults().add(Fault::status(503).method("GET").path("/org/api_keys"));
    };
    faults.add(Fault::run(blind).method("DELETE").after());
    let mut rotation = world.rotation(&file(&held), &[]);
    let rotated = world.begin(rotation.env("KERNEL_API_KEY", &own)).end().needs_attention("sweep");
    assert!(!world.server.authenticates(&own), "{rotated}");
    faults.clear();
    // It takes effect late.
    let journals = world.journals();
    let marker = journals.split('"').find(|word| word.starts_with("~onk-")).unwrap();
    world.server.add_key(NewKey::named(marker));
    assert_eq!(world.ours().len(), 2, "{rotated}");

    let swept = world.run_as(&own, &["sweep"]).ended_with(0);
    world.assert_rotated(&held, &format!("{rotated}{swept}"));
}

/// A key in use that still bears its marker is no orphan.
#[test]
fn a_sweep_when_the_key_in_use_bears_a_marker() {
    for by_the_dead_key in [true, false] {
        let world = World::new();
        let held = world.stored();
        let own = world.old.plaintext().to_owned();
        world.server.faults().add(Fault::status(503).method("PATCH"));
        let mut rotation = world.rotation(&file(&held), &[]);
        let rotated = world.begin(rotation.env("KERNEL_API_KEY", &own)).end();
        assert!(matches!(rotated.code, Some(0 | 3)), "{:?}: {}", rotated.code, rotated.said);
        let new = world.new_key();
        assert_eq!(holds(&held).trim(), new.plaintext(), "{}", rotated.said);
        assert!(new.name.starts_with("~onk-"), "{}", new.name);
        world.server.faults().clear();

        let sweeper = if by_the_dead_key { &own } else { world.server.bootstrap_key() };
        let swept = world.run_as(sweeper, &["sweep"]);
        assert!(world.server.authenticates(new.plaintext()), "{}", swept.said);
        // Whoever may do it ends it; the key that has gone is not insisted on.
        let said = world.run(&["resume"]).ended_with(0);
        world.assert_rotated(&held, &format!("{}{}{said}", rotated.said, swept.said));
    }
}
