//! The pictures of the documentation follow what they are about.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;
use support::Copy;
use xtask::pictures::{draw, run};

const TABLE: &str = "src/rotation/engine/table.rs";
const INLINE: &str = "docs/pictures/inline.md";
const SPEED: &str = "benches/peers/speed.json";
const DEMO: &str = "cli/tests/cli/snapshots/cli__demo__demo-in-colour.snap";

/// Changes a file, and draws again.
fn redrawn(copy: &Copy, file: &str, from: &str, to: &str) -> String {
    copy.edit(file, from, to);
    run(copy.root()).unwrap().text
}

#[test]
fn what_changes_is_drawn_anew_and_nothing_else() {
    for (file, from, to, picture) in [
        (TABLE, "\"deploy\"", "\"deploy <it>\"", "steps"),
        (TABLE, "undone_by: Some(Step::Redeploy)", "undone_by: None", "steps"),
        (TABLE, "ways_out: DEPLOY", "ways_out: &[]", "steps"),
        ("src/rotation/engine/core.rs", "StoreHolds(StoreHolds::Other)", "GiveUp", "steps"),
        ("README.md", "| 7 / **93** / 0 |", "| 7 / **94** / 0 |", "peers"),
        ("README.md", "| Python 0.131.0 |", "| Python 1 |", "peers"),
        (DEMO, "no orphan", "no <orphan>", "demo"),
    ] {
        let copy = Copy::new();
        let path = format!("docs/pictures/{picture}.svg");
        let (before, source) = (copy.read(&path), copy.read(file));
        assert_eq!(
            redrawn(&copy, file, from, to),
            format!("wrote {path}\nwrote {INLINE}\n"),
            "{from}"
        );
        assert!(copy.read(&path) != before, "{from}");
        copy.write(file, &source);
        assert_eq!(
            run(copy.root()).unwrap().text,
            format!("wrote {path}\nwrote {INLINE}\n"),
            "{from}"
        );
        assert!(copy.read(&path) == before, "{from}");
        assert_eq!(run(copy.root()).unwrap().text, "every picture is up to date\n");
    }
}

#[test]
fn the_check_names_what_shows_something_else() {
    let copy = Copy::new();
    copy.edit(TABLE, "\"deploy\"", "\"deploy it\"");
    let before = copy.all();
    let failures = copy.failures();
    assert!(copy.all() == before, "a check wrote something");
    let files: Vec<_> = failures.iter().map(|failure| failure.file.as_str()).collect();
    assert_eq!(files, ["docs/pictures/steps.svg", INLINE]);
    assert!(failures[0].what.contains(TABLE), "{failures:?}");
    assert!(failures.iter().all(|it| it.repair == "cargo xtask pictures"), "{failures:?}");
}

#[test]
fn new_numbers_change_the_picture_and_both_tables() {
    let copy = Copy::new();
    let pages = ["README.md", "benches/README.md"];
    let before = pages.map(|page| copy.read(page));
    let said = redrawn(&copy, SPEED, "\"what\": \"a call, ", "\"what\": \"a <call>, ");
    assert_eq!(
        said,
        format!(
            "wrote docs/pictures/speed.svg\nwrote {INLINE}\nwrote README.md\nwrote benches/README.md\n"
        )
    );
    for (page, before) in pages.into_iter().zip(before) {
        assert_eq!(copy.read(page), before.replacen("| a call, ", "| a <call>, ", 1), "{page}");
        copy.edit(page, "| a <call>, ", "| what somebody typed, ");
    }
    let files: Vec<_> = copy.failures().into_iter().map(|failure| failure.file).collect();
    assert_eq!(files, pages);
}

#[test]
fn foreign_characters_stay_text() {
    let copy = Copy::new();
    redrawn(&copy, TABLE, "\"deploy\"", "\"deploy <it> & go\"");
    assert!(copy.read("docs/pictures/steps.svg").contains(". deploy &lt;it&gt; &amp; go</text>"));
}

#[test]
fn what_no_picture_can_be_made_of_is_named_and_nothing_is_written() {
    for (file, from, to, problem) in [
        (TABLE, "shown: \"deploy\"", "shown: NAME", "`shown` of Deploy is not a string"),
        (TABLE, "courses: FORWARD", "courses: AWAY", "`courses` of a row is not a list"),
        (TABLE, "const STEPS", "const STAIRS", "has no list STEPS"),
        (TABLE, "Record::Retiring", "Record::Removed", "announces"),
        (
            TABLE,
            "&[Course::Forward, Course::Back, Course::Attention]",
            "&[]",
            "Settle goes neither",
        ),
        ("README.md", "| 7 / **93** / 0 |", "| 7 of 93 |", "three numbers for each client"),
        ("README.md", "| fault |", "| failure |", "has no table of faults"),
        (DEMO, "Once more, and", "And again", "has no section \"Once more"),
        (SPEED, "\"onkernel\",", "", "does not have a figure and a ratio for each client"),
        (SPEED, "\"runs\"", "\"rounds\"", "missing field `runs`"),
    ] {
        let copy = Copy::new();
        copy.edit(file, from, to);
        // Another is out of date.
        copy.write("docs/pictures/demo.svg", "");
        copy.write("docs/pictures/steps.svg", "");
        let before = copy.all();
        let error = run(copy.root()).unwrap_err().to_string();
        assert!(error.contains(file) && error.contains(problem), "{error}");
        assert!(copy.all() == before, "something was written");
        let failed = draw(copy.root()).into_iter().filter(|picture| picture.drawn.is_err());
        let failed: BTreeSet<_> = failed.map(|picture| picture.source).collect();
        assert_eq!(failed, BTreeSet::from([file]));
    }
}
