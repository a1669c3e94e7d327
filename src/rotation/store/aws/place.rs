//! Which region, and which address: what was given, what the name says, what the environment and
//! the configuration of AWS's own programs say.

use std::path::PathBuf;

use crate::rotation::store::remote::variable;

/// The region of a secret; `None` where nobody says.
pub(super) fn region(given: Option<&str>, name: &str) -> Option<String> {
    given
        .map(str::to_owned)
        .or_else(|| of_arn(name).map(str::to_owned))
        .or_else(|| variable(&["AWS_REGION", "AWS_DEFAULT_REGION"]))
        .or_else(|| {
            let text = std::fs::read_to_string(config_file()?).ok()?;
            let profile = variable(&["AWS_PROFILE"]).unwrap_or_else(|| "default".into());
            of_profile(&text, &profile).map(str::to_owned)
        })
}

/// The address of Secrets Manager in a region.
pub(super) fn endpoint(given: Option<&str>, region: &str) -> String {
    let given = given.map(str::to_owned);
    let set = || variable(&["AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"]);
    given.or_else(set).unwrap_or_else(|| {
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!("https://secretsmanager.{region}.{domain}")
    })
}

fn of_arn(name: &str) -> Option<&str> {
    let mut parts = name.split(':');
    (parts.next() == Some("arn")).then(|| parts.nth(2)).flatten().filter(|it| !it.is_empty())
}

fn config_file() -> Option<PathBuf> {
    let home = || variable(&["HOME", "USERPROFILE"]);
    match variable(&["AWS_CONFIG_FILE"]) {
        Some(path) => Some(path.into()),
        None => Some(PathBuf::from(home()?).join(".aws/config")),
    }
}

/// `region = …` below `[default]` or `[profile NAME]`.
fn of_profile<'a>(text: &'a str, profile: &str) -> Option<&'a str> {
    let mut within = false;
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
            let section = section.trim();
            let named = section.strip_prefix("profile").map_or(section, str::trim);
            within = named == profile;
        } else if let (true, Some((key, value))) = (within, line.split_once('='))
            && key.trim() == "region"
        {
            return Some(value.trim()).filter(|value| !value.is_empty());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_that_of_the_profile() {
        let text = "[default]\nregion=eu-west-1\n[profile ci]\noutput = json\n region = us-east-2 \n[profile x]\n";
        assert_eq!(of_profile(text, "default"), Some("eu-west-1"));
        assert_eq!(of_profile(text, "ci"), Some("us-east-2"));
        assert_eq!(of_profile(text, "x"), None);
    }

    #[test]
    fn what_is_given_counts_before_the_name() {
        let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:kernel/ci-AbCdEf";
        assert_eq!(region(None, arn).as_deref(), Some("eu-central-1"));
        assert_eq!(region(Some("eu-west-1"), arn).as_deref(), Some("eu-west-1"));
        assert_eq!(
            endpoint(None, "cn-north-1"),
            "https://secretsmanager.cn-north-1.amazonaws.com.cn"
        );
    }
}
