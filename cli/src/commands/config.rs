//! `config`: the configuration file and its profiles.

use std::env;

use serde_json::{Value, json};

use crate::args::{Config, ConfigAction, Global};
use crate::client::is_set;
use crate::failure::Failure;
use crate::output::style::Tint;
use crate::output::table::{Cell, Fit, Table};
use crate::output::text::safe;
use crate::output::{Format, Output};
use crate::settings::{self, ConfigFile, DEFAULT, KeySource, Profile, Settings};

pub(super) fn run(args: Config, global: &Global, output: &Output) -> Result<(), Failure> {
    let path = settings::path().ok_or_else(|| {
        Failure::usage("no folder for the configuration is known: HOME is not set")
            .advise("Set HOME, or XDG_CONFIG_HOME.")
    })?;
    let shown = path.display().to_string();
    match args.command {
        ConfigAction::Path => match output.format() {
            Format::Table => Ok(output.print(&shown)?),
            _ => Ok(output.print_json(&json!({ "path": shown, "exists": path.exists() }))?),
        },
        ConfigAction::Show => show(&Settings::load(global.profile.as_deref())?, global, output),
        ConfigAction::List => list(&ConfigFile::read(&path)?, global, output),
        ConfigAction::Set { name, value } => {
            let mut file = ConfigFile::read(&path)?;
            let profile = named(&file, global);
            file.set(&profile, &name, &value)?;
            file.write()?;
            output.note(&format!("Set {name} of profile {profile} in {shown}."));
            let option =
                if profile == DEFAULT { String::new() } else { format!(" --profile {profile}") };
            output.note(&format!("Next: kernel-keys doctor{option}"));
            Ok(())
        }
        ConfigAction::Unset { name } => {
            let mut file = ConfigFile::read(&path)?;
            let profile = named(&file, global);
            if !file.unset(&profile, &name)? {
                output.note(&format!("Profile {profile} does not set {name}."));
                return Ok(());
            }
            file.write()?;
            output.note(&format!("Removed {name} from profile {profile}."));
            Ok(())
        }
        ConfigAction::Use { name } => {
            let mut file = ConfigFile::read(&path)?;
            if !file.names().contains(&name) {
                let failure = Failure::usage(format!("there is no profile {name:?} in {shown}"));
                return Err(failure.advise(format!(
                    "Make it first, such as: kernel-keys config set --profile {name} key-file FILE"
                )));
            }
            file.set_default(&name);
            file.write()?;
            output.note(&format!("Profile {name} is used when nothing names another."));
            Ok(())
        }
    }
}

/// The profile that a change is for.
fn named(file: &ConfigFile, global: &Global) -> String {
    let from_env = env::var("KERNEL_PROFILE").ok().filter(|name| !name.is_empty());
    let named = global.profile.clone().or(from_env).or_else(|| file.default_profile());
    named.unwrap_or_else(|| DEFAULT.to_owned())
}

fn list(file: &ConfigFile, global: &Global, output: &Output) -> Result<(), Failure> {
    let used = named(file, global);
    let names = file.names();
    if output.is_json() {
        let all: Vec<_> =
            names.iter().map(|name| json!({ "name": name, "used": *name == used })).collect();
        return Ok(output.print_each(&all)?);
    }
    for name in &names {
        let used = if *name == used { "  (used)" } else { "" };
        output.print(&format!("{}{used}", safe(name)))?;
    }
    if names.is_empty() {
        output.note("No profiles. Make one: kernel-keys config set key-file FILE");
    }
    Ok(())
}

fn show(settings: &Settings, global: &Global, output: &Output) -> Result<(), Failure> {
    let effective = effective(settings, global);
    if output.is_json() {
        let all: serde_json::Map<_, _> = effective
            .iter()
            .map(|(name, value, from)| {
                ((*name).to_owned(), json!({ "value": value, "from": from }))
            })
            .collect();
        let profile = settings.name();
        return Ok(output.print_json(&json!({ "profile": profile, "settings": all }))?);
    }
    let mut table = Table::new([("SETTING", Fit::Whole), ("VALUE", Fit::Cut), ("FROM", Fit::Cut)]);
    let profile = settings.name().unwrap_or("none");
    table.row([Cell::new("profile"), Cell::tinted(Tint::Strong, profile), Cell::new("")]);
    for (name, value, from) in &effective {
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        table.row([Cell::new(name), Cell::new(value), Cell::tinted(Tint::Faint, from)]);
    }
    Ok(output.print(&table.render(output.width(), output.style()))?)
}

/// What counts: name, value and where it comes from. Never a key, only where it is.
fn effective(settings: &Settings, global: &Global) -> Vec<(&'static str, Value, String)> {
    let profile = settings.profile();
    let of_profile = || format!("profile {}", settings.name().unwrap_or(DEFAULT));
    let option = |name: &str| format!("option {name}");
    let pick = |name, flag: Option<Value>, variable: &str, own: Option<Value>, default: Value| {
        let from_env = env::var(variable).ok().filter(|value| !value.is_empty());
        match (flag, from_env, own) {
            (Some(value), ..) => (name, value, option(&format!("--{name}"))),
            (_, Some(value), _) => (name, json!(value), variable.to_owned()),
            (.., Some(value)) => (name, value, of_profile()),
            _ => (name, default, "default".to_owned()),
        }
    };
    let Profile { base_url, project, timeout, allow_plain_http, output, .. } = profile;
    let plain = (*allow_plain_http).then_some(json!(true));
    let default_url = json!("https://api.onkernel.com");
    vec![
        key(settings, global),
        pick(
            "base-url",
            global.base_url.as_ref().map(|it| json!(it)),
            "KERNEL_BASE_URL",
            base_url.as_ref().map(|it| json!(it)),
            default_url,
        ),
        pick(
            "project",
            global.project.as_ref().map(|it| json!(it)),
            "KERNEL_PROJECT",
            project.as_ref().map(|it| json!(it)),
            json!("all"),
        ),
        pick(
            "timeout",
            global.timeout.map(|it| json!(it.as_secs_f64())),
            "",
            timeout.map(|it| json!(it)),
            json!(60),
        ),
        pick(
            "allow-plain-http",
            global.allow_plain_http.then_some(json!(true)),
            "",
            plain,
            json!(false),
        ),
        pick(
            "output",
            global.output.map(|it| json!(format!("{it:?}").to_lowercase())),
            "",
            output.map(|it| json!(format!("{it:?}").to_lowercase())),
            json!("table"),
        ),
    ]
}

fn key(settings: &Settings, global: &Global) -> (&'static str, Value, String) {
    let value = |source: &KeySource| match source {
        KeySource::File(path) => json!(format!("the file {}", path.display())),
        KeySource::Env(name) => json!(format!("the variable {name}")),
        KeySource::Store(store) => json!(format!("the store {store}")),
    };
    let of_profile = settings.profile().key();
    match (&global.key_file, of_profile) {
        (Some(path), _) => {
            ("key", value(&KeySource::File(path.clone())), "option --key-file".to_owned())
        }
        _ if is_set("KERNEL_API_KEY") => {
            ("key", json!("the variable KERNEL_API_KEY"), "environment".to_owned())
        }
        (None, Some(source)) => {
            let name = settings.name().unwrap_or(DEFAULT);
            ("key", value(&source), format!("profile {name}"))
        }
        (None, None) => ("key", json!("none"), "default".to_owned()),
    }
}
