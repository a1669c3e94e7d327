//! `audit`: the keys that a policy selects.

use chrono::{DateTime, Utc};
use onkernel::rotation::{Policy, RotationExt};
use serde_json::json;

use crate::args::{Audit, Global, Selection};
use crate::client;
use crate::failure::Failure;
use crate::output::columns::{self, Row};
use crate::output::text::{plural, safe};
use crate::output::{Format, Output};
use crate::rotation::journals::Kept;
use crate::rotation::metrics;

pub(super) async fn run(
    args: Audit,
    global: &Global,
    output: &Output,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let policy = policy(&args.selection)?;
    let kept = match args.prometheus.is_some() {
        true => Some(Kept::looked_at(args.journal.as_deref())?),
        false => None,
    };
    let selected = client::build(global)?.audit(&policy).await?;
    if let (Some(path), Some(kept)) = (&args.prometheus, kept) {
        metrics::write(path, &metrics::text(&selected, kept.histories().await?, now))?;
    }
    let (chosen, style) = (&args.columns, output.style());
    let rows = || selected.iter().map(|it| Row { key: &it.key, why: Some(&it.why), own: it.own });
    match output.format() {
        Format::Json | Format::Ndjson => {
            let all: Vec<_> = selected
                .iter()
                .map(|it| json!({ "key": it.key, "why": it.why, "own": it.own }))
                .collect();
            output.print_each(&all)?;
        }
        Format::Csv => {
            let columns = columns::chosen(chosen, columns::OF_AUDIT);
            output.print(&columns::csv_header(&columns))?;
            rows().try_for_each(|row| output.print(&columns::csv_row(&columns, &row)))?;
        }
        Format::Table if chosen.is_empty() => {
            for it in &selected {
                let own = if it.own { " (looks like the key that you are using)" } else { "" };
                let (id, name) = (safe(&it.key.id), safe(&it.key.name));
                output.print(&format!("{id}  {name}: {}{own}", it.why))?;
            }
        }
        Format::Table if selected.is_empty() => {}
        Format::Table => {
            let columns = columns::chosen(chosen, &[]);
            output.print(
                &columns::table(&columns, rows(), now, true).render(output.width(), style),
            )?;
        }
    }
    output.note(&format!("{}.", plural(selected.len() as u64, "key")));
    if args.exit_code && !selected.is_empty() {
        return Err(Failure::selected());
    }
    if !selected.is_empty() {
        output.note(
            "Next: kernel-keys rotate-all with the same options and --store, first with --dry-run.",
        );
    }
    Ok(())
}

/// The policy that the options describe.
pub(super) fn policy(selection: &Selection) -> Result<Policy, Failure> {
    let Selection { older_than, expiring_within, never_expiring, name, in_project, own } =
        selection;
    let by_time = older_than.is_some() || expiring_within.is_some() || *never_expiring;
    if !by_time && name.is_none() && in_project.is_none() {
        return Err(Failure::usage("no keys are selected").advise(
            "Select keys with --older-than, --expiring-within, --never-expiring, --name or --in-project.",
        ));
    }
    let mut policy = Policy::new();
    if let Some(age) = older_than {
        policy = policy.older_than(*age);
    }
    if let Some(time) = expiring_within {
        policy = policy.expiring_within(*time);
    }
    if let Some(name) = name {
        policy = policy.named(name);
    }
    if let Some(project) = in_project {
        policy = policy.in_project(project);
    }
    if *never_expiring {
        policy = policy.never_expiring();
    }
    Ok(if *own { policy.with_own_key() } else { policy })
}
