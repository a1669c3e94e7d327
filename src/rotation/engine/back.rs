//! The steps back to the state before: the old key into the store again, then the new one deleted.

use std::sync::Arc;
use std::time::Duration;

use super::{Done, Engine, PATIENT_ATTEMPTS, Trouble};
use crate::Secret;
use crate::rotation::builder::Told;
use crate::rotation::guard::{Doomed, Holds};
use crate::rotation::journal::{Record, Which};

impl Engine {
    pub(super) async fn look(&mut self) -> Done {
        if !self.setup.store.readable() {
            return Err(Trouble::hold("nobody can tell which key the store holds"));
        }
        self.look_at_store().await.map_err(|error| Trouble::hold(error.to_string()))?;
        match self.facts.holds {
            Holds::Old | Holds::New => Ok(()),
            Holds::Nothing if self.plan.store_is_new => Ok(()),
            _ => Err(Trouble::hold("the store holds neither the old nor the new key")),
        }
    }

    pub(super) async fn restore(&mut self) -> Done {
        let setup = Arc::clone(&self.setup);
        self.restores += 1;
        if self.restores > 3 {
            return Err(Trouble::hold("the store goes back to the new key each time"));
        }
        if !setup.store.readable() {
            return Err(Trouble::hold("the store cannot be read back, so the new key stays in it"));
        }
        let old = match (self.plan.store_is_new, self.old_secret.clone()) {
            (true, _) => None,
            (false, Some(old)) => Some(old),
            (false, None) => {
                return Err(Trouble::hold(
                    "the old key's plaintext is gone, so it cannot be put back into the store",
                ));
            }
        };
        if let (Some(old), false) = (&old, self.revoked) {
            self.must_work(old).await?;
        }
        let which = if old.is_some() { Which::Old } else { Which::Nothing };
        self.record_if_possible(Record::Storing { key: which }).await;
        let mut attempt = 1;
        loop {
            let written = self.write_store(old.as_ref(), false).await;
            let expected = if old.is_some() { Holds::Old } else { Holds::Nothing };
            let why = match (self.look_at_store().await, written) {
                (Ok(holds), _) if holds == expected => return Ok(()),
                (Ok(Holds::Other), _) => {
                    return Err(Trouble::hold("the store holds neither the old nor the new key"));
                }
                (_, Err(error)) | (Err(error), Ok(())) => error.to_string(),
                (Ok(_), Ok(())) => "the store does not hold what was written to it".to_owned(),
            };
            if attempt >= PATIENT_ATTEMPTS {
                let why = format!("the old key could not be put back into the store: {why}");
                return Err(Trouble::hold(why));
            }
            setup.port.note(format!("trying again to put the old key back: {}", self.scrub(&why)));
            setup.port.sleep(Duration::from_secs(1 << attempt.min(4))).await?;
            attempt += 1;
        }
    }

    /// The old key is worth going back to, unless somebody decided otherwise.
    async fn must_work(&mut self, old: &Secret) -> Done {
        match self.api().lets_in(old).await {
            Ok(false) => {}
            // It did when we began, and nothing of ours has changed that.
            Ok(true) | Err(_) => return Ok(()),
        }
        match self.api().get(&self.plan.old_id).await {
            Ok(None) => {
                self.revoked = true;
                Ok(())
            }
            _ => Err(Trouble::hold("the old key does not work any more, so the new one stays")),
        }
    }

    /// Whether the server lets the old key in, as far as it can be asked.
    pub(crate) async fn old_works(&self, old: &Secret) -> bool {
        self.api().lets_in(old).await.unwrap_or(false)
    }

    pub(super) async fn redeploy(&mut self) -> Done {
        self.record_if_possible(Record::Deploying { key: Which::Old }).await;
        self.run_deploy(Told::Old).await.map_err(|trouble| {
            Trouble::hold(format!("{}, so the workload may still have the new key", trouble.why))
        })?;
        self.facts.redeployed = true;
        Ok(())
    }

    pub(super) async fn remove(&mut self) -> Done {
        let setup = Arc::clone(&self.setup);
        let id = self.new_id()?;
        if setup.store.readable() {
            // The last look before what cannot be taken back. Where nothing was ever written, a
            // store that cannot be read now does not hold the key either.
            if let (Err(error), true) = (self.look_at_store().await, self.facts.touched) {
                return Err(Trouble::hold(error.to_string()));
            }
            if self.facts.holds == Holds::New {
                // A write has landed late: back to where it is undone.
                return Ok(());
            }
        }
        self.delete(Doomed::Replacement, &id, "", None).await?;
        self.facts.removed = true;
        self.record_if_possible(Record::Removed).await;
        Ok(())
    }
}
