//! Faults as a file writes them: each is checked, so that a slip of the pen does not make a test pass.

use hyper::header::{HeaderName, HeaderValue};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::fault::{Fault, When};
use super::kind::Kind;

/// A fault as a file writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    method: Option<String>,
    path: Option<String>,
    nth: Option<u64>,
    from: Option<u64>,
    every: Option<u64>,
    probability: Option<f64>,
    #[serde(default)]
    seed: u64,
    times: Option<u64>,
    when: Option<When>,
    #[serde(rename = "do")]
    kind: Kind,
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Fault::try_from(Order::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl TryFrom<Order> for Fault {
    type Error = String;

    fn try_from(order: Order) -> Result<Self, String> {
        let Order { method, path, nth, from, every, probability, seed, times, when, kind } = order;
        let fault = Self { method, path, nth, from, every, probability, seed, times, when, kind };
        fault.check().map(|()| fault)
    }
}

impl Fault {
    fn check(&self) -> Result<(), String> {
        let status = |status: u16| match status {
            200..=599 => Ok(()),
            _ => Err(format!("the status {status} is not between 200 and 599")),
        };
        match &self.kind {
            Kind::Status { code, .. } => status(*code)?,
            Kind::Replace { status: code, headers, .. } => {
                status(*code)?;
                headers.iter().try_for_each(check_header)?;
            }
            Kind::Headers { set, .. } => set.iter().try_for_each(check_header)?,
            Kind::Redirect { location } => check_header((&"location".into(), location))?,
            Kind::Rejected { status, .. } if !(400..=499).contains(status) => {
                return Err(format!("the status {status} is not between 400 and 499"));
            }
            Kind::SlowBody { bytes: 0, .. } => {
                return Err("slow_body needs bytes of 1 or more".into());
            }
            _ => {}
        }
        for (name, count) in [("nth", self.nth), ("from", self.from), ("every", self.every)] {
            if count == Some(0) {
                return Err(format!("{name} counts from 1"));
            }
        }
        if self.probability.is_some_and(|chance| !(0.0..=1.0).contains(&chance)) {
            return Err("probability must be between 0 and 1".into());
        }
        if self.path.as_ref().is_some_and(|path| !path.starts_with('/') && path != "**") {
            return Err("path must begin with /".into());
        }
        Ok(())
    }
}

fn check_header((name, value): (&String, &String)) -> Result<(), String> {
    match name.parse::<HeaderName>().is_ok() && value.parse::<HeaderValue>().is_ok() {
        true => Ok(()),
        false => Err(format!("{name:?} with this value is not a header that HTTP allows")),
    }
}
