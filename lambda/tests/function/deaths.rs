//! A process that dies before or after any effect, once or twice, and is called again, or never.

use onkernel::rotation::AwsStep;

use crate::orders::kinds;
use crate::world::{Kind, STEPS, World, check_all, some};

/// The points at which a step can die, in the second rotation of a world: there is a key to retire.
async fn points(kind: Kind, number: usize) -> usize {
    let world = World::new(kind).await;
    world.rest(&world.begin()).await.unwrap();
    world.pass(2 * crate::world::CACHE);
    let token = world.begin();
    for step in &STEPS[..number] {
        world.step(*step, &token).await.unwrap();
    }
    let last = world.stopped(STEPS[number], &token, usize::MAX).await;
    let watch = std::sync::Arc::clone(&last.watch);
    last.go_on().await.unwrap();
    watch.count()
}

#[derive(Debug)]
struct Case {
    kind: Kind,
    step: usize,
    deaths: Vec<usize>,
    /// AWS goes on; or somebody takes the label away, and the next rotation comes.
    goes_on: bool,
}

async fn check(case: &Case) -> Result<(), String> {
    let world = World::new(case.kind).await;
    world.rest(&world.begin()).await?;
    world.pass(2 * crate::world::CACHE);
    let token = world.begin();
    for step in &STEPS[..case.step] {
        world.step(*step, &token).await.map_err(|error| error.to_string())?;
    }
    for at in &case.deaths {
        drop(world.stopped(STEPS[case.step], &token, *at).await);
        world.sound()?;
    }
    if case.goes_on {
        world.rest(&token).await?;
    } else {
        world.aws.state().stages.remove("AWSPENDING");
    }
    world.settled().await
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_step_may_die_anywhere() {
    let mut cases = Vec::new();
    for kind in kinds() {
        for step in 0..STEPS.len() {
            for at in 0..runtime().block_on(points(kind, step)) {
                for goes_on in [true, false] {
                    cases.push(Case { kind, step, deaths: vec![at], goes_on });
                }
            }
        }
    }
    check_all("deaths", &some(cases, 15), check);
}

#[test]
fn a_step_may_die_twice() {
    assert_eq!(STEPS[0], AwsStep::CreateSecret);
    let mut cases = Vec::new();
    for (number, kind) in kinds().into_iter().enumerate() {
        let most = runtime().block_on(points(kind, 0));
        for first in 0..most {
            // Every pair in one of the worlds.
            for second in (first % 4..most).filter(|second| second % 4 == number) {
                let goes_on = (first + second / 4) % 2 == 0;
                cases.push(Case { kind, step: 0, deaths: vec![first, second], goes_on });
            }
        }
    }
    check_all("two deaths", &some(cases, 61), check);
}
