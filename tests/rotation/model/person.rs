//! Other people's hands: what somebody else does in the middle, and what must be so afterwards.

use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use onkernel::Client;
use onkernel::rotation::{Decision, Lifetime, Outcome, Retirement, RotationExt, pending};
use onkernel::testing::{KeyRecord, LogEntry, NewKey, Policy};

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
    /// Puts a good key of their own into the store.
    PutThird,
    /// Deletes whatever has an odd name.
    DeleteMarked,
    /// Gives it a better one.
    RenameMarked,
}

/// How many requests are sent together at most.
const TOGETHER: usize = 4;

/// The name that a person gives a key that bears a marker.
pub const BETTER: &str = "named by somebody";

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
    let kills = matches!(hand, Hand::Delete | Hand::Expire | Hand::Rotate | Hand::DeleteMarked);
    excused.fetch_or(kills, Ordering::SeqCst);
    let start = format!("~onk-{id}-");
    let marked = || {
        let keys = server.keys().into_iter();
        keys.filter(|key| key.deleted_at.is_none() && key.name.starts_with(&start))
            .map(|key| key.id)
    };
    model.touched.store(true, Ordering::SeqCst);
    // What is so before it is planned is what is planned for.
    if std::fs::metadata(&model.journal).is_ok_and(|journal| journal.len() > 0) {
        // What is under way by now was asked before.
        model.laid_at.store(server.log().len() + TOGETHER, Ordering::SeqCst);
    }
    match hand {
        Hand::Delete => drop(server.delete(id)),
        Hand::Rename => drop(server.rename(id, "renamed by somebody")),
        Hand::Narrow => drop(server.set_policy(id, Some(Policy::new()))),
        Hand::Shorten => drop(server.set_expiry(id, Some(server.now() + TimeDelta::days(1)))),
        Hand::Expire => drop(server.set_expiry(id, Some(server.now() - TimeDelta::seconds(1)))),
        Hand::PutThird => {
            let third = server.add_key(NewKey::named("by hand"));
            model.store.set(Some(third.plaintext()));
            model.thirds.lock().unwrap().push(third.id);
        }
        Hand::DeleteMarked => {
            for id in marked() {
                let _ = server.delete(&id);
            }
        }
        Hand::RenameMarked => {
            for id in marked() {
                let _ = server.rename(&id, BETTER);
            }
        }
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

/// Every request, a line each.
fn log(world: &World) -> String {
    let line = |e: &LogEntry| {
        format!("{} {} {:?} {:?} {:?}\n", e.method, e.path, e.status, e.effect, e.fault)
    };
    world.server.log().iter().map(line).collect()
}

/// Whether somebody has taken a key under a name of their own, so that it is theirs.
fn taken(model: &Model, key: &KeyRecord) -> bool {
    let thirds = model.thirds.lock().unwrap();
    // What was done with when they put their own in its place is theirs, too.
    let marked = key.name.starts_with(&format!("~onk-{}-", model.old_id));
    let displaced = !thirds.is_empty() && !marked;
    thirds.contains(&key.id) || key.name == "by hand" || key.name == BETTER || displaced
}

/// Whether the next rotation says that this key was left behind: what an older journal does not
/// know is found by its marker.
async fn found_by_the_next(world: &World, key: &KeyRecord) -> bool {
    let next = world.rotation().run().await;
    next.is_err_and(|error| {
        error.decision() == Some(Decision::Marked) && error.to_string().contains(&key.id)
    })
}

/// With somebody else's hand in it either outcome may be the right one; but every live key has a
/// holder, or a person was told.
pub async fn after_a_hand(
    world: &World,
    model: &Model,
    concurrent: &Concurrent,
    warned: bool,
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
        } else if !is(&concurrent_holds)
            && !told
            && concurrent_ended
            && !taken(model, &key)
            && !found_by_the_next(world, &key).await
        {
            let log = log(world);
            return Err(format!("{} ({:?}) is held by nobody\n{log}", key.id, key.name));
        }
    }
    let works = held.as_deref().is_none_or(|held| world.server.authenticates(held))
        || (told && world.store.is_debris());
    if !works && !world.watch_excused.load(Ordering::SeqCst) {
        return Err(format!("the store holds a dead key\n{}", log(world)));
    }
    // The server's own rotation copies the new name, and after a crash nobody can tell the copy.
    let by_name = model.hand == Some(Hand::Rename) && world.settings.deploy_fails.is_empty();
    if outcome == Outcome::AsBefore && told && !copied && by_name {
        return Err("a new name needs nobody's attention".to_owned());
    }
    if outcome == Outcome::Rotated && !same && model.noticed() && !told && !warned {
        return Err(format!("the new key outlives a decision on the old one: {:?}", model.hand));
    }
    let thirds = model.thirds.lock().unwrap().clone();
    for id in world.bystanders.iter().chain(&thirds) {
        if world.server.key(id).is_none_or(|key| key.deleted_at.is_some()) {
            return Err(format!("the bystander {id} is gone"));
        }
    }
    Ok(outcome)
}

/// What is given up ends with nothing deleted that the store may hold.
pub fn given_up(world: &World, model: &Model) -> Result<Outcome, String> {
    world.server.land_late();
    world.store.land();
    let dead = |held: String| !world.server.authenticates(&held);
    let excused = world.watch_excused.load(Ordering::SeqCst) || world.store.is_debris();
    if world.store.held().is_some_and(dead) && !excused {
        return Err("given up with a dead key in the store".to_owned());
    }
    match pending(&model.journal) {
        Ok(None) => Ok(Outcome::AsBefore),
        left => Err(format!("given up, and yet {left:?}")),
    }
}
