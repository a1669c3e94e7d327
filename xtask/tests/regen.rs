//! Taking a document: what is written, that it is all or nothing, and that once is enough.
#![allow(clippy::unwrap_used)]

mod support;

use chrono::NaiveDate;
use onkernel_codegen::Document;
use support::Copy;
use xtask::check;
use xtask::error::Error;
use xtask::fetch::{self, Input};
use xtask::files::write_all;
use xtask::provenance;
use xtask::regen::{Plan, plan};

const DOCUMENT: &str = "spec/openapi.documented.yml";
const SNAPSHOT: &str = "tests/snapshots/surface__api_keys.snap";

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2027, 1, day).unwrap()
}

/// The bundled document with one text for another.
fn changed(copy: &Copy, from: &str, to: &str) -> Input {
    let before = copy.read(DOCUMENT);
    assert!(before.contains(from), "the document does not contain {from}");
    Input {
        name: "new.yml".to_owned(),
        source: "https://example.com/new.yml".to_owned(),
        text: before.replacen(from, to, 1),
        remark: None,
    }
}

/// The bundled document with a lower limit for pages of keys.
fn limited(copy: &Copy) -> Input {
    let path = "  /org/api_keys:\n";
    let input = changed(copy, path, path);
    let (before, keys) = input.text.split_once(path).unwrap();
    let keys = keys.replacen("maximum: 100", "maximum: 50", 1);
    Input { text: format!("{before}{path}{keys}"), ..input }
}

/// What the checks find in a copy, beyond what it lacks for being one.
fn to_repair(copy: &Copy) -> Vec<check::Failure> {
    let known = check::run(Copy::new().root());
    let known: Vec<_> = known.failures().collect();
    check::run(copy.root()).failures().filter(|it| !known.contains(it)).cloned().collect()
}

fn paths(plan: &Plan) -> Vec<&str> {
    plan.writes.iter().map(|write| write.path.as_str()).collect()
}

fn take(copy: &Copy, input: Input, on: NaiveDate) -> Result<Plan, Error> {
    let plan = plan(copy.root(), input, on)?;
    write_all(copy.root(), &plan.writes)?;
    Ok(plan)
}

#[test]
fn the_same_document_changes_nothing() {
    let copy = Copy::new();
    let bundled = copy.root().join(DOCUMENT);
    let input = fetch::from(bundled.to_str().unwrap(), copy.root()).unwrap();
    let before = copy.all();
    let plan = take(&copy, input, day(1)).unwrap();
    assert!(plan.report.is_empty());
    assert!(paths(&plan).is_empty(), "{:?}", paths(&plan));
    assert!(before == copy.all());
}

#[test]
fn a_changed_document_changes_everything_that_belongs_to_it() {
    let copy = Copy::new();
    let input = limited(&copy);
    let first = take(&copy, input.clone(), day(1)).unwrap();
    let pending = format!("{SNAPSHOT}.new");
    assert_eq!(paths(&first), [&pending, DOCUMENT, "spec/provenance.json", "CHANGELOG.md"]);

    let line = "breaking: query parameter `limit`: maximum lowered from 100 to 50";
    let changelog = copy.read("CHANGELOG.md");
    assert!(changelog.contains("### API document 0.2.0 of 2027-01-01: major\n"), "{changelog}");
    assert!(changelog.contains(line), "{changelog}");
    assert!(copy.read(&pending).contains("at most 50"));
    assert!(copy.read(SNAPSHOT).contains("at most 100"), "a snapshot is accepted by a person");
    assert_eq!(copy.read(DOCUMENT), input.text);
    let provenance = copy.read("spec/provenance.json");
    assert!(provenance.contains("\"source\": \"https://example.com/new.yml\""), "{provenance}");
    assert!(provenance.contains("\"date\": \"2027-01-01\""), "{provenance}");
    let summary = first.summary(false);
    assert!(
        summary.contains("maximum lowered") && summary.contains("INSTA_UPDATE=always"),
        "{summary}"
    );

    // Once more, on another day.
    let before = copy.all();
    let second = take(&copy, input, day(2)).unwrap();
    assert!(paths(&second).is_empty(), "{:?}", paths(&second));
    assert!(before == copy.all());

    // Only the review is left to do.
    assert_ne!(to_repair(&copy), []);
    copy.write(SNAPSHOT, &copy.read(&pending));
    assert_eq!(to_repair(&copy), []);
}

#[test]
fn going_back_takes_the_pending_snapshot_away() {
    let copy = Copy::new();
    let original = changed(&copy, "openapi", "openapi");
    let input = limited(&copy);
    take(&copy, input, day(1)).unwrap();
    let back = take(&copy, original, day(2)).unwrap();
    assert!(
        back.summary(false).contains("surface__api_keys.snap.new (removed)"),
        "{}",
        back.summary(false)
    );
    assert!(!copy.root().join(format!("{SNAPSHOT}.new")).exists());
}

#[test]
fn words_of_others_change_nothing() {
    let copy = Copy::new();
    let before = copy.all();
    let text = copy.read(DOCUMENT);
    let prosaic: String = text
        .split_inclusive('\n')
        .map(|line| match line.split_once("summary: ") {
            Some((indent, _)) if indent.trim().is_empty() => {
                format!("{indent}summary: Words of the vendor.\n")
            }
            _ => line.to_owned(),
        })
        .collect();
    assert_ne!(text, prosaic);
    let input = Input { text: prosaic, ..changed(&copy, "openapi", "openapi") };
    let plan = take(&copy, input, day(1)).unwrap();
    assert!(paths(&plan).is_empty(), "{:?}", paths(&plan));
    assert!(before == copy.all());
}

/// As the API publishes it, and as a file of another style.
#[test]
fn a_document_in_json_is_the_same_document() {
    let copy = Copy::new();
    let before = copy.all();
    let parsed = Document::parse(&copy.read(DOCUMENT), DOCUMENT).unwrap();
    for (name, text) in [
        ("spec.json", parsed.root().to_string()),
        ("spec.yml", serde_yaml::to_string(parsed.root()).unwrap()),
    ] {
        let file = copy.root().join(name);
        std::fs::write(&file, text).unwrap();
        let input = fetch::from(file.to_str().unwrap(), copy.root()).unwrap();
        std::fs::remove_file(file).unwrap();
        let plan = take(&copy, input, day(1)).unwrap();
        assert!(plan.report.is_empty() && paths(&plan).is_empty(), "{:?}", paths(&plan));
        assert!(before == copy.all());
    }
}

#[test]
fn words_written_by_hand_are_taken_with_their_provenance() {
    let copy = Copy::new();
    let source = provenance::read(copy.root()).unwrap().source;
    copy.edit(DOCUMENT, "summary: Create", "summary: Make");
    let text = copy.read(DOCUMENT);
    let bundled = copy.root().join(DOCUMENT);
    let input = fetch::from(bundled.to_str().unwrap(), copy.root()).unwrap();
    let plan = take(&copy, input, day(1)).unwrap();
    assert_eq!(paths(&plan), ["spec/provenance.json"]);
    assert_eq!(copy.read(DOCUMENT), text);
    assert_eq!(provenance::read(copy.root()).unwrap().source, source);
    assert_eq!(to_repair(&copy), []);
}

#[test]
fn the_summary_says_what_to_write_and_what_to_read_again() {
    let copy = Copy::new();
    let input = limited(&copy);
    let input = Input { remark: Some("Read from elsewhere.".to_owned()), ..input };
    let more = "    patch:\n      responses:\n        '204':\n          description: Words.\n";
    let text = input.text.replacen("  /org/api_keys:\n", &format!("  /org/api_keys:\n{more}"), 1);
    let summary = take(&copy, Input { text, ..input }, day(1)).unwrap().summary(false);
    assert!(summary.starts_with("for callers of this crate: major"), "{summary}");
    for line in [
        "Read from elsewhere.",
        "Without words yet (2); write them:",
        "  #/paths/~1org~1api_keys/patch",
        "  #/paths/~1org~1api_keys/patch/responses/204",
        "Facts changed under words of ours (1); read them again:",
        "/get/parameters/0: `schema/maximum`",
    ] {
        assert!(summary.contains(line), "{line} is missing:\n{summary}");
    }
}

#[test]
fn a_document_that_will_not_do_changes_nothing() {
    let copy = Copy::new();
    let before = copy.all();
    for (from, to, said) in [
        ("/org/api_keys/{id}/rotate", "/org/api_keys/{id}/replace", "api_keys.rotate"),
        ("openapi: 3", "openapi: [3", "new.yml:"),
        ("#/components/schemas/ApiKey'", "#/components/schemas/Nowhere'", "Nowhere"),
    ] {
        let error = take(&copy, changed(&copy, from, to), day(1)).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert_eq!(error.code, 1);
        assert!(before == copy.all());
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_changes_nothing() {
    let copy = Copy::new();
    let plan = plan(copy.root(), limited(&copy), day(1)).unwrap();
    let before = copy.all();
    // Where a folder should be there is a file: this fails for every user, root included.
    let mut writes = plan.writes.clone();
    writes[2].path = "README.md/provenance.json".to_owned();
    let error = write_all(copy.root(), &writes).unwrap_err();
    assert!(error.to_string().contains("nothing was changed"), "{error}");
    assert!(before == copy.all());
}

#[test]
fn a_file_is_remembered_by_its_name_alone() {
    let copy = Copy::new();
    let elsewhere = copy.root().join("elsewhere.yml");
    std::fs::write(&elsewhere, copy.read(DOCUMENT)).unwrap();
    let input = fetch::from(elsewhere.to_str().unwrap(), copy.root()).unwrap();
    assert_eq!(input.source, "elsewhere.yml");
}
