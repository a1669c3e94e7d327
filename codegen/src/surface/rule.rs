//! The bounds of a value, and their words.

use serde_json::Value;

/// The bounds of one value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rule {
    /// Lowest number.
    pub minimum: Option<f64>,
    /// Whether the lowest number itself is excluded.
    pub exclusive_minimum: bool,
    /// Highest number.
    pub maximum: Option<f64>,
    /// Whether the highest number itself is excluded.
    pub exclusive_maximum: bool,
    /// The number is a multiple of this.
    pub multiple_of: Option<f64>,
    /// Fewest characters.
    pub min_length: Option<u64>,
    /// Most characters.
    pub max_length: Option<u64>,
    /// Most bytes as UTF-8, which no keyword says: `x-onkernel-max-bytes`.
    pub max_bytes: Option<u64>,
    /// Fewest items.
    pub min_items: Option<u64>,
    /// Most items.
    pub max_items: Option<u64>,
    /// The numbers, or booleans as 0 and 1, that it may be.
    pub one_of: Vec<f64>,
    /// The bounds of each name of a map.
    pub keys: Option<Box<Rule>>,
    /// The bounds of each item of a list, or of each value of a map.
    pub items: Option<Box<Rule>>,
}

impl Rule {
    pub(super) fn read(schema: &Value) -> Self {
        let number = |key: &str| schema[key].as_f64();
        let count = |key: &str| schema[key].as_u64();
        let inner = |key: &str| {
            let rule = Self::read(schema.get(key)?);
            (!rule.is_none()).then(|| Box::new(rule))
        };
        let values = schema["enum"].as_array().into_iter().flatten();
        let value = |value: &Value| {
            value.as_f64().or_else(|| value.as_bool().map(|it| f64::from(u8::from(it))))
        };
        Self {
            minimum: number("minimum"),
            exclusive_minimum: schema["exclusiveMinimum"] == true,
            maximum: number("maximum"),
            exclusive_maximum: schema["exclusiveMaximum"] == true,
            multiple_of: number("multipleOf").filter(|step| *step > 0.0),
            min_length: count("minLength"),
            max_length: count("maxLength"),
            max_bytes: count("x-onkernel-max-bytes"),
            min_items: count("minItems").or_else(|| count("minProperties")),
            max_items: count("maxItems").or_else(|| count("maxProperties")),
            one_of: values.filter_map(value).collect(),
            keys: inner("propertyNames"),
            items: inner("items").or_else(|| inner("additionalProperties")),
        }
    }

    /// Whether there are any bounds.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The bounds in words, such as `1 to 255 characters`.
    pub fn words(&self) -> Option<String> {
        let numbers = match (self.minimum, self.maximum) {
            (Some(min), Some(max)) if !self.exclusive_minimum && !self.exclusive_maximum => {
                Some(format!("{min} to {max}"))
            }
            (None, None) => None,
            (min, max) => {
                let low = if self.exclusive_minimum { "above" } else { "at least" };
                let high = if self.exclusive_maximum { "below" } else { "at most" };
                let low = min.map(|min| format!("{low} {min}"));
                let high = max.map(|max| format!("{high} {max}"));
                Some(low.into_iter().chain(high).collect::<Vec<_>>().join(", "))
            }
        };
        let step = self.multiple_of.map(|step| format!("a multiple of {step}"));
        let characters = range(self.min_length, self.max_length, "characters");
        let bytes = range(None, self.max_bytes, "bytes");
        let items = range(self.min_items, self.max_items, "items");
        let values = (!self.one_of.is_empty()).then(|| {
            let values: Vec<_> = self.one_of.iter().map(ToString::to_string).collect();
            format!("one of {}", values.join(", "))
        });
        let inner = |rule: &Option<Box<Self>>, of: &str| {
            rule.as_ref().and_then(|rule| rule.words()).map(|words| format!("each {of} {words}"))
        };
        let (keys, each) = (inner(&self.keys, "name"), inner(&self.items, "item"));
        let words: Vec<_> = [numbers, step, values, characters, bytes, items, keys, each]
            .into_iter()
            .flatten()
            .collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

fn range(min: Option<u64>, max: Option<u64>, unit: &str) -> Option<String> {
    match (min, max) {
        (Some(min), Some(max)) => Some(format!("{min} to {max} {unit}")),
        (Some(min), None) => Some(format!("at least {min} {unit}")),
        (None, Some(max)) => Some(format!("at most {max} {unit}")),
        (None, None) => None,
    }
}
