//! Requests that fail, are lost, come twice or late, or show what was; each request of each step.

use onkernel::testing::{Change, Fault, Lag, Which};

use crate::fakes::aws;
use crate::orders::kinds;
use crate::world::{CACHE, Kind, STEPS, World, check_all, some};

type Make = fn() -> Fault;

/// What can go wrong between us and Kernel.
const FAULTS: [(&str, Make); 9] = [
    ("dropped before", || Fault::drop_connection().before()),
    ("dropped after", || Fault::drop_connection().after()),
    ("500 before", || Fault::status(500).before()),
    ("500 after", || Fault::status(500).after()),
    ("garbage after", || Fault::garbage_json().after()),
    ("late", || Fault::effect_later(std::time::Duration::from_secs(20))),
    ("rejected", || Fault::rejected(409, "conflict")),
    ("doubled", || Fault::doubled(Which::Second)),
    ("wrong id", Fault::wrong_id),
];

async fn second_rotation(kind: Kind) -> Result<(std::sync::Arc<World>, String), String> {
    let world = World::new(kind).await;
    world.rest(&world.begin()).await?;
    world.pass(2 * CACHE);
    let token = world.begin();
    Ok((world, token))
}

#[test]
fn any_request_to_kernel_may_fail() {
    let mut cases = Vec::new();
    for (number, kind) in kinds().into_iter().enumerate() {
        for (fault, (name, _)) in FAULTS.iter().enumerate() {
            for step in 0..STEPS.len() {
                for nth in (1..=24).filter(|nth| (nth + fault) % 2 == number % 2) {
                    cases.push((kind, *name, fault, step, nth));
                }
            }
        }
    }
    check_all("Kernel", &some(cases, 43), async |(kind, _, fault, step, nth)| {
        let (world, token) = second_rotation(*kind).await?;
        for step in &STEPS[..*step] {
            world.step(*step, &token).await.map_err(|error| error.to_string())?;
        }
        world.server.faults().add(FAULTS[*fault].1().nth(u64::try_from(*nth).unwrap()));
        let _ = world.step(STEPS[*step], &token).await;
        world.sound()?;
        world.server.faults().clear();
        world.rest(&token).await?;
        world.server.land_late();
        world.settled().await
    });
}

#[test]
fn reads_may_lag() {
    let mut cases = Vec::new();
    for kind in kinds() {
        for (name, change) in [("created", Change::Created), ("deleted", Change::Deleted)] {
            for auth in [false, true] {
                cases.push((kind, name, change, auth));
            }
        }
    }
    check_all("lag", &cases, async |(kind, _, change, auth)| {
        let (world, token) = second_rotation(*kind).await?;
        let lag = Lag::Time(std::time::Duration::from_secs(8));
        let fault = if *auth { Fault::stale_auth(lag) } else { Fault::stale_reads(lag) };
        world.server.faults().add(fault.changes([*change]));
        world.rest(&token).await?;
        world.sound()?;
        world.server.faults().clear();
        world.settled().await
    });
}

#[test]
fn any_request_to_aws_may_fail() {
    use aws::Fault;
    let actions =
        ["DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"];
    let faults = [
        Fault::DropBefore,
        Fault::DropAfter,
        Fault::FailAfter,
        Fault::Throttle,
        Fault::Reject("AccessDeniedException"),
        Fault::Reject("InternalServiceError"),
    ];
    let mut cases = Vec::new();
    for kind in kinds() {
        for action in actions {
            for fault in &faults {
                for step in STEPS {
                    // Once, and until the call gives up.
                    for times in [1, 99] {
                        cases.push((kind, action, fault.clone(), step, times));
                    }
                }
            }
        }
    }
    check_all("AWS", &some(cases, 23), async |(kind, action, fault, step, times)| {
        let (world, token) = second_rotation(*kind).await?;
        for step in STEPS.iter().take_while(|before| *before != step) {
            world.step(*step, &token).await.map_err(|error| error.to_string())?;
        }
        (0..*times).for_each(|_| world.aws.fail(action, fault.clone()));
        let _ = world.step(*step, &token).await;
        world.sound()?;
        world.aws.state().faults.clear();
        if *times > 1 && matches!(fault, Fault::Reject(_)) {
            // Nothing was put there, so that nothing is left: a rotation that is tried again and again
            // leaves no heap of keys.
            let live = world.live().len();
            if live > 3 {
                return Err(format!("{live} keys are left"));
            }
        }
        world.rest(&token).await?;
        world.settled().await
    });
}
