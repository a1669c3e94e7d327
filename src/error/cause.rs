//! What lies behind an error, as strings without secrets.

use std::fmt;

use super::scrub::Scrubber;

/// A foreign error as the scrubbed texts of its chain.
#[derive(Clone)]
pub(crate) struct Cause {
    text: String,
    source: Option<Box<Cause>>,
}

impl Cause {
    pub(crate) fn text(text: String) -> Self {
        Self { text, source: None }
    }

    pub(crate) fn of(error: &dyn std::error::Error, scrubber: &Scrubber) -> Self {
        Self {
            text: scrubber.line(&error.to_string(), 256),
            source: error.source().map(|source| Box::new(Self::of(source, scrubber))),
        }
    }

    /// The innermost reason, such as `connection rejected`.
    pub(crate) fn root(&self) -> &str {
        self.source.as_ref().map_or(&self.text, |source| source.root())
    }
}

impl From<&serde_json::Error> for Cause {
    /// The category and the place: serde_json's own messages quote the value.
    fn from(error: &serde_json::Error) -> Self {
        use serde_json::error::Category;
        let category = match error.classify() {
            Category::Io => "it could not be read",
            Category::Syntax => "it is not JSON",
            Category::Data => "a value is missing or has another type than documented",
            Category::Eof => "the JSON ends too early",
        };
        let text = format!("{category} (line {}, column {})", error.line(), error.column());
        Self::text(text)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)?;
        self.source.as_ref().map_or(Ok(()), |source| write!(f, " <- {source:?}"))
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
