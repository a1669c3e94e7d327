//! Pages that follow each other, announced in headers of each: a page and the call for the next,
//! a stream of pages, a stream of their items.

mod ahead;
mod page;
mod place;
mod streams;
mod walk;

pub use self::page::{NextPage, Page};
pub(crate) use self::page::{first, first_raw};
pub(crate) use self::place::Paging;
pub use self::streams::{Items, Pages};
pub(crate) use self::streams::{downloads, items, pages, values};
