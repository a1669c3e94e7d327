//! Progress of rotations: on a terminal an animated line for each one and how many are done;
//! elsewhere a line for each step; for programs events, or nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use onkernel::rotation::Event;

use super::{events, report};
use crate::output::style::Tint;
use crate::output::text::{cut, safe};
use crate::output::{Format, Output};

/// The line of one rotation, and the one that counts them.
const ONE: &str = "  {spinner} {msg} … {elapsed}{left}";
const ALL: &str = "  {bar:40} {pos} of {len} keys, {elapsed}";

/// More of a name would push the step off the line.
const NAME: usize = 32;

/// The animated lines, if there are any.
#[derive(Clone)]
pub(crate) struct Progress {
    output: Output,
    lines: Option<MultiProgress>,
    total: Option<ProgressBar>,
}

impl Progress {
    pub(crate) fn new(output: &Output) -> Self {
        let lines =
            (output.format() == Format::Table && output.can_animate()).then(MultiProgress::new);
        Self { output: *output, lines, total: None }
    }

    /// The progress of many rotations, each shown by its name.
    pub(crate) fn of_many(output: &Output) -> Self {
        let progress = Self::new(output);
        let total = progress.lines.as_ref().map(|lines| {
            let bar = lines.add(ProgressBar::new(0));
            style(&bar, ALL);
            bar
        });
        Self { total, ..progress }
    }

    /// Counts one more key to rotate.
    pub(crate) fn expect(&self) {
        if let Some(total) = &self.total {
            total.inc_length(1);
        }
    }

    /// Prints a remark above the animated lines.
    pub(crate) fn note(&self, text: &str) {
        match &self.lines {
            // A terminal that has gone away shows nothing more. (`suspend` would panic there.)
            Some(lines) if !lines.is_hidden() => drop(lines.println(text)),
            _ => self.output.note(text),
        }
    }

    /// Listens to one rotation. Its line goes away when the rotation ends and drops the listener.
    pub(crate) fn watch(
        &self,
        store: &str,
        name: Option<&str>,
    ) -> impl Fn(&Event) + Send + Sync + 'static {
        let name = name.map(|name| cut(&safe(name), NAME));
        let until = Until::default();
        let line = self.lines.as_ref().map(|lines| {
            let spinner = match &self.total {
                Some(total) => lines.insert_before(total, ProgressBar::new_spinner()),
                None => lines.add(ProgressBar::new_spinner()),
            };
            spinner.set_style(one(&until));
            spinner.enable_steady_tick(Duration::from_millis(100));
            spinner
        });
        let watched = Watched {
            progress: self.clone(),
            store: store.to_owned(),
            name,
            line,
            until,
            waiting: Mutex::default(),
            failed: AtomicBool::new(false),
        };
        move |event| watched.show(event)
    }

    /// Removes the animated lines.
    pub(crate) fn end(&self) {
        if let Some(total) = &self.total {
            total.finish_and_clear();
        }
    }
}

/// When a wait ends, at the latest.
type Until = Arc<Mutex<Option<Instant>>>;

/// One running rotation.
struct Watched {
    progress: Progress,
    store: String,
    name: Option<String>,
    line: Option<ProgressBar>,
    until: Until,
    /// The last wait, which is reported anew each time that something was looked at.
    waiting: Mutex<String>,
    failed: AtomicBool,
}

impl Watched {
    fn show(&self, event: &Event) {
        if events::are_wanted(&self.progress.output) {
            return events::happened(&self.progress.output, &self.store, event);
        }
        match event {
            Event::Waiting { why, left } => return self.wait(why, *left),
            Event::Started { step } => self.begin(&step.to_string()),
            Event::Failed { .. } => self.failed.store(true, Ordering::Relaxed),
            // Of many rotations on a terminal, only what is out of the ordinary stays.
            Event::Done { .. } if self.name.is_some() && self.line.is_some() => return,
            _ => {}
        }
        if let Some(text) = report::event_line(&self.progress.output, event) {
            self.progress.note(&self.named(&text));
        }
    }

    /// Shows the time left: counting down on a terminal, as one line elsewhere.
    fn wait(&self, why: &str, left: Duration) {
        if self.line.is_some() {
            self.begin(&format!("waiting {why}"));
            *lock(&self.until) = Instant::now().checked_add(left);
            return;
        }
        let before = std::mem::replace(&mut *lock(&self.waiting), why.to_owned());
        if before != why {
            let seconds = left.as_secs_f64().ceil();
            self.progress
                .note(&self.named(&format!("  waiting {}, at most {seconds} s", safe(why))));
        }
    }

    fn begin(&self, text: &str) {
        let Some(line) = &self.line else { return };
        *lock(&self.until) = None;
        line.set_message(self.named(&safe(text)));
        line.reset_elapsed();
    }

    fn named(&self, text: &str) -> String {
        match &self.name {
            Some(name) => format!("{name}: {text}"),
            None => text.to_owned(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Watched {
    fn drop(&mut self) {
        let Some(line) = &self.line else { return };
        line.finish_and_clear();
        let (Some(name), Some(total)) = (&self.name, &self.progress.total) else { return };
        let (tint, mark) = match self.failed.load(Ordering::Relaxed) {
            false => (Tint::Good, "✓"),
            true => (Tint::Bad, "✗"),
        };
        self.progress.note(&format!("{} {name}", self.progress.output.paint_error(tint, mark)));
        total.inc(1);
    }
}

/// The style of one rotation's line, with the time left of a wait.
fn one(until: &Until) -> ProgressStyle {
    let until = Arc::clone(until);
    let left = move |_: &ProgressState, text: &mut dyn std::fmt::Write| {
        if let Some(until) = *lock(&until) {
            let left = until.saturating_duration_since(Instant::now());
            // A line that cannot be drawn is not worth an error.
            let _ = write!(text, ", at most {} s left", left.as_secs());
        }
    };
    let style =
        ProgressStyle::with_template(ONE).unwrap_or_else(|_| ProgressStyle::default_spinner());
    style.with_key("left", left).tick_chars(TICKS)
}

const TICKS: &str = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ";

fn style(bar: &ProgressBar, template: &str) {
    // The templates are ours, and the tests show them.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.tick_chars(TICKS).progress_chars("━╸ "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_sound() {
        for template in [ONE, ALL] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}
