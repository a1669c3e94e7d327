//! `whoami`: shows the key in use, its organization, and what it reaches.

use chrono::{DateTime, Utc};
use onkernel::types::ApiKey;
use onkernel::{ApiKeysExt, Current};
use serde_json::{Value, json};

use crate::args::Global;
use crate::client;
use crate::failure::Failure;
use crate::output::Output;
use crate::output::keys;
use crate::output::text::{plural, safe};

pub(super) async fn run(
    global: &Global,
    output: &Output,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let current = client::build(global)?.api_keys().current().await?;
    if current.candidates.is_empty() && !current.is_exact() {
        return Err(Failure::new("your key works, but no listed key has its masked form").advise(
            "With --project only that project's keys are listed: leave it out to see all that your key can see.",
        ));
    }
    if output.is_json() {
        return Ok(output.print_json(&for_programs(&current))?);
    }
    let style = output.style();
    let count = current.candidates.len();
    match &current.candidates[..] {
        [] | [_] => output.print(&keys::lines(fields(&current, now, output), style))?,
        several => output.print(&keys::table(several, now).render(output.width(), style))?,
    }
    match (current.is_exact(), count) {
        (true, 0) if current.id().is_some() => output.note("Your key may not see its own details."),
        (true, _) => {}
        (false, 1) => output.note("This is the only listed key with the masked form of yours."),
        (false, _) => output.note(&format!(
            "{} have the masked form of yours; the API does not tell which one it is.",
            plural(count as u64, "listed key")
        )),
    }
    Ok(())
}

/// What is known of the caller, for people.
fn fields(current: &Current, now: DateTime<Utc>, output: &Output) -> Vec<(&'static str, String)> {
    let key = current.candidates.first();
    let mut fields = match key {
        Some(key) => keys::fields(key, now, output.style()),
        None => {
            vec![("Id", current.id().map_or("none: the credential is no API key".to_owned(), safe))]
        }
    };
    if let Some(context) = &current.context {
        let reach = &context.authorization;
        if key.is_none() {
            let project = reach.credential_scope.project_id.as_deref();
            let scope = project.map_or("org-wide".to_owned(), |id| format!("project {}", safe(id)));
            fields.push(("Scope", scope));
        }
        fields.push(("Organization", safe(&context.organization.id)));
        let project = reach.effective_scope.project_id.as_deref();
        fields.push(("Project", project.map_or("all".to_owned(), |id| titled(id, key))));
    }
    fields
}

/// A project's id, with its name where the key tells it.
fn titled(project: &str, key: Option<&ApiKey>) -> String {
    let own = key.filter(|key| key.project_id.as_deref() == Some(project));
    match own.and_then(|key| key.project_name.as_deref()) {
        Some(name) => format!("{} ({})", safe(name), safe(project)),
        None => safe(project),
    }
}

/// What is known of the caller, for programs. `scope` is what the credential reaches at most,
/// `project` what calls with the same options are confined to.
fn for_programs(current: &Current) -> Value {
    let (organization, scope, project) = match (&current.context, &current.candidates[..]) {
        (Some(context), _) => {
            let reach = &context.authorization;
            let organization = Some(&context.organization.id);
            let scope = Some(&reach.credential_scope.project_id);
            (organization, scope, reach.effective_scope.project_id.as_ref())
        }
        (None, [key]) => (None, Some(&key.project_id), key.project_id.as_ref()),
        (None, _) => (None, None, None),
    };
    let scope = scope.map(|project| if project.is_some() { "project" } else { "organization" });
    json!({
        "exact": current.is_exact(),
        "id": current.id(),
        "organization": organization,
        "scope": scope,
        "project": project,
        "candidates": current.candidates,
    })
}
