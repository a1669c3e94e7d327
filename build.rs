//! Generates the client: reads the document and its overlays, writes `OUT_DIR/client.rs` and what
//! it includes.
//!
//! `ONKERNEL_SPEC` names another document and `ONKERNEL_OVERLAY` one more overlay; see
//! `spec/README.md`.

use std::path::{Path, PathBuf};
use std::{env, fs};

use onkernel_codegen::{DOCUMENT, Error, Features, OVERLAYS, Source};

fn main() {
    // Progenitor refuses some documents by a panic, which the generator reports as an error.
    std::panic::set_hook(Box::new(|_| {}));
    if let Err(problems) = generate() {
        for problem in problems {
            println!("cargo::error={problem}");
        }
    }
}

fn generate() -> Result<(), Vec<String>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=spec");
    let chosen = chosen("ONKERNEL_SPEC")?;
    let document = match &chosen {
        Some(path) => read(path, "ONKERNEL_SPEC")?,
        None => read(Path::new(DOCUMENT), "the package")?,
    };
    let mut bundled = Vec::new();
    for overlay in OVERLAYS {
        bundled.push(read(Path::new(overlay), "the package")?);
    }
    let mut own = Vec::new();
    if let Some(path) = self::chosen("ONKERNEL_OVERLAY")? {
        own.push(read(&path, "ONKERNEL_OVERLAY")?);
    }
    let features = Features::by(is_on);
    let problems =
        |error: Error| error.problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    let document = onkernel_codegen::load_any(&document, &bundled, &own, &features);
    let document = document.map_err(problems)?;
    // The embedded server knows every operation, whichever the client has.
    #[cfg(feature = "testing")]
    write("contract.json", &onkernel_codegen::contract(&document).map_err(problems)?)?;
    let client = onkernel_codegen::client_of(document, &features).map_err(problems)?;
    // In the repository, the tests call every operation that there is.
    println!("cargo::rustc-check-cfg=cfg(onkernel_exercise)");
    #[cfg(feature = "testing")]
    if in_repository() {
        println!("cargo::rustc-cfg=onkernel_exercise");
        write("exercise.rs", &client.exercise().map_err(|problem| vec![problem])?)?;
    }
    // What a former document had would stay.
    let _ = fs::remove_dir_all(out().join("client"));
    client.files().iter().try_for_each(|(name, text)| write(name, text))
}

/// Whether a Cargo feature of this package is on.
fn is_on(feature: &str) -> bool {
    let name = feature.to_uppercase().replace('-', "_");
    env::var_os(format!("CARGO_FEATURE_{name}")).is_some()
}

/// Whether this is the project's own folder, and not a copy in a registry.
fn in_repository() -> bool {
    Path::new("xtask/Cargo.toml").exists()
}

fn out() -> PathBuf {
    env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default()
}

fn write(name: &str, text: &str) -> Result<(), Vec<String>> {
    let out = out().join(name);
    out.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(&out, text))
        .map_err(|error| vec![format!("{}: {error}", out.display())])
}

/// The file that an environment variable names. A build script runs in the folder of its package,
/// which for a dependent lies in the registry: there a relative path would lead nowhere.
fn chosen(variable: &str) -> Result<Option<PathBuf>, Vec<String>> {
    println!("cargo::rerun-if-env-changed={variable}");
    let Some(path) = env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from)
    else {
        return Ok(None);
    };
    if path.is_relative() && !in_repository() {
        return Err(vec![format!(
            "{variable} is the relative path `{}`, and a build script runs in its own package's \
             folder; make it absolute, best by `[env] {variable} = {{ value = \"…\", relative = \
             true }}` in your `.cargo/config.toml`",
            path.display()
        )]);
    }
    println!("cargo::rerun-if-changed={}", path.display());
    Ok(Some(path))
}

fn read(path: &Path, named_by: &str) -> Result<Source, Vec<String>> {
    let name = path.display().to_string();
    match fs::read_to_string(path) {
        Ok(text) => Ok(Source { name, text }),
        Err(error) => Err(vec![format!(
            "{name}: {error} (named by {named_by}); set it to a readable OpenAPI document or overlay"
        )]),
    }
}
