//! What a document says, however it is spelled.

mod canonical;
mod limit;
mod literal;
mod operation;
mod resolve;
mod schema;
mod source;

pub(super) use limit::Limit;
pub(super) use literal::{plain, words};
pub(super) use operation::{
    Endpoint, METHODS, Media, Operation, Parameter, blanked, media, names, responses,
    template_names,
};
pub(super) use resolve::{Node, address};
pub(super) use schema::{Extra, Schema, Union};
pub(super) use source::Source;
