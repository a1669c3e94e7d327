//! The generated surface as short texts, one a resource: what a spec update changes for callers
//! is a small diff here. CONTRIBUTING.md says how to read and accept one.

use std::path::Path;

use onkernel_codegen::{DOCUMENT, Features, OVERLAYS, Source};

fn bundled(name: &str) -> Source {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    Source { name: name.to_owned(), text: std::fs::read_to_string(path).unwrap() }
}

#[test]
fn the_surface_is_as_reviewed() {
    let client =
        onkernel_codegen::client(&bundled(DOCUMENT), &OVERLAYS.map(bundled), &Features::all())
            .unwrap_or_else(|error| panic!("{error}"));
    for (resource, outline) in client.outline {
        let name = resource.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(format!("surface__{name}"), outline);
        });
    }
}
