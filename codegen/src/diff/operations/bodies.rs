//! Request bodies of two operations.

use super::comparison::{Comparison, MediaChange, Place};
use crate::diff::effect::{self, Effect, Effects, Way};
use crate::diff::read::{Operation, Source, media};
use serde_json::Value;

impl<'a> Comparison<'_, 'a> {
    pub(super) fn request_body(&mut self, old: &Operation<'a>, new: &Operation<'a>) {
        let body = |source: &Source<'a>, operation: &Operation<'a>| {
            operation.value.get("requestBody").map(|body| source.deref(body))
        };
        let required = |body: &Value| body.get("required") == Some(&Value::Bool(true));
        let (before, now) = match (body(self.schemas.old, old), body(self.schemas.new, new)) {
            (None, None) => return,
            (None, Some(now)) => {
                let word = if required(now) { "required" } else { "optional" };
                let effect = effect::property_added(Way::Request, required(now));
                return self.at(now, effect, format!("request body added, {word}"));
            }
            (Some(before), None) => {
                return self.gone(before, Effect::Breaking, "request body removed".to_owned());
            }
            (Some(before), Some(now)) => (before, now),
        };
        if required(before) != required(now) {
            // Without an argument for the body or a field of it, the call stays as it is.
            let has_argument = media(self.schemas.new, now).values().any(|(_, node)| {
                let schema = self.schemas.new.schema(node);
                let is_object = schema.types.as_ref().is_some_and(|it| it.contains("object"));
                !is_object || !schema.unions.is_empty() || !schema.required.is_empty()
            });
            let (word, effect) = match required(now) {
                true => ("required", Effects::from(Effect::Breaking)),
                false if has_argument => {
                    ("optional", Effects::apart(Effect::Breaking, Effect::Additive))
                }
                false => ("optional", Effects::from(Effect::Additive)),
            };
            self.at(now, effect, format!("request body made {word}"));
        }
        self.words("request body", before, now);
        let place = Place { whole: "request body".to_owned(), part: "request property".to_owned() };
        self.media(Way::Request, &place, before, now, |change| match change {
            MediaChange::Added => Effect::Additive.into(),
            MediaChange::Removed => Effect::Breaking.into(),
        });
    }
}
