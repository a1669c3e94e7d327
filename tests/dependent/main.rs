//! Crates outside this workspace that depend on this one, as a user's does.

mod cases;
mod contract;
mod documents;
mod outside;
mod readme;
mod rejected;
mod rustdoc;
#[path = "../support/scripted.rs"]
mod scripted;
mod weather;
