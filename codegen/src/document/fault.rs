//! What is rejected although it can be read, and where that stands.

use super::limits::MAX_EXPANSION;
use super::pointer::join;
use super::source::Source;
use crate::error::Problem;

/// What is wrong with a value, by its pointer.
pub(super) struct Fault {
    pub(super) pointer: String,
    pub(super) kind: FaultKind,
}

pub(super) enum FaultKind {
    Duplicate,
    Expansion,
    Tag,
    /// The value is not what this tag of the core schema says.
    Mistagged(String),
    NotFinite(f64),
    TooLong(String),
}

impl Fault {
    pub(super) fn new(path: &Path<'_>, kind: FaultKind) -> Self {
        Self { pointer: path.pointer(), kind }
    }

    pub(super) fn locate(self, source: &Source) -> Problem {
        let places = source.places();
        let (message, help) = match &self.kind {
            FaultKind::Duplicate => {
                let first = places.values.get(&self.pointer);
                let first = first.map(|at| format!(", first on line {}", at.line));
                (
                    format!("this key appears twice{}", first.unwrap_or_default()),
                    "remove one of them",
                )
            }
            FaultKind::Expansion => (
                format!("aliases make this document more than {MAX_EXPANSION} times larger"),
                "write the values out, or use `$ref`",
            ),
            FaultKind::Tag => (
                "a YAML tag (`!…`) has no meaning here".to_owned(),
                "remove the tag, and bundle the document if it has several files",
            ),
            FaultKind::Mistagged(tag) => (
                format!("this is not what its tag `!!{tag}` says"),
                "correct the value or remove the tag",
            ),
            FaultKind::NotFinite(number) => (
                format!("{number} is not a number that JSON can carry"),
                "give a finite number, or quote it if a text is meant",
            ),
            FaultKind::TooLong(digits) => (
                format!("{digits} has more digits than can be kept"),
                "give a number of 64 bits, or quote it if a text is meant",
            ),
        };
        let mut problem = source.problem(&self.pointer, message, help);
        if let (FaultKind::Duplicate, Some(second)) =
            (&self.kind, places.duplicates.get(&self.pointer))
        {
            problem.position = Some(*second);
        }
        problem
    }
}

/// From a value up to the root, without allocation: most readings have no fault to locate.
#[derive(Clone, Copy)]
pub(super) enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl Path<'_> {
    pub(super) fn pointer(&self) -> String {
        match self {
            Path::Root => String::new(),
            Path::Key(base, key) => join(&base.pointer(), key),
            Path::Item(base, index) => join(&base.pointer(), index),
        }
    }

    /// Whether a value here is one that requests and responses hold, so that every digit counts. A
    /// limit of more than 64 bits is one that no number reaches, whatever its last digits are.
    pub(super) fn is_travelling(&self) -> bool {
        match self {
            Path::Root => false,
            Path::Key(_, key) => ["const", "enum"].contains(key),
            Path::Item(base, _) => base.is_travelling(),
        }
    }
}
