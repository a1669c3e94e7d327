//! How rotations, and their resumption, are asked for.

mod common;
mod resume;
mod rotation;

pub use self::resume::Resume;
pub use self::rotation::Rotation;
