//! Many keys: all of them are found, and rotated side by side.

mod listing;
mod together;
