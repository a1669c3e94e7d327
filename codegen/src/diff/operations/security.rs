//! The credentials that two operations accept.

use super::comparison::Comparison;
use crate::diff::effect::Effect;
use crate::diff::read::{Operation, Source, plain};
use crate::diff::words::code;
use serde_json::Value;
use std::collections::BTreeSet;

impl<'a> Comparison<'_, 'a> {
    pub(super) fn security(&mut self, old: &Operation<'a>, new: &Operation<'a>) {
        let before = Credentials::of(self.schemas.old, old);
        let now = Credentials::of(self.schemas.new, new);
        if before == now {
            return;
        }
        let effect = if before.still_accepted(&now) { Effect::Additive } else { Effect::Breaking };
        let what = format!("credentials changed from {before} to {now}");
        self.at(new.value.get("security").unwrap_or(new.value), effect, what);
    }
}

/// What an operation accepts as credentials: any one of the sets.
#[derive(PartialEq, Eq)]
struct Credentials(BTreeSet<BTreeSet<String>>);

impl Credentials {
    fn of<'a>(source: &Source<'a>, operation: &Operation<'a>) -> Self {
        let stated = operation.value.get("security").or_else(|| source.root.get("security"));
        let alternatives = stated.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut sets: BTreeSet<BTreeSet<String>> = BTreeSet::new();
        for alternative in alternatives {
            let mut set = BTreeSet::new();
            for (name, scopes) in alternative.as_object().into_iter().flatten() {
                let scheme = scheme(source, name);
                set.insert(scheme.clone());
                for scope in scopes.as_array().into_iter().flatten() {
                    set.insert(format!("{scheme} with scope {}", plain(scope)));
                }
            }
            sets.insert(set);
        }
        if sets.is_empty() {
            sets.insert(BTreeSet::new());
        }
        Self(sets)
    }

    /// Whether everyone who was let in still is.
    fn still_accepted(&self, now: &Self) -> bool {
        self.0.iter().all(|before| now.0.iter().any(|now| now.is_subset(before)))
    }
}

impl std::fmt::Display for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sets: Vec<_> = self
            .0
            .iter()
            .map(|set| match set.len() {
                0 => "none".to_owned(),
                _ => set.iter().cloned().collect::<Vec<_>>().join(" and "),
            })
            .collect();
        f.write_str(&sets.join(" or "))
    }
}

/// A security scheme by what it asks for; its name does not matter.
fn scheme<'a>(source: &Source<'a>, name: &str) -> String {
    let schemes = source.root.pointer("/components/securitySchemes");
    let Some(scheme) = schemes.and_then(|schemes| schemes.get(name)) else {
        return code(name);
    };
    let scheme = source.deref(scheme);
    let text = |keyword: &str| scheme.get(keyword).and_then(Value::as_str).unwrap_or_default();
    match text("type") {
        "http" => format!("HTTP {}", text("scheme").to_ascii_lowercase()),
        "apiKey" => format!("key in {} `{}`", text("in"), text("name")),
        "openIdConnect" => format!("OpenID Connect by {}", code(text("openIdConnectUrl"))),
        "oauth2" => "OAuth 2".to_owned(),
        _ => code(name),
    }
}
