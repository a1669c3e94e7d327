//! Other documents and overlays by `[env]` in a dependent's `.cargo/config.toml`, and what Cargo shows
//! when one of them is wrong.

use std::collections::BTreeSet;
use std::fs;

use crate::outside::{Outside, root};

struct Dependent(Outside);

impl std::ops::Deref for Dependent {
    type Target = Outside;

    fn deref(&self) -> &Outside {
        &self.0
    }
}

impl Dependent {
    fn new() -> Self {
        let path = root();
        Self(Outside::new(&format!("onkernel = {{ path = {path:?}, default-features = false, features = [\"api-keys\"] }}\n")))
    }

    /// The crates that Cargo does not find fresh.
    fn made_anew(&self) -> BTreeSet<String> {
        let output = self.cargo(&["--message-format=json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let messages = String::from_utf8(output.stdout).unwrap();
        let messages = messages.lines().map(|line| serde_json::from_str(line).unwrap());
        let stale = messages.filter(|message: &serde_json::Value| message["fresh"] == false);
        stale.map(|message| message["target"]["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The files on which generation depends: only a change of one of them runs it again.
    fn generated_from(&self) -> BTreeSet<String> {
        let builds = fs::read_dir(self.target.join("debug/build")).unwrap();
        let outputs = builds.map(|entry| entry.unwrap().path()).filter(|path| {
            path.file_name().unwrap().to_string_lossy().starts_with("onkernel-")
                && path.join("output").exists()
        });
        let newest = outputs
            .map(|path| path.join("output"))
            .max_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
        let output = fs::read_to_string(newest.unwrap()).unwrap();
        let files = output.lines().filter_map(|line| line.strip_prefix("cargo::rerun-if-changed="));
        files.map(|file| file.rsplit(['/', '\\']).next().unwrap().to_owned()).collect()
    }

    /// What Cargo says when the build script rejects a document of this text.
    fn failure(&self, document: &str) -> String {
        self.write("api.yml", document);
        let output = self.check(SPEC);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "this was not rejected:\n{document}");
        assert!(!error.contains("panicked") && !error.contains("backtrace"), "{error}");
        error
    }
}

const SPEC: &str = "ONKERNEL_SPEC = { value = \"api.yml\", relative = true }\n";

fn bundled() -> String {
    fs::read_to_string(root().join("spec/openapi.documented.yml")).unwrap()
}

#[test]
fn a_dependent_brings_its_own_document_and_overlay() {
    let dependent = Dependent::new();
    let widgets = "paths:\n  /widgets:\n    get:\n      operationId: getWidgets\n      responses:\n        \
                   '200':\n          description: All of them.\n          content:\n            \
                   application/json:\n              schema:\n                type: array\n                \
                   items:\n                  type: string\n";
    dependent.write("api.yml", &bundled().replacen("paths:\n", widgets, 1));
    dependent.write(
        "src/main.rs",
        "async fn uses(client: onkernel::Client) -> onkernel::Result<Vec<String>> {\n    \
         client.widgets().list().send().await\n}\nfn main() { let _ = uses; }\n",
    );
    let output = dependent.check(SPEC);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    // Nothing changed, nothing is done; and only what generation reads runs it again.
    let anew = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(dependent.made_anew(), anew(&[]));
    assert_eq!(dependent.generated_from(), anew(&["api.yml", "build.rs", "spec"]));
    let document = fs::read_to_string(dependent.path("api.yml")).unwrap();
    dependent.write("api.yml", &document.replacen("All of them.", "Every one.", 1));
    assert_eq!(dependent.made_anew(), anew(&["dependent", "onkernel"]));

    dependent.write(
        "mine.yml",
        "overlay: 1.0.0\ninfo: { title: mine, version: '1' }\nactions:\n  - target: \
         $.paths['/widgets'].get\n    description: A better name.\n    update: { x-onkernel-method: \
         find }\n",
    );
    let overlay = "ONKERNEL_OVERLAY = { value = \"mine.yml\", relative = true }\n";
    let output = dependent.check(&format!("{SPEC}{overlay}"));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("no method named `list`"), "{error}");

    let main = fs::read_to_string(dependent.path("src/main.rs")).unwrap();
    dependent.write("src/main.rs", &main.replace("widgets().list", "widgets().find"));
    let output = dependent.check(&format!("{SPEC}{overlay}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    failures(&dependent);
}

/// Every document that cannot be used is one error a problem, with its place and what to do.
fn failures(dependent: &Dependent) {
    for (document, expected) in [
        ("openapi: 3.1.0\npaths: [\n", "api.yml:3:1: "),
        ("openapi: 3.1.0\npaths: {}\npaths: {}\n", "api.yml:3:1: "),
        ("swagger: '2.0'\npaths: {}\n", "api.yml:1:1: this is Swagger 2.0"),
        ("openapi: 3.1.0\n", "`paths` is missing"),
        ("openapi: 3.1.0\npaths: {}\n", "api.yml"),
        ("", "api.yml"),
    ] {
        let error = dependent.failure(document);
        assert!(error.contains("error: onkernel@") && error.contains(expected), "{error}");
    }

    let dangling = bundled().replacen(
        "#/components/schemas/CreatedApiKey'",
        "#/components/schemas/Missing'",
        1,
    );
    let error = dependent.failure(&dangling);
    assert!(
        error.contains("#/components/schemas/Missing") && error.contains("api.yml:"),
        "{error}"
    );

    let renamed = bundled().replace("/org/api_keys/{id}/rotate:", "/org/keys/{id}/rotate:");
    let error = dependent.failure(&renamed);
    assert!(
        error.contains("overlay") || error.contains("`api_keys.rotate` here, is missing"),
        "{error}"
    );

    let form = bundled().replacen("application/json:", "application/x-www-form-urlencoded:", 1);
    let error = dependent.failure(&form);
    assert!(error.contains("of type application/x-www-form-urlencoded"), "{error}");
    assert!(error.contains("#/paths/~1auth~1context/get/responses/200"), "{error}");

    fs::remove_file(dependent.path("api.yml")).unwrap();
    let output = dependent.check(SPEC);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("api.yml") && error.contains("ONKERNEL_SPEC"), "{error}");
    assert!(!output.status.success());
}
