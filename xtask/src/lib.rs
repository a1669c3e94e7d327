//! The maintainer's week as three commands: take a new document, say what it changes, check that the
//! repository is in order.
//!
//! Each command is a function from the workspace's folder to an [`Outcome`]; `main` prints it.

pub mod changelog;
pub mod check;
pub mod command;
pub mod fetch;
pub mod files;
pub mod provenance;
pub mod regen;
pub mod snapshots;

use std::fmt;

/// What a command has to say, and the code with which it exits.
#[derive(Debug)]
pub struct Outcome {
    /// For standard output.
    pub text: String,
    /// 0 for fine, 1 for stale or failed.
    pub code: u8,
}

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Trouble {
    /// One sentence each: what, where, what to do.
    pub lines: Vec<String>,
    /// 1 where the work failed, 2 where the command was told something impossible.
    pub code: u8,
}

impl Trouble {
    /// The work failed.
    pub fn new(line: impl Into<String>) -> Self {
        Self { lines: vec![line.into()], code: 1 }
    }

    /// The command was told something impossible.
    pub fn usage(line: impl Into<String>) -> Self {
        Self { lines: vec![line.into()], code: 2 }
    }
}

impl From<onkernel_codegen::Error> for Trouble {
    fn from(error: onkernel_codegen::Error) -> Self {
        Self { lines: error.problems.iter().map(ToString::to_string).collect(), code: 1 }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "error: {line}"))
    }
}

impl std::error::Error for Trouble {}
