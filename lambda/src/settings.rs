//! The settings of the function, from its environment.

use std::time::Duration;

use onkernel::rotation::{AwsStore, Lifetime};

/// The secret with the key that makes and deletes keys, as `NAME` or `NAME#FIELD`.
const CALLER: &str = "KERNEL_KEYS_CALLER";
/// The field of the rotated secret that holds the key; without it the whole secret is the key.
const FIELD: &str = "KERNEL_KEYS_FIELD";
const LIFETIME: &str = "KERNEL_KEYS_LIFETIME_DAYS";
const OVERLAP: &str = "KERNEL_KEYS_OVERLAP_MINUTES";

/// What a rotation is to be like.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    caller: Option<String>,
    field: Option<String>,
    pub(crate) lifetime: Lifetime,
    pub(crate) overlap: Duration,
}

impl Settings {
    /// The settings, or which of them cannot be used and why.
    pub(crate) fn from(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let set = |name: &str| {
            variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let lifetime = match set(LIFETIME).as_deref() {
            None => Lifetime::AsOld,
            Some("never") => Lifetime::Never,
            Some(days) => match days.parse() {
                Ok(days @ 1..=3650) => Lifetime::Days(days),
                _ => {
                    return Err(format!(
                        "{LIFETIME} is {days:?}: it must be a number of days, 1 to 3650, or `never`"
                    ));
                }
            },
        };
        let overlap = match set(OVERLAP) {
            None => Duration::from_secs(3600),
            Some(minutes) => match minutes.parse::<u32>() {
                Ok(minutes) => Duration::from_secs(60 * u64::from(minutes)),
                Err(_) => {
                    return Err(format!(
                        "{OVERLAP} is {minutes:?}: it must be a number of minutes"
                    ));
                }
            },
        };
        Ok(Self { caller: set(CALLER), field: set(FIELD), lifetime, overlap })
    }

    /// The secret that is rotated.
    pub(crate) fn secret(&self, id: &str) -> AwsStore {
        let store = AwsStore::new(id);
        match &self.field {
            Some(field) => store.field(field),
            None => store,
        }
    }

    /// The secret with the key that rotates: the rotated one, unless another is set.
    pub(crate) fn caller(&self, id: &str) -> AwsStore {
        match self.caller.as_deref() {
            None => self.secret(id),
            Some(caller) => match caller.rsplit_once('#') {
                Some((name, field)) => AwsStore::new(name).field(field),
                None => AwsStore::new(caller),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onkernel::rotation::Store;

    fn settings(set: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::from(|name| {
            set.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_needs_to_be_set() {
        let settings = settings(&[(FIELD, " ")]).unwrap();
        assert_eq!((settings.lifetime, settings.overlap.as_secs()), (Lifetime::AsOld, 3600));
        assert_eq!(settings.secret("a/b").describe(), "aws:a/b");
        assert_eq!(settings.caller("a/b").describe(), "aws:a/b");
    }

    #[test]
    fn each_setting_is_read() {
        let set = [(CALLER, "arn:x:y#k"), (FIELD, "key"), (LIFETIME, "30"), (OVERLAP, "0")];
        let settings = settings(&set).unwrap();
        assert_eq!((settings.lifetime, settings.overlap), (Lifetime::Days(30), Duration::ZERO));
        assert_eq!(settings.secret("a").describe(), "aws:a#key");
        assert_eq!(settings.caller("a").describe(), "aws:arn:x:y#k");
        assert_eq!(self::settings(&[(LIFETIME, "never")]).unwrap().lifetime, Lifetime::Never);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (name, value) in [
            (LIFETIME, "0"),
            (LIFETIME, "3651"),
            (LIFETIME, "ever"),
            (OVERLAP, "-1"),
            (OVERLAP, "1h"),
        ] {
            let problem = settings(&[(name, value)]).unwrap_err();
            assert!(problem.contains(name) && problem.contains(value), "{problem}");
        }
    }
}
