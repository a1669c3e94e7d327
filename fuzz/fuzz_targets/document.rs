//! Any text as a document, through the whole pipeline: an error, or Rust that parses; never a panic, and
//! never what lowering lets through and progenitor rejects.

#![no_main]

use std::sync::Once;

use libfuzzer_sys::fuzz_target;
use onkernel_codegen::{Source, finish, generate, load, lower, outline};

fuzz_target!(|text: &str| {
    // Progenitor rejects by panicking, which the generator catches; what leaves this function is a find.
    static QUIET: Once = Once::new();
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));

    let source = Source { name: "document.yml".to_owned(), text: text.to_owned() };
    let Ok(loaded) = load(&source, &[]) else { return };
    let lowered = match lower::lower(loaded.root().clone()) {
        Ok(lowered) => lowered,
        Err(findings) => return assert!(!findings.is_empty()),
    };
    let generated = generate::generate(&lowered.document).expect("lowering lets nothing else through");
    let file = finish::finish(generated, &lowered.surface).expect("progenitor made it");
    outline::outline(&file, &lowered.surface);
    syn::parse_file(&prettyplease::unparse(&file)).expect("what was generated is Rust");
});
