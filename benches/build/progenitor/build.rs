//! As progenitor's own documentation has it.

use std::path::Path;
use std::{env, fs};

use progenitor::{GenerationSettings, Generator, InterfaceStyle};

fn main() {
    println!("cargo::rerun-if-changed=openapi.json");
    let text = fs::read_to_string("openapi.json").unwrap();
    let document = serde_json::from_str(&text).unwrap();
    let mut settings = GenerationSettings::default();
    settings.with_interface(InterfaceStyle::Builder);
    let tokens = Generator::new(&settings).generate_tokens(&document).unwrap();
    let file = syn::parse2(tokens).unwrap();
    let out = Path::new(&env::var_os("OUT_DIR").unwrap()).join("client.rs");
    fs::write(out, prettyplease::unparse(&file)).unwrap();
}
