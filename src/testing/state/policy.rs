//! What a key with a policy may do.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Limits a key to what its statements list, such as `browsers:use` on `projects/proj_1/*`.
///
/// No policy reaches the management of keys: every call to it by a key that has a policy is
/// rejected with 403 `insufficient_scope`, whatever the statements say. This server has nothing
/// else that a statement could allow; it keeps policies, shows them and copies them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Policy {
    /// What is allowed.
    pub statements: Vec<Statement>,
}

/// One line of a [`Policy`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Statement {
    /// What may be done, such as `browsers:use`.
    pub action: String,
    /// What it may be done to, such as `projects/proj_1/*`.
    pub resource: String,
}

impl Policy {
    /// A policy that allows nothing.
    ///
    /// ```
    /// use onkernel::testing::Policy;
    ///
    /// let worker = Policy::new().allow("browsers:use", "projects/proj_1/*");
    /// assert_eq!(worker.statements.len(), 1);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows one action on one resource; both may hold `*`.
    #[must_use]
    pub fn allow(mut self, action: impl Into<String>, resource: impl Into<String>) -> Self {
        self.statements.push(Statement { action: action.into(), resource: resource.into() });
        self
    }

    /// Reads a policy from a request body. The error says what is wrong with it.
    pub(in crate::testing) fn parse(value: &Value) -> Result<Self, String> {
        let statements = value
            .as_object()
            .and_then(|policy| policy.get("statements"))
            .and_then(Value::as_array)
            .ok_or("policy must be an object with a list of statements")?;
        let statements = statements.iter().enumerate().map(|(index, statement)| {
            let fields = statement
                .as_object()
                .ok_or_else(|| format!("policy.statements[{index}] must be an object"))?;
            let action = text(fields, "action", index)?;
            let resource = text(fields, "resource", index)?;
            Ok(Statement { action, resource })
        });
        Ok(Self { statements: statements.collect::<Result<_, String>>()? })
    }
}

fn text(fields: &Map<String, Value>, name: &str, index: usize) -> Result<String, String> {
    fields
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.trim().is_empty())
        .map(str::to_owned)
        .ok_or_else(|| format!("policy.statements[{index}].{name} must be a string with content"))
}
