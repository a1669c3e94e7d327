//! What stock progenitor generates.

#![allow(warnings)]

include!(concat!(env!("OUT_DIR"), "/client.rs"));
