//! A person who ends a rotation with what its report names, and with nothing else.

use onkernel::rotation::{
    DeployTarget, Outcome, Resolution, RotationError, RotationReport, StoreHolds, pending,
};
use onkernel::testing::NewKey;

use super::{Death, World, sound};

/// Within so many steps a rotation ends.
const MOST: usize = 8;

/// How it was ended.
#[derive(Debug, Default)]
pub struct Followed {
    pub ways: Vec<Resolution>,
    /// What the last report says.
    pub outcome: Option<Outcome>,
    /// A person was told that something is left to do.
    pub told: bool,
}

impl Followed {
    pub fn gave_up(&self) -> bool {
        self.ways.contains(&Resolution::GiveUp)
    }
}

/// What a report or an error names, and whether anything was said at all.
pub fn ways_of(ran: &Result<Option<RotationReport>, RotationError>) -> Vec<Resolution> {
    match ran {
        Ok(Some(report)) => report.resolutions.clone(),
        Ok(None) => Vec::new(),
        Err(error) => error.resolutions().to_vec(),
    }
}

impl World {
    /// Follows the ways out that are named, the one of this number first and then those after it,
    /// until nothing is left to do. What stands in the way stays until trying again is named.
    pub async fn follow(&self, named: Vec<Resolution>, choice: usize) -> Result<Followed, String> {
        *self.stop.lock().unwrap() = onkernel::rotation::Stop::new();
        let (mut named, mut followed, mut healed) = (named, Followed::default(), false);
        let mut last = String::new();
        for step in 0..MOST {
            if pending(&self.journal).map_err(|error| error.to_string())?.is_none() {
                return Ok(followed);
            }
            let way = self.choose(&named, choice, step);
            if matches!(way, Resolution::Retry | Resolution::Caller) {
                healed = true;
                self.heal();
            }
            let ran = self.go(way).await?;
            followed.ways.push(way);
            named = ways_of(&ran);
            followed.told |= !named.is_empty();
            match &ran {
                Ok(Some(report)) => followed.outcome = Some(report.outcome),
                Ok(None) => {}
                Err(error) => {
                    last = format!("{way:?}: {error}");
                    followed.outcome = error.report().map(|report| report.outcome);
                    // What was refused while something stands in the way is tried again.
                    if named.is_empty() && (healed || error.needs_attention()) {
                        return Err(format!("no way out is named after {last}"));
                    }
                }
            }
        }
        match pending(&self.journal).map_err(|error| error.to_string())? {
            None => Ok(followed),
            Some(left) => Err(format!("{:?} did not end it: {left:?}, {last}", followed.ways)),
        }
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        self.server.faults().clear();
        self.store.heal();
    }

    /// Which one a person takes. What is not so they do not say, and only as the first thing they
    /// give up.
    fn choose(&self, named: &[Resolution], choice: usize, step: usize) -> Resolution {
        if named.is_empty() {
            return Resolution::Retry;
        }
        let first = named[choice % named.len()];
        if step == 0 && first == Resolution::GiveUp {
            return first;
        }
        let holds = Resolution::StoreHolds(self.found());
        let may = |way: &&Resolution| match way {
            Resolution::GiveUp => false,
            Resolution::StoreHolds(_) => **way == holds,
            _ => true,
        };
        let ways: Vec<Resolution> = named.iter().filter(may).copied().collect();
        match &ways[..] {
            [] => Resolution::Retry,
            ways => ways[(choice + step) % ways.len()],
        }
    }

    /// What a person finds in the store. What is no key that works they replace by one that does.
    pub fn found(&self) -> StoreHolds {
        let held = self.store.held();
        let new_store = self.settings.new_store;
        match held.as_deref() {
            None if new_store => StoreHolds::Old,
            Some(held) if held == self.old().plaintext() && self.server.authenticates(held) => {
                StoreHolds::Old
            }
            Some(held) if self.is_ours(held) => StoreHolds::New,
            Some(held) if self.server.authenticates(held) => StoreHolds::Other,
            _ if new_store => {
                self.store.set(None);
                StoreHolds::Old
            }
            _ if self.server.authenticates(self.old().plaintext()) => {
                self.store.set(Some(self.old().plaintext()));
                StoreHolds::Old
            }
            _ => {
                let third = self.server.add_key(NewKey::named("by hand"));
                self.store.set(Some(third.plaintext()));
                StoreHolds::Other
            }
        }
    }

    /// Whether this is a key that the rotation has made.
    fn is_ours(&self, held: &str) -> bool {
        self.server.key_by_plaintext(held).is_some_and(|key| {
            key.id != self.old_id
                && !self.bystanders.contains(&key.id)
                && key.name != "by hand"
                && key.plaintext() != self.server.bootstrap_key()
        })
    }

    async fn go(
        &self,
        way: Resolution,
    ) -> Result<Result<Option<RotationReport>, RotationError>, String> {
        let resume = match way {
            Resolution::Caller => self.resume_by(&self.manager),
            _ => self.resume(),
        };
        let resume = match way {
            Resolution::Deploy => resume.deploy(self.working_hook()),
            Resolution::Verify => resume.verify(|_| async { Ok::<_, std::io::Error>(()) }),
            Resolution::Deployed => {
                let _ = self.working_hook()(DeployTarget::New).await;
                resume.deployed()
            }
            Resolution::StoreHolds(holds) => resume.store_holds(holds),
            Resolution::Adopt => resume.adopt(),
            Resolution::GiveUp => resume.give_up(),
            _ => resume,
        };
        let watch = self.watch(Death::Never);
        let ran = resume.probe(watch.clone()).run().await;
        self.quiesce().await;
        sound(&watch)?;
        Ok(ran)
    }
}
