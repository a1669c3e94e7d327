//! The one place that writes: answers to standard output, everything else to standard error.
//!
//! Nothing is written through `println!`, which panics when the reader has gone away.

use std::io::{self, Write};

use serde::Serialize;
use terminal_size::{Width, terminal_size_of};

use crate::failure::Failure;
use crate::style::{Style, Tint, is_terminal};

/// Where a command writes to.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    style: Style,
    error_style: Style,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, style: Style::of(&io::stdout()), error_style: Style::of(&io::stderr()) }
    }

    /// Whether a program reads the answer.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// The style of answers.
    pub(crate) fn style(&self) -> Style {
        self.style
    }

    /// Whether a person watches, and can be shown something that moves.
    pub(crate) fn is_watched(&self) -> bool {
        is_terminal(&io::stdout()) && is_terminal(&io::stderr())
    }

    /// Whether what is told beside the answer may move.
    pub(crate) fn can_move(&self) -> bool {
        is_terminal(&io::stderr())
    }

    /// How many columns an answer may have; none where no terminal sets a limit.
    pub(crate) fn width(&self) -> Option<usize> {
        terminal_size_of(io::stdout()).map(|(Width(columns), _)| usize::from(columns))
    }

    /// Writes an answer, and a line break after it.
    pub(crate) fn answer(&self, text: &str) -> Result<(), Failure> {
        self.try_answer(text).map_err(Failure::output)
    }

    /// The same, with the reason of a failure: `create` must know.
    pub(crate) fn try_answer(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(format!("{text}\n").as_bytes())?;
        out.flush()
    }

    /// Writes an answer as JSON for programs.
    pub(crate) fn answer_json(&self, value: &impl Serialize) -> Result<(), Failure> {
        self.answer(&json(value)?)
    }

    /// Tells a person something beside the answer.
    pub(crate) fn note(&self, text: &str) {
        if !self.json {
            self.complain(text);
        }
    }

    /// Writes to standard error. When even that fails, nobody is left to tell.
    pub(crate) fn complain(&self, text: &str) {
        let mut err = io::stderr().lock();
        let _ = err.write_all(format!("{text}\n").as_bytes());
    }

    /// Writes to standard error and stays on the line.
    pub(crate) fn ask(&self, question: &str) {
        let mut err = io::stderr().lock();
        let _ = err.write_all(format!("{question} ").as_bytes());
        let _ = err.flush();
    }

    /// Text for standard error.
    pub(crate) fn paint_error(&self, tint: Tint, text: &str) -> String {
        self.error_style.paint(tint, text)
    }
}

/// Indented, since people read it too.
pub(crate) fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map_err(|error| Failure::new(format!("the answer cannot be written as JSON: {error}")))
}
