//! The journal: what resuming a rotation needs, as lines of JSON that a person can read.
//!
//! A line is on the disk before what it announces is done. It never holds a plaintext.

pub(crate) mod history;
pub(crate) mod record;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use self::record::{Past, Record};
use super::report::{Decision, RotationError};
use super::system::forced::off_thread;
use super::system::lock::Lock;

/// The form of the lines. Those of the first are read too; a journal of a later one is refused.
const VERSION: u64 = 2;
/// More than the lines of thousands of rotations.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Why a journal cannot be used.
#[derive(Debug)]
pub(crate) struct JournalError {
    problem: String,
    in_use: bool,
    source: Option<io::Error>,
}

impl JournalError {
    fn new(path: &Path, problem: impl std::fmt::Display) -> Self {
        let problem = format!("the journal {} {problem}", path.display());
        Self { problem, in_use: false, source: None }
    }

    fn io(path: &Path, problem: &str, error: io::Error) -> Self {
        let problem = format!("the journal {} {problem}: {error}", path.display());
        Self { problem, in_use: false, source: Some(error) }
    }

    fn in_use(path: &Path) -> Self {
        let problem = "is in use by a rotation that is under way";
        Self { in_use: true, ..Self::new(path, problem) }
    }
}

impl std::fmt::Display for JournalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for JournalError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

impl From<JournalError> for RotationError {
    fn from(error: JournalError) -> Self {
        match error.in_use {
            true => Self::undecided(Decision::UnderWay, error.to_string()),
            false => Self::caused_by(error.to_string(), Box::new(error)),
        }
    }
}

/// Reads a journal without taking it. One that does not exist is empty.
pub(crate) fn read(path: &Path) -> Result<Past, JournalError> {
    match File::open(path) {
        Ok(mut file) => parse(path, &mut file, |_, _| {}).map(|(past, _)| past),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Past::default()),
        Err(error) => Err(JournalError::io(path, "cannot be read", error)),
    }
}

/// A journal that is held by this process, for as long as this lives.
pub(crate) struct Journal {
    path: PathBuf,
    file: Arc<File>,
    /// Where the next line begins: what is behind it is not ours, or was not finished.
    end: u64,
    pub(crate) past: Past,
    _lock: Lock,
}

impl Journal {
    /// Opens a journal, or makes one, and keeps all others out of it.
    pub(crate) fn open(path: &Path) -> Result<Self, JournalError> {
        let path = std::path::absolute(path)
            .map_err(|error| JournalError::io(path, "has no place", error))?;
        let cannot = |error| JournalError::io(&path, "cannot be opened", error);
        let mut lock_path = path.clone().into_os_string();
        lock_path.push(".lock");
        let lock = Lock::try_take(Path::new(&lock_path))
            .map_err(|error| JournalError::io(&path, "cannot be locked", error))?
            .ok_or_else(|| JournalError::in_use(&path))?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(cannot)?;
        let (past, end) = parse(&path, &mut file, |_, _| {})?;
        sync_folder(&path).map_err(cannot)?;
        Ok(Self { path, file: Arc::new(file), end, past, _lock: lock })
    }

    /// Adds a line. When this returns it is on the disk; when it fails it is not there, as far as
    /// the disk still lets us see to that.
    pub(crate) async fn append(&mut self, record: &Record) -> Result<(), JournalError> {
        let mut past = self.past.clone();
        past.take(record).map_err(|why| JournalError::new(&self.path, why))?;
        let mut line = line(record).map_err(|error| {
            JournalError::io(&self.path, "cannot hold a line", io::Error::from(error))
        })?;
        line.push(b'\n');
        let (file, end) = (Arc::clone(&self.file), self.end);
        self.end = off_thread(move || write(&file, end, &line))
            .await
            .map_err(|error| JournalError::io(&self.path, "cannot be written", error))?;
        self.past = past;
        Ok(())
    }
}

/// Writes a line there, durably: where the next one begins.
fn write(mut file: &File, at: u64, line: &[u8]) -> io::Result<u64> {
    let end = at + line.len() as u64;
    let written = file
        .seek(SeekFrom::Start(at))
        .and_then(|_| file.write_all(line))
        .and_then(|()| file.set_len(end))
        .and_then(|()| file.sync_all());
    if written.is_err() {
        // A line of which it is not known whether it will be there is taken back.
        let _ = file.set_len(at).and_then(|()| file.sync_all());
    }
    written.map(|()| end)
}

impl Drop for Journal {
    /// A rotation that was refused before its first line leaves nothing behind.
    fn drop(&mut self) {
        // Still locked, so nobody else is about to write into it. A link or a device is not ours.
        if fs::symlink_metadata(&self.path).is_ok_and(|it| it.is_file() && it.len() == 0) {
            let _ = fs::remove_file(&self.path);
        }
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

/// What the lines say, and where they end. A last line without its end was never finished, and what
/// it announces was never done. `see` is shown every line with its time.
fn parse(
    path: &Path,
    file: &mut File,
    mut see: impl FnMut(DateTime<Utc>, &Record),
) -> Result<(Past, u64), JournalError> {
    #[derive(Deserialize)]
    struct Head {
        v: u64,
        at: DateTime<Utc>,
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| JournalError::io(path, "cannot be read", error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(JournalError::new(path, "is larger than 64 MiB: it is not one of ours"));
    }
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let mut past = Past::default();
    for (number, line) in bytes[..end].split_inclusive(|byte| *byte == b'\n').enumerate() {
        let damage = |what: &str| {
            let advice = "it is damaged there, so nobody can tell what was under way: restore it from a backup, or move it away and resume by the store, which goes by the server's markers";
            JournalError::new(path, format!("has {what} in line {}: {advice}", number + 1))
        };
        // serde's own messages may quote what they found.
        let head: Head = serde_json::from_slice(line).map_err(|_| damage("no JSON of ours"))?;
        if !(1..=VERSION).contains(&head.v) {
            return Err(JournalError::new(
                path,
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
    Ok((past, end as u64))
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes the folder that journals are kept in, for its owner only.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::Secret;
    use crate::rotation::evidence::fingerprint::Fingerprint;
    use crate::rotation::evidence::marker::Marker;
    use crate::rotation::journal::record::Ending;
    use crate::rotation::plan::place::Place;
    use crate::rotation::plan::record::{Ask, Plan, Retirement};

    fn plan() -> Record {
        let plan = Plan {
            rotation: "r1".into(),
            old_id: "c1".into(),
            name: "ci\n\"prod\"".into(),
            project_id: None,
            expires_at: None,
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
            let mut journal = Journal::open(&path).unwrap();
            journal.append(&plan()).now_or_never().unwrap().unwrap();
            journal
                .append(&Record::Creating { marker: marker.to_string() })
                .now_or_never()
                .unwrap()
                .unwrap();
        }
        let past = read(&path).unwrap();
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
        Journal::open(&path).unwrap().append(&plan()).now_or_never().unwrap().unwrap();
        let whole = fs::read(&path).unwrap();
        let marker = Record::Creating { marker: Marker::new("c1").unwrap().to_string() };
        Journal::open(&path).unwrap().append(&marker).now_or_never().unwrap().unwrap();
        let both = fs::read(&path).unwrap();
        for cut in whole.len()..both.len() {
            fs::write(&path, &both[..cut]).unwrap();
            let mut journal = Journal::open(&path).unwrap();
            assert!(journal.past.is_open() && journal.past.unsettled.is_empty());
            // What is written next does not stick to the torn line.
            journal
                .append(&Record::Ended { outcome: Ending::AsBefore })
                .now_or_never()
                .unwrap()
                .unwrap();
            drop(journal);
            assert_eq!(read(&path).unwrap().ended, Some(Ending::AsBefore));
        }
    }

    #[test]
    fn any_other_damage_is_a_clear_error() {
        let (_folder, path) = journal();
        Journal::open(&path).unwrap().append(&plan()).now_or_never().unwrap().unwrap();
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
            let error = read(&path).err().map(|e| e.to_string()).unwrap_or_default();
            assert!(error.contains(says), "{says}: {error} in {bad}");
        }
    }

    #[test]
    fn a_journal_without_a_line_is_not_left_behind() {
        let (folder, path) = journal();
        drop(Journal::open(&path).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        // What is not empty is not ours to remove, even if it holds no whole line.
        fs::write(&path, "torn").unwrap();
        drop(Journal::open(&path).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"torn");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_of_ours_is_never_removed() {
        let (folder, path) = journal();
        let target = folder.path().join("target");
        fs::write(&target, "").unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        drop(Journal::open(&path).unwrap());
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink() && target.exists());
    }

    #[test]
    fn a_journal_has_one_user() {
        let (_folder, path) = journal();
        let first = Journal::open(&path).unwrap();
        assert!(Journal::open(&path).err().unwrap().to_string().contains("in use"));
        drop(first);
        assert!(Journal::open(&path).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_it() {
        use std::os::unix::fs::MetadataExt;
        let (_folder, path) = journal();
        let _journal = Journal::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }
}
