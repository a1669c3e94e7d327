//! A query, as it was understood.

use serde_json::Value;

/// A step from a value to one of its members.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::overlay) enum Step {
    Key(String),
    Index(usize),
}

/// From values to some of their members.
#[derive(Debug)]
pub(super) struct Segment {
    /// Whether also to the members of their members, and so on.
    pub(super) descends: bool,
    pub(super) selectors: Vec<Selector>,
}

#[derive(Debug)]
pub(super) enum Selector {
    Name(String),
    /// Negative ones count from the end.
    Index(i64),
    Slice {
        start: Option<i64>,
        end: Option<i64>,
        step: i64,
    },
    Wildcard,
    Filter(Test),
}

/// What a filter asks of each member.
#[derive(Debug)]
pub(super) enum Test {
    Any(Vec<Test>),
    All(Vec<Test>),
    Not(Box<Test>),
    /// Whether there is anything where the query leads.
    Exists(Query),
    Compare(Operand, Comparison, Operand),
    Matches {
        text: Operand,
        pattern: Operand,
        /// Whether the pattern is for the whole text, and not for any part of it.
        whole: bool,
    },
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What is compared: a value, or nothing.
#[derive(Debug)]
pub(super) enum Operand {
    Literal(Value),
    /// The value where the query leads, if that is one place.
    Value(Query),
    /// How many characters or members a value has.
    Length(Box<Operand>),
    /// To how many places the query leads.
    Count(Query),
}

/// A query inside a filter.
#[derive(Debug)]
pub(super) struct Query {
    /// Whether it begins at the member that is tested (`@`), and not at the whole value (`$`).
    pub(super) relative: bool,
    pub(super) segments: Vec<Segment>,
}

impl Query {
    /// Whether it leads to one place at most, whatever the value is.
    pub(super) fn is_singular(&self) -> bool {
        self.segments.iter().all(|it| {
            !it.descends && matches!(it.selectors[..], [Selector::Name(_) | Selector::Index(_)])
        })
    }
}
