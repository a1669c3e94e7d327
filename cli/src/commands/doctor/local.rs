//! What can be looked at without the server.

use std::fs;
use std::path::{Path, PathBuf};

use super::finding::Finding;
use crate::args::Global;
use crate::client::is_set;
use crate::failure::Failure;
use crate::rotation::journals::Kept;
use crate::rotation::resolutions::{ResumeCommand, quoted};
use crate::settings::{self, KeySource, Settings};
use crate::stores::missing::Missing;
use crate::stores::name::StoreName;

/// The configuration file, which was read.
pub(super) fn configuration(settings: &Settings) -> Finding {
    let path = settings::path().map_or(String::new(), |path| format!(" of {}", path.display()));
    match settings.name() {
        Some(name) => Finding::good("configuration", format!("profile {name}{path}")),
        None => Finding::good("configuration", "no profile; options and environment count"),
    }
}

/// Who may read the file that holds the key.
pub(super) fn key_file(global: &Global) -> Option<Finding> {
    let profile = global.settings.profile().key();
    let path: PathBuf = match (&global.key_file, profile) {
        (Some(path), _) => path.clone(),
        (None, Some(KeySource::File(path))) if !is_set("KERNEL_API_KEY") => path,
        _ => {
            let chosen = global.settings.is_chosen() && is_set("KERNEL_API_KEY");
            return (chosen && global.settings.profile().key().is_some()).then(|| {
                let name = global.settings.name().unwrap_or_default();
                let what = format!("KERNEL_API_KEY is used, not the key of profile {name}");
                Finding::warning("key file", what, "unset KERNEL_API_KEY")
            });
        }
    };
    let shown = path.display();
    let metadata = match fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) => {
            let mend =
                format!("kernel-keys create NAME --store {}", quoted(&format!("file:{shown}")));
            return Some(Finding::wrong("key file", format!("cannot read {shown}: {error}"), mend));
        }
    };
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            let what = format!("other users may reach {shown} (mode {mode:o})");
            return Some(Finding::warning(
                "key file",
                what,
                format!("chmod 600 {}", quoted(&shown.to_string())),
            ));
        }
    }
    let _ = metadata;
    Some(Finding::good("key file", format!("{shown}, for its owner only")))
}

/// The journals, and the stores of the rotations that are not finished.
pub(super) async fn journals(
    chosen: Option<&Path>,
    global: &Global,
) -> (Vec<Finding>, Vec<StoreName>) {
    let resume = ResumeCommand::new(global, chosen);
    let found = async {
        let kept = Kept::looked_at(chosen)?;
        kept.check().await?;
        Ok::<_, Failure>((kept.histories().await?.len(), kept.unfinished().await?, kept))
    };
    let (count, unfinished, kept) = match found.await {
        Ok(found) => found,
        Err(failure) => return (vec![Finding::failed("journals", &failure)], Vec::new()),
    };
    let mut findings = vec![match &kept {
        Kept::Folder(folder) => writable(folder, count),
        #[cfg(feature = "postgres")]
        Kept::Postgres(_) => Finding::good("journals", format!("{count} in {kept}")),
    }];
    findings.extend(
        kept.files_left().map(|left| Finding::warning("journals", left, "kernel-keys resume")),
    );
    let mut stores = Vec::new();
    for (journal, pending) in unfinished {
        match pending {
            Ok(pending) if pending.under_way => {
                let what = format!("the rotation of {} is not finished", pending.store);
                let store: Option<StoreName> = pending.store.parse().ok();
                match kept.left_alone(&pending) {
                    Some(left) => findings.push(Finding::good("journals", left)),
                    None => {
                        findings.push(Finding::wrong("journals", what, resume.all()));
                        stores.extend(store);
                    }
                }
            }
            Ok(pending) => {
                let what = format!("a key may be left of a rotation of {}", pending.store);
                findings.push(Finding::warning("journals", what, resume.sweep()));
            }
            Err(failure) => {
                let mend = format!(
                    "restore {journal} from a backup; or remove it, then run: kernel-keys resume --store STORE"
                );
                findings.push(Finding::wrong("journals", failure.message(), mend));
            }
        }
    }
    (findings, stores)
}

/// Whether a journal could be written.
fn writable(folder: &Path, count: usize) -> Finding {
    let shown = folder.display();
    let choose = "choose another folder with --journal DIR, or set XDG_STATE_HOME";
    // The folder, or the nearest one above it that is there.
    let Some(existing) = folder.ancestors().find(|folder| folder.exists()) else {
        return Finding::wrong("journals", format!("{shown} cannot be created"), choose);
    };
    // A file without a name, where the system has such: nobody sees it.
    match tempfile::tempfile_in(existing) {
        Ok(_) => Finding::good("journals", format!("{count} in {shown}")),
        Err(error) => {
            Finding::wrong("journals", format!("{shown} cannot be written: {error}"), choose)
        }
    }
}

/// Stores: that they can be opened and read. What they hold is not looked at.
pub(super) async fn stores(names: impl Iterator<Item = StoreName>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = Vec::new();
    for name in names {
        let shown = name.to_string();
        if seen.contains(&shown) {
            continue;
        }
        let read = match name.look() {
            Ok(store) if store.readable() => match store.read().await {
                Ok(held) => Ok(if held.is_some() { "holds a key" } else { "holds nothing" }),
                Err(error) => Err(error.to_string()),
            },
            Ok(_) => Ok("is one-way, so it cannot be looked at"),
            Err(why) => Err(why),
        };
        findings.push(match read {
            Ok(what) => Finding::good("store", format!("{shown} {what}")),
            Err(why) => {
                let test = format!("kernel-keys store test {}", quoted(&shown));
                let mend = Missing::in_words(&why)
                    .map_or(test.clone(), |it| format!("it seems to lack {}; {test}", it.advice()));
                Finding::wrong("store", why, mend)
            }
        });
        seen.push(shown);
    }
    findings
}
