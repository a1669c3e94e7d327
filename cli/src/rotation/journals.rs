//! Where journals are: one per store, in the user's state folder, or in PostgreSQL.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[cfg(feature = "postgres")]
use onkernel::rotation::PostgresJournals;
use onkernel::rotation::{History, JournalAt, Journals, Pending, history, journal_name, pending};

#[cfg(feature = "postgres")]
use crate::args::KEEP;
use crate::args::RotationOptions;
use crate::failure::Failure;
use crate::output::text::plural;
use crate::stores::name::StoreName;
use crate::stores::state;

/// The value of `--journal` that names no folder; a folder of this name is `./postgres`.
const POSTGRES: &str = "postgres";

/// What the journals are kept in.
pub(crate) enum Kept {
    Folder(PathBuf),
    #[cfg(feature = "postgres")]
    Postgres(PostgresJournals),
}

/// What one journal holds.
pub(crate) type Unfinished = Result<Pending, Failure>;

impl Kept {
    /// What the options choose. A database is looked at, and its schema made, unless nothing is to be
    /// written.
    pub(crate) async fn chosen(options: &RotationOptions) -> Result<Self, Failure> {
        let RotationOptions { journal, lease, dry_run, .. } = options;
        match *dry_run && is_postgres(journal.as_deref()) {
            true => Self::looked_at(journal.as_deref()),
            false => Self::opened(journal.as_deref(), *lease).await,
        }
    }

    /// The same for those that always write.
    pub(crate) async fn opened(
        journal: Option<&Path>,
        lease: Option<Duration>,
    ) -> Result<Self, Failure> {
        if !is_postgres(journal) {
            return match lease {
                None => folder(journal).map(Self::Folder),
                Some(_) => Err(Failure::usage("--lease is for journals in PostgreSQL")
                    .advise("Choose them with --journal postgres, or leave --lease out.")),
            };
        }
        #[cfg(feature = "postgres")]
        {
            let journals = postgres(lease)?;
            journals.migrate().await.map_err(|error| unreachable(&error))?;
            Ok(Self::Postgres(journals))
        }
        #[cfg(not(feature = "postgres"))]
        Err(built_without())
    }

    /// The same, and nothing is made.
    pub(crate) fn looked_at(journal: Option<&Path>) -> Result<Self, Failure> {
        if !is_postgres(journal) {
            return folder(journal).map(Self::Folder);
        }
        #[cfg(feature = "postgres")]
        return postgres(None).map(Self::Postgres);
        #[cfg(not(feature = "postgres"))]
        Err(built_without())
    }

    /// Checks that the time for which what has ended is kept means something.
    pub(crate) fn keeps(&self, keep: Option<i64>) -> Result<(), Failure> {
        match self {
            Self::Folder(_) if keep.is_some() => {
                Err(Failure::usage("--keep is for journals in PostgreSQL")
                    .advise("Choose them with --journal postgres, or leave --keep out."))
            }
            _ => Ok(()),
        }
    }

    /// Removes what has ended, as far as a database keeps it.
    pub(crate) async fn prune(&self, keep: Option<i64>) -> Result<(), Failure> {
        let _ = keep;
        match self {
            Self::Folder(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Self::Postgres(journals) => {
                let keep = of_days(keep.unwrap_or(KEEP));
                journals.prune(keep).await.map(drop).map_err(|error| unreachable(&error))
            }
        }
    }

    /// The journal of a store, which was opened; a folder for it is made.
    pub(crate) fn of(
        &self,
        store: &StoreName,
        opened: &dyn onkernel::rotation::Store,
    ) -> Result<JournalAt, Failure> {
        let _ = opened;
        match self {
            Self::Folder(folder) => {
                state::create(folder).map_err(|error| cannot_create(folder, &error))?;
                Ok(folder.join(journal_name(&store.to_string())).into())
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(journals) => Ok(journals.of(opened)),
        }
    }

    /// The same, wherever it is: nothing is created.
    pub(crate) fn look(
        &self,
        store: &StoreName,
        opened: &dyn onkernel::rotation::Store,
    ) -> JournalAt {
        let _ = opened;
        match self {
            Self::Folder(folder) => folder.join(journal_name(&store.to_string())).into(),
            #[cfg(feature = "postgres")]
            Self::Postgres(journals) => journals.of(opened),
        }
    }

    /// The journal of a store that a person names; `None` where the store cannot be opened and the
    /// journal depends on what it is.
    pub(crate) fn of_named(&self, store: &StoreName) -> Result<Option<JournalAt>, Failure> {
        match self {
            Self::Folder(folder) => {
                state::create(folder).map_err(|error| cannot_create(folder, &error))?;
                Ok(Some(folder.join(journal_name(&store.to_string())).into()))
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(journals) => Ok(store.look().ok().map(|it| journals.of(&*it))),
        }
    }

    /// For a fleet.
    pub(crate) fn journals(&self) -> Journals {
        match self {
            Self::Folder(folder) => folder.into(),
            #[cfg(feature = "postgres")]
            Self::Postgres(journals) => journals.clone().into(),
        }
    }

    /// Why a rotation is left to another host, if it is: a database has those of all hosts.
    pub(crate) fn left_alone(&self, pending: &Pending) -> Option<String> {
        let host = pending.host.as_deref().filter(|_| !pending.here)?;
        match self {
            Self::Folder(_) => None,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => {
                Some(format!("{}: left to {host}, where its store is", pending.store))
            }
        }
    }

    /// What stands in the way of journals in a database.
    pub(crate) async fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Folder(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Self::Postgres(journals) => {
                let advice = "Set DATABASE_URL, or PGHOST and its like; the schema is made, or brought up to date, by kernel-keys ledger migrate, and what a role needs is in docs/postgres.md.";
                let checked = journals.check().await;
                checked.map_err(|error| Failure::new(error.to_string()).advise(advice))
            }
        }
    }

    /// What the journals have seen, each with its name.
    pub(crate) async fn histories(&self) -> Result<Vec<(String, Option<History>)>, Failure> {
        match self {
            Self::Folder(folder) => Ok(all(folder)?
                .into_iter()
                .map(|path| {
                    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                    (name, history(&path).ok())
                })
                .collect()),
            #[cfg(feature = "postgres")]
            Self::Postgres(journals) => {
                let found = journals.histories().await.map_err(|error| unreachable(&error))?;
                Ok(found.into_iter().map(|(at, history)| (at.to_string(), history.ok())).collect())
            }
        }
    }

    /// That rotations of this host are not finished whose journals are files, where those that count
    /// now are not.
    pub(crate) fn files_left(&self) -> Option<String> {
        if matches!(self, Self::Folder(_)) {
            return None;
        }
        let folder = state::folder()?;
        let left = unfinished(&folder).ok().filter(|left| !left.is_empty())?;
        Some(format!(
            "{} in {} on this host: run kernel-keys resume without --journal.",
            plural(left.len() as u64, "unfinished journal"),
            folder.display()
        ))
    }

    /// The journals that are not finished, and those that cannot be read.
    pub(crate) async fn unfinished(&self) -> Result<Vec<(JournalAt, Unfinished)>, Failure> {
        match self {
            Self::Folder(folder) => {
                let found = unfinished(folder)?;
                Ok(found.into_iter().map(|(path, pending)| (path.into(), pending)).collect())
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(journals) => {
                let found = journals.unfinished().await.map_err(|error| unreachable(&error))?;
                let attention = |error: onkernel::rotation::RotationError| {
                    Failure::attention(error.to_string())
                };
                Ok(found.into_iter().map(|(at, it)| (at, it.map_err(attention))).collect())
            }
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => f.write_str("PostgreSQL"),
        }
    }
}

/// Whether the option names the database.
pub(crate) fn is_postgres(chosen: Option<&Path>) -> bool {
    chosen.is_some_and(|chosen| chosen.as_os_str() == POSTGRES)
}

/// The database of the environment.
#[cfg(feature = "postgres")]
pub(crate) fn postgres(lease: Option<Duration>) -> Result<PostgresJournals, Failure> {
    let journals = PostgresJournals::from_env().map_err(|error| {
        Failure::usage(error.to_string()).advise("Set DATABASE_URL, or PGHOST and its like.")
    })?;
    Ok(match lease {
        Some(lease) => journals.lease(lease),
        None => journals,
    })
}

#[cfg(feature = "postgres")]
pub(crate) fn unreachable(error: &onkernel::rotation::RotationError) -> Failure {
    Failure::new(error.to_string())
        .advise("What is missing, says: kernel-keys doctor --journal postgres")
}

/// A time of days.
#[cfg(feature = "postgres")]
pub(crate) fn of_days(days: i64) -> Duration {
    Duration::from_secs(u64::try_from(days).unwrap_or_default() * 86_400)
}

#[cfg(not(feature = "postgres"))]
fn built_without() -> Failure {
    Failure::usage("this program was built without PostgreSQL")
}

/// The folder of the journals: the chosen one, or the user's own.
fn folder(chosen: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(chosen) = chosen {
        return Ok(chosen.to_owned());
    }
    state::folder().ok_or_else(|| {
        Failure::usage("no folder for journals is known: HOME is not set")
            .advise("Choose one with --journal DIR.")
    })
}

fn cannot_create(folder: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot create {} for journals: {error}", folder.display()))
        .advise("Choose another folder with --journal DIR.")
}

/// All journals in a folder.
fn all(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        // Nothing has been rotated yet.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(Failure::new(format!("cannot read {}: {error}", folder.display())));
        }
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|it| it == "jsonl")).collect();
    paths.sort();
    Ok(paths)
}

/// The journals in a folder that are not finished, and those that cannot be read.
fn unfinished(folder: &Path) -> Result<Vec<(PathBuf, Unfinished)>, Failure> {
    let mut found = Vec::new();
    for path in all(folder)? {
        let pending = pending(&path).map_err(|error| Failure::attention(error.to_string()));
        found.extend(pending.transpose().map(|unfinished| (path, unfinished)));
    }
    Ok(found)
}
