//! The outlines of the surface beside the snapshots that a person has accepted.
//!
//! Written and read in the format of `insta`, so that `cargo insta review` shows what is pending;
//! `tests/surface.rs` makes the same comparison with insta itself.

use crate::files::{self, Edit, SNAPSHOTS};
use onkernel_codegen::Client;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const HEADER: &str = "---\nsource: tests/surface.rs\n---\n";
const PREFIX: &str = "surface__";

/// How the snapshots of a client stand.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Not as the client is now, or not there.
    pub stale: Vec<String>,
    /// Of resources that are no more.
    pub orphans: Vec<String>,
    /// Written by a test or by `regen`, neither accepted nor rejected.
    pub pending: Vec<String>,
}

/// The files that the outlines belong in, and the outlines.
fn wanted(client: &Client) -> BTreeMap<String, String> {
    let name = |resource: &str| {
        let name = resource.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        format!("{SNAPSHOTS}/{PREFIX}{name}.snap")
    };
    client.outline().into_iter().map(|(resource, text)| (name(&resource), text)).collect()
}

/// Compares the snapshots with a client. Nothing is written.
#[must_use]
pub fn standing(root: &Path, client: &Client) -> Standing {
    let wanted = wanted(client);
    let mut standing = Standing::default();
    for (path, outline) in &wanted {
        if accepted(root, path).as_deref() != Some(outline.trim_end()) {
            standing.stale.push(path.clone());
        }
    }
    for path in files_in(root, SNAPSHOTS) {
        let name = path.rsplit('/').next().unwrap_or_default();
        if name.starts_with(PREFIX) && name.ends_with(".snap") && !wanted.contains_key(&path) {
            standing.orphans.push(path);
        }
    }
    standing.pending = pending(root);
    standing
}

/// Puts what differs beside the accepted snapshots, for review, and takes away what differs no more.
#[must_use]
pub fn edits(root: &Path, client: &Client) -> Vec<Edit> {
    wanted(client)
        .into_iter()
        .map(|(path, outline)| {
            let fresh = accepted(root, &path).as_deref() == Some(outline.trim_end());
            let content = (!fresh).then(|| format!("{HEADER}{}\n", outline.trim_end()));
            Edit { path: format!("{path}.new"), content }
        })
        .collect()
}

/// The surface in one short text, to see whether it changed.
#[must_use]
pub fn fingerprint(client: &Client) -> String {
    let whole: String =
        client.outline().iter().map(|(resource, text)| format!("{resource}\n{text}\n")).collect();
    crate::provenance::sha256(&whole).chars().take(16).collect()
}

/// What an accepted snapshot holds, without insta's header.
fn accepted(root: &Path, path: &str) -> Option<String> {
    let text = files::read_in(root, path).ok()?;
    let (_, content) = text.strip_prefix("---\n")?.split_once("\n---\n")?;
    Some(content.trim_end().to_owned())
}

/// Whether a pending snapshot holds what was accepted meanwhile: insta accepts without removing it.
fn is_settled(root: &Path, path: &str) -> bool {
    let before = path.strip_suffix(".new").and_then(|path| accepted(root, path));
    before.is_some() && before == accepted(root, path)
}

/// Pending snapshots of any package.
fn pending(root: &Path) -> Vec<String> {
    let mut pending = Vec::new();
    let mut waiting: Vec<String> =
        ["tests", "src", "codegen", "cli", "xtask"].map(str::to_owned).to_vec();
    while let Some(folder) = waiting.pop() {
        for path in files_in(root, &folder) {
            if root.join(&path).is_dir() {
                waiting.push(path);
            } else if path.ends_with(".pending-snap")
                || path.ends_with(".snap.new") && !is_settled(root, &path)
            {
                pending.push(path);
            }
        }
    }
    pending.sort();
    pending
}

/// What a folder holds, by paths from the root, sorted.
fn files_in(root: &Path, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
    let mut paths: Vec<String> = entries
        .map(|entry| format!("{folder}/{}", entry.file_name().to_string_lossy()))
        .filter(|path| !path.ends_with("/target"))
        .collect();
    paths.sort();
    paths
}
