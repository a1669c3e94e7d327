//! Turns an OpenAPI document into the generated part of the `onkernel` client.
//!
//! ```text
//! document → overlay → lower → progenitor → finish → Rust
//!                                                  ↘ outline, for snapshots
//! ```
//!
//! Pure functions from value to value; files are read and written by the build script and by
//! `cargo xtask`, which share this crate.

// The library never panics on input and never prints; tests may.
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]
#![warn(unreachable_pub)]

#[cfg(feature = "testing")]
mod contract;
#[cfg(feature = "diff")]
pub mod diff;
pub mod document;
mod error;
#[cfg(feature = "testing")]
mod exercise;
mod features;
mod files;
pub mod finish;
pub mod generate;
pub mod lower;
mod needs;
mod openapi;
#[cfg(feature = "testing")]
pub mod outline;
pub mod overlay;
mod pipeline;
#[cfg(feature = "testing")]
mod signatures;
pub mod surface;

#[cfg(feature = "testing")]
pub use contract::contract;
pub use document::Document;
pub use error::{Error, Position, Problem};
pub use features::{Features, RESOURCES};
pub use overlay::Overlay;
pub use pipeline::Client;

/// The document that the repository brings, from its root.
pub const DOCUMENT: &str = "spec/openapi.documented.yml";

/// The overlays of the repository, from its root, in the order in which they are applied to every
/// document. The build script, `cargo xtask` and the tests have no other list.
pub const OVERLAYS: [&str; 3] =
    ["spec/overlay.yml", "spec/whole-api.overlay.yml", "spec/resources.overlay.yml"];

/// A file, read by the caller.
#[derive(Debug, Clone)]
pub struct Source {
    /// The name to use in messages.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// Reads a document and applies overlays to it, in their order.
///
/// # Errors
/// Everything that is wrong with one of the files; keys of ours that nobody knows, and references
/// that lead nowhere, once all overlays are applied.
pub fn load(document: &Source, overlays: &[Source]) -> Result<Document, Error> {
    overlaid(Document::parse(&document.text, &document.name)?, overlays.iter())
}

/// As [`load`], of a document that may be of another API: the bundled overlays are Kernel's.
///
/// # Errors
/// As [`load`].
pub fn load_any(
    document: &Source,
    bundled: &[Source],
    own: &[Source],
    features: &Features,
) -> Result<Document, Error> {
    let document = Document::parse(&document.text, &document.name)?;
    let is_kernels = features.choose_of(document.root());
    overlaid(document, bundled.iter().filter(|_| is_kernels).chain(own))
}

fn overlaid<'a>(
    mut document: Document,
    overlays: impl Iterator<Item = &'a Source>,
) -> Result<Document, Error> {
    for overlay in overlays {
        Overlay::parse(&overlay.text, &overlay.name)?.apply(&mut document)?;
    }
    document.check_keys()?;
    document.check_references()?;
    Ok(document)
}

/// Generates the client of a document's resources. The same input yields the same bytes.
///
/// # Errors
/// What [`load`] says; every place that cannot be lowered; what the hand-written part of the client
/// needs and the document lacks.
pub fn client(
    document: &Source,
    overlays: &[Source],
    features: &Features,
) -> Result<Client, Error> {
    client_of(load(document, overlays)?, features)
}

/// As [`client`], of a document whose overlays have been applied.
///
/// # Errors
/// As [`client`], but for what [`load`] says.
pub fn client_of(mut document: Document, features: &Features) -> Result<Client, Error> {
    features.select(document.root_mut());
    let lowered = pipeline::lower(&document)?;
    pipeline::located(&document, needs::check(&lowered, features))?;
    pipeline::finish(&document, lowered)
}
