//! Presence is evidence, absence is not: what is not there is looked for until it would show.
//!
//! The moment is the *visibility time* after it was last known to exist, so that several waits for
//! things of one moment share it and never add up. Nor is a thing absent where nothing is there.

use std::time::Duration;

use crate::rotation::api::{Api, Sight};
use crate::{Result, Secret};

/// Looks for a key until it is seen, deleted or not, or until this moment.
pub(crate) async fn seen(api: &Api, id: &str, until: Duration) -> Result<Sight> {
    let mut looks = 0;
    loop {
        match api.look(id).await? {
            Sight::Absent if api.effects.elapsed() < until => {}
            Sight::Absent => return confirmed(api, id).await,
            sight => return Ok(sight),
        }
        let why = "for the server to show the key";
        api.effects.wait_to_look(why, looks, until).await?;
        looks += 1;
    }
}

/// A key that was not found, looked for once more with the proof in between that the API is there: a
/// single 404 may be a proxy's, and so may many.
pub(super) async fn confirmed(api: &Api, id: &str) -> Result<Sight> {
    api.is_there().await?;
    api.look(id).await
}

/// Tries a key until it is let in, or until this moment.
pub(crate) async fn let_in(api: &Api, key: &Secret, until: Duration) -> Result<bool> {
    let mut looks = 0;
    loop {
        match api.lets_in(key).await? {
            false if api.effects.elapsed() < until => {}
            let_in => return Ok(let_in),
        }
        let why = "for the server to let the key in";
        api.effects.wait_to_look(why, looks, until).await?;
        looks += 1;
    }
}
