//! Turns an OpenAPI document into the generated part of the `onkernel` client.

pub mod document;
mod error;

pub use document::Document;
pub use error::{Error, Position, Problem};
