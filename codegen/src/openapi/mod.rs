//! What every reader of an OpenAPI document has to know: where its schemas and operations are, what
//! schemas refer to, what a media type means for the client, and what a status is called.

mod content;
mod holders;
mod status;
pub(crate) mod walk;

pub use content::Content;
pub(crate) use content::is_json;
pub(crate) use holders::{Holders, children, reference};
pub(crate) use status::{reason, success};
