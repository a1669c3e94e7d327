#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
// The library never panics on input and never prints; tests may.
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]
#![warn(unreachable_pub)]

mod advice;
mod answer;
mod api_keys;
mod call;
mod client;
mod configure;
mod credentials;
mod download;
// The bundled document has no nested bounds, forms and choices; others do.
#[allow(dead_code)]
mod each;
mod encode;
mod error;
mod events;
mod execute;
mod frames;
mod generated;
#[allow(dead_code)]
mod given;
#[allow(dead_code)]
mod multipart;
mod nullable;
mod open;
mod opened;
mod operation;
mod origin;
mod page;
mod raw;
mod received;
mod response;
mod retry;
#[cfg(feature = "rotation")]
pub mod rotation;
mod scrub;
mod secret;
#[allow(dead_code)] // the bundled document has no such parameter and no such form; others have
mod structured;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;
#[allow(dead_code)]
mod union;
mod upload;
mod validate;
mod wire;

pub use self::api_keys::{ApiKeysExt, CreateApiKeyExt};
pub use self::client::{CallOptions, Client};
pub use self::configure::ClientBuilder;
pub use self::credentials::Credentials;
pub use self::download::Download;
pub use self::error::{Detail, Error, ErrorBody, ErrorKind, Result};
pub use self::events::{Event, EventStream};
pub use self::generated::{builder, operations, types};
pub use self::nullable::Nullable;
pub use self::operation::{Operation, Repeat};
pub use self::raw::{RawBody, RawRequest};
pub use self::response::ResponseValue;
pub use self::secret::Secret;
pub use self::upload::Upload;
pub use reqwest::{Method, StatusCode};

/// What a program that manages keys needs in scope: the client, and the traits that extend it.
pub mod prelude {
    pub use crate::{ApiKeysExt, Client, CreateApiKeyExt, Nullable};
}
