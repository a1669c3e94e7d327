//! Values of no generated type as a whole request body: they have no bounds of their own.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value};

use super::secret::Secret;
use super::validate::{Validate, ValidationError};

macro_rules! unbounded {
    ($($value:ty),*) => {$(
        impl Validate for $value {
            fn validate(&self) -> Result<(), ValidationError> {
                Ok(())
            }
        }
    )*};
}
unbounded!((), bool, i32, i64, u8, u32, u64, f64, String, Secret);
unbounded!(DateTime<Utc>, NaiveDate, Map<String, Value>);
