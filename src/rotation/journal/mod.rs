//! The journal: what resuming a rotation needs, as lines of JSON that a person can read.
//!
//! A line is where it survives a crash before what it announces is done. It never holds a plaintext.

mod error;
mod file;
pub(crate) mod history;
pub(crate) mod ledger;
pub(crate) mod pending;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
pub(crate) mod queue;
pub(crate) mod record;
mod records;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

pub(crate) use self::error::JournalError;
use self::file::FileRecords;
use self::pending::Pending;
use self::record::{Past, Record};
use self::records::{Claim, LARGEST, Lines, Records, whole_lines};
use super::effects::hold::Hold;
use super::report::RotationError;

/// The form of the lines. Those of the first are read too; a journal of a later one is refused.
const VERSION: u64 = 2;

/// Where a rotation writes down what it is about to do: a file, named by its path, or a journal that
/// is kept elsewhere.
#[derive(Clone, Debug)]
pub struct JournalAt(Arc<dyn Records>);

impl<T: Into<PathBuf>> From<T> for JournalAt {
    fn from(path: T) -> Self {
        Self(Arc::new(FileRecords::new(path.into())))
    }
}

impl fmt::Display for JournalAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name())
    }
}

impl JournalAt {
    /// What is left to do by it; `None` when nothing is. Needs no key.
    ///
    /// # Errors
    /// A journal that cannot be read, or is damaged.
    pub async fn pending(&self) -> Result<Option<Pending>, RotationError> {
        Ok(Pending::of(read(self).await?))
    }
}

/// Reads a journal without taking it. One that does not exist is empty.
pub(crate) async fn read(at: &JournalAt) -> Result<Past, JournalError> {
    parse(&at.0.name(), &at.0.read().await?, |_, _| {})
}

/// The same of a file, for those who do not wait.
pub(crate) fn read_file(path: &Path) -> Result<Past, JournalError> {
    parse(&file::name(path), &file::read(path)?, |_, _| {})
}

/// A journal that is held by this process, for as long as this lives.
pub(crate) struct Journal {
    name: String,
    claim: Box<dyn Claim>,
    pub(crate) past: Past,
}

impl Journal {
    /// Opens a journal, or makes one, and keeps all others out of it.
    pub(crate) async fn open(at: &JournalAt) -> Result<Self, JournalError> {
        let name = at.0.name();
        let Lines { bytes, claim } = at.0.claim().await?;
        let past = parse(&name, &bytes, |_, _| {})?;
        Ok(Self { name, claim, past })
    }

    /// Until when it is ours, where others can take it over.
    pub(crate) fn hold(&self) -> Option<Hold> {
        self.claim.hold()
    }

    /// Adds a line. When this returns it is where it survives a crash; when it fails it is not there,
    /// as far as we can still see to that, or the journal is not ours any more.
    pub(crate) async fn append(&mut self, record: &Record) -> Result<(), JournalError> {
        let mut past = self.past.clone();
        past.take(record).map_err(|why| JournalError::new(&self.name, why))?;
        let line = line(record).map_err(|error| {
            JournalError::io(&self.name, "cannot hold a line", io::Error::from(error))
        })?;
        let open = past.is_open() || !past.unsettled.is_empty() || !past.rejected.is_empty();
        self.claim.append(line, open).await?;
        self.past = past;
        Ok(())
    }
}

fn line(record: &Record) -> serde_json::Result<Vec<u8>> {
    let mut line = Map::new();
    line.insert("v".to_owned(), VERSION.into());
    line.insert("at".to_owned(), Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true).into());
    if let Value::Object(record) = serde_json::to_value(record)? {
        line.extend(record);
    }
    serde_json::to_vec(&line)
}

/// What the lines say. A last line without its end was never finished, and what
/// it announces was never done. `see` is shown every line with its time.
fn parse(
    name: &str,
    bytes: &[u8],
    mut see: impl FnMut(DateTime<Utc>, &Record),
) -> Result<Past, JournalError> {
    #[derive(Deserialize)]
    struct Head {
        v: u64,
        at: DateTime<Utc>,
    }
    if bytes.len() as u64 > LARGEST {
        return Err(JournalError::new(name, "is larger than 64 MiB: it is not one of ours"));
    }
    let end = whole_lines(bytes);
    let mut past = Past::default();
    for (number, line) in bytes[..end].split_inclusive(|byte| *byte == b'\n').enumerate() {
        let damage = |what: &str| {
            let advice = "it is damaged there, so nobody can tell what was under way: restore it from a backup, or move it away and resume by the store, which goes by the server's markers";
            JournalError::new(name, format!("has {what} in line {}: {advice}", number + 1))
        };
        // serde's own messages may quote what they found.
        let head: Head = serde_json::from_slice(line).map_err(|_| damage("no JSON of ours"))?;
        if !(1..=VERSION).contains(&head.v) {
            return Err(JournalError::new(
                name,
                format!(
                    "is of version {} in line {}, and this program knows those up to {VERSION}: use the one that wrote it",
                    head.v,
                    number + 1
                ),
            ));
        }
        let record: Record =
            serde_json::from_slice(line).map_err(|_| damage("an unknown record"))?;
        past.take(&record)
            .map_err(|why| damage(&format!("a record that cannot be there ({why})")))?;
        see(head.at, &record);
    }
    Ok(past)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use futures_util::FutureExt;

    use super::*;
    use crate::Secret;
    use crate::rotation::evidence::fingerprint::Fingerprint;
    use crate::rotation::evidence::marker::Marker;
    use crate::rotation::journal::record::Ending;
    use crate::rotation::plan::place::Place;
    use crate::rotation::plan::record::{Ask, Plan, Retirement};

    fn open(path: &Path) -> Result<Journal, JournalError> {
        Journal::open(&path.into()).now_or_never().unwrap()
    }

    fn plan() -> Record {
        let plan = Plan {
            rotation: "r1".into(),
            old_id: "c1".into(),
            name: "ci\n\"prod\"".into(),
            project_id: None,
            expires_at: None,
            end_before: None,
            ask: Ask::Never,
            longest_ms: None,
            retirement: Retirement::Delete,
            place: Place::default(),
            store: "file:/x".into(),
            store_is_new: false,
            old: Some(Fingerprint::new(&Secret::from("sk_live_0123456789"))),
            own: false,
            allowed: Vec::new(),
            policy: None,
            note: Value::Null,
        };
        Record::Plan { plan: Box::new(plan) }
    }

    fn journal() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.jsonl");
        (folder, path)
    }

    #[test]
    fn a_journal_is_read_as_it_was_written() {
        let (_folder, path) = journal();
        let marker = Marker::new("c1").unwrap();
        {
            let mut journal = open(&path).unwrap();
            journal.append(&plan()).now_or_never().unwrap().unwrap();
            journal
                .append(&Record::Creating { marker: marker.to_string() })
                .now_or_never()
                .unwrap()
                .unwrap();
        }
        let past = read_file(&path).unwrap();
        assert!(past.is_open());
        assert_eq!(past.plan.as_ref().unwrap().name, "ci\n\"prod\"");
        assert_eq!(past.unsettled, [marker]);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(!text.contains("sk_live"));
    }

    #[test]
    fn a_torn_last_line_was_never_there() {
        let (_folder, path) = journal();
        open(&path).unwrap().append(&plan()).now_or_never().unwrap().unwrap();
        let whole = fs::read(&path).unwrap();
        let marker = Record::Creating { marker: Marker::new("c1").unwrap().to_string() };
        open(&path).unwrap().append(&marker).now_or_never().unwrap().unwrap();
        let both = fs::read(&path).unwrap();
        for cut in whole.len()..both.len() {
            fs::write(&path, &both[..cut]).unwrap();
            let mut journal = open(&path).unwrap();
            assert!(journal.past.is_open() && journal.past.unsettled.is_empty());
            // What is written next does not stick to the torn line.
            journal
                .append(&Record::Ended { outcome: Ending::AsBefore })
                .now_or_never()
                .unwrap()
                .unwrap();
            drop(journal);
            assert_eq!(read_file(&path).unwrap().ended, Some(Ending::AsBefore));
        }
    }

    #[test]
    fn any_other_damage_is_a_clear_error() {
        let (_folder, path) = journal();
        open(&path).unwrap().append(&plan()).now_or_never().unwrap().unwrap();
        let good = fs::read_to_string(&path).unwrap();
        let end = r#"{"v":1,"at":"2026-01-01T00:00:00Z","what":"retiring"}"#;
        for (bad, says) in [
            (good[1..].to_owned(), "line 1"),
            (format!("{good}\n{good}"), "line 2"),
            (format!("{good}{{\"v\":1}}\n"), "line 2"),
            (format!("{end}\n"), "belongs to no rotation"),
            (format!("{good}{good}"), "has not ended"),
            (good.replacen("\"v\":2", "\"v\":3", 1), "version 3"),
            (good.replacen("\"plan\"", "\"plot\"", 1), "unknown record"),
            (format!("{good}\u{0}\n"), "line 2"),
        ] {
            fs::write(&path, &bad).unwrap();
            let error = read_file(&path).err().map(|e| e.to_string()).unwrap_or_default();
            assert!(error.contains(says), "{says}: {error} in {bad}");
        }
    }

    #[test]
    fn a_journal_without_a_line_is_not_left_behind() {
        let (folder, path) = journal();
        drop(open(&path).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        // What is not empty is not ours to remove, even if it holds no whole line.
        fs::write(&path, "torn").unwrap();
        drop(open(&path).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"torn");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_of_ours_is_never_removed() {
        let (folder, path) = journal();
        let target = folder.path().join("target");
        fs::write(&target, "").unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        drop(open(&path).unwrap());
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink() && target.exists());
    }

    #[test]
    fn a_journal_has_one_user() {
        let (_folder, path) = journal();
        let first = open(&path).unwrap();
        assert!(open(&path).err().unwrap().to_string().contains("in use"));
        drop(first);
        assert!(open(&path).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_it() {
        use std::os::unix::fs::MetadataExt;
        let (_folder, path) = journal();
        let _journal = open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }
}
