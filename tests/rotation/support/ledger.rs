//! Where the journal of a world is: in a file, or in a database, of which the file is then a copy that
//! everybody can read.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};

use onkernel::rotation::{JournalAt, PostgresJournals};
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// The address of the database, for those tests that ask for it: see `tests/real/postgres/run`.
const DATABASE: &str = "ROTATION_JOURNALS";

/// A journal in the database, where that is asked for.
#[derive(Clone)]
pub struct Ledger(Option<Arc<(PostgresJournals, String)>>);

impl Ledger {
    /// The journal of which the file at this path will be a copy.
    pub async fn of(path: &Path) -> Self {
        let Ok(address) = std::env::var(DATABASE) else { return Self(None) };
        let journals = PostgresJournals::new(&address).unwrap();
        journals.migrate().await.unwrap();
        let folder = path.parent().and_then(Path::file_name).unwrap();
        Self(Some(Arc::new((journals, folder.to_string_lossy().into_owned()))))
    }

    pub fn at(&self, path: &Path) -> JournalAt {
        match &self.0 {
            None => path.into(),
            Some(it) => it.0.named(&it.1),
        }
    }

    /// Whoever held it is dead, and its lease is over.
    pub fn free(&self) {
        if let Some(it) = &self.0 {
            let name = &it.1;
            ask(format!("update kernel_keys.journals set until = null where name = '{name}'"));
        }
    }

    /// Brings the copy up to date.
    pub fn copy(&self, path: &Path) {
        let Some(it) = &self.0 else { return };
        let name = &it.1;
        let sql =
            format!("select line from kernel_keys.records where journal = '{name}' order by seq");
        let lines: String = ask(sql).into_iter().map(|line| line + "\n").collect();
        match lines.is_empty() {
            true => drop(fs::remove_file(path)),
            false => fs::write(path, lines).unwrap(),
        }
    }
}

type Question = (String, Sender<Vec<String>>);

/// Asks the database, on a thread of its own: whoever looks at a rotation does not let it go on.
fn ask(sql: String) -> Vec<String> {
    static ASKED: OnceLock<Mutex<Sender<Question>>> = OnceLock::new();
    let asked = ASKED.get_or_init(|| {
        let (asked, questions) = channel::<Question>();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.unwrap();
            let address = std::env::var(DATABASE).unwrap();
            let connected = runtime.block_on(tokio_postgres::connect(&address, NoTls));
            let (client, connection) = connected.unwrap();
            runtime.spawn(connection);
            for (sql, reply) in questions {
                let rows = runtime.block_on(client.simple_query(&sql)).unwrap();
                let rows = rows.iter().filter_map(|row| match row {
                    SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
                    _ => None,
                });
                reply.send(rows.collect()).unwrap();
            }
        });
        Mutex::new(asked)
    });
    let (reply, replied) = channel();
    asked.lock().unwrap().send((sql, reply)).unwrap();
    replied.recv().unwrap()
}
