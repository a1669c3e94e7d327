//! Server-sent events: frames are the lines, events what they say.

mod events;
mod frames;

pub use self::events::{Event, EventStream, Messages};
