//! Twice at once, and late: a call is held at each of its effects while others go on.

use onkernel::rotation::AwsStep;

use crate::orders::kinds;
use crate::world::{CACHE, Kind, LONGEST_RUN, STEPS, World, check_all, some};

/// What happens while a call is held.
#[derive(Clone, Copy, Debug)]
enum Meanwhile {
    /// The same call, to its end.
    Again,
    /// The whole rotation.
    Rotation,
    /// The same call is killed at this effect.
    Killed(usize),
    /// Somebody takes the label away, and another rotation is done.
    Another,
}

#[derive(Debug)]
struct Case {
    kind: Kind,
    step: AwsStep,
    at: usize,
    meanwhile: Meanwhile,
}

async fn check(case: &Case) -> Result<(), String> {
    let world = World::new(case.kind).await;
    world.rest(&world.begin()).await?;
    world.pass(2 * CACHE);
    let token = world.begin();
    for step in STEPS.iter().take_while(|step| **step != case.step) {
        world.step(*step, &token).await.map_err(|error| error.to_string())?;
    }
    let held = world.stopped(case.step, &token, case.at).await;
    if !held.was() {
        return Ok(());
    }
    match case.meanwhile {
        Meanwhile::Again => drop(world.step(case.step, &token).await),
        Meanwhile::Rotation => world.rest(&token).await?,
        Meanwhile::Killed(at) => drop(world.stopped(case.step, &token, at).await),
        Meanwhile::Another => {
            // The function's time is not over.
            world.pass(LONGEST_RUN / 4);
            world.aws.state().stages.remove("AWSPENDING");
            let another = world.begin();
            world.rest(&another).await?;
        }
    }
    world.sound()?;
    // However that ends.
    let _ = held.go_on().await;
    world.sound()?;
    if world.aws.stage("AWSCURRENT") != Some(token.clone()) {
        match case.meanwhile {
            Meanwhile::Another => drop(world.aws.state().stages.remove("AWSPENDING")),
            _ => world.rest(&token).await?,
        }
    }
    world.settled().await
}

#[test]
fn a_call_may_be_held_while_others_go_on() {
    let mut cases = Vec::new();
    for (number, kind) in kinds().into_iter().enumerate() {
        for at in 0..90 {
            for step in STEPS {
                for meanwhile in [Meanwhile::Again, Meanwhile::Rotation, Meanwhile::Another] {
                    cases.push(Case { kind, step, at, meanwhile });
                }
            }
            let killed = (number..90).step_by(4).map(Meanwhile::Killed);
            for meanwhile in killed {
                cases.push(Case { kind, step: AwsStep::CreateSecret, at, meanwhile });
            }
        }
    }
    check_all("held", &some(cases, 149), check);
}
