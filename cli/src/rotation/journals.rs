//! Where journals are: one per store, in the user's state folder, or in PostgreSQL.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[cfg(feature = "postgres")]
use onkernel::rotation::PostgresJournals;
use onkernel::rotation::{JournalAt, Journals, Pending, journal_name, pending};

use crate::failure::Failure;
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
    /// What the options choose. A database is looked at, and its schema made.
    pub(crate) async fn chosen(
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
        Err(Failure::usage("this program was built without PostgreSQL"))
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
    Failure::new(error.to_string()).advise(
        "Set DATABASE_URL, or PGHOST and its like; where the role may not make the schema, run once with one that may: kernel-keys ledger migrate",
    )
}

/// The folder of the journals: the chosen one, or the user's own.
pub(crate) fn folder(chosen: Option<&Path>) -> Result<PathBuf, Failure> {
    if is_postgres(chosen) {
        return Err(Failure::usage("this command reads the journals of a folder only")
            .advise("A folder of this name is --journal ./postgres."));
    }
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
pub(crate) fn all(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
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
pub(crate) fn unfinished(folder: &Path) -> Result<Vec<(PathBuf, Unfinished)>, Failure> {
    let mut found = Vec::new();
    for path in all(folder)? {
        let pending = pending(&path).map_err(|error| Failure::attention(error.to_string()));
        found.extend(pending.transpose().map(|unfinished| (path, unfinished)));
    }
    Ok(found)
}
