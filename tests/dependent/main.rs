//! Crates outside this workspace that depend on this one, as a user's does.

mod documents;
mod outside;
mod readme;
mod rejected;
