//! A document as it is written: its mappings keep the order of their keys, which a
//! [`serde_json::Value`] does not.

use onkernel_codegen::Document;
use onkernel_codegen::document::pointer::join;
use serde_json::Value;

/// A value whose mappings are ordered.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// Anything but a list or a mapping.
    Scalar(Value),
    /// A list.
    List(Vec<Tree>),
    /// A mapping, no key twice.
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// A whole document, in the order of its file.
    #[must_use]
    pub fn of(document: &Document) -> Self {
        Self::at(document, document.root(), "")
    }

    fn at(document: &Document, value: &Value, pointer: &str) -> Self {
        match value {
            Value::Object(object) => {
                let mut members: Vec<_> = object
                    .iter()
                    .map(|(key, value)| {
                        let at = join(pointer, key);
                        let tree = Self::at(document, value, &at);
                        (document.position(&at), key.clone(), tree)
                    })
                    .collect();
                // What an alias repeats has no place of its own, and stays sorted by name.
                members.sort_by_key(|(position, _, _)| *position);
                Self::Map(members.into_iter().map(|(_, key, tree)| (key, tree)).collect())
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                let item = |(index, it)| Self::at(document, it, &join(pointer, index));
                Self::List(items.map(item).collect())
            }
            scalar => Self::Scalar(scalar.clone()),
        }
    }

    /// A text.
    #[must_use]
    pub fn string(text: &str) -> Self {
        Self::Scalar(Value::from(text))
    }

    /// A mapping with one key.
    #[must_use]
    pub fn pair(key: &str, value: Self) -> Self {
        Self::Map(vec![(key.to_owned(), value)])
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The members of a mapping; none of anything else.
    #[must_use]
    pub fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Map(members) => members,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// A member of a mapping.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.members().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// A member of a mapping, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        match self {
            Self::Map(members) => {
                members.iter_mut().find(|(name, _)| name == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// What a JSON pointer names.
    #[must_use]
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        let mut tree = self;
        for token in pointer.split('/').skip(1) {
            tree = match tree {
                Self::List(items) => items.get(token.parse::<usize>().ok()?)?,
                _ => tree.get(&token.replace("~1", "/").replace("~0", "~"))?,
            };
        }
        Some(tree)
    }

    /// The same value without the order of its keys.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Scalar(value) => value.clone(),
            Self::List(items) => items.iter().map(Self::to_value).collect(),
            Self::Map(members) => {
                members.iter().map(|(key, it)| (key.clone(), it.to_value())).collect()
            }
        }
    }

    /// Whether both say the same, in whatever order their keys are.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.to_value() == other.to_value()
    }
}

impl From<&Value> for Tree {
    fn from(value: &Value) -> Self {
        match value {
            Value::Object(object) => {
                Self::Map(object.iter().map(|(key, it)| (key.clone(), it.into())).collect())
            }
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            scalar => Self::Scalar(scalar.clone()),
        }
    }
}
