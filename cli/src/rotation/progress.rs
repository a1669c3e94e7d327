//! Progress of rotations: on a terminal an animated line for each one and how many are done;
//! elsewhere a line for each step; with `--json` nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use onkernel::rotation::{Event, Step};

use super::report;
use crate::output::Output;
use crate::output::style::Tint;
use crate::output::text::{cut, safe};

/// The line of one rotation, and the one that counts them.
const ONE: &str = "  {spinner} {msg} … {elapsed}";
const ALL: &str = "  {bar:40} {pos} of {len} keys, {elapsed}";

/// More of a name would push the step off the line.
const NAME: usize = 32;

/// The animated lines, if there are any.
#[derive(Clone)]
pub(crate) struct Progress {
    output: Output,
    lines: Option<MultiProgress>,
    total: Option<ProgressBar>,
    /// How many seconds both keys work, where that is known.
    overlap: Option<f64>,
}

impl Progress {
    pub(crate) fn new(output: &Output, overlap: Option<f64>) -> Self {
        let lines = (!output.is_json() && output.can_animate()).then(MultiProgress::new);
        Self { output: *output, lines, total: None, overlap }
    }

    /// The progress of many rotations, each shown by its name.
    pub(crate) fn of_many(output: &Output, overlap: Option<f64>) -> Self {
        let progress = Self::new(output, overlap);
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
            Some(lines) => lines.suspend(|| self.output.note(text)),
            None => self.output.note(text),
        }
    }

    /// Listens to one rotation. Its line goes away when the rotation ends and drops the listener.
    pub(crate) fn watch(&self, name: Option<&str>) -> impl Fn(&Event) + Send + Sync + 'static {
        let name = name.map(|name| cut(&safe(name), NAME));
        let line = self.lines.as_ref().map(|lines| {
            let spinner = match &self.total {
                Some(total) => lines.insert_before(total, ProgressBar::new_spinner()),
                None => lines.add(ProgressBar::new_spinner()),
            };
            style(&spinner, ONE);
            spinner.enable_steady_tick(Duration::from_millis(100));
            spinner
        });
        let watched =
            Watched { progress: self.clone(), name, line, failed: AtomicBool::new(false) };
        move |event| watched.show(event)
    }

    /// Removes the animated lines.
    pub(crate) fn end(&self) {
        if let Some(total) = &self.total {
            total.finish_and_clear();
        }
    }
}

/// One running rotation.
struct Watched {
    progress: Progress,
    name: Option<String>,
    line: Option<ProgressBar>,
    failed: AtomicBool,
}

impl Watched {
    fn show(&self, event: &Event) {
        match event {
            Event::Started { step } => self.begin(*step),
            Event::Failed { .. } => self.failed.store(true, Ordering::Relaxed),
            // Of many rotations on a terminal, only what is out of the ordinary stays.
            Event::Done { .. } if self.name.is_some() && self.line.is_some() => return,
            _ => {}
        }
        if let Some(text) = report::event_line(&self.progress.output, event) {
            self.progress.note(&match &self.name {
                Some(name) => format!("{name}: {text}"),
                None => text,
            });
        }
    }

    fn begin(&self, step: Step) {
        let Some(line) = &self.line else { return };
        let mut text = step.to_string();
        if let (Step::Overlap, Some(seconds)) = (step, self.progress.overlap) {
            text.push_str(&format!(" for {seconds} s"));
        }
        line.set_message(match &self.name {
            Some(name) => format!("{name}: {text}"),
            None => text,
        });
        line.reset_elapsed();
    }
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

fn style(bar: &ProgressBar, template: &str) {
    // The templates are ours, and the tests show them.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ").progress_chars("━╸ "));
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
