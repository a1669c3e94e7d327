//! A client for the Kernel API.

#[cfg(feature = "testing")]
pub mod testing;
