//! `cargo xtask check` as an ordinary test, and its failures for a repository that is out of order.
#![allow(clippy::unwrap_used)]

mod support;

use support::{Copy, workspace};
use xtask::check::{Failure, run};

#[test]
fn this_repository_is_in_order() {
    let report = run(&workspace());
    assert!(report.is_fine(), "\n{report}");
}

/// Breaks a copy and returns the only failure that this brings.
fn only_failure(change: impl Fn(&Copy)) -> Failure {
    let copy = Copy::new();
    change(&copy);
    let before = copy.all();
    let failures = copy.failures();
    assert!(before == copy.all(), "a check wrote something");
    assert_eq!(failures.len(), 1, "\n{failures:?}");
    failures.into_iter().next().unwrap()
}

#[track_caller]
fn assert_failure(failure: &Failure, file: &str, what: &str, repair: &str) {
    assert!(failure.file.starts_with(file), "{failure:?}");
    assert!(failure.what.contains(what), "{failure:?}");
    assert!(failure.repair.contains(repair), "{failure:?}");
}

const SNAPSHOT: &str = "tests/snapshots/surface__api_keys.snap";

#[test]
fn every_overlay_of_the_build_is_checked() {
    for overlay in onkernel_codegen::OVERLAYS {
        let failure = only_failure(|copy| {
            let action = "actions:\n  - target: $.nothing\n    update: {}";
            let text = copy.read(overlay);
            match text.contains("actions:") {
                true => copy.write(overlay, &text.replacen("actions:", action, 1)),
                false => copy.write(overlay, &format!("{text}{action}\n")),
            }
        });
        assert_failure(&failure, overlay, "$.nothing", "x-onkernel-optional");
    }
}

#[test]
fn a_document_that_cannot_be_lowered_is_named_with_its_place() {
    // The provenance is wrong too, as the document was edited.
    let copy = Copy::new();
    copy.edit(
        "spec/openapi.documented.yml",
        "/org/api_keys/{id}/rotate",
        "/org/api_keys/{id}/replace",
    );
    let report = run(copy.root());
    let first = report.failures().next().unwrap();
    assert_failure(first, "spec/openapi.documented.yml", "api_keys.rotate", "overlay");
}

#[test]
fn an_edited_document_needs_new_provenance() {
    let failure = only_failure(|copy| {
        let before = copy.read("spec/openapi.documented.yml");
        copy.write("spec/openapi.documented.yml", &format!("{before}# A remark.\n"));
    });
    assert_failure(&failure, "spec/provenance.json", "sha256", "cargo xtask regen --from spec/");
}

#[test]
fn provenance_that_cannot_be_read_is_named() {
    let failure = only_failure(|copy| copy.write("spec/provenance.json", "{}"));
    assert_failure(&failure, "spec/provenance.json", "missing field", "cargo xtask regen");
}

#[test]
fn a_stale_snapshot_is_named() {
    let failure = only_failure(|copy| copy.edit(SNAPSHOT, ".limit(integer)", ".limit(number)"));
    assert_failure(&failure, SNAPSHOT, "not the surface", "INSTA_UPDATE=always");
}

#[test]
fn a_snapshot_without_a_resource_is_named() {
    let failure = only_failure(|copy| {
        copy.write("tests/snapshots/surface__gone.snap", &copy.read(SNAPSHOT));
    });
    assert_failure(&failure, "tests/snapshots/surface__gone.snap", "no such resource", "git rm");
}

#[test]
fn a_pending_snapshot_of_any_package_is_named() {
    let pending = "cli/tests/cli/snapshots/cli__help__help.snap.new";
    let failure = only_failure(|copy| copy.write(pending, "---\n---\nx\n"));
    assert_failure(&failure, pending, "neither accepted nor rejected", "cargo insta review");
}

#[test]
fn a_changed_surface_needs_an_entry_in_the_changelog() {
    let failure =
        only_failure(|copy| copy.edit("CHANGELOG.md", "<!-- surface: ", "<!-- surface: 0"));
    assert_failure(&failure, "CHANGELOG.md", "no entry", "<!-- surface: ");
}

#[test]
fn documentation_of_commands_and_options_that_do_not_exist_is_named() {
    for (line, what) in [
        ("`kernel-keys replicate`", "`kernel-keys replicate`"),
        (
            "```sh\ncargo run -p kernel-keys -- create --colour ci # --and this is prose\n```",
            "--colour",
        ),
        ("`cargo xtask publish`", "`cargo xtask publish`"),
        ("`cargo xtask regen --force`", "--force"),
    ] {
        let failure = only_failure(|copy| {
            let before = copy.read("README.md");
            copy.write("README.md", &format!("{before}\n{line}\n"));
        });
        assert_failure(&failure, "README.md", what, "correct README.md");
    }
}

#[test]
fn a_command_that_the_readme_does_not_name_is_named() {
    let failure = only_failure(|copy| {
        let help = "cli/tests/cli/snapshots/cli__help__help.snap";
        copy.edit(help, "Commands:\n", "Commands:\n  replicate  Make a second one\n");
    });
    assert_failure(&failure, "README.md", "`kernel-keys replicate`", "README.md");
}
