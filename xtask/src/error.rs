//! What a command comes to: an outcome, or the error why it failed.

use std::fmt;

/// What a command prints, and its exit code.
#[derive(Debug)]
pub struct Outcome {
    /// For standard output.
    pub text: String,
    /// 0 for success, 1 for something to repair.
    pub code: u8,
}

/// Why a command failed.
#[derive(Debug)]
pub struct Error {
    /// One sentence each: what, where, what to do.
    pub lines: Vec<String>,
    /// 1 where the work failed, 2 for wrong usage.
    pub code: u8,
}

impl Error {
    /// The work failed.
    pub fn new(line: impl Into<String>) -> Self {
        Self { lines: vec![line.into()], code: 1 }
    }

    /// The command was used wrongly.
    pub fn usage(line: impl Into<String>) -> Self {
        Self { lines: vec![line.into()], code: 2 }
    }
}

impl From<onkernel_codegen::Error> for Error {
    fn from(error: onkernel_codegen::Error) -> Self {
        Self { lines: error.problems.iter().map(ToString::to_string).collect(), code: 1 }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "error: {line}"))
    }
}

impl std::error::Error for Error {}
