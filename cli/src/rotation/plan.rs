//! How the plan of a rotation is shown that is only looked at.

use chrono::{DateTime, Utc};
use onkernel::rotation::{Decision, Rejection, RotationPlan};
use serde_json::{Value, json};

use super::report::{option, resume_advice};
use super::resolutions::ResumeCommand;
use crate::args::RotationOptions;
use crate::failure::Failure;
use crate::output::keys;
use crate::output::style::Tint;
use crate::output::text::safe;
use crate::output::time::{exact, expiry};
use crate::output::{Output, PrintError};

/// The plan for programs, with the hooks as they were named.
pub(crate) fn json(plan: &RotationPlan, options: &RotationOptions) -> Value {
    let mut json = json!(plan);
    json["hooks"] = json!({ "deploy": options.deploy, "verify": options.verify });
    for (rejection, shown) in
        plan.rejected.iter().zip(json["rejected"].as_array_mut().into_iter().flatten())
    {
        shown["advice"] = json!(rejection.decision.and_then(option));
    }
    json
}

/// The plan for people.
pub(crate) fn print(
    plan: &RotationPlan,
    options: &RotationOptions,
    now: DateTime<Utc>,
    output: &Output,
) -> Result<(), PrintError> {
    let style = output.style();
    output.print(&keys::lines(fields(plan, options, now), style))?;
    for note in &plan.notes {
        output.print(&format!("  note: {}", safe(note)))?;
    }
    for Rejection { why, decision, .. } in &plan.rejected {
        output.print(&format!("{} {}", style.paint(Tint::Bad, "rejected:"), safe(why)))?;
        if let Some(option) = decision.and_then(option) {
            output.print(&format!("  {option}"))?;
        }
    }
    Ok(())
}

fn fields(
    plan: &RotationPlan,
    options: &RotationOptions,
    now: DateTime<Utc>,
) -> Vec<(&'static str, String)> {
    let unknown = || "unknown".to_owned();
    let yes = |yes: bool, what: &str, not: &str| if yes { what } else { not }.to_owned();
    let key = plan.key.as_ref().map_or_else(unknown, |key| {
        let own = if key.own { ", your own key" } else { "" };
        let end = key.expires_at.map(|end| format!(" ({})", exact(end))).unwrap_or_default();
        let end = format!("expires {}{end}", expiry(key.expires_at, now));
        format!("{} ({}), {end}{own}", safe(&key.name), safe(&key.id))
    });
    let store = &plan.store;
    let holds = match plan.store_holds_key {
        Some(true) => "holds a key",
        Some(false) => "holds nothing",
        None => "what it holds is unknown",
    };
    let like = [
        holds.to_owned(),
        yes(store.readable, "can be read back", "one-way"),
        yes(store.compare_and_swap, "compares and swaps", "no compare-and-swap"),
        yes(store.shared, "the same on every host", "on this host"),
        format!("shows a write within {} s", store.propagation.as_secs_f64()),
    ];
    let hook = |command: &Option<String>| command.as_deref().map_or("none".to_owned(), safe);
    let mut fields = vec![
        ("Key", key),
        ("New key lives", plan.lifetime.as_deref().map_or_else(unknown, safe)),
        ("Store", safe(&store.store)),
        ("", like.join(", ")),
        ("Workload sees it", format!("at its {}", store.takes_effect)),
        ("Deploy hook", hook(&options.deploy)),
        ("Verify hook", hook(&options.verify)),
        ("Overlap", format!("{} s", plan.overlap.as_secs_f64())),
        ("Old key", plan.retirement.clone().unwrap_or_else(|| "not decided".to_owned())),
    ];
    fields.extend(plan.leftovers.iter().map(|name| ("Looked for first", safe(name))));
    fields
}

/// Why it would not begin: as the rotation itself would end.
pub(crate) fn conclude(rejected: &[Rejection], resume: &ResumeCommand) -> Result<(), Failure> {
    if rejected.is_empty() {
        return Ok(());
    }
    let unfinished = |decision| matches!(decision, Some(Decision::Unfinished | Decision::Marked));
    match rejected.iter().any(|rejection| unfinished(rejection.decision)) {
        true => {
            Err(Failure::attention("an earlier rotation is not finished")
                .advise(resume_advice(resume)))
        }
        false => Err(Failure::new("the rotation would be rejected; nothing was changed")),
    }
}
