//! The pictures as link definitions that hold them, for rustdoc: the README is the front page of the
//! library's documentation, where no path leads to a file of the repository. What is defined first counts,
//! and `src/lib.rs` shows these definitions before the README's own.

use std::fmt::Write;

pub(super) const PATH: &str = "docs/pictures/inline.md";
pub(super) const SOURCE: &str = "docs/pictures/";

/// A definition for each picture, by the name of its file.
pub(super) fn definitions(pictures: &[(&str, &str)]) -> String {
    let define = |(path, svg): &(&str, &str)| {
        let name = path.rsplit('/').next().unwrap_or_default().trim_end_matches(".svg");
        format!("[{name}]: data:image/svg+xml,{}\n", encode(svg))
    };
    pictures.iter().map(define).collect()
}

/// Percent-encodes what ends a URL, or has a meaning in Markdown.
fn encode(svg: &str) -> String {
    let mut encoded = String::new();
    for byte in svg.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => encoded.push(char::from(byte)),
            b'-' | b'.' | b',' | b'/' | b':' | b';' | b'=' | b'{' | b'}' => {
                encoded.push(char::from(byte));
            }
            // Writing to a string cannot fail.
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}
