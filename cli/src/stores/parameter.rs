//! What a parameter of a preset may be. A value becomes an argument of a program, or a part of one, and
//! must never be read as an option, a file to load (`@file`, `file://…`), or another parameter.

use serde::Deserialize;

/// More than any name of a vendor's.
const LONGEST: usize = 512;

/// One parameter.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameter {
    form: Form,
    #[serde(default)]
    pub(crate) optional: bool,
    pub(crate) default: Option<String>,
}

/// What its value looks like.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    /// The name of an environment variable.
    Variable,
    /// Letters, digits, `.`, `_` and `-`.
    Word,
    /// The same with spaces, `/`, `+` and `@` inside.
    Name,
    /// An absolute path of such characters.
    Path,
}

impl Parameter {
    /// Checks a value, in which `{name}` or `{id}` may stand for those of a key.
    pub(super) fn check(&self, value: &str) -> Result<(), &'static str> {
        self.check_filled(&value.replace("{name}", "x").replace("{id}", "x"))
    }

    /// Checks a value.
    pub(super) fn check_filled(&self, value: &str) -> Result<(), &'static str> {
        let start = |one: char| one.is_ascii_alphanumeric() || one == '_';
        let word = |one: char| one.is_ascii_alphanumeric() || "._-".contains(one);
        let name = |one: char| word(one) || " /+@".contains(one);
        let of = |first: &dyn Fn(char) -> bool, rest: &dyn Fn(char) -> bool| {
            value.starts_with(first) && value.chars().all(rest) && !value.ends_with(' ')
        };
        let (fits, must) = match self.form {
            Form::Variable => (
                of(&|one| one.is_ascii_alphabetic() || one == '_', &|one| start(one)),
                "must be the name of an environment variable",
            ),
            Form::Word => (
                of(&start, &word),
                "must be letters, digits, `.`, `_` and `-`, and begin with a letter, a digit or `_`",
            ),
            Form::Name => (
                of(&|one| start(one) || one == '/', &name),
                "must be letters, digits, spaces and `._-/+@`, and begin with a letter, a digit, `_` or `/`",
            ),
            Form::Path => (
                of(&|one| one == '/', &name),
                "must be an absolute path of letters, digits, spaces and `._-/+@`",
            ),
        };
        match fits && value.len() <= LONGEST {
            true => Ok(()),
            false => Err(must),
        }
    }
}
