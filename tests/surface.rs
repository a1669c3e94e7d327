//! The generated surface as short texts, one a resource: what a spec update changes for callers
//! is a small diff here. CONTRIBUTING.md says how to read and accept one.

use std::path::Path;

use onkernel_codegen::{DOCUMENT, Features, OVERLAYS, RESOURCES, Source};

fn bundled(name: &str) -> Source {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    Source { name: name.to_owned(), text: std::fs::read_to_string(path).unwrap() }
}

#[test]
fn the_surface_is_as_reviewed() {
    let client =
        onkernel_codegen::client(&bundled(DOCUMENT), &OVERLAYS.map(bundled), &Features::all())
            .unwrap_or_else(|error| panic!("{error}"));
    for (resource, outline) in client.outline() {
        let name = resource.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(format!("surface__{name}"), outline);
        });
    }
}

/// The README's table of resources: a row for each feature, and calls that exist.
#[test]
fn the_readme_shows_each_resource_as_it_is() {
    let document = onkernel_codegen::load(&bundled(DOCUMENT), &OVERLAYS.map(bundled)).unwrap();
    let surface = onkernel_codegen::client_of(document, &Features::all()).unwrap().surface;
    let readme = bundled("README.md").text;
    for resource in RESOURCES {
        let row = format!("| `{}`", resource.replace('_', "-"));
        let row = readme.lines().find(|line| line.starts_with(&row));
        let row = row.unwrap_or_else(|| panic!("the README's table lacks `{resource}`"));
        let call = row.rsplit('`').nth(1).unwrap();
        let steps: Vec<&str> = call
            .split('.')
            .skip(1)
            .map(|step| step.split('(').next().unwrap())
            .filter(|step| *step != "events")
            .collect();
        let (method, owner) = steps.split_last().unwrap();
        assert!(
            surface
                .operations
                .iter()
                .any(|it| it.resource == owner.join(".") && it.call == *method),
            "`{call}` of the README is no call"
        );
    }
}
