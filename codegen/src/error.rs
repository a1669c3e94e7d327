//! What is wrong with a document or an overlay, said so that it can be mended: where, what, how.
//!
//! An error holds every problem that was found, because a maintainer with forty dangling
//! references wants one list and not forty builds.

use std::fmt;

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
}

/// One thing that is wrong, and what to do about it. Shown as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the caller named it.
    pub file: String,
    /// Where in the file; `None` when the whole file is meant or the place could not be found.
    pub position: Option<Position>,
    /// The JSON pointer of the value, without `#`.
    pub pointer: Option<String>,
    /// Whether `position` is only the nearest enclosing place, because the value itself does not
    /// stand in the file: an overlay or an alias put it there.
    pub nearby: bool,
    /// What is wrong, a clause without a full stop.
    pub message: String,
    /// What to do, a clause without a full stop; may be empty.
    pub help: String,
}

impl Problem {
    /// A problem of a whole file.
    pub fn new(
        file: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            file: file.into(),
            position: None,
            pointer: None,
            nearby: false,
            message: message.into(),
            help: help.into(),
        }
    }

    /// The same problem, at a position.
    #[must_use]
    pub fn at(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", OneLine(&self.file))?;
        if let Some(Position { line, column }) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", OneLine(&self.message))?;
        match (self.pointer.as_deref(), self.nearby) {
            (None | Some(""), _) => {}
            (Some(pointer), false) => write!(f, " (at #{})", OneLine(pointer))?,
            (Some(pointer), true) => write!(
                f,
                " (at #{}, which an overlay or an alias put below this place)",
                OneLine(pointer)
            )?,
        }
        if !self.help.is_empty() {
            write!(f, "; {}", OneLine(&self.help))?;
        }
        Ok(())
    }
}

/// Text from a document, which may hold anything, kept on one line of the terminal.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        Ok(())
    }
}

/// Everything that was found wrong at one step; shown one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The problems, never none, in the order of the file.
    pub problems: Vec<Problem>,
}

impl Error {
    /// `Ok` when nothing was found, otherwise everything that was, in the order of the file.
    ///
    /// # Errors
    /// When `problems` is not empty.
    pub fn unless_empty(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self::in_order(problems)) }
    }

    /// Problems that are known to be there, in the order of the file.
    pub(crate) fn in_order(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.position);
        Self { problems }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
