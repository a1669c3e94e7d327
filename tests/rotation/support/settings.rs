//! How a rotation in the small world is set up.

use std::time::Duration;

use onkernel::rotation::{Lifetime, Retirement};

use super::StoreKind;

/// How a rotation is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    pub retirement: Retirement,
    /// The key that is rotated makes its own replacement.
    pub own: bool,
    pub deploys: bool,
    pub name: String,
    pub days: Option<i64>,
    pub project: Option<String>,
    pub colliding_masks: bool,
    pub new_store: bool,
    pub store: StoreKind,
    /// Which calls of the deploy hook fail, counted from 0.
    pub deploy_fails: Vec<usize>,
    /// Whether the old key has a policy.
    pub policy: bool,
    pub lifetime: Lifetime,
    pub deadline: Option<Duration>,
    pub settle: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retirement: Retirement::Delete,
            own: false,
            deploys: true,
            name: "ci".to_owned(),
            days: Some(30),
            project: None,
            colliding_masks: false,
            new_store: false,
            store: StoreKind::Plain,
            deploy_fails: Vec::new(),
            policy: false,
            lifetime: Lifetime::AsOld,
            deadline: None,
            settle: None,
        }
    }
}
