//! How rotations, and their resumption, are asked for.

mod common;
mod hook_command;
mod resume;
mod rotation;

pub use self::hook_command::HookCommand;
pub use self::resume::Resume;
pub use self::rotation::Rotation;
