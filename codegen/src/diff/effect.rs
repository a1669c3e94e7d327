//! What a difference does to a Rust caller: the one table that decides.
//!
//! The surface we generate decides most rows. Types are `#[non_exhaustive]`, and optional values have setters, so what
//! is added and optional breaks nobody; what is required is an argument. Enums are open when they are read. Unknown response fields are ignored, and a response field that is required
//! and nullable may be absent. Bounds are checked on the way out only. A public field whose type changes breaks those who
//! read or assign it, on both sides; the setter of a *parameter* takes the same values whether the parameter is required
//! or not.
//!
//! A request that used to be accepted and now is not counts as breaking even where the Rust types stay the same.

use serde::Serialize;

/// What one change does to those who call the API through the generated client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Effect {
    /// Calling code stops compiling, or a request that used to be accepted is rejected.
    Breaking,
    /// Everything compiles, and something else happens than before.
    Behaviour,
    /// Callers can do more; what they do today stays as it is.
    Additive,
    /// No effect on calling code: words, or a promise that this client never relied on.
    Documentation,
}

/// What a release with these changes has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Verdict {
    /// At least one change is breaking.
    Major,
    /// The gravest change is additive or one of behaviour.
    Minor,
    /// Nothing but documentation changed.
    Patch,
    /// The documents say the same.
    None,
}

impl Verdict {
    /// The verdict on a set of changes.
    pub(super) fn on(effects: impl Iterator<Item = Effect>) -> Self {
        match effects.min() {
            Some(Effect::Breaking) => Verdict::Major,
            Some(Effect::Behaviour | Effect::Additive) => Verdict::Minor,
            Some(Effect::Documentation) => Verdict::Patch,
            None => Verdict::None,
        }
    }

    /// `major`, `minor`, `patch` or `none`, as in the JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Major => "major",
            Verdict::Minor => "minor",
            Verdict::Patch => "patch",
            Verdict::None => "none",
        }
    }
}

impl Effect {
    /// `breaking`, `behaviour`, `additive` or `documentation`, as in the JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Effect::Breaking => "breaking",
            Effect::Behaviour => "behaviour",
            Effect::Additive => "additive",
            Effect::Documentation => "documentation",
        }
    }
}

/// What one change does on both sides.
///
/// The Rust surface hides some of what goes over the wire, such as the name of a media type, and adds
/// what HTTP does not know, such as the names of methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Effects {
    /// For callers of the generated client.
    pub(super) callers: Effect,
    /// For anyone who speaks HTTP; none where they cannot see it.
    pub(super) http: Option<Effect>,
}

impl From<Effect> for Effects {
    fn from(effect: Effect) -> Self {
        Self { callers: effect, http: Some(effect) }
    }
}

impl Effects {
    /// Of what only the generated client has.
    pub(super) fn callers_only(callers: Effect) -> Self {
        Self { callers, http: None }
    }

    pub(super) fn apart(callers: Effect, http: Effect) -> Self {
        Self { callers, http: Some(http) }
    }

    pub(super) fn map(self, by: impl Fn(Effect) -> Effect) -> Self {
        Self { callers: by(self.callers), http: self.http.map(by) }
    }
}

/// Which way a value travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Way {
    /// From the caller to the server.
    Request,
    /// From the server to the caller.
    Response,
}

/// How the set of allowed values moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shift {
    /// Fewer values than before.
    Tightened,
    /// More values than before.
    Loosened,
    /// Some values left, others came, or it cannot be told.
    Changed,
}

impl Shift {
    /// Of a constraint that was or is absent.
    pub(super) fn of_presence(before: bool, now: bool) -> Self {
        match (before, now) {
            (false, true) => Shift::Tightened,
            (true, false) => Shift::Loosened,
            _ => Shift::Changed,
        }
    }
}

/// A constraint on values that leaves the Rust type as it is.
///
/// In a request fewer values means rejected requests. In a response the client checks nothing: more values means that the caller
/// meets some that were ruled out before, fewer means nothing.
pub(super) fn values(way: Way, shift: Shift) -> Effect {
    match (way, shift) {
        (Way::Request, Shift::Loosened) => Effect::Additive,
        (Way::Request, Shift::Tightened | Shift::Changed) => Effect::Breaking,
        (Way::Response, Shift::Tightened) => Effect::Documentation,
        (Way::Response, Shift::Loosened | Shift::Changed) => Effect::Behaviour,
    }
}

/// A property came: a new field, which only matters where callers must fill it in.
pub(super) fn property_added(way: Way, required: bool) -> Effect {
    match (way, required) {
        (Way::Request, true) => Effect::Breaking,
        _ => Effect::Additive,
    }
}

/// How a property is held in Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Plain,
    Option,
    OptionNullable,
}

impl Held {
    /// The type of a field, by where it travels and what may be left out or null.
    pub(super) fn of(way: Way, required: bool, nullable: bool) -> Self {
        match (way, required, nullable) {
            (_, true, false) => Held::Plain,
            (Way::Request, false, true) => Held::OptionNullable,
            _ => Held::Option,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Held::Plain => "T",
            Held::Option => "Option<T>",
            Held::OptionNullable => "Option<Nullable<T>>",
        }
    }
}

/// A property was made required, optional, nullable or not: the type of its field decides, and in a request what the
/// server accepts.
pub(super) fn held(way: Way, old: (bool, bool), new: (bool, bool)) -> Effects {
    let (tightened, loosened) =
        ((new.0 && !old.0) || (old.1 && !new.1), (old.0 && !new.0) || (new.1 && !old.1));
    let http = match way {
        Way::Request if tightened => Effect::Breaking,
        Way::Request => Effect::Additive,
        // Nothing is there where something always was.
        Way::Response if loosened => Effect::Breaking,
        Way::Response => Effect::Documentation,
    };
    let is_retyped = Held::of(way, old.0, old.1) != Held::of(way, new.0, new.1);
    let callers = match is_retyped || way == Way::Request && tightened {
        true => Effect::Breaking,
        false => Effect::Documentation,
    };
    Effects::apart(callers, http)
}

/// Null is allowed or not where the Rust type has no other reason to be an `Option`.
pub(super) fn nullability(way: Way, now: bool) -> Effects {
    let http = match (way, now) {
        (Way::Request, true) => Effect::Additive,
        (Way::Request, false) | (Way::Response, true) => Effect::Breaking,
        (Way::Response, false) => Effect::Documentation,
    };
    Effects::apart(Effect::Breaking, http)
}

/// A value of an enum or a variant of a choice, which are open where they are read.
pub(super) fn alternative(way: Way, shift: Shift) -> Effects {
    let callers = match shift {
        Shift::Loosened => Effect::Additive,
        Shift::Tightened | Shift::Changed => Effect::Breaking,
    };
    Effects::apart(callers, values(way, shift))
}

/// Formats that have a Rust type of their own; with any other it is `String`, `i64` or `f64` as without.
const TYPED: [&str; 8] =
    ["binary", "date", "date-time", "int32", "password", "uint32", "uint64", "uint8"];

/// Whether a change of format is a change of Rust type.
pub(super) fn format_retypes(old: Option<&str>, new: Option<&str>) -> bool {
    let typed = |format: Option<&'_ str>| {
        format.and_then(|name| TYPED.iter().position(|typed| *typed == name))
    };
    typed(old) != typed(new)
}

/// A default: the client never fills it in, so in a request the server now does something else where nothing is sent,
/// and in a response nothing changes.
pub(super) fn default_value(way: Way) -> Effect {
    match way {
        Way::Request => Effect::Behaviour,
        Way::Response => Effect::Documentation,
    }
}

/// A deprecation is a warning at compile time at worst; taking it back is less than that.
pub(super) fn deprecation(now: bool) -> Effect {
    if now { Effect::Additive } else { Effect::Documentation }
}
