//! What a key with a policy may do.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::testing::faults::glob;

/// What a key may do: all that no statement allows is refused with 403.
///
/// The names of this server, since the API's own list of them is not public:
///
/// | call | action | resource |
/// |---|---|---|
/// | list, create | `api_keys:list`, `api_keys:create` | `org/api_keys/*` or `projects/{project_id}/api_keys/*` |
/// | get, update, delete, rotate | `api_keys:get`, `api_keys:update`, `api_keys:delete`, `api_keys:rotate` | `org/api_keys/{id}` or `projects/{project_id}/api_keys/{id}` |
///
/// The first form is for org-wide keys and requests, the second for keys and requests of a
/// project. In a statement `*` stands for any characters, slashes included, so that
/// `projects/p/*` allows everything inside one project and `*` everything there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Policy {
    /// The calls that are allowed.
    pub statements: Vec<Statement>,
}

/// One line of a [`Policy`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Statement {
    /// What may be done, such as `api_keys:list`.
    pub action: String,
    /// What it may be done to, such as `projects/proj_1/api_keys/*`.
    pub resource: String,
}

impl Policy {
    /// A policy that allows nothing.
    ///
    /// ```
    /// use onkernel::testing::Policy;
    ///
    /// let auditor = Policy::new().allow("api_keys:list", "*").allow("api_keys:get", "*");
    /// assert_eq!(auditor.statements.len(), 2);
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

    /// Whether any statement is about this action, whatever the resource.
    pub(in crate::testing) fn knows(&self, action: &str) -> bool {
        self.statements.iter().any(|s| glob::covers(&s.action, action))
    }

    pub(in crate::testing) fn allows(&self, action: &str, resource: &str) -> bool {
        self.statements
            .iter()
            .any(|s| glob::covers(&s.action, action) && glob::covers(&s.resource, resource))
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
