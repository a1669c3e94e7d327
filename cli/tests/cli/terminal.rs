//! A person at a terminal: what is asked, what a narrow window and a dumb one show, and that nothing
//! waits where there is none.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use onkernel::testing::NewKey;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::{Bench, assert_mentions, run};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts a program on a terminal: the program, and the terminal's other side.
fn on_terminal(command: &mut Command, columns: u16, shows_progress: bool) -> (Child, File) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&master, size).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let open = || File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let (input, out) = (open(), open());
    let err = if shows_progress { Stdio::from(open()) } else { Stdio::null() };
    let child = command.stdin(input).stdout(out).stderr(err).spawn().unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    (child, File::from(master))
}

/// A terminal with a program on it.
pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    fn start(command: &mut Command, columns: u16) -> Self {
        Self::new(command, columns, true)
    }

    /// One on which only results are shown, and no progress.
    pub(crate) fn of_results(command: &mut Command, columns: u16) -> Self {
        Self::new(command, columns, false)
    }

    fn new(command: &mut Command, columns: u16, shows_progress: bool) -> Self {
        let (child, keyboard) = on_terminal(command, columns, shows_progress);
        let mut output = keyboard.try_clone().unwrap();
        let (sender, screen) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // A terminal whose program has gone is an error on Linux.
            while let Ok(read @ 1..) = output.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keyboard, screen, shown: String::new() }
    }

    /// Waits until the screen has shown this since the last reply.
    #[track_caller]
    fn until(&mut self, what: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.shown.contains(what) {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(more) = self.screen.recv_timeout(left) else {
                panic!("{what:?} is not in {:?}", self.shown);
            };
            self.shown.push_str(&String::from_utf8_lossy(&more));
        }
    }

    fn reply(&mut self, text: &str) {
        self.shown.clear();
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// The exit code, and all that was shown since the last reply.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let end = Instant::now() + PATIENCE;
        loop {
            while let Ok(more) = self.screen.try_recv() {
                self.shown.push_str(&String::from_utf8_lossy(&more));
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                while let Ok(more) = self.screen.recv_timeout(Duration::from_millis(500)) {
                    self.shown.push_str(&String::from_utf8_lossy(&more));
                }
                return (status.code(), self.shown);
            }
            assert!(Instant::now() < end, "it does not end: {:?}", self.shown);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A rotation that nobody has decided about.
struct Undecided {
    bench: Bench,
    home: tempfile::TempDir,
    old: onkernel::testing::KeyRecord,
}

impl Undecided {
    fn new() -> Self {
        let (bench, home) = (Bench::new(), tempfile::tempdir().unwrap());
        let old = bench.server.add_key(NewKey::named("ci").days(30));
        std::fs::write(home.path().join("key"), old.plaintext()).unwrap();
        Self { bench, home, old }
    }

    fn command(&self, args: &[&str]) -> Command {
        let store = format!("file:{}", self.home.path().join("key").display());
        let all = ["rotate", "--store", &store, "--settle", "0", "--timeout", "0.5"];
        let mut command = self.bench.command(all.iter().chain(args));
        command.env("HOME", self.home.path()).env("TERM", "xterm");
        command
    }
}

#[test]
fn a_person_is_asked_and_the_default_is_safe() {
    let rotation = Undecided::new();
    let mut terminal = Terminal::start(&mut rotation.command(&["--overlap", "0"]), 100);
    terminal.until("grace, keep or delete? [grace]");
    assert_mentions(&terminal.shown, &["expires after 7 days", "until you delete it"]);
    terminal.reply("\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    assert_mentions(&shown, &["is rotated", "expires after the grace period"]);
    let old = rotation.bench.server.key(&rotation.old.id).unwrap();
    assert!(old.deleted_at.is_none(), "the old key still works");
}

#[test]
fn who_deletes_is_asked_for_the_overlap_too() {
    let rotation = Undecided::new();
    let mut terminal = Terminal::start(&mut rotation.command(&[]), 100);
    terminal.until("[grace]");
    terminal.reply("burn it\n");
    terminal.until("Reply grace, keep or delete.");
    terminal.until("[grace]");
    terminal.reply("Delete\n");
    terminal.until("both keys work? [60]");
    terminal.reply("soon\n");
    terminal.until("[60]");
    terminal.reply("0\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(rotation.bench.server.key(&rotation.old.id).unwrap().deleted_at.is_some());
}

#[test]
fn the_end_of_the_input_changes_nothing() {
    let rotation = Undecided::new();
    let mut terminal = Terminal::start(&mut rotation.command(&[]), 100);
    terminal.until("[grace]");
    terminal.reply("\u{4}");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(1), "{shown}");
    assert_mentions(&shown, &["cancelled: nothing was changed"]);
    assert_eq!(rotation.bench.server.keys().len(), 2);
}

#[test]
fn whoever_decides_is_asked_nothing() {
    let rotation = Undecided::new();
    let args = ["--retire", "keep", "--overlap", "0"];
    let (code, shown) = Terminal::start(&mut rotation.command(&args), 100).end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains('?'), "{shown}");
    assert_mentions(&shown, &["Next: kernel-keys delete"]);
}

#[test]
fn nothing_waits_without_a_terminal_or_for_a_program() {
    let rotation = Undecided::new();
    // An input that never ends: whoever read it would wait.
    let (input, _writer) = std::io::pipe().unwrap();
    let ran = run(rotation.command(&[]).stdin(input));
    assert_mentions(ran.failed(2), &["--retire delete, keep or grace"]);
    let mut json = Terminal::start(&mut rotation.command(&["--json"]), 100);
    json.until("--retire delete, keep or grace");
    assert_eq!(json.end().0, Some(2));
    let mut delete = rotation.bench.command(["delete", &rotation.old.id]);
    let (input, _writer) = std::io::pipe().unwrap();
    assert_mentions(run(delete.stdin(input)).failed(2), &["--yes"]);
}

#[test]
fn a_deletion_is_confirmed_on_the_terminal() {
    let rotation = Undecided::new();
    let id = rotation.old.id.clone();
    for (reply, code) in [("\n", 1), ("y\n", 0)] {
        let mut terminal = Terminal::start(&mut rotation.bench.command(["delete", &id]), 100);
        terminal.until("[y/N]");
        terminal.reply(reply);
        assert_eq!(terminal.end().0, Some(code));
    }
}

#[test]
fn a_table_fits_the_window() {
    let bench = Bench::new();
    bench
        .server
        .add_key(NewKey::named("a name that is rather long for a window").project("proj_1"));
    for columns in [200, 80, 60, 50] {
        let (code, shown) = Terminal::start(
            bench.command(["list"]).env("TERM", "xterm").env("NO_COLOR", "1"),
            columns,
        )
        .end();
        assert_eq!(code, Some(0), "{shown}");
        let table: Vec<_> = shown.lines().take(3).collect();
        assert_mentions(table[0], &["ID", "NAME", "EXPIRES"]);
        for line in table {
            assert!(line.trim_end().chars().count() <= usize::from(columns), "{columns}: {shown}");
        }
        assert_eq!(shown.contains("Choose with --columns"), columns < 100, "{columns}: {shown}");
    }
}

#[test]
fn colours_only_where_somebody_sees_them() {
    let bench = Bench::new();
    let colours = |name: &str, value: &str| {
        let mut command = bench.command(["list"]);
        Terminal::start(command.env("TERM", "xterm").env(name, value), 120)
            .end()
            .1
            .contains('\u{1b}')
    };
    assert!(colours("X", ""));
    assert!(!colours("NO_COLOR", "1"));
    assert!(!colours("TERM", "dumb"));
    assert!(!bench.run(["list"]).out.contains('\u{1b}'));
    let help = |name: &str, value: &str| {
        let mut command = bench.command(["--help"]);
        Terminal::start(command.env("TERM", "xterm").env(name, value), 120)
            .end()
            .1
            .contains('\u{1b}')
    };
    assert!(!help("NO_COLOR", "1") && !help("TERM", "dumb"));
}

/// Nothing can be shown any more, which is no reason to break off where it stands.
#[test]
fn a_rotation_whose_terminal_has_gone_stops_at_a_safe_point() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, bench.server.add_key(NewKey::named("ci")).plaintext()).unwrap();
    let store = format!("file:{}", key.display());
    let rotate = ["rotate", "--store", &store, "--deploy", "true", "--overlap", "86400"];
    let mut rotate = bench.command(rotate);
    rotate
        .env("PATH", "/usr/bin:/bin")
        .env("TERM", "xterm")
        .env("XDG_STATE_HOME", folder.path().join("state"));
    let (mut child, mut screen) = on_terminal(&mut rotate, 80, true);
    let (mut shown, mut buffer) = (String::new(), [0; 4096]);
    while !shown.contains("for the overlap") {
        let read = screen.read(&mut buffer).unwrap_or_else(|error| panic!("{error}: {shown}"));
        shown.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    drop(screen);
    let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(asked.success());
    let end = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if Instant::now() < end => std::thread::sleep(Duration::from_millis(20)),
            None => panic!("it has not stopped"),
        }
    };
    assert_eq!(status.code(), Some(3), "{status}");
    assert!(bench.server.authenticates(std::fs::read_to_string(&key).unwrap().trim()));
}
