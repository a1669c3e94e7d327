//! A request, described: where it goes, what it carries, and the first value that is not valid.

pub(crate) mod body;
mod call;
mod dates;
mod encode;
mod header;
// The bundled document has no forms and no structured parameters; others do.
#[allow(dead_code)]
pub(crate) mod multipart;
pub(crate) mod progress;
#[allow(dead_code)]
pub(crate) mod structured;
pub(crate) mod upload;

pub(crate) use self::call::Call;
pub(crate) use self::encode::push_encoded;
pub(crate) use self::header::header;
