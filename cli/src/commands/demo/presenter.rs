//! How the demo is shown: step by step, with spinners and timings on a terminal, as plain lines
//! elsewhere, or as one JSON object at the end.

use std::future::Future;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use onkernel::Error;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::Output;
use crate::output::style::{Style, Tint};
use crate::output::text::{safe, wrap};

/// Where the details of a step begin, if its text leaves room.
const COLUMN: usize = 54;

pub(super) struct Presenter<'a> {
    output: &'a Output,
    section: String,
    steps: Vec<Value>,
    errors: Vec<Value>,
    keys: Vec<Value>,
}

impl<'a> Presenter<'a> {
    pub(super) fn new(output: &'a Output) -> Self {
        Self { output, section: String::new(), steps: vec![], errors: vec![], keys: vec![] }
    }

    /// Whether a person watches.
    pub(super) fn is_interactive(&self) -> bool {
        self.output.is_interactive() && !self.output.is_json()
    }

    pub(super) fn style(&self) -> Style {
        self.output.style()
    }

    pub(super) fn width(&self) -> Option<usize> {
        self.output.width()
    }

    /// Shows text for people.
    pub(super) fn line(&self, text: &str) -> Result<(), Failure> {
        if self.output.is_json() { Ok(()) } else { Ok(self.output.print(text)?) }
    }

    /// Begins a section.
    pub(super) fn section(&mut self, title: &str) -> Result<(), Failure> {
        self.section = title.to_owned();
        self.line(&self.style().paint(Tint::Strong, title))
    }

    /// Ends a section.
    pub(super) fn gap(&self) -> Result<(), Failure> {
        self.line("")
    }

    /// Does a step and shows it: `doing` while it lasts, then its result, with details in a faint
    /// colour.
    pub(super) async fn step<T>(
        &mut self,
        doing: &str,
        work: impl Future<Output = Result<Done<T>, Failure>>,
    ) -> Result<T, Failure> {
        let spinner = self.spinner(doing);
        let began = Instant::now();
        let done = work.await;
        let took = began.elapsed();
        spinner.finish_and_clear();
        let Done { value, text, detail } = done.map_err(|failure| {
            failure.explain(|message| format!("the demo failed while {doing}: {message}"))
        })?;
        self.done(&text, &detail, took)?;
        Ok(value)
    }

    /// Shows a step that is done.
    pub(super) fn done(&mut self, text: &str, detail: &str, took: Duration) -> Result<(), Failure> {
        self.steps.push(json!({
            "section": self.section,
            "step": text,
            "detail": detail,
            "ms": millis(took),
        }));
        let style = self.style();
        let mut line = format!("  {} {}", style.paint(Tint::Good, "✓"), safe(text));
        if !detail.is_empty() {
            let gap = COLUMN.saturating_sub(text.chars().count()).max(2);
            line.push_str(&format!("{:gap$}{}", "", style.paint(Tint::Faint, &safe(detail))));
        }
        if self.is_interactive() {
            line.push_str(&format!("  {}", style.paint(Tint::Faint, &duration(took))));
        }
        self.line(&line)
    }

    /// Shows a fault, and what is done about it.
    pub(super) fn setback(&self, what: &str, reaction: &str) -> Result<(), Failure> {
        self.line(&format!("  {} {}", self.style().paint(Tint::Bad, "✗"), safe(what)))?;
        self.paragraph("→ ", Tint::Plain, reaction)
    }

    /// Makes a call that must fail, and shows the error with its advice.
    pub(super) async fn provoke<T>(
        &mut self,
        what: &str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<(), Failure> {
        let spinner = self.spinner(what);
        let outcome = call.await;
        spinner.finish_and_clear();
        let Err(error) = outcome else {
            return Err(Failure::new(format!("the demo failed: {what} did not fail")));
        };
        let style = self.style();
        self.line(&format!("  {} {}", style.paint(Tint::Bad, "✗"), safe(what)))?;
        self.explain(what, error)
    }

    /// Provokes the same error in another way.
    pub(super) async fn provoke_again<T>(
        &mut self,
        how: &str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<(), Failure> {
        let Err(error) = call.await else {
            return Err(Failure::new(format!("the demo failed: {how}, it did not fail")));
        };
        self.paragraph("", Tint::Faint, &format!("{how}:"))?;
        self.explain(how, error)
    }

    fn explain(&mut self, provoked_by: &str, error: Error) -> Result<(), Failure> {
        let sent = !error.is_invalid_request();
        let failure = Failure::from(error);
        let mut shown = failure.to_json();
        shown["provoked_by"] = json!(provoked_by);
        shown["sent"] = json!(sent);
        self.errors.push(shown);
        self.paragraph("", Tint::Plain, failure.message())?;
        match failure.advice() {
            Some(advice) => self.paragraph("→ ", Tint::Plain, advice),
            None if !sent => {
                self.paragraph("→ ", Tint::Plain, "The client rejected it: nothing was sent.")
            }
            None => Ok(()),
        }
    }

    /// Text below a step, within the terminal.
    pub(super) fn paragraph(&self, mark: &str, tint: Tint, text: &str) -> Result<(), Failure> {
        let indent = 4 + mark.chars().count();
        let width = self.width().map_or(usize::MAX, |width| width.saturating_sub(indent).max(20));
        let style = self.style();
        let mut before = format!("    {}", style.paint(Tint::Good, mark));
        for line in wrap(&safe(text), width) {
            self.line(&format!("{before}{}", style.paint(tint, &line)))?;
            before = " ".repeat(indent);
        }
        Ok(())
    }

    /// Keeps a key for the summary.
    pub(super) fn keep(&mut self, key: Value) {
        self.keys.push(key);
    }

    /// The summary for programs.
    pub(super) fn finish(self) -> Result<(), Failure> {
        if !self.output.is_json() {
            return Ok(());
        }
        Ok(self.output.print_json(&json!({
            "embedded_server": true,
            "account_touched": false,
            "steps": self.steps,
            "errors": self.errors,
            "keys": self.keys,
        }))?)
    }

    pub(super) fn spinner(&self, doing: &str) -> ProgressBar {
        if !self.is_interactive() {
            return ProgressBar::hidden();
        }
        let spinner = ProgressBar::new_spinner().with_message(doing.to_owned());
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg} …") {
            spinner.set_style(style.tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
        }
        spinner.enable_steady_tick(Duration::from_millis(80));
        spinner
    }
}

/// The result of a step.
pub(super) struct Done<T> {
    value: T,
    text: String,
    detail: String,
}

impl<T> Done<T> {
    pub(super) fn new(value: T, text: impl Into<String>) -> Self {
        Self { value, text: text.into(), detail: String::new() }
    }

    pub(super) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn duration(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{} ms", millis(time).max(1)),
        seconds => format!("{seconds} s"),
    }
}
