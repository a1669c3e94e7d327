//! `audit`: the keys that a policy selects.

use onkernel::rotation::{Policy, RotationExt};
use serde_json::json;

use crate::args::{Global, Selection};
use crate::client;
use crate::failure::Failure;
use crate::output::Output;
use crate::output::text::{plural, safe};

pub(super) async fn run(args: Selection, global: &Global, output: &Output) -> Result<(), Failure> {
    let selected = client::build(global)?.audit(&policy(&args)?).await?;
    if output.is_json() {
        let selected: Vec<_> = selected
            .iter()
            .map(|audited| json!({ "key": audited.key, "why": audited.why, "own": audited.own }))
            .collect();
        return Ok(output.print_json(&selected)?);
    }
    for audited in &selected {
        let own = if audited.own { " (looks like the key that you are using)" } else { "" };
        let (id, name) = (safe(&audited.key.id), safe(&audited.key.name));
        output.print(&format!("{id}  {name}: {}{own}", audited.why))?;
    }
    output.note(&format!("{}.", plural(selected.len() as u64, "key")));
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
