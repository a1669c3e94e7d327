//! A client for the Kernel API.

mod advice;
mod answer;
mod call;
mod client;
mod configure;
mod credentials;
mod encode;
mod error;
mod execute;
mod nullable;
mod operation;
mod origin;
mod page;
mod raw;
mod response;
mod retry;
mod scrub;
mod secret;
mod transport;
mod validate;
mod wire;

pub use client::{CallOptions, Client};
pub use configure::ClientBuilder;
pub use credentials::Credentials;
pub use error::{Detail, Error, ErrorKind, Result};
pub use nullable::Nullable;
pub use operation::{Operation, Repeat};
pub use raw::{RawBody, RawRequest};
pub use reqwest::{Method, StatusCode};
pub use response::ResponseValue;
pub use secret::Secret;
