//! An API key, checked before it is ever sent.

use std::fmt::Display;
use std::sync::Arc;

use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use crate::model::secret::Secret;

/// A key, ready to be sent.
pub(crate) struct Key {
    pub(crate) secret: Secret,
    /// `Bearer …`, marked sensitive.
    pub(crate) header: HeaderValue,
}

impl Key {
    /// Checks a key; the error names its source and does not show it.
    pub(super) fn new(secret: &Secret, source: &impl Display) -> Result<Arc<Self>, String> {
        // Files and the output of programs end in a line break.
        let text = secret.expose().trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(format!("{source} is empty: it must hold a Kernel API key (`sk_…`)"));
        }
        if text.starts_with(is_quote) || text.ends_with(is_quote) {
            return Err(format!("{source} is in quotes: give the key without them"));
        }
        if let Some(what) = text.chars().find_map(no_part_of_a_key) {
            return Err(format!("{source} holds {what}: give the key and nothing else"));
        }
        let bearer = Zeroizing::new(format!("Bearer {text}"));
        let mut header = HeaderValue::try_from(bearer.as_str())
            .map_err(|_| format!("{source} cannot be sent in a header"))?;
        header.set_sensitive(true);
        Ok(Arc::new(Self { secret: Secret::from(text), header }))
    }
}

fn is_quote(character: char) -> bool {
    matches!(character, '"' | '\'' | '`' | '“' | '”' | '„' | '‘' | '’' | '«' | '»')
}

/// What a character is that no key has.
fn no_part_of_a_key(character: char) -> Option<&'static str> {
    match character {
        '!'..='~' => None,
        ' ' => Some("a space"),
        '\r' | '\n' => Some("a line break"),
        '\u{a0}' | '\u{2007}' | '\u{202f}' => Some("a non-breaking space"),
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => {
            Some("a character of no width, which no editor shows")
        }
        _ if character.is_control() => Some("a control character"),
        _ if character.is_whitespace() => Some("a space of another width"),
        _ => Some("a character that no API key has"),
    }
}
