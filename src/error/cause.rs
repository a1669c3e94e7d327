//! What lies behind an error, as strings without secrets.

use std::fmt;

use super::place::pointer;
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

    /// What is wrong with JSON, and where. Serde's own messages quote the value; only the name of a
    /// field that is missing comes from our types, and may be shown.
    pub(crate) fn of_json(error: &serde_json::Error, json: &[u8]) -> Self {
        use serde_json::error::Category;
        let (line, column) = (error.line(), error.column());
        let place = || match pointer(json, line, column) {
            Some(pointer) => format!(" at `{}`", Scrubber::default().line(&pointer, 256)),
            None => String::new(),
        };
        let problem = match error.classify() {
            Category::Io => "it could not be read".to_owned(),
            Category::Syntax => "it is not JSON".to_owned(),
            Category::Data => {
                let text = error.to_string();
                let missing =
                    text.strip_prefix("missing field `").and_then(|it| it.split('`').next());
                match missing {
                    Some(name) => format!("the field `{name}` is missing{}", place()),
                    None => format!("a value{} has another type than documented", place()),
                }
            }
            Category::Eof => "the JSON ends too early".to_owned(),
        };
        Self::text(format!("{problem} (line {line}, column {column})"))
    }

    /// The innermost reason, such as `connection refused`.
    pub(crate) fn root(&self) -> &str {
        self.source.as_ref().map_or(&self.text, |source| source.root())
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
