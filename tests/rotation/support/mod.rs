//! A small world for rotations: the embedded server on a real socket, a store in memory, a clock that
//! jumps, and a hand that stops the process at any effect.
#![allow(unreachable_pub, missing_docs)]

mod clock;
mod follow;
#[path = "../../support/http.rs"]
mod http;
mod ledger;
mod like;
mod run;
mod settings;
mod settled;
mod store;
mod trips;
mod watch;
mod world;

pub use clock::{LandingClock, TestClock};
pub use follow::{Followed, ways_of};
pub use http::http;
pub use ledger::Ledger;
pub use like::Like;
pub use run::{plain, rotated, unchanged, undone, world};
pub use settings::Settings;
pub use store::{MemoryStore, StoreFault, StoreKind};
pub use trips::RoundTrips;
pub use watch::{Death, Hook, Watch, sound, until};
pub use world::{World, connect};
