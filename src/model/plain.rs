//! Values of no generated type as a whole request body: they have no bounds of their own.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value};

use super::secret::Secret;
use super::validate::{Checked, Checks, Validate};

macro_rules! unbounded {
    ($($value:ty),*) => {$(
        impl Validate for $value {
            fn validate(&self, _: Checks) -> Checked {
                Ok(())
            }
        }
    )*};
}
unbounded!((), bool, i32, i64, u8, u32, u64, f64, String, Secret);
unbounded!(DateTime<Utc>, NaiveDate, Map<String, Value>);
