//! The client that the global options, the environment and the profile describe, in this order.

use std::env;
use std::sync::Arc;

use onkernel::rotation::Store;
use onkernel::{Client, ClientBuilder, Credentials, Secret};

use crate::args::Global;
use crate::failure::Failure;
use crate::settings::KeySource;

const USER_AGENT: &str = concat!("kernel-keys/", env!("CARGO_PKG_VERSION"));

/// Builds the client of a command.
pub(crate) fn build(global: &Global) -> Result<Client, Failure> {
    let profile = global.settings.profile();
    let mut builder = ClientBuilder::from_env().user_agent(USER_AGENT);
    if let Some(path) = &global.key_file {
        builder = builder.credentials(Credentials::file(path));
    } else if !is_set("KERNEL_API_KEY")
        && let Some(source) = profile.key()
    {
        builder = builder.credentials(credentials(source)?);
    }
    let base_url = global.base_url.as_ref();
    if let Some(url) = base_url.or_else(|| profile.base_url.as_ref().filter(|_| !is_set(BASE_URL)))
    {
        builder = builder.base_url(url);
    }
    if let Some(project) = project(global) {
        builder = builder.project(project);
    }
    if let Some(timeout) = global.timeout.or_else(|| profile.timeout()) {
        builder = builder.timeout(timeout);
    }
    builder = builder.allow_plain_http(global.allow_plain_http || profile.allow_plain_http);
    builder.build().map_err(Failure::from)
}

const BASE_URL: &str = "KERNEL_BASE_URL";

/// The project that calls are limited to.
pub(crate) fn project(global: &Global) -> Option<String> {
    let from_env = || env::var("KERNEL_PROJECT").ok().filter(|project| !project.is_empty());
    global.project.clone().or_else(from_env).or_else(|| global.settings.profile().project.clone())
}

/// Whether a variable is set to something.
pub(crate) fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty())
}

fn credentials(source: KeySource) -> Result<Credentials, Failure> {
    Ok(match source {
        KeySource::File(path) => Credentials::file(path),
        KeySource::Env(name) => Credentials::env(name),
        KeySource::Store(name) => {
            let store: Arc<dyn Store> = name.look().map_err(Failure::usage)?;
            Credentials::from_fn(move || {
                let (store, name) = (Arc::clone(&store), name.clone());
                async move {
                    let held = store.read().await.map_err(|error| error.to_string())?;
                    held.ok_or_else(|| format!("{name}, the store of your profile, holds no key"))
                        .map(|key: Secret| key)
                }
            })
        }
    })
}
