//! What must be so of the server, the store and the journal together, whatever has happened.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use onkernel::rotation::{Retirement, pending};
use onkernel::testing::{LogEntry, Server};
use serde_json::Value;

use super::person::{BETTER, Hand};
use crate::support::MemoryStore;

/// What the journal says.
#[derive(Debug, Default)]
pub struct Written {
    pub markers: Vec<String>,
    pub made: Vec<String>,
    pub storing: bool,
    pub retiring: bool,
    pub ended: Option<String>,
}

impl Written {
    pub fn read(journal: &str) -> Result<Self, String> {
        let mut written = Self::default();
        for line in journal.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let line: Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
            let text = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
            match line["what"].as_str().unwrap_or_default() {
                "creating" => written.markers.push(text("marker")),
                "created" => written.made.push(text("id")),
                "storing" if text("key") == "new" => written.storing = true,
                "retiring" => written.retiring = true,
                "not_retiring" => written.retiring = false,
                "ended" => written.ended = Some(text("outcome")),
                _ => {}
            }
        }
        Ok(written)
    }
}

/// What must be so of the server, the store and the journal together.
pub struct Model {
    pub server: Server,
    pub store: MemoryStore,
    pub journal: std::path::PathBuf,
    pub old_id: String,
    pub bystanders: Vec<String>,
    pub retirement: Retirement,
    /// Somebody else has laid hand on the old key.
    pub touched: AtomicBool,
    /// What a concurrent rotation made is found by that one.
    pub concurrent: std::path::PathBuf,
    pub hand: Option<Hand>,
    /// How many requests there had been when the hand was laid on it, and when the retirement began.
    /// Keys that somebody has put into the store.
    pub thirds: Mutex<Vec<String>>,
    /// The journal is an older copy, so that it does not know all.
    pub put_back: AtomicBool,
    pub laid_at: AtomicUsize,
    pub retiring_at: AtomicUsize,
}

impl Model {
    /// Whether the old key was looked at after somebody had changed it, and before the retirement.
    pub fn noticed(&self) -> bool {
        let grace = matches!(self.retirement, Retirement::Grace { .. });
        let matters = match self.hand {
            Some(Hand::Delete | Hand::Narrow) => true,
            // The server's own rotation moves the end itself.
            Some(Hand::Shorten | Hand::Expire) => !grace,
            _ => false,
        };
        let log = self.server.log();
        let from = self.laid_at.load(Ordering::SeqCst).min(log.len());
        let to = self.retiring_at.load(Ordering::SeqCst).clamp(from, log.len());
        let path = format!("/org/api_keys/{}", self.old_id);
        let looks =
            |entry: &LogEntry| entry.method == "GET" && entry.path == path && entry.fault.is_none();
        matters && log[from..to].iter().any(looks)
    }

    pub fn check(&self) -> Result<(), String> {
        let journal = std::fs::read_to_string(&self.journal).unwrap_or_default();
        let written = Written::read(&journal)?;
        pending(&self.journal).map_err(|error| error.to_string())?;
        let thirds = self.thirds.lock().unwrap().clone();
        for id in self.bystanders.iter().chain(&thirds) {
            if self.server.key(id).is_none_or(|key| key.deleted_at.is_some()) {
                return Err(format!("{id}, which is somebody else's, was deleted"));
            }
        }
        if self.put_back.load(Ordering::SeqCst) {
            return Ok(());
        }
        let held = self.store.held();
        let touched = self.touched.load(Ordering::SeqCst);
        let concurrent =
            Written::read(&std::fs::read_to_string(&self.concurrent).unwrap_or_default())?;
        for key in self.server.keys() {
            let holds = held.as_deref() == Some(key.plaintext());
            if key.id == self.old_id {
                let in_time = written.retiring && !holds;
                if key.deleted_at.is_some() && !touched && !in_time {
                    return Err("the old key was deleted too early".to_owned());
                }
                continue;
            }
            if self.bystanders.contains(&key.id)
                || thirds.contains(&key.id)
                || key.name == BETTER
                || key.name == "by hand"
                || concurrent.made.contains(&key.id)
                || concurrent.markers.contains(&key.name)
                || key.plaintext() == self.server.bootstrap_key()
            {
                continue;
            }
            // A server's rotation copies whatever name somebody else has given the old key.
            let copied = self.hand == Some(Hand::Rename)
                && matches!(self.retirement, Retirement::Grace { .. });
            if !copied && !written.made.contains(&key.id) && !written.markers.contains(&key.name) {
                return Err(format!("{} ({:?}) would not be found again", key.id, key.name));
            }
            if holds && !(written.made.contains(&key.id) && written.storing) {
                return Err("the store holds a key of which the journal knows nothing".to_owned());
            }
        }
        if written.retiring {
            self.retiring_at.fetch_min(self.server.log().len(), Ordering::SeqCst);
        }
        match written.ended.as_deref() {
            Some("rotated") if !written.retiring => Err("it ended without a retirement".to_owned()),
            _ => Ok(()),
        }
    }
}
