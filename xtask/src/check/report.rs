//! The result of the checks, and how it is printed.

use std::fmt;

/// The result of all checks.
#[derive(Debug)]
pub struct Report {
    pub(super) checks: Vec<(&'static str, Vec<Failure>)>,
}

/// One thing to repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// From the workspace's folder, with line and column where they are known.
    pub file: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub repair: String,
}

impl Failure {
    /// `what` may begin with the name of the file, which is then printed once.
    pub(super) fn new(file: impl Into<String>, what: &str, repair: impl Into<String>) -> Self {
        let file = file.into();
        let what = what.strip_prefix(&format!("{file}:")).unwrap_or(what).trim_start().to_owned();
        Self { file, what, repair: repair.into() }
    }
}

impl Report {
    /// Whether everything is in order.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.failures().next().is_none()
    }

    /// Everything to repair.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.checks.iter().flat_map(|(_, failures)| failures)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, failures) in &self.checks {
            writeln!(f, "{:<6} {name}", if failures.is_empty() { "ok" } else { "FAILED" })?;
            for Failure { file, what, repair } in failures {
                writeln!(f, "         {file}: {what}\n           repair: {repair}")?;
            }
        }
        match self.failures().count() {
            0 => writeln!(f, "\neverything is in order"),
            1 => writeln!(f, "\n1 thing to repair"),
            many => writeln!(f, "\n{many} things to repair"),
        }
    }
}
