//! Text from elsewhere, made fit to be shown: secrets out, control characters out, bounded.

use std::borrow::Cow;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::model::secret::{REDACTED, Secret};

/// Shorter secrets are not looked for: they would blank out ordinary words.
const SHORTEST_SECRET: usize = 4;
/// How many characters after `sk_` make it look like a key; a masked one shows fewer.
const SHORTEST_KEY: usize = 8;

/// Removes the secrets that a call has seen, and whatever is shaped like a key.
#[derive(Clone, Default)]
pub(crate) struct Scrubber {
    secrets: Vec<Secret>,
}

impl Scrubber {
    #[cfg(feature = "rotation")]
    pub(crate) fn new(secrets: Vec<Secret>) -> Self {
        Self { secrets }
    }

    pub(crate) fn knows(&mut self, secret: &Secret) {
        if !self.secrets.contains(secret) {
            self.secrets.push(secret.clone());
        }
    }

    /// One line of at most `limit` characters, without secrets.
    pub(crate) fn line(&self, text: &str, limit: usize) -> String {
        truncate(&self.scrub(&collapse(text)), limit)
    }

    /// The same text, without secrets.
    pub(crate) fn text(&self, text: &str) -> String {
        self.scrub(text)
    }

    fn scrub(&self, text: &str) -> String {
        let mut text = Cow::Borrowed(text);
        for form in &self.forms() {
            let form = form.as_str();
            if text.contains(form) {
                text = text.replace(form, REDACTED).into();
            }
            // The text may have been cut within the secret.
            let cut = (SHORTEST_SECRET..form.len())
                .rev()
                .filter_map(|length| form.get(..length))
                .find(|start| text.ends_with(start));
            if let Some(start) = cut {
                let keep = text.len() - start.len();
                text = format!("{}{REDACTED}", &text[..keep]).into();
            }
        }
        without_keys(&text)
    }

    /// The secrets as a response may quote them: as they are, as JSON, in one line. The longest come
    /// first, since one may hold another.
    fn forms(&self) -> Vec<Zeroizing<String>> {
        let secrets = self.secrets.iter().map(Secret::expose);
        let mut forms: Vec<_> = secrets
            .filter(|secret| secret.len() >= SHORTEST_SECRET)
            .flat_map(|secret| {
                let json = escaped(secret);
                let ascii = ascii(&json);
                [
                    collapse(secret),
                    collapse(&json),
                    collapse(&ascii),
                    secret.to_owned(),
                    json,
                    ascii,
                ]
            })
            .map(Zeroizing::new)
            .filter(|form| form.len() >= SHORTEST_SECRET)
            .collect();
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        forms
    }

    /// A short, readable account of a response's body; `None` if there is nothing to show.
    pub(crate) fn excerpt(&self, body: &[u8], limit: usize) -> Option<String> {
        let text = match serde_json::from_slice::<Value>(body) {
            // Written anew, since an escape could hide a key from the search.
            Ok(Value::String(text)) => text,
            Ok(value) => value.to_string(),
            Err(_) => {
                let text = String::from_utf8_lossy(body);
                if text.trim_start().starts_with('<') { text_of_page(&text) } else { text.into() }
            }
        };
        Some(self.line(&text, limit)).filter(|line| !line.is_empty())
    }
}

/// A text as JSON writes it, without the quotes.
fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).to_owned()
}

/// JSON as a server writes it that sends nothing but ASCII.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            let units = character.encode_utf16(&mut [0; 2]).to_vec();
            out.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    out
}

/// Replaces `sk_…`.
fn without_keys(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("sk_") {
        let (before, key) = rest.split_at(at);
        let length =
            key.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"_-".contains(b)).count();
        out.push_str(before);
        let shown = length < "sk_".len() + SHORTEST_KEY || is_word(before, &key[..length]);
        out.push_str(if shown { &key[..length] } else { REDACTED });
        rest = &key[length..];
    }
    out.push_str(rest);
    out
}

/// Whether `sk_…` is the end of a word such as `disk_quota_exceeded`.
fn is_word(before: &str, key: &str) -> bool {
    before.ends_with(|c: char| c.is_ascii_lowercase())
        && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Spaces for control characters and line breaks, one for many.
fn collapse(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty())
    {
        if !out.is_empty() {
            out.push(' ');
        }
        // Characters that show nothing could hide a key from the search.
        out.extend(word.chars().filter(|c| !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')));
    }
    out
}

fn truncate(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The words of an HTML page: tags, scripts and styles left out.
fn text_of_page(page: &str) -> String {
    let mut out = String::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let tag = &rest[at..];
        let lower: String = tag.chars().take("<script".len()).collect::<String>().to_lowercase();
        let end = if lower.starts_with("<script") {
            find_ignoring_case(tag, "</script")
        } else if lower.starts_with("<style") {
            find_ignoring_case(tag, "</style")
        } else {
            Some(0)
        };
        rest = match end.and_then(|end| tag[end..].find('>').map(|close| end + close + 1)) {
            Some(end) => &tag[end..],
            None => "",
        };
        out.push(' ');
    }
    out.push_str(rest);
    out.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn find_ignoring_case(text: &str, what: &str) -> Option<usize> {
    text.char_indices()
        .map(|(at, _)| at)
        .find(|&at| text.get(at..at + what.len()).is_some_and(|t| t.eq_ignore_ascii_case(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk_live_0123456789";

    #[test]
    fn keys_go_and_masked_ones_stay() {
        let scrubber = Scrubber::default();
        assert_eq!(scrubber.line(&format!("bad key {KEY}!"), 99), "bad key [redacted]!");
        assert_eq!(scrubber.line("sk_1234...abcd", 99), "sk_1234...abcd");
        assert_eq!(scrubber.line("risk_ask_me sk_", 99), "risk_ask_me sk_");
    }

    #[test]
    fn known_secrets_go_whatever_their_shape() {
        let scrubber = Scrubber::new(vec![Secret::from("hunter22"), Secret::from("abc")]);
        assert_eq!(scrubber.line("no hunter22, abc", 99), "no [redacted], abc");
        assert_eq!(scrubber.line("cut at hunt", 99), "cut at [redacted]");
    }

    #[test]
    fn a_cut_comes_after_the_search() {
        let line = Scrubber::default().line(&format!("{} {KEY}", "x".repeat(10)), 15);
        assert_eq!(line, "xxxxxxxxxx [red…");
    }

    #[test]
    fn bodies_become_one_line() {
        let scrubber = Scrubber::default();
        let page = "<!doctype html><html><head><title>502 Bad Gateway</title>\n<STYLE>p{}</STYLE></head><body><h1>Oh&nbsp;no</h1><script>x<y</script></body></html>";
        let shown = |body: &str| scrubber.excerpt(body.as_bytes(), 99);
        assert_eq!(shown(page).as_deref(), Some("502 Bad Gateway Oh no"));
        assert_eq!(shown("a\r\n\u{7}b\u{1b}[31m"), Some("a b [31m".into()));
        assert_eq!(
            shown(r#"{"e":"\u0073k_live_0123456789"}"#),
            Some(r#"{"e":"[redacted]"}"#.into())
        );
        assert_eq!(shown("sk_li\u{200b}ve_0123456789"), Some("[redacted]".into()));
        assert_eq!(shown(" \n"), None);
        assert_eq!(shown("<p"), None);
        assert_eq!(scrubber.excerpt(b"\xff\xfe", 99), Some("\u{fffd}\u{fffd}".into()));
    }
}
