//! What the commands for single keys take.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use onkernel::types::{ApiKeysStatus, SortBy, SortDirection};

use crate::output::columns;
use crate::stores::new_file::NewFileName;

/// The plaintext is shown only once: pipe it into a secret manager, or use --store. If it can be
/// neither printed nor stored, the key is deleted again.
#[derive(clap::Args)]
pub(crate) struct Create {
    /// The key's name, 1 to 255 characters
    pub(crate) name: String,
    /// Expire after this many days, 1 to 3650
    #[arg(long, value_name = "N", conflicts_with = "never")]
    pub(crate) days: Option<i64>,
    /// Never expire, which is the default
    #[arg(long)]
    pub(crate) never: bool,
    /// Limit the key to this project [default: the whole organization]
    #[arg(long, value_name = "ID")]
    pub(crate) project_id: Option<String>,
    /// Allow only what the policy in this file lists:
    /// {"statements": [{"action": "…", "resource": "…"}]}
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub(crate) policy: Option<PathBuf>,
    /// Write the plaintext to a new file instead of printing it: file:PATH
    #[arg(long)]
    pub(crate) store: Option<NewFileName>,
}

#[derive(clap::Args)]
pub(crate) struct List {
    /// Match keys whose name, creator or project contains this string, or whose id or masked key
    /// starts with it
    #[arg(long, value_name = "STRING")]
    pub(crate) query: Option<String>,
    /// Match keys with exactly this name, ignoring case
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Sort by created_at, name or expires_at [default: created_at]
    #[arg(long, value_name = "FIELD")]
    pub(crate) sort_by: Option<SortBy>,
    /// Sort in this direction: asc or desc [default: desc]
    #[arg(long, value_name = "DIRECTION")]
    pub(crate) sort_direction: Option<SortDirection>,
    /// Match active (expired ones included), deleted or all keys [default: active]
    #[arg(long)]
    pub(crate) status: Option<ApiKeysStatus>,
    /// The same as --status all, which replaces it
    #[arg(long, hide = true)]
    pub(crate) include_deleted: bool,
    /// Request this many keys per page, up to 100
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<i64>,
    /// Skip this many keys
    #[arg(long, value_name = "N")]
    pub(crate) offset: Option<i64>,
    /// Stop after this many keys
    #[arg(long, value_name = "N")]
    pub(crate) max: Option<usize>,
    /// Print these columns, in this order
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',',
        value_parser = PossibleValuesParser::new(columns::OF_KEYS))]
    pub(crate) columns: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct Get {
    /// The key's id
    pub(crate) id: String,
    /// Show the key even if it is deleted
    #[arg(long)]
    pub(crate) include_deleted: bool,
}

#[derive(clap::Args)]
pub(crate) struct Rename {
    /// The key's id
    pub(crate) id: String,
    /// The new name, 1 to 255 characters
    pub(crate) name: String,
}

#[derive(clap::Args)]
pub(crate) struct Delete {
    /// The key's id
    pub(crate) id: String,
    /// Skip the confirmation
    #[arg(long, short)]
    pub(crate) yes: bool,
}
