//! Where the document came from, kept beside it.

use crate::files::{self, DOCUMENT, Edit, PROVENANCE};
use chrono::NaiveDate;
use onkernel_codegen::Document;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// What `spec/provenance.json` holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The URL, or what else says where it came from.
    pub source: String,
    /// The day on which it was taken, UTC, as `2026-11-22`.
    pub date: String,
    /// Of the file, with LF line ends, in hexadecimal.
    pub sha256: String,
    /// The document's own version.
    pub info_version: String,
}

impl Provenance {
    /// Of a document that was taken today.
    #[must_use]
    pub fn of(text: &str, document: &Document, source: &str, today: NaiveDate) -> Self {
        Self {
            source: source.to_owned(),
            date: today.to_string(),
            sha256: sha256(text),
            info_version: info_version(document),
        }
    }

    /// The file to write.
    #[must_use]
    pub fn edit(&self) -> Edit {
        // Strings only: there is nothing that could fail to serialise.
        let json = serde_json::to_string_pretty(self).unwrap_or_default();
        Edit { path: PROVENANCE.to_owned(), content: Some(format!("{json}\n")) }
    }
}

/// What is written down of the bundled document.
///
/// # Errors
/// One sentence that names the file.
pub fn read(root: &Path) -> Result<Provenance, String> {
    let text = files::read_in(root, PROVENANCE)?;
    serde_json::from_str(&text).map_err(|error| format!("{PROVENANCE}: {error}"))
}

/// What is wrong with what is written down, if anything is.
#[must_use]
pub fn problem(root: &Path, text: &str, document: &Document) -> Option<String> {
    let written = match read(root) {
        Ok(written) => written,
        Err(error) => return Some(error),
    };
    let (sha256, version) = (sha256(text), info_version(document));
    if written.sha256 != sha256 {
        Some(format!("`sha256` is not that of {DOCUMENT}, which is {sha256}"))
    } else if written.info_version != version {
        Some(format!("`info_version` is `{}`, the document says `{version}`", written.info_version))
    } else if written.date.parse::<NaiveDate>().is_err() {
        Some(format!("`date` is `{}` and should be as 2026-11-22", written.date))
    } else {
        None
    }
}

/// In hexadecimal.
#[must_use]
pub fn sha256(text: &str) -> String {
    hmac_sha256::Hash::hash(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn info_version(document: &Document) -> String {
    let version = document.root().pointer("/info/version");
    version.and_then(Value::as_str).unwrap_or_default().to_owned()
}
