//! Every operation of the document but those on keys: requests are held against it, and responses are made
//! from it.

mod check;
mod document;
mod make;
mod media;
mod read;
mod relations;
mod respond;
mod route;
mod text;

pub(super) use self::document::Contract;
pub(super) use self::media::{Resume, events};
pub(super) use self::read::form::{Part, parts};
pub(super) use self::read::read;
pub(super) use self::respond::respond;
pub(super) use self::route::{Lost, Route, route};
