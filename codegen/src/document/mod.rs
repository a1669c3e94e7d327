//! An OpenAPI document: loaded, checked, and able to say where in its file a value stands.

mod fault;
mod json;
pub(crate) mod keys;
mod limits;
pub mod pointer;
mod read;
mod references;
mod scalar;
mod source;
mod yaml;

use crate::error::{Error, Position, Problem};
pub(crate) use limits::{MAX_DEPTH, depth};
pub(crate) use read::read;
use serde_json::Value;
pub(crate) use source::Source;
use std::sync::Arc;

/// An OpenAPI 3.0 or 3.1 document, as the JSON value that it stands for.
///
/// The value can be changed; positions stay those of the file, and what is added later is
/// located at the nearest place around it.
#[derive(Debug, Clone)]
pub struct Document {
    source: Arc<Source>,
    root: Value,
}

impl Document {
    /// Reads YAML 1.2 or JSON. `name` is the file's name in messages.
    ///
    /// References are not followed yet, since an overlay may mend them: call
    /// [`check_references`](Self::check_references) when all overlays are applied.
    ///
    /// # Errors
    /// When the text is neither YAML nor JSON, has a key twice, tags, merge keys, aliases that
    /// blow it up or more than one document, or when it is not OpenAPI 3.0 or 3.1 with `paths`.
    ///
    /// ```
    /// use onkernel_codegen::Document;
    ///
    /// let document = Document::parse("openapi: 3.1.0\npaths: {}\n", "api.yml")?;
    /// assert_eq!(document.position("/paths").unwrap().line, 2);
    ///
    /// let error = Document::parse("swagger: '2.0'\n", "old.yml").unwrap_err();
    /// assert!(error.to_string().starts_with("old.yml:1:1: this is Swagger 2.0"));
    /// # Ok::<(), onkernel_codegen::Error>(())
    /// ```
    pub fn parse(text: &str, name: &str) -> Result<Self, Error> {
        let source = Arc::new(Source::new(text, name));
        let root = read(&source)?;
        let document = Self { source, root };
        document.check_head()?;
        Ok(document)
    }

    /// The whole document.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// The whole document, to be changed.
    pub fn root_mut(&mut self) -> &mut Value {
        &mut self.root
    }

    /// The file's name, as it was given.
    pub fn name(&self) -> &str {
        &self.source.name
    }

    /// What a local reference such as `#/components/schemas/Error` points at.
    pub fn resolve(&self, reference: &str) -> Option<&Value> {
        pointer::resolve(&self.root, reference)
    }

    /// Where the value that a JSON pointer (`/paths/~1browsers/get`, with or without `#`) names
    /// stands in the file: at its key, or at its beginning if it has none. `None` when it does not stand there.
    pub fn position(&self, pointer: &str) -> Option<Position> {
        let pointer = pointer.strip_prefix('#').unwrap_or(pointer);
        self.source.places().values.get(pointer).copied()
    }

    /// A problem with the value that a JSON pointer names, at its position or, when it does not
    /// stand in the file, at the nearest place around it.
    pub fn problem(
        &self,
        pointer: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Problem {
        self.source.problem(pointer, message, help)
    }

    fn check_head(&self) -> Result<(), Error> {
        let problem = |pointer: &str, message: String, help: &str| {
            Err(Error::from(self.problem(pointer, message, help)))
        };
        let Value::Object(root) = &self.root else {
            return problem(
                "",
                format!("an OpenAPI document is a mapping, and this is {}", kind(&self.root)),
                "give an OpenAPI file",
            );
        };
        const WANTED: &str = "give a document of OpenAPI 3.0 or 3.1";
        const PARTS: &str = "write the version as a text of three parts, such as `3.1.0`";
        match root.get("openapi") {
            Some(Value::String(version)) if is_supported(version) => {}
            Some(Value::String(version)) => {
                let help = if version == "3.0" || version == "3.1" { PARTS } else { WANTED };
                return problem("/openapi", format!("this is OpenAPI `{version}`"), help);
            }
            Some(other) => {
                return problem(
                    "/openapi",
                    format!("`openapi` is {other}, which is {}", kind(other)),
                    PARTS,
                );
            }
            None => {
                return match root.get("swagger") {
                    Some(version) => {
                        let version = version.to_string();
                        let version = version.trim_matches('"');
                        problem("/swagger", format!("this is Swagger {version}"), WANTED)
                    }
                    None => problem("", "`openapi` is missing".to_owned(), WANTED),
                };
            }
        }
        match root.get("paths") {
            Some(Value::Object(_)) => Ok(()),
            Some(other) => problem(
                "/paths",
                format!("`paths` is {}", kind(other)),
                "make it a mapping from paths to operations",
            ),
            None => problem(
                "",
                "`paths` is missing".to_owned(),
                "add the operations, since a client is made of them",
            ),
        }
    }
}

/// 3.0.x or 3.1.x.
fn is_supported(version: &str) -> bool {
    let patch = version.strip_prefix("3.0.").or_else(|| version.strip_prefix("3.1."));
    patch.is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()))
}

/// What a value is, in words.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}
