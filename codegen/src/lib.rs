//! Turns an OpenAPI document into the generated part of the `onkernel` client.
//!
//! ```text
//! document → overlay → lower → progenitor → finish → Rust
//!                                                  ↘ outline, for snapshots
//! ```
//!
//! Pure functions from value to value; files are read and written by the build script and by
//! `cargo xtask`, which share this crate.

pub mod diff;
pub mod finish;
pub mod generate;
pub mod lower;
mod needs;
pub mod outline;
pub mod surface;
