//! Any text as a document, through the whole pipeline: an error, or Rust that parses; never a panic.

#![no_main]

use std::sync::Once;

use libfuzzer_sys::fuzz_target;
use onkernel_codegen::{Source, finish, generate, load, lower, outline};

fuzz_target!(|text: &str| {
    // Progenitor refuses by panicking, which the generator catches; only what leaves this function
    // is a find.
    static QUIET: Once = Once::new();
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));

    let source = Source { name: "document.yml".to_owned(), text: text.to_owned() };
    let Ok(loaded) = load(&source, &[]) else { return };
    let lowered = match lower::lower(loaded.root().clone()) {
        Ok(lowered) => lowered,
        Err(findings) => return assert!(!findings.is_empty()),
    };
    let Ok(generated) = generate::generate(&lowered.document) else { return };
    let Ok(file) = finish::finish(generated, &lowered.surface) else { return };
    outline::outline(&file, &lowered.surface);
    syn::parse_file(&prettyplease::unparse(&file)).expect("what was generated is Rust");
});
