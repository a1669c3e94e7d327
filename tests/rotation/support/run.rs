//! Rotations that must end in one way, held against everything that must hold meanwhile.

use onkernel::rotation::{Outcome, Rotation, RotationReport};

use super::{Death, Settings, World, http, sound};

pub async fn world(settings: Settings) -> World {
    World::new(&http(), &settings).await
}

pub async fn plain() -> World {
    world(Settings::default()).await
}

/// Runs a rotation that must be rejected before anything is touched.
pub async fn unchanged(world: &World, rotation: Rotation) -> String {
    let (keys, held) = (world.server.keys(), world.store.held());
    let journal = std::fs::read(&world.journal).ok();
    let error = rotation.run().await.unwrap_err();
    assert!(error.changed_nothing(), "{error}");
    assert!(world.server.keys() == keys, "something was touched");
    assert!(std::fs::read(&world.journal).ok() == journal, "the journal is not as it was");
    assert_eq!(world.store.held(), held);
    assert_eq!(world.store.writes(), 0);
    error.to_string()
}

/// Runs a rotation that must be undone, and says why it was.
pub async fn undone(world: &World) -> String {
    let watch = world.watch(Death::Never);
    let error = world.run(&watch, Death::Never).await.unwrap().unwrap_err();
    sound(&watch).unwrap();
    let report = error.report().unwrap_or_else(|| panic!("nothing was changed: {error}"));
    assert_eq!(report.outcome, Outcome::AsBefore, "{error}");
    error.to_string()
}

pub async fn rotated(world: &World) -> RotationReport {
    let watch = world.watch(Death::Never);
    let report = world.run(&watch, Death::Never).await.unwrap().unwrap();
    sound(&watch).unwrap();
    assert_eq!(world.settled().unwrap(), Outcome::Rotated);
    report
}
