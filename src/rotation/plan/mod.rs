//! What a rotation is going to do, decided before anything is touched, from the old key's own JSON
//! and the caller's wishes.

pub(crate) mod lifetime;
pub(crate) mod old_key;
pub(crate) mod place;
pub(crate) mod record;
pub(crate) mod replacement;
