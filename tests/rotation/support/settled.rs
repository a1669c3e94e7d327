//! What must be true when all is settled.

use onkernel::rotation::{Outcome, Retirement};

use super::World;

impl World {
    /// What must be true when all is settled.
    pub fn settled(&self) -> Result<Outcome, String> {
        self.server.land_late();
        self.store.land();
        let now = self.server.now();
        let fail = |what: String| {
            let log: Vec<String> = self
                .server
                .log()
                .iter()
                .map(|e| {
                    format!("{} {} {:?} {:?} {:?}", e.method, e.path, e.status, e.effect, e.fault)
                })
                .collect();
            Err(format!("{what}\n{}\nevents: {:#?}", log.join("\n"), self.events.lock().unwrap()))
        };
        let ours: Vec<_> = self
            .server
            .keys()
            .into_iter()
            .filter(|key| !self.bystanders.contains(&key.id))
            .filter(|key| key.plaintext() != self.server.bootstrap_key())
            .collect();
        for id in &self.bystanders {
            if self.server.key(id).is_none_or(|key| key.deleted_at.is_some()) {
                return fail(format!("the bystander {id} is gone"));
            }
        }
        let old = self.old();
        let live: Vec<_> =
            ours.iter().filter(|key| key.id != old.id && key.deleted_at.is_none()).collect();
        let held = self.store.held();
        let deployed = self.deployed.lock().unwrap().as_ref().map(|s| s.expose().to_owned());
        let outcome = match (&live[..], &held) {
            ([], held) => {
                let expected = (!self.settings.new_store).then(|| old.plaintext().to_owned());
                if *held != expected {
                    return fail("as before, but the store is not".to_owned());
                }
                if !old.works_at(now) {
                    return fail("as before, but the old key is dead".to_owned());
                }
                Outcome::AsBefore
            }
            ([new], Some(held)) => {
                if held != new.plaintext() {
                    return fail(format!("the store does not hold the new key {}", new.id));
                }
                if !new.works_at(now) {
                    return fail("the new key is dead".to_owned());
                }
                if new.name != self.settings.name {
                    return fail(format!("the new key is named {:?}", new.name));
                }
                let gone = old.deleted_at.is_some();
                if gone != (self.settings.retirement == Retirement::Delete) {
                    return fail(format!("the old key is deleted: {gone}"));
                }
                if new.project_id != old.project_id || new.policy != old.policy {
                    return fail("the new key is not the old one's equal".to_owned());
                }
                Outcome::Rotated
            }
            _ => {
                let ids: Vec<_> = live.iter().map(|k| (&k.id, &k.name)).collect();
                return fail(format!("orphans: {ids:?}, held by nobody"));
            }
        };
        if old.deleted_at.is_none() && old.name != self.settings.name {
            return fail(format!("the old key is named {:?}", old.name));
        }
        if self.settings.deploys && deployed != held {
            return fail("the workload was not deployed with what the store holds".to_owned());
        }
        let said = format!("{:?}", self.events.lock().unwrap());
        if ours.iter().any(|key| said.contains(key.plaintext())) {
            return fail("an event holds a plaintext".to_owned());
        }
        Ok(outcome)
    }
}
