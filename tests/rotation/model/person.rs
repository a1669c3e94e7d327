//! Other people's hands: what somebody else does in the middle, and what must be so afterwards.

use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use onkernel::Client;
use onkernel::rotation::{Lifetime, Outcome, Retirement, RotationExt};
use onkernel::testing::Policy;

use super::invariants::Model;
use crate::support::{MemoryStore, TestClock, World};

/// What somebody else does in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    Delete,
    Rename,
    Narrow,
    /// Ends it tomorrow.
    Shorten,
    /// Ends it now.
    Expire,
    /// Rotates it on another host, with another journal and another store.
    Rotate,
}

/// A rotation of the same key on another host.
#[derive(Clone)]
pub struct Concurrent {
    pub client: Client,
    pub store: MemoryStore,
    pub journal: std::path::PathBuf,
    pub clock: TestClock,
}

pub async fn lay(hand: Hand, model: &Model, excused: &AtomicBool, concurrent: &Concurrent) {
    let (server, id) = (&model.server, &model.old_id);
    // Nobody is to be saved from what they did themselves.
    let kills = matches!(hand, Hand::Delete | Hand::Expire | Hand::Rotate);
    excused.fetch_or(kills, Ordering::SeqCst);
    model.touched.store(true, Ordering::SeqCst);
    // What is so before it is planned is what is planned for.
    if std::fs::metadata(&model.journal).is_ok_and(|journal| journal.len() > 0) {
        model.laid_at.store(server.log().len(), Ordering::SeqCst);
    }
    match hand {
        Hand::Delete => drop(server.delete(id)),
        Hand::Rename => drop(server.rename(id, "renamed by somebody")),
        Hand::Narrow => drop(server.set_policy(id, Some(Policy::new()))),
        Hand::Shorten => drop(server.set_expiry(id, Some(server.now() + TimeDelta::days(1)))),
        Hand::Expire => drop(server.set_expiry(id, Some(server.now() - TimeDelta::seconds(1)))),
        Hand::Rotate => {
            // Rejected, undone or done: all are right, and the keys are counted at the end.
            let _ = concurrent
                .client
                .rotation(id)
                .store(concurrent.store.clone())
                .journal(&concurrent.journal)
                .retire(Retirement::Delete)
                .lifetime(Lifetime::Days(5))
                .clock(concurrent.clock.clone())
                .run()
                .await;
        }
    }
}

/// With somebody else's hand in it either outcome may be the right one; but every live key has a
/// holder, or a person was told.
pub async fn after_a_hand(
    world: &World,
    model: &Model,
    concurrent: &Concurrent,
    told: bool,
) -> Result<Outcome, String> {
    world.server.land_late();
    world.store.land();
    let again = concurrent
        .client
        .resume(&concurrent.journal)
        .store(concurrent.store.clone())
        .clock(concurrent.clock.clone())
        .run();
    let concurrent_ended = again.await.is_ok();
    let (held, concurrent_holds) = (world.store.held(), concurrent.store.held());
    let ours = world.server.keys().into_iter().filter(|key| {
        !world.bystanders.contains(&key.id)
            && key.id != world.old_id
            && key.plaintext() != world.server.bootstrap_key()
            && key.deleted_at.is_none()
    });
    // What lands late under a name that somebody has just given the old key, nobody can tell.
    let copied =
        model.hand == Some(Hand::Rename) && matches!(model.retirement, Retirement::Grace { .. });
    let (mut outcome, mut same) = (Outcome::AsBefore, false);
    for key in ours {
        if copied && key.name == world.old().name {
            continue;
        }
        let is = |held: &Option<String>| held.as_deref() == Some(key.plaintext());
        if is(&held) {
            outcome = Outcome::Rotated;
            // The server copies a policy that was narrowed in time.
            same = model.hand == Some(Hand::Narrow) && key.policy == world.old().policy;
        } else if !is(&concurrent_holds) && !told && concurrent_ended {
            let log: Vec<_> = world
                .server
                .log()
                .iter()
                .map(|e| {
                    format!("{} {} {:?} {:?} {:?}", e.method, e.path, e.status, e.effect, e.fault)
                })
                .collect();
            return Err(format!(
                "{} ({:?}) is held by nobody\n{}",
                key.id,
                key.name,
                log.join("\n")
            ));
        }
    }
    let works = held.as_deref().is_none_or(|held| world.server.authenticates(held));
    if !works && !world.watch_excused.load(Ordering::SeqCst) {
        return Err("the store holds a dead key".to_owned());
    }
    // The server's own rotation copies the new name, and after a crash nobody can tell the copy.
    if outcome == Outcome::AsBefore && told && !copied && model.hand == Some(Hand::Rename) {
        return Err("a new name needs nobody's attention".to_owned());
    }
    if outcome == Outcome::Rotated && !same && model.noticed() && !told {
        return Err(format!("the new key outlives a decision on the old one: {:?}", model.hand));
    }
    for id in &world.bystanders {
        if world.server.key(id).is_none_or(|key| key.deleted_at.is_some()) {
            return Err(format!("the bystander {id} is gone"));
        }
    }
    Ok(outcome)
}
