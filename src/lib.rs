// The pictures of the README, which is read elsewhere, too.
#![doc = include_str!("../docs/pictures/inline.md")]
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
// The library never panics on input and never prints; tests may.
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]
#![warn(unreachable_pub)]

mod client;
mod connection;
mod error;
// How much of what these hold is used depends on the resources that are built.
#[allow(unused_imports)]
mod generated;
mod helpers;
#[allow(dead_code, unused_imports, unused_macros)]
mod model;
#[allow(dead_code, unused_imports)]
mod paging;
#[allow(dead_code)]
mod request;
#[allow(dead_code)]
mod response;
#[cfg(feature = "rotation")]
pub mod rotation;
#[allow(dead_code, unused_imports)]
mod send;
#[cfg(feature = "testing")]
pub mod testing;

pub use self::client::{CallOptions, Client, ClientBuilder, RawBody, RawRequest};
pub use self::connection::credentials::Credentials;
pub use self::error::{Detail, Error, ErrorBody, ErrorKind, Result};
pub use self::generated::{operations, resources, types};
#[cfg(feature = "api-keys")]
pub use self::helpers::api_keys::{ApiKeysExt, Current};
#[cfg(feature = "browsers")]
pub use self::helpers::browsers::{BrowsersExt, SessionEnd};
#[cfg(feature = "deployments")]
pub use self::helpers::deployments::DeploymentsExt;
#[cfg(any(feature = "deployments", feature = "invocations"))]
pub use self::helpers::following::Following;
#[cfg(feature = "invocations")]
pub use self::helpers::invocations::{InvocationsExt, InvokeError};
pub use self::model::convert::{Integer, NullableInteger, NullableNumber, Number};
pub use self::model::nullable::Nullable::{self, Null};
pub use self::model::operation::{Idempotency, Operation};
pub use self::model::secret::Secret;
pub use self::paging::{Items, NextPage, Page, Pages};
pub use self::request::upload::Upload;
pub use self::response::Response;
pub use self::response::download::Download;
pub use self::response::sse::{Event, EventStream, Messages};
pub use reqwest::{Method, StatusCode};
/// The crates whose types are in the surface: times, JSON without a schema, bytes.
pub use {bytes, chrono, serde_json};

/// What becomes of secrets where a program serialises them itself.
pub mod secret {
    pub use crate::model::secret::{SecretField, expose, redact, redacted};
}

/// What a program that manages keys needs in scope: the client, and the traits that extend it.
pub mod prelude {
    #[cfg(feature = "api-keys")]
    pub use crate::ApiKeysExt;
    #[cfg(feature = "browsers")]
    pub use crate::BrowsersExt;
    #[cfg(feature = "deployments")]
    pub use crate::DeploymentsExt;
    #[cfg(feature = "invocations")]
    pub use crate::InvocationsExt;
    #[cfg(feature = "rotation")]
    pub use crate::rotation::RotationExt;
    #[cfg(feature = "api-keys")]
    pub use crate::types::SortBy;
    pub use crate::{CallOptions, Client, Null, Nullable};
}
