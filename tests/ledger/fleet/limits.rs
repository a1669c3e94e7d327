//! What the server asks of one worker is kept by all.

use std::time::Duration;

use onkernel::testing::{Fault, RetryAfter};

use super::{ALL, Fleets, count, is_done};
use crate::database::Database;

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_was_asked_of_one_worker_is_kept_by_all() {
    let Some(database) = Database::fresh() else { return };
    let journals = database.ready().await;
    let world = Fleets::of(6).await;
    world.server.faults().add(Fault::too_many_requests(RetryAfter::Seconds(4)).from(40).times(1));
    let look = async {
        loop {
            let fleets = journals.fleets().await.unwrap();
            if let Some(left) = fleets.first().and_then(|fleet| fleet.held_back_ms) {
                return left;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let other = database.journals();
    let (one, two, left) = tokio::join!(
        world.fleet(&database.journals(), ALL).run(),
        world.fleet(&other, ALL).run(),
        look,
    );
    assert!(left <= 5000, "{left} ms");
    assert_eq!(count(&one.unwrap(), is_done) + count(&two.unwrap(), is_done), 6);
    // Both have heard of it within a second, so for the rest of the time nobody sent anything.
    let log = world.server.log();
    let held = log.iter().position(|entry| entry.status == Some(429)).unwrap();
    let at = |index: usize| log[index].at;
    let sent = log[held..].iter().filter(|entry| {
        let since = entry.at - at(held);
        since > chrono::TimeDelta::milliseconds(1500)
            && since < chrono::TimeDelta::milliseconds(3500)
    });
    assert_eq!(sent.count(), 0);
    world.are_whole(&database, "told to wait");
}
