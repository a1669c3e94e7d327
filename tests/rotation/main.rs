//! Rotation: what it does when all goes well, and each place where a simpler version of it is wrong.
#![cfg(all(feature = "testing", feature = "rotation"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

mod concurrent;
#[cfg(target_os = "linux")]
mod disk;
mod equality;
mod evidence;
mod exhaustive;
mod fleet;
mod lifetime;
mod model;
mod plan;
mod preview;
mod settle;
mod steps;
mod stop;
#[cfg(unix)]
mod store;
mod store_test;
mod stored;
mod support;
mod undo;
