//! Everything that a document names gets its name in Rust: types, resources and methods, fields,
//! parameters, variants.
//!
//! **Names do not move.** A name follows from what it names, in the spelling of Rust ([`spell`]), so
//! that what a document gains later leaves it alone: `type` is `type_` and `send` is `send_`, whoever
//! else is there. Where two would be spelt alike, whoever the document calls as Rust does keeps the
//! name, then whoever is first in the alphabet; the others say where they are (`query_project`,
//! `body_note`) or are numbered, past every name that anyone has a right to.
//!
//! So a name can move only where it meets one that a newcomer has more right to.
//! `cargo xtask diff` compares what is generated, and calls such a change major;
//! `tests/names.rs` holds both.

pub(super) mod hoist;
pub(super) mod members;
pub(crate) mod names;
mod rule;
pub(super) mod slots;
pub(crate) mod spell;
pub(super) mod type_names;
