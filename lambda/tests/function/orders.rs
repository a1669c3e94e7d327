//! The four steps in every order, each as often as one likes, and never.

use onkernel::rotation::AwsStep;
use onkernel::testing::AuthContext;

use crate::world::{Caller, Kind, STEPS, World, check_all, some};

/// The worlds that take turns.
pub(crate) fn kinds() -> [Kind; 4] {
    let (kind, missing) = (Kind::default(), AuthContext::Missing);
    [
        kind,
        Kind { caller: Caller::Own, ..kind },
        Kind { field: true, context: missing, ..kind },
        Kind { caller: Caller::Own, context: missing, field: true, ..kind },
    ]
}

fn sequences(longest: usize) -> Vec<Vec<AwsStep>> {
    let mut all = vec![Vec::new()];
    let mut last = all.clone();
    for _ in 0..longest {
        last = last
            .iter()
            .flat_map(|steps| STEPS.map(|step| [steps.as_slice(), &[step]].concat()))
            .collect();
        all.extend(last.iter().cloned());
    }
    all
}

#[test]
fn the_steps_may_come_in_any_order() {
    let cases = sequences(4).into_iter().enumerate();
    let cases = cases.map(|(n, steps)| (kinds()[n % 4], steps)).collect();
    let cases = some(cases, 10);
    check_all("orders", &cases, async |(kind, steps)| {
        let world = World::new(*kind).await;
        let token = world.begin();
        for step in steps {
            // What comes too soon fails, and does no harm.
            let _ = world.step(*step, &token).await;
            world.sound()?;
        }
        world.rest(&token).await?;
        world.settled().await
    });
}
