//! JSON pointers (RFC 6901) and the references that are built from them.

use serde_json::Value;
use std::fmt::Display;

/// The pointer of the member `token` of what `base` points at.
///
/// ```
/// use onkernel_codegen::document::pointer::join;
/// assert_eq!(join("/paths", "/a~b"), "/paths/~1a~0b");
/// ```
pub fn join(base: &str, token: impl Display) -> String {
    let token = token.to_string().replace('~', "~0").replace('/', "~1");
    format!("{base}/{token}")
}

/// The pointer in a local reference such as `#/components/schemas/A%20B`, percent-decoded; `None`
/// when the reference is not local or is not a pointer.
pub fn of_reference(reference: &str) -> Option<String> {
    let pointer = percent_decode(reference.strip_prefix('#')?)?;
    (pointer.is_empty() || pointer.starts_with('/')).then_some(pointer)
}

/// What a local reference such as `#/components/schemas/Error` points at.
pub fn resolve<'v>(root: &'v Value, reference: &str) -> Option<&'v Value> {
    root.pointer(&of_reference(reference)?)
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            _ => byte,
        });
    }
    String::from_utf8(decoded).ok()
}
