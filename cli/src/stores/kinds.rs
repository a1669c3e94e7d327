//! Every kind of store and every preset, with what each can do.

use std::time::Duration;

use onkernel::rotation::{EnvFileStore, FileStore, Store, StoreProfile, TakesEffect};
use serde::Serialize;

use super::{native, preset};
use crate::program;

const TESTS: &str = "in the tests";

/// One kind of store. What its own file says of it is not known here.
#[derive(Serialize)]
pub(crate) struct Kind {
    /// How a store is named.
    pub(crate) store: String,
    pub(crate) title: String,
    pub(crate) preset: bool,
    pub(crate) readable: Option<bool>,
    pub(crate) compare_and_swap: bool,
    pub(crate) shared: Option<bool>,
    /// Seconds until a write shows everywhere.
    pub(crate) propagation: Option<f64>,
    pub(crate) takes_effect: Option<TakesEffect>,
    /// Whether it is tried with the real thing; with which versions.
    pub(crate) tried: Option<String>,
    /// The vendor's program, and whether it is found here.
    pub(crate) program: Option<String>,
    pub(crate) installed: Option<bool>,
    pub(crate) needs: Option<String>,
}

/// All of them, the presets in the order of their names.
pub(crate) fn all() -> Result<Vec<Kind>, String> {
    let file = FileStore::new("/key");
    let env_file = EnvFileStore::new("/env", "KEY").map_err(|error| error.to_string())?;
    let native = native::all();
    let native = native.iter().map(|(name, title, like, tried)| own(name, title, &**like, tried));
    let mut kinds = vec![
        own("file:PATH", "A file of one line", &file, TESTS),
        own("env-file:PATH#NAME", "A variable of an env file", &env_file, TESTS),
        own(
            "in-place:file:PATH",
            "A file that is written over, likewise in-place:env-file:…",
            &file,
            TESTS,
        ),
        Kind {
            store: "command:FILE".to_owned(),
            title: "Programs of your own, named by a TOML file that says the rest".to_owned(),
            preset: false,
            readable: None,
            compare_and_swap: false,
            shared: None,
            propagation: None,
            takes_effect: None,
            tried: None,
            program: None,
            installed: None,
            needs: None,
        },
    ];
    kinds.extend(native);
    kinds.extend(preset::all()?.iter().map(|(name, preset)| Kind {
        store: preset.form(name),
        title: preset.title.clone(),
        preset: true,
        readable: Some(preset.readable()),
        compare_and_swap: false,
        shared: Some(preset.shared()),
        propagation: Some(seconds(preset.propagation())),
        takes_effect: Some(preset.takes_effect()),
        tried: preset.tried.clone(),
        program: Some(preset.program().to_owned()),
        installed: Some(program::find(preset.program(), None).is_ok()),
        needs: Some(preset.needs.clone()),
    }));
    Ok(kinds)
}

fn own(store: &str, title: &str, like: &dyn Store, tried: &str) -> Kind {
    let profile = StoreProfile::of(like);
    Kind {
        store: store.to_owned(),
        title: title.to_owned(),
        preset: false,
        readable: Some(profile.readable),
        compare_and_swap: profile.compare_and_swap,
        shared: Some(profile.shared),
        propagation: Some(seconds(profile.propagation)),
        takes_effect: Some(profile.takes_effect),
        tried: Some(tried.to_owned()),
        program: None,
        installed: None,
        needs: None,
    }
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}
