//! One call, from its key to the last byte of its response, with whatever can stand in its way.

#[cfg(feature = "rustls")]
mod connecting;
mod dates;
mod downloads;
mod events;
#[cfg(feature = "http2")]
mod http2;
mod key_sources;
mod options;
mod relations;
mod sending;
mod success;
mod surroundings;
