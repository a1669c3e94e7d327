//! Journals in PostgreSQL, against the server that `tests/real/postgres/run` starts: without one, every
//! test says so and passes.
#![cfg(all(unix, feature = "testing", feature = "postgres"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

mod away;
mod database;
mod deaths;
mod fleet;
mod leases;
mod proxy;
mod schema;
mod tls;
mod worker;
mod world;
