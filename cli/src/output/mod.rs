//! The one place that prints: results to standard output, everything else to standard error.
//!
//! Nothing is printed through `println!`, which panics when the reader has gone away.

pub(crate) mod cells;
pub(crate) mod columns;
pub(crate) mod format;
pub(crate) mod keys;
pub(crate) mod listing;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod time;

use std::io::{self, Write};

use serde::Serialize;
use terminal_size::{Width, terminal_size_of};

pub(crate) use self::format::Format;
use self::style::{Style, Tint, is_terminal};

/// Where a command prints.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    format: Format,
    style: Style,
    error_style: Style,
}

/// Standard output cannot be written.
#[derive(Debug)]
pub(crate) struct PrintError(pub(crate) io::Error);

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, style: Style::of(&io::stdout()), error_style: Style::of(&io::stderr()) }
    }

    /// The format of results.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Whether results and errors are JSON.
    pub(crate) fn is_json(&self) -> bool {
        matches!(self.format, Format::Json | Format::Ndjson)
    }

    /// The style of results.
    pub(crate) fn style(&self) -> Style {
        self.style
    }

    /// Whether a person watches both streams.
    pub(crate) fn is_interactive(&self) -> bool {
        is_terminal(&io::stdout()) && is_terminal(&io::stderr())
    }

    /// Whether progress may be animated.
    pub(crate) fn can_animate(&self) -> bool {
        is_terminal(&io::stderr())
    }

    /// How many columns a result may have; none where no terminal sets a limit.
    pub(crate) fn width(&self) -> Option<usize> {
        terminal_size_of(io::stdout()).map(|(Width(columns), _)| usize::from(columns))
    }

    /// Prints a result, and a line break after it.
    pub(crate) fn print(&self, text: &str) -> Result<(), PrintError> {
        self.write(text, true)
    }

    /// Prints a result, or a part of it that a line break does not end.
    pub(crate) fn write(&self, text: &str, ends: bool) -> Result<(), PrintError> {
        let mut out = io::stdout().lock();
        let end = if ends { "\n" } else { "" };
        out.write_all(format!("{text}{end}").as_bytes())
            .and_then(|()| out.flush())
            .map_err(PrintError)
    }

    /// Prints a result as JSON.
    pub(crate) fn print_json(&self, value: &impl Serialize) -> Result<(), PrintError> {
        match self.format {
            Format::Ndjson => self.print(&line(value)?),
            _ => self.print(&json(value)?),
        }
    }

    /// Prints results as JSON: an array, or a line for each.
    pub(crate) fn print_each(&self, values: &[impl Serialize]) -> Result<(), PrintError> {
        match self.format {
            Format::Ndjson => values.iter().try_for_each(|value| self.print(&line(value)?)),
            _ => self.print(&json(&values)?),
        }
    }

    /// Prints a remark for people.
    pub(crate) fn note(&self, text: &str) {
        if self.format == Format::Table {
            self.error(text);
        }
    }

    /// Prints to standard error. Where even that fails, there is nowhere to report it.
    pub(crate) fn error(&self, text: &str) {
        let mut err = io::stderr().lock();
        let _ = err.write_all(format!("{text}\n").as_bytes());
    }

    /// Prints to standard error and stays on the line.
    pub(crate) fn prompt(&self, question: &str) {
        let mut err = io::stderr().lock();
        let _ = err.write_all(format!("{question} ").as_bytes());
        let _ = err.flush();
    }

    /// Paints text for standard error.
    pub(crate) fn paint_error(&self, tint: Tint, text: &str) -> String {
        self.error_style.paint(tint, text)
    }
}

/// Indented, since people read it too.
pub(crate) fn json(value: &impl Serialize) -> Result<String, PrintError> {
    serde_json::to_string_pretty(value).map_err(|error| PrintError(error.into()))
}

/// On one line, for programs.
pub(crate) fn line(value: &impl Serialize) -> Result<String, PrintError> {
    serde_json::to_string(value).map_err(|error| PrintError(error.into()))
}
