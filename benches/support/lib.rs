//! What the benches share: a server in a process of its own, the same calls written by hand, and
//! how two ways of doing one thing are compared.

pub mod by_hand;
pub mod measure;
pub mod server;

/// Cargo passes `--bench` to measure; without it, as in `cargo test`, all is run once to see that
/// it works.
pub fn is_smoke() -> bool {
    !std::env::args().any(|argument| argument == "--bench")
}
