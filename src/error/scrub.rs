//! Text from elsewhere, made fit to be shown: secrets out, control characters out, bounded.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::model::secret::{REDACTED, Secret};

/// Shorter secrets are not looked for: they would blank out ordinary words.
const SHORTEST_SECRET: usize = 4;
/// How many characters after `sk_` make it look like a key; a masked one shows fewer.
const SHORTEST_KEY: usize = 8;
/// A head of a JSON Web Token has more characters.
const SHORTEST_TOKEN: usize = 16;

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

    /// The secrets as a response or a program may quote them: as they are, as JSON, in one line, in
    /// Base64. The longest come first, since one may hold another.
    fn forms(&self) -> Vec<Zeroizing<String>> {
        let secrets = self.secrets.iter().map(Secret::expose);
        let secrets = secrets.filter(|secret| secret.len() >= SHORTEST_SECRET);
        let encoded = secrets.clone().flat_map(in_base64);
        let mut forms: Vec<_> = secrets
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
            .chain(encoded)
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

/// What a secret's Base64 looks like wherever it stands in what was encoded: at three offsets, less
/// the characters that it shares with its neighbours, in both alphabets.
fn in_base64(secret: &str) -> impl Iterator<Item = Zeroizing<String>> {
    (0..3).flat_map(move |offset: usize| {
        let mut bytes = Zeroizing::new(vec![0; offset]);
        bytes.extend_from_slice(secret.as_bytes());
        let shared = if offset == 0 { 0 } else { offset + 1 };
        let whole = bytes.len() * 8 / 6;
        [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD].map(|alphabet| {
            let encoded = Zeroizing::new(alphabet.encode(&*bytes));
            Zeroizing::new(encoded[shared..whole].to_owned())
        })
    })
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

/// Replaces what is shaped like a key (`sk_…`), like a token (`eyJ….…`), or is given as one (`jwt=…`).
fn without_keys(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, shape)) = SHAPES
        .iter()
        .filter_map(|shape| Some((rest.find(shape.start)?, shape)))
        .min_by_key(|(at, _)| *at)
    {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        let value = &found[shape.shown..];
        let length = value.find(|c| !(shape.belongs)(c)).unwrap_or(value.len());
        let (value, after) = value.split_at(length);
        out.push_str(&found[..shape.shown]);
        let is_secret = begins_a_word(&text[..text.len() - found.len()]) && (shape.is_one)(value);
        out.push_str(if is_secret { REDACTED } else { value });
        // Nothing that was looked for is shorter than a character.
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What a secret looks like that nobody has told of.
struct Shape {
    start: &'static str,
    /// How much of the start is no part of the secret.
    shown: usize,
    belongs: fn(char) -> bool,
    is_one: fn(&str) -> bool,
}

const SHAPES: [Shape; 3] = [
    Shape {
        start: "sk_",
        shown: 0,
        belongs: |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'),
        is_one: |key| key.len() >= "sk_".len() + SHORTEST_KEY,
    },
    Shape {
        // `{"` in Base64: the head of a JSON Web Token, and of its body.
        start: "eyJ",
        shown: 0,
        belongs: |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/' | '='),
        is_one: |token| token.len() >= SHORTEST_TOKEN,
    },
    Shape {
        start: "jwt=",
        shown: "jwt=".len(),
        belongs: |c| !c.is_whitespace() && !matches!(c, '&' | '#' | '"' | '\'' | '<' | '>' | '`'),
        is_one: |token| !token.is_empty() && token != REDACTED,
    },
];

/// Whether what follows is the beginning of a word: not the end of `disk_quota` or `task_abc`. An
/// escape before it is no part of one.
fn begins_a_word(before: &str) -> bool {
    let Some(last) = before.chars().next_back().filter(char::is_ascii_alphanumeric) else {
        return true;
    };
    let ends_with_escape = |mark: &str, digits: usize| {
        let bytes = before.as_bytes();
        let Some(at) = bytes.len().checked_sub(mark.len() + digits) else { return false };
        bytes[at..].starts_with(mark.as_bytes())
            && bytes[at + mark.len()..].iter().all(u8::is_ascii_hexdigit)
    };
    ends_with_escape("%", 2)
        || ends_with_escape("\\u", 4)
        || matches!(last, 'b' | 'f' | 'n' | 'r' | 't') && before[..before.len() - 1].ends_with('\\')
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
    fn a_key_begins_a_word() {
        let scrubber = Scrubber::default();
        for word in
            ["task_abc123def456", "disk_quota_exceeded_2", "RISK_12345678", "risk_0123456789abc"]
        {
            assert_eq!(scrubber.line(word, 99), word);
        }
        for before in
            ["", " ", "\"", "key=", "x_", "x-", "%20", "%3D", "é", "/", "(", r"\n", r"\u0022"]
        {
            let line = scrubber.line(&format!("{before}{KEY}."), 99);
            assert_eq!(line, format!("{}[redacted].", before.trim()));
        }
        let line = scrubber.line(&format!("task_abc123def456 {KEY} task_abc123def456{KEY}"), 99);
        assert!(line.starts_with("task_abc123def456 [redacted] task_abc123def456"), "{line}");
    }

    #[test]
    fn tokens_go() {
        const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
        let scrubber = Scrubber::default();
        for (text, shown) in [
            (format!("Bearer {TOKEN}"), "Bearer [redacted]"),
            (format!("https://x/y?jwt={TOKEN}&a=b"), "https://x/y?jwt=[redacted]&a=b"),
            ("https://x/y?a=b&jwt=opaque#c".to_owned(), "https://x/y?a=b&jwt=[redacted]#c"),
            (
                r#"{"url":"wss://x?jwt=a.b.c","n":1}"#.to_owned(),
                r#"{"url":"wss://x?jwt=[redacted]","n":1}"#,
            ),
            ("jwt=".to_owned(), "jwt="),
            (
                "not a token: eyJshort, keyJhbGciOiJIUzI1NiJ9".to_owned(),
                "not a token: eyJshort, keyJhbGciOiJIUzI1NiJ9",
            ),
        ] {
            assert_eq!(scrubber.line(&text, 199), shown);
        }
    }

    #[test]
    fn known_secrets_go_whatever_their_shape() {
        let scrubber = Scrubber::new(vec![Secret::from("hunter22"), Secret::from("abc")]);
        assert_eq!(scrubber.line("no hunter22, abc", 99), "no [redacted], abc");
        assert_eq!(scrubber.line("cut at hunt", 99), "cut at [redacted]");
    }

    #[test]
    fn known_secrets_go_in_base64_too() {
        let secret = "sk_live_?\u{3e}~0123456789\u{ff}\u{ff}";
        let scrubber = Scrubber::new(vec![Secret::from(secret)]);
        for before in ["", "u", "us", "use", "user:"] {
            for after in ["", "\n", ":x", "abc"] {
                for alphabet in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
                    let encoded = alphabet.encode(format!("{before}{secret}{after}"));
                    let line = scrubber.line(&format!("data: {encoded}=="), 999);
                    let rest = line.replacen(REDACTED, "", 1);
                    let neighbours = (before.len() + after.len()) * 4 / 3 + 4;
                    assert!(line.contains(REDACTED), "{line}");
                    assert!(rest.len() <= "data: ==".len() + neighbours, "{encoded}: {line}");
                }
            }
        }
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
