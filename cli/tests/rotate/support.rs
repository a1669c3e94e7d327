//! A server in a process of its own, stores with gates in them, and rotations to be stopped there.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take before a test gives up. Nothing waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(60);

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
    server: Child,
    url: String,
    key: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
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
        Self::with_faults("[]")
    }

    /// A server that fails to order.
    pub(crate) fn with_faults(faults: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("faults.json");
        fs::write(&path, faults).unwrap();
        let mut server = Command::new(env!("CARGO_BIN_EXE_kernel-keys"))
            .args(["serve", "--json", "--faults"])
            .arg(path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let printed: Value = serde_json::from_str(&line).unwrap();
        let text = |field: &str| printed[field].as_str().unwrap().to_owned();
        let (url, key) = (text("url"), text("key"));
        Self { server, url, key, folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        // Changes are waited for twice the timeout.
        self.bare(&[&["--timeout", "0.5"], args].concat())
    }

    fn bare(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kernel-keys"));
        command.args(args);
        // Without it, changes are waited for as long as a server far away may take to show them.
        let waits = ["rotate", "rotate-all", "sweep"];
        if args.iter().any(|word| waits.contains(word)) && !args.contains(&"--settle") {
            command.args(["--settle", "0"]);
        }
        command
            .env("KERNEL_BASE_URL", &self.url)
            .env("KERNEL_API_KEY", &self.key)
            .env("XDG_STATE_HOME", self.path("state"));
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// A key of this name in a file of this name.
    pub(crate) fn stored(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        let made = self.run(&["create", name, "--days", "30"]);
        assert!(made.status.success(), "{made:?}");
        fs::write(&path, made.stdout).unwrap();
        path
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let listed = self.run(&["list", "--json"]);
        let keys: Value = serde_json::from_slice(&listed.stdout).unwrap();
        let keys = keys.as_array().unwrap().iter();
        keys.map(|key| key["name"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn works(&self, path: &Path) -> bool {
        let path = path.to_str().unwrap();
        self.run(&["--key-file", path, "list", "--limit", "1", "--max", "1"]).status.success()
    }

    /// A gate of this name. A program that comes to it says so, and waits until it is opened.
    pub(crate) fn gate(&self, name: &str) -> Gate {
        let (closed, reached) =
            (self.path(&format!("{name}.closed")), self.path(&format!("{name}.reached")));
        fs::write(&closed, "").unwrap();
        Gate { closed, reached }
    }

    /// A program in the shell's language, in a file.
    pub(crate) fn program(&self, name: &str, lines: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        path
    }

    /// A hook that waits at a gate.
    pub(crate) fn hook(&self, name: &str, gate: &Gate) -> String {
        self.program(name, &gate.pass()).to_str().unwrap().to_owned()
    }

    /// A store of two programs that keep the key in a file, as `command:FILE`. What `before` says
    /// is done between taking the key and writing it.
    pub(crate) fn commands(&self, held: &Path, before: &str, more: &str) -> String {
        let held = held.display();
        // The key is in a variable of the shell: in no argument, and in no environment.
        let write = self.program(
            "write",
            &format!(
                "key=$(cat)\n{before}\nprintf %s \"$key\" > {held}.new && mv {held}.new {held}"
            ),
        );
        let read = self.program("read", &format!("echo >> {held}.reads\ncat {held}"));
        let path = self.path("store.toml");
        let text = format!("write = [{write:?}]\nread = [{read:?}]\npropagation = 0.5\n{more}\n");
        fs::write(&path, text).unwrap();
        format!("command:{}", path.display())
    }

    /// A rotation that goes on beside the test. The timeout is one that no delay of a test reaches.
    pub(crate) fn rotate(&self, args: &[&str]) -> Running {
        self.rotate_in(Path::new("."), args)
    }

    /// The same, begun in this folder.
    pub(crate) fn rotate_in(&self, folder: &Path, args: &[&str]) -> Running {
        let args = [&["--timeout", "120", "rotate"], args].concat();
        Self::spawn(self.bare(&args).current_dir(folder))
    }

    /// By somebody who has this signal ignored.
    #[cfg(target_os = "linux")]
    pub(crate) fn rotate_ignoring(&self, signal: &str, args: &[&str]) -> Running {
        let args = [&["--timeout", "120", "rotate"], args].concat();
        let program = self.bare(&args);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("trap '' {signal}; exec \"$0\" \"$@\"")]);
        shell.arg(program.get_program()).args(program.get_args());
        shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Self::spawn(&mut shell)
    }

    pub(crate) fn begin(&self, args: &[&str]) -> Running {
        Self::spawn(&mut self.bare(args))
    }

    fn spawn(command: &mut Command) -> Running {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        for pipe in [
            Box::new(child.stdout.take().unwrap()) as Box<dyn std::io::Read + Send>,
            Box::new(child.stderr.take().unwrap()),
        ] {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        Running { child, lines, printed: String::new() }
    }

    /// Resumes, and holds what is then there against what must be: the store holds a key that
    /// works, there is no other, nothing is left to do, and nobody has seen a plaintext.
    #[track_caller]
    pub(crate) fn resume_and_check(&self, held: &Path, printed: &str) -> String {
        let resumed = self.run(&["resume"]);
        let output = text(&resumed);
        assert_eq!(code(&resumed), Some(0), "{output}");
        assert!(self.works(held), "the store holds a dead key: {output}");
        assert_eq!(self.names(), ["ci", "bootstrap"], "{output}");
        let again = self.run(&["resume"]);
        assert!(again.status.success() && again.stdout.is_empty(), "{again:?}");
        let mut seen = format!("{printed}{output}");
        for journal in fs::read_dir(self.path("state/kernel-keys")).unwrap().flatten() {
            seen.push_str(&fs::read_to_string(journal.path()).unwrap_or_default());
        }
        assert!(!holds_plaintext(&seen), "{seen}");
        assert!(!seen.contains('\u{1b}'), "no terminal, no escape codes: {seen}");
        output
    }
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
    pub(crate) fn wait(&self) {
        until("nobody came to the gate", || self.reached.exists());
    }

    pub(crate) fn open(&self) {
        fs::remove_file(&self.closed).unwrap();
    }
}

/// A rotation under way.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    printed: String,
}

impl Running {
    /// Waits for a line that holds this.
    #[track_caller]
    pub(crate) fn says(&mut self, wanted: &str) {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("{wanted:?} is not in {:?}", self.printed));
            self.printed.push_str(&line);
            self.printed.push('\n');
            if line.contains(wanted) {
                return;
            }
        }
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Ends it with SIGKILL, and says what it had printed.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.end().1
    }

    #[track_caller]
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let mut status = None;
        let end = Instant::now() + PATIENCE;
        while status.is_none() && Instant::now() < end {
            // What it prints is read meanwhile, and waiting for a line takes no processor.
            if let Ok(line) = self.lines.recv_timeout(Duration::from_millis(5)) {
                self.printed.push_str(&line);
                self.printed.push('\n');
            }
            status = self.child.try_wait().unwrap();
        }
        assert!(status.is_some(), "it does not end: {}", self.printed);
        // A program that outlives it may hold its pipes open: what is there is enough.
        while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(200)) {
            self.printed.push_str(&line);
            self.printed.push('\n');
        }
        (status.unwrap(), self.printed)
    }
}

pub(crate) fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

/// Everything that a run printed.
pub(crate) fn text(output: &Output) -> String {
    let printed = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&printed).into_owned()
}

/// Whether there is more of a key than its masked form shows.
pub(crate) fn holds_plaintext(text: &str) -> bool {
    text.match_indices("sk_").any(|(at, _)| {
        let rest = text[at + 3..].bytes();
        rest.take_while(u8::is_ascii_alphanumeric).count() > 4
    })
}

/// The arguments and environments of all processes that this user can look at.
#[cfg(target_os = "linux")]
pub(crate) fn arguments_of_all() -> String {
    let mut seen = String::new();
    for process in fs::read_dir("/proc").unwrap().flatten() {
        if process.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()) {
            let arguments = fs::read(process.path().join("cmdline")).unwrap_or_default();
            seen.push_str(&String::from_utf8_lossy(&arguments));
        }
    }
    seen
}
