//! Stores that are reached over the network: each against a fake of its server's contract, over real
//! sockets, and against a real server where the environment names one (`tests/real/stores/run`).
#![cfg(all(
    feature = "testing",
    feature = "store-aws",
    feature = "store-kubernetes",
    feature = "store-vault"
))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

mod aws;
mod beside;
mod fakes;
#[path = "../support/http.rs"]
mod http;
mod kubernetes;
mod real;
mod rotation;
mod support;
mod vault;
