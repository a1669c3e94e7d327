//! What a document's prose says of fields together, which no schema does: some exclude each other, some
//! need another.
//!
//! ```yaml
//! x-onkernel-exclusive: [[proxy], [proxy_id, disable_default_proxy]]   # of these groups at most one
//! x-onkernel-requires: { city: country, video_memory: gpu=true }       # what is left needs what is right
//! ```
//!
//! A field counts where it is set, and not to null; `field=value` where it is set to this boolean or
//! value of an enum. The keys stand on a schema with properties or on an operation, whose fields are
//! its parameters.

use serde_json::Value;

/// What holds between fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Relations {
    /// Groups of which at most one may be there; one is there where any of its terms holds.
    pub exclusive: Vec<Vec<Term>>,
    /// Terms that must not all hold: `not: { required: [a, b] }` in a schema.
    pub apart: Vec<Vec<Term>>,
    /// A term that needs another.
    pub requires: Vec<(Term, Term)>,
}

/// A field that is set, or set to one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The field as it is sent.
    pub wire: String,
    /// The value.
    pub value: Option<String>,
}

impl Relations {
    /// What the keys of an owner say; what is malformed says nothing.
    pub(crate) fn read(owner: &Value) -> Self {
        let groups = owner["x-onkernel-exclusive"].as_array().into_iter().flatten();
        let group = |group: &Value| {
            let terms = group.as_array().into_iter().flatten();
            terms.filter_map(Value::as_str).map(Term::read).collect::<Vec<_>>()
        };
        let requires = owner["x-onkernel-requires"].as_object().into_iter().flatten();
        let apart = owner["x-onkernel-excluded"].as_array().into_iter().flatten();
        let requires = requires
            .filter_map(|(left, right)| Some((Term::read(left), Term::read(right.as_str()?))));
        Self {
            exclusive: groups.map(group).collect(),
            apart: apart.map(group).collect(),
            requires: requires.collect(),
        }
    }

    /// Whether nothing is said.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// All terms.
    pub(crate) fn terms(&self) -> impl Iterator<Item = &Term> {
        let pairs = self.requires.iter().flat_map(|(left, right)| [left, right]);
        self.exclusive.iter().chain(&self.apart).flatten().chain(pairs)
    }

    /// A line for each, such as `city needs country`.
    pub fn words(&self) -> Vec<String> {
        let group =
            |group: &Vec<Term>| group.iter().map(Term::words).collect::<Vec<_>>().join(" + ");
        let groups: Vec<String> = self.exclusive.iter().map(group).collect();
        let exclusive =
            (!groups.is_empty()).then(|| format!("at most one of: {}", groups.join(", ")));
        let requires = self
            .requires
            .iter()
            .map(|(left, right)| format!("{} needs {}", left.words(), right.words()));
        let apart = self.apart.iter().map(|terms| {
            let terms: Vec<_> = terms.iter().map(Term::words).collect();
            format!("not together: {}", terms.join(", "))
        });
        exclusive.into_iter().chain(apart).chain(requires).collect()
    }

    /// The same as a sentence; nothing where nothing is said.
    pub(crate) fn sentence(&self) -> Option<String> {
        let code = |group: &Vec<Term>| {
            let terms = group.iter().map(|term| format!("`{}`", term.words()));
            terms.collect::<Vec<_>>().join(" and ")
        };
        let groups: Vec<String> = self.exclusive.iter().map(code).collect();
        let exclusive =
            (!groups.is_empty()).then(|| format!("Set at most one of {}.", groups.join(" or ")));
        let requires = self
            .requires
            .iter()
            .map(|(left, right)| format!("`{}` needs `{}`.", left.words(), right.words()));
        let apart = self.apart.iter().map(|terms| format!("Not together: {}.", code(terms)));
        let all: Vec<String> = exclusive.into_iter().chain(apart).chain(requires).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }
}

impl Term {
    fn read(text: &str) -> Self {
        match text.split_once('=') {
            Some((wire, value)) => Self { wire: wire.to_owned(), value: Some(value.to_owned()) },
            None => Self { wire: text.to_owned(), value: None },
        }
    }

    /// `order=desc`
    pub fn words(&self) -> String {
        match &self.value {
            Some(value) => format!("{}={value}", self.wire),
            None => self.wire.clone(),
        }
    }
}
