//! Small servers that keep the contracts of the real ones, and fail to order.

pub(crate) mod aws;
pub(crate) mod http;
pub(crate) mod kubernetes;
pub(crate) mod vault;
