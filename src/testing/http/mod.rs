//! The sockets: connections in, replies out, and the ways in which a connection can end badly.

mod body;
mod exchange;
mod intake;
mod listener;
mod socket;
mod wait;

pub(super) use self::listener::{DoorOrder, bind, serve};
