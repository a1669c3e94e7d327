//! A server of the test's own, a new home, stores that misbehave, and the program run among them.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use onkernel::testing::{Builder, KeyRecord, NewKey, Server};
use tokio::runtime::Runtime;

/// How long anything may take before a test gives up. Nothing waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(90);

/// Another organization, of which the rotations know nothing.
pub(crate) const STRANGERS: &str = "org_strangers";

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) struct World {
    pub(crate) server: Server,
    /// The key that is rotated.
    pub(crate) old: KeyRecord,
    pub(crate) folder: tempfile::TempDir,
    runs: AtomicUsize,
    _runtime: Runtime,
}

impl Drop for World {
    fn drop(&mut self) {
        // Whatever still waits at a gate may end.
        for gate in fs::read_dir(self.folder.path()).into_iter().flatten().flatten() {
            if gate.path().extension().is_some_and(|extension| extension == "closed") {
                let _ = fs::remove_file(gate.path());
            }
        }
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Server::builder(), NewKey::named("ci").days(30))
    }

    pub(crate) fn with(builder: Builder, key: NewKey) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let server = runtime.block_on(builder.organization(STRANGERS).start()).unwrap();
        Self {
            old: server.add_key(key),
            server,
            folder: tempfile::tempdir().unwrap(),
            runs: AtomicUsize::new(0),
            _runtime: runtime,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The old key in a file of its own, in a folder of its own.
    pub(crate) fn stored(&self) -> PathBuf {
        fs::create_dir(self.path("workload")).unwrap();
        let path = self.path("workload/ci");
        fs::write(&path, self.old.plaintext()).unwrap();
        path
    }

    /// The program in the new home.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kernel-keys"));
        command.args(args).args(unless_said(args, "--timeout", "1"));
        self.at_home(&mut command);
        command
    }

    /// Gives a command the environment of the new home, and no other.
    pub(crate) fn at_home(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("KERNEL_BASE_URL", self.server.url())
            .env("KERNEL_API_KEY", self.server.bootstrap_key());
    }

    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.begin(&mut self.command(args)).end()
    }

    /// The same, asked for with this key.
    #[track_caller]
    pub(crate) fn run_as(&self, key: &str, args: &[&str]) -> Ran {
        self.begin(self.command(args).env("KERNEL_API_KEY", key)).end()
    }

    /// A rotation of the key that this store holds, which is deleted afterwards.
    #[track_caller]
    pub(crate) fn rotate(&self, store: &str, args: &[&str]) -> Ran {
        self.begin(&mut self.rotation(store, args)).end()
    }

    pub(crate) fn rotation(&self, store: &str, args: &[&str]) -> Command {
        let usual = ["rotate", "--store", store, "--retire", "delete"];
        let (overlap, settle) =
            (unless_said(args, "--overlap", "0"), unless_said(args, "--settle", "2"));
        self.command(&[&usual[..], args, &overlap, &settle].concat())
    }

    /// Begins what goes on beside the test. It speaks to a file: no pipe can hold it up.
    pub(crate) fn begin(&self, command: &mut Command) -> Running {
        let number = self.runs.fetch_add(1, Ordering::SeqCst);
        let said = self.path(&format!("run-{number}.said"));
        let file = File::create(&said).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Running { child, said }
    }

    /// A program in the shell's language, in a file.
    pub(crate) fn program(&self, name: &str, lines: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        path
    }

    /// A store of two programs that keep the key in a file. `before` is done when `$key` is to be
    /// written; the first time, it may find that `$once` is not there.
    pub(crate) fn commands(&self, held: &Path, before: &str, more: &str) -> String {
        let (file, once) = (held.display(), self.path("once"));
        let write = format!(
            "once={}\nkey=$(cat)\n{before}\nprintf %s \"$key\" > {file}.new && mv {file}.new {file}",
            once.display()
        );
        let read = format!("echo >> {}\ncat {file}", self.path("reads").display());
        self.programs(&write, &read, more)
    }

    /// A store of these two programs.
    pub(crate) fn programs(&self, write: &str, read: &str, more: &str) -> String {
        let (write, read) = (self.program("write", write), self.program("read", read));
        let path = self.path("store.toml");
        fs::write(&path, format!("write = [{write:?}]\nread = [{read:?}]\n{more}\n")).unwrap();
        format!("command:{}", path.display())
    }

    /// How often the store of [`commands`](Self::commands) was read.
    pub(crate) fn reads(&self) -> usize {
        fs::read(self.path("reads")).map_or(0, |lines| lines.len())
    }

    /// A gate of this name. A program that comes to it says so, and waits until it is opened.
    pub(crate) fn gate(&self, name: &str) -> Gate {
        let closed = self.path(&format!("{name}.closed"));
        fs::write(&closed, "").unwrap();
        Gate { closed, reached: self.path(&format!("{name}.reached")) }
    }

    /// What a program does that waits at a gate, in a file.
    pub(crate) fn hook(&self, name: &str, gate: &Gate) -> String {
        self.program(name, &gate.pass()).to_str().unwrap().to_owned()
    }

    /// Every line of every journal.
    pub(crate) fn journals(&self) -> String {
        let mut all = String::new();
        for path in files_below(&self.path("home")) {
            all.push_str(&fs::read_to_string(path).unwrap_or_default());
        }
        all
    }

    /// The keys that live, but for those that were there before and are not rotated.
    pub(crate) fn ours(&self) -> Vec<KeyRecord> {
        let now = self.server.now();
        let keys = self.server.keys().into_iter().filter(|key| key.works_at(now));
        keys.filter(|key| key.name == "ci" || key.name.starts_with("~onk-")).collect()
    }

    /// The key that was made and is not the old one.
    #[track_caller]
    pub(crate) fn new_key(&self) -> KeyRecord {
        let ours = self.ours();
        ours.into_iter().find(|key| key.id != self.old.id).expect("a new key")
    }

    /// The store holds a new key that works, the old one is deleted, and there is no other.
    #[track_caller]
    pub(crate) fn assert_rotated(&self, held: &Path, said: &str) {
        let holds = fs::read_to_string(held).unwrap();
        let ours = self.ours();
        let ids: Vec<_> = ours.iter().map(|key| (&key.id, &key.name)).collect();
        assert_eq!(ours.len(), 1, "{ids:?}\n{said}");
        assert_eq!((holds.trim(), &*ours[0].name), (ours[0].plaintext(), "ci"), "{said}");
        assert_ne!(ours[0].id, self.old.id, "{said}");
        self.assert_finished();
    }

    /// The store holds the old key, which works, and there is no other.
    #[track_caller]
    pub(crate) fn assert_as_before(&self, held: &Path, said: &str) {
        let ours = self.ours();
        let ids: Vec<_> = ours.iter().map(|key| (&key.id, &key.name)).collect();
        assert_eq!(ids, [(&self.old.id, &self.old.name)], "{said}");
        assert_eq!(fs::read_to_string(held).unwrap().trim(), self.old.plaintext(), "{said}");
        self.assert_finished();
    }

    /// Whichever of the two it is.
    #[track_caller]
    pub(crate) fn assert_ended(&self, held: &Path, said: &str) {
        match self.ours().iter().any(|key| key.id == self.old.id) {
            true => self.assert_as_before(held, said),
            false => self.assert_rotated(held, said),
        }
    }

    /// Nothing is left to do, and nobody has seen a plaintext.
    #[track_caller]
    pub(crate) fn assert_finished(&self) {
        let keys = self.server.keys();
        let again = self.run(&["resume"]);
        assert_eq!(again.code, Some(0), "{}", again.said);
        assert!(again.said.contains("Nothing is left to do"), "{}", again.said);
        assert!(self.server.keys() == keys, "{}", again.said);
        let mut seen = self.journals();
        for path in files_below(self.folder.path()) {
            if path.extension().is_some_and(|extension| extension == "said") {
                seen.push_str(&fs::read_to_string(path).unwrap());
            }
        }
        assert!(keys.iter().all(|key| !seen.contains(key.plaintext())), "{seen}");
    }
}

/// An option of the tests, where the arguments do not have it.
fn unless_said<'a>(args: &[&str], option: &'a str, value: &'a str) -> Vec<&'a str> {
    if args.contains(&option) { Vec::new() } else { vec![option, value] }
}

/// Every file in a folder and those below it.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            true => found.extend(files_below(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found
}

pub(crate) fn file(path: &Path) -> String {
    format!("file:{}", path.display())
}

pub(crate) struct Gate {
    closed: PathBuf,
    reached: PathBuf,
}

impl Gate {
    /// How a program passes it.
    pub(crate) fn pass(&self) -> String {
        let (closed, reached) = (self.closed.display(), self.reached.display());
        format!("touch {reached}\nwhile [ -e {closed} ]; do sleep 0.02; done")
    }

    #[track_caller]
    pub(crate) fn wait(&self, running: &Running) {
        until(&format!("nobody came to the gate: {}", running.said()), || self.reached.exists());
    }

    pub(crate) fn open(&self) {
        fs::remove_file(&self.closed).unwrap();
    }
}

/// The program, under way.
pub(crate) struct Running {
    child: Child,
    said: PathBuf,
}

/// What came of a run.
pub(crate) struct Ran {
    /// None where a signal ended it.
    pub(crate) code: Option<i32>,
    /// On standard output and standard error.
    pub(crate) said: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn ended_with(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}", self.said);
        self.said
    }

    /// It needs attention, and says by which command it is resolved.
    #[track_caller]
    pub(crate) fn needs_attention(self, resolution: &str) -> String {
        let said = self.ended_with(3);
        assert!(said.contains("kernel-keys resume") && said.contains(resolution), "{said}");
        said
    }
}

impl Running {
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap()
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.said()
    }

    #[track_caller]
    pub(crate) fn end(mut self) -> Ran {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Ran { code: status.code(), said: self.said() };
            }
            if Instant::now() > end {
                panic!("it does not end: {}", self.kill());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
