//! Headers that a caller sets.

use reqwest::header::{
    AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING,
};

/// A header, or why it cannot be one. The value is marked sensitive and never shown.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let parsed = HeaderName::try_from(name)
        .map_err(|_| format!("{name:?} cannot be the name of a header"))?;
    let mut value = HeaderValue::try_from(value).map_err(|_| {
        format!("the value of the header `{parsed}` holds a line break or a control character")
    })?;
    if [AUTHORIZATION, HOST, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&parsed) {
        return Err(format!("the header `{parsed}` is set by the client itself"));
    }
    value.set_sensitive(true);
    Ok((parsed, value))
}
