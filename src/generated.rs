//! What the build script made of the document: types, builders, operations, and the methods of
//! [`Client`](crate::Client) that begin a call.

include!(concat!(env!("OUT_DIR"), "/client.rs"));
