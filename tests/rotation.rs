//! Rotation, step by step: what it does when all goes well, and each place where a simpler version
//! of it is wrong.
#![cfg(all(feature = "testing", feature = "rotation"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod rotation_support;

use onkernel::rotation::{Fate, Outcome, Retirement};
use rotation_support::{Death, Settings, World, http, sound};

async fn rotates(settings: Settings) {
    let world = World::new(&http(), &settings).await;
    let watch = world.watch(Death::Never);
    let report = world.run(&watch, Death::Never).await.unwrap().unwrap();
    assert_eq!(report.outcome, Outcome::Rotated, "{report:?}");
    assert!(report.is_settled(), "{report:?}");
    assert_eq!(report.new, Fate::InUse);
    sound(&watch).unwrap();
    assert_eq!(world.settled().unwrap(), Outcome::Rotated);
    assert!(onkernel::rotation::pending(&world.journal).unwrap().is_none());
}

#[tokio::test]
async fn a_key_is_replaced() {
    for retirement in [Retirement::Delete, Retirement::Keep, Retirement::Grace { days: 2 }] {
        for own in [false, true] {
            rotates(Settings { retirement, own, ..Settings::default() }).await;
        }
    }
}
