//! `store test`: tries a store without a rotation.

use onkernel::rotation::{CheckResult, Stop, StoreCheck, StoreLeft, StoreTest, StoreTestReport};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::style::Tint;
use crate::output::table::{Cell, Fit, Table};
use crate::output::text::safe;
use crate::output::time::within;
use crate::output::{Output, PrintError};
use crate::rotation::progress::Progress;
use crate::signals::Signals;
use crate::stores::missing::Missing;
use crate::stores::name::StoreName;

pub(in crate::commands) async fn run(name: &StoreName, output: &Output) -> Result<(), Failure> {
    let (signals, stop, progress) = (Signals::listen()?, Stop::new(), Progress::new(output));
    let store = match name.open() {
        Ok(store) => store,
        Err(why) => {
            print_unopened(name, &why, output)?;
            return Err(failed(name, &why));
        }
    };
    let test = StoreTest::shared(store)
        .stop_on(&stop)
        .on_event(progress.watch(&name.to_string(), None))
        .run();
    let stopping = || progress.note("Stopping as soon as the store holds what it held.");
    let Some(report) = signals.stoppable(&stop, stopping, test).await else {
        return Err(Failure::new(format!(
            "stopped at once: look into {name}, what it held may not be there any more"
        )));
    };
    // What became of the store counts, whether or not it can be printed.
    crate::rotation::report::report_print_error(output, print(&report, output));
    let problem = report.checks.iter().rev().find_map(|(_, result)| match result {
        CheckResult::Failed(why) => Some(why),
        _ => None,
    });
    match problem {
        None => Ok(()),
        Some(why) => {
            let failure = failed(name, why);
            Err(match &report.todo {
                Some(todo) => failure.advise(sentence(todo)),
                None => failure,
            })
        }
    }
}

fn failed(name: &StoreName, why: &str) -> Failure {
    let failure = Failure::new(format!("{name} does not pass the test: {why}"));
    match Missing::in_words(why) {
        Some(missing) => {
            failure.advise(format!("What is missing seems to be {}.", missing.advice()))
        }
        None => failure,
    }
}

/// A store that cannot even be opened, in the form of a report.
fn print_unopened(name: &StoreName, why: &str, output: &Output) -> Result<(), PrintError> {
    let result = CheckResult::Failed(why.to_owned());
    match output.is_json() {
        true => output.print_json(&json!({
            "store": { "store": name },
            "checks": [check_json("open", &result)],
            "shown_after": null,
            "left": StoreLeft::Untouched,
            "todo": null,
        })),
        false => output.print(&table([("open", &result, String::new())], output)),
    }
}

fn print(report: &StoreTestReport, output: &Output) -> Result<(), PrintError> {
    if output.is_json() {
        let mut json = json!(report);
        json["checks"] =
            report.checks.iter().map(|(check, result)| check_json(word(*check), result)).collect();
        return output.print_json(&json);
    }
    let rows = report.checks.iter().map(|(check, result)| {
        let more = match (check, report.shown_after) {
            (StoreCheck::Show, Some(after)) if after.as_millis() < 1000 => "at once".to_owned(),
            (StoreCheck::Show, Some(after)) => format!("after {:.1} s", after.as_secs_f64()),
            _ => String::new(),
        };
        (word(*check), result, more)
    });
    output.print(&table(rows, output))?;
    let store = &report.store;
    let one_way = if store.readable { "" } else { "; it is one-way" };
    let shows = match store.propagation.is_zero() {
        true => "at once".to_owned(),
        false => format!("within {}", within(store.propagation)),
    };
    output.note(&format!(
        "{}: a change shows {shows}; a workload sees it at its {}{one_way}.",
        safe(&store.store),
        store.takes_effect
    ));
    let left = match report.left {
        StoreLeft::Untouched => "Nothing was written.",
        StoreLeft::AsBefore => "The store holds what it held.",
        StoreLeft::Different => "The store does NOT hold what it held.",
        _ => "Nobody can tell what the store holds now.",
    };
    output.note(left);
    Ok(())
}

fn table<'a>(
    rows: impl IntoIterator<Item = (&'static str, &'a CheckResult, String)>,
    output: &Output,
) -> String {
    let mut table = Table::new([("CHECK", Fit::Whole), ("RESULT", Fit::Whole), ("", Fit::Whole)]);
    for (check, result, more) in rows {
        let (tint, outcome, why) = match result {
            CheckResult::Passed => (Tint::Good, "yes", more),
            CheckResult::Skipped(why) => (Tint::Faint, "not tried", why.clone()),
            CheckResult::Failed(why) => (Tint::Bad, "no", why.clone()),
            _ => (Tint::Plain, "unknown", more),
        };
        table.row([Cell::new(check), Cell::tinted(tint, outcome), Cell::new(why)]);
    }
    table.render(output.width(), output.style())
}

fn word(check: StoreCheck) -> &'static str {
    match check {
        StoreCheck::Lock => "lock",
        StoreCheck::Ready => "ready",
        StoreCheck::Read => "read",
        StoreCheck::Write => "write",
        StoreCheck::Show => "show",
        StoreCheck::PutBack => "put back",
        _ => "other",
    }
}

fn check_json(check: &str, result: &CheckResult) -> Value {
    let (outcome, why) = match result {
        CheckResult::Passed => ("passed", None),
        CheckResult::Skipped(why) => ("skipped", Some(why)),
        CheckResult::Failed(why) => ("failed", Some(why)),
        _ => ("unknown", None),
    };
    let failed = why.filter(|_| outcome == "failed");
    let missing = failed.and_then(|why| Missing::in_words(why));
    json!({ "check": check, "result": outcome, "why": why, "missing": missing })
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}
