//! What a rotation by AWS is given.

use std::time::Duration;

use crate::rotation::plan::record::Lifetime;
use crate::rotation::settings::Common;
use crate::rotation::store::AwsStore;

pub(super) struct Settings {
    pub(super) common: Common,
    pub(super) store: AwsStore,
    pub(super) lifetime: Lifetime,
    pub(super) overlap: Duration,
    pub(super) longest_run: Duration,
}
