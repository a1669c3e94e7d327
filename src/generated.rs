//! What the build script made of the document: types, operations, and the tree of resources that
//! begins at [`Client`](crate::Client).

include!(concat!(env!("OUT_DIR"), "/client.rs"));
