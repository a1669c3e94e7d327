//! A copy of what the commands work on, to break as tests like.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use xtask::check::{Failure, run};

pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

pub struct Copy {
    folder: TempDir,
}

impl Copy {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let copied = [
            "spec",
            "tests/snapshots",
            "cli/tests/cli/snapshots",
            "docs/pictures",
            "src/rotation/engine",
            "CHANGELOG.md",
            "benches/README.md",
            "benches/peers/speed.json",
            "README.md",
            "ARCHITECTURE.md",
            "CONTRIBUTING.md",
        ];
        for path in copied {
            copy(&workspace().join(path), &folder.path().join(path));
        }
        Self { folder }
    }

    /// What the checks find here and not in a fresh copy, which lacks what the copy is not about.
    pub fn failures(&self) -> Vec<Failure> {
        let known: Vec<_> = run(Self::new().root()).failures().cloned().collect();
        run(self.root()).failures().filter(|it| !known.contains(it)).cloned().collect()
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap().replace("\r\n", "\n")
    }

    pub fn write(&self, path: &str, content: &str) {
        fs::write(self.root().join(path), content).unwrap();
    }

    /// Replaces a text that must be there.
    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let before = self.read(path);
        assert!(before.contains(from), "{path} does not contain {from}");
        self.write(path, &before.replacen(from, to, 1));
    }

    /// Every file with what it holds.
    pub fn all(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut waiting = vec![self.root().to_owned()];
        while let Some(folder) = waiting.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    waiting.push(path);
                } else {
                    let content = fs::read(&path).unwrap();
                    files.push((path, content));
                }
            }
        }
        files.sort();
        files
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}
