//! Creating, listing, inspecting, renaming and deleting keys, and a table of all keys in the end.

use std::collections::HashMap;

use chrono::Utc;
use futures_util::TryStreamExt;
use onkernel::testing::Server;
use onkernel::types::{ApiKey, ApiKeysStatus, CreatedApiKey, SortDirection};
use onkernel::{Client, Null, Secret};
use serde_json::json;

use super::presenter::{Done, Presenter};
use super::server::PROJECT;
use crate::failure::Failure;
use crate::output::cells;
use crate::output::keys;
use crate::output::style::Tint;
use crate::output::table::{Cell, Fit, Table};
use crate::output::text::plural;
use crate::output::time::expiry;

/// How many keys a page holds in the demo: few, so that there are several pages.
const PAGE: i64 = 3;

/// The keys of the demo, and the outcome for each.
#[derive(Default)]
pub(super) struct DemoKeys {
    pub(super) org_wide: Option<CreatedApiKey>,
    pub(super) unlimited: Option<CreatedApiKey>,
    pub(super) in_project: Option<CreatedApiKey>,
    /// The key in the workload's store.
    pub(super) stored: Option<Secret>,
    outcomes: HashMap<String, String>,
}

impl DemoKeys {
    pub(super) fn set_outcome(&mut self, id: &str, outcome: impl Into<String>) {
        self.outcomes.insert(id.to_owned(), outcome.into());
    }
}

/// A key that an earlier part of the demo has created.
pub(super) fn created(key: &Option<CreatedApiKey>) -> Result<&CreatedApiKey, Failure> {
    key.as_ref().ok_or_else(|| Failure::new("the demo failed: a key was not created"))
}

pub(super) async fn create(
    presenter: &mut Presenter<'_>,
    client: &Client,
    keys: &mut DemoKeys,
) -> Result<(), Failure> {
    presenter.section("Create")?;
    let call = |name: &str| client.api_keys().create(name);
    let key = make(presenter, call("deploy-bot").days_to_expire(30)).await?;
    keys.set_outcome(&key.id, "in use");
    keys.org_wide = Some(key);
    let key = make(presenter, call("nightly-report").days_to_expire(Null)).await?;
    keys.unlimited = Some(key);
    let key = make(presenter, call("checkout").days_to_expire(90).project_id(PROJECT.0)).await?;
    keys.in_project = Some(key);
    for number in 1..=4 {
        let key = make(presenter, call(&format!("agent-{number}")).days_to_expire(7)).await?;
        keys.set_outcome(&key.id, "in use");
    }
    let remark = "Each response held the plaintext, once; from now on only masked keys are shown.";
    presenter.paragraph("", Tint::Faint, remark)?;
    presenter.gap()
}

async fn make(
    presenter: &mut Presenter<'_>,
    call: onkernel::resources::api_keys::Create,
) -> Result<CreatedApiKey, Failure> {
    let work = async {
        let key = call.send().await?;
        let lifetime = match expiry(key.expires_at, key.created_at).as_str() {
            "never" => "never expires".to_owned(),
            time => format!("expires {time}"),
        };
        let scope = match &key.project_name {
            Some(name) => format!("project {name}"),
            None => "org-wide".to_owned(),
        };
        let (text, masked) = (format!("{}: {scope}, {lifetime}", key.name), key.masked_key.clone());
        Ok(Done::new(key, text).detail(masked))
    };
    presenter.step("creating a key", work).await
}

pub(super) async fn list(
    presenter: &mut Presenter<'_>,
    client: &Client,
    server: &Server,
) -> Result<(), Failure> {
    presenter.section("List")?;
    let before = server.log().len();
    let work = async {
        let keys: Vec<ApiKey> = client.api_keys().list().limit(PAGE).items().ahead(0).all().await?;
        let pages = server.log().len() - before;
        let text = format!(
            "{} on {} of at most {PAGE}",
            plural(keys.len() as u64, "key"),
            plural(pages as u64, "page")
        );
        Ok(Done::new((), text).detail("a page in memory at a time"))
    };
    presenter.step("listing the keys", work).await?;
    let work = async {
        let call = client.api_keys().list().query("agent").items();
        let names: Vec<String> = call.map_ok(|key| key.name).try_collect().await?;
        Ok(Done::new((), format!("{} of them match “agent”", names.len())))
    };
    presenter.step("filtering the keys", work).await?;
    presenter.gap()
}

pub(super) async fn inspect(
    presenter: &mut Presenter<'_>,
    client: &Client,
    keys: &DemoKeys,
) -> Result<(), Failure> {
    presenter.section("Inspect")?;
    let id = &created(&keys.in_project)?.id;
    let work = async {
        let key = client.api_keys().get(id).send().await?;
        let name = key.name.clone();
        Ok(Done::new(key, format!("{name}, by its id"))
            .detail("the plaintext is never shown again"))
    };
    let key = presenter.step("reading a key", work).await?;
    let details = keys::details(&key, Utc::now(), presenter.style());
    presenter.line(
        &details.lines().map(|line| format!("      {line}")).collect::<Vec<_>>().join("\n"),
    )?;
    presenter.gap()
}

pub(super) async fn rename(
    presenter: &mut Presenter<'_>,
    client: &Client,
    keys: &mut DemoKeys,
) -> Result<(), Failure> {
    presenter.section("Rename")?;
    let old = created(&keys.org_wide)?;
    let (id, old_name) = (old.id.clone(), old.name.clone());
    let work = async {
        let call = client.api_keys().update(&id, "release-bot");
        let key = call.send().await?;
        let text = format!("{old_name} is renamed to {}", key.name);
        Ok(Done::new((), text).detail("same key, same plaintext"))
    };
    presenter.step("renaming a key", work).await?;
    keys.set_outcome(&id, format!("in use; was named {old_name}"));
    presenter.gap()
}

pub(super) async fn delete(
    presenter: &mut Presenter<'_>,
    client: &Client,
    keys: &mut DemoKeys,
) -> Result<(), Failure> {
    presenter.section("Delete")?;
    let key = created(&keys.unlimited)?;
    let (id, name) = (key.id.clone(), key.name.clone());
    let work = async {
        client.api_keys().delete(&id).send().await?;
        Ok(Done::new((), format!("{name} is deleted")).detail("it stopped working at once"))
    };
    presenter.step("deleting a key", work).await?;
    let work = async {
        let key = client.api_keys().get(&id).include_deleted(true).send().await?;
        let since = key.deleted_at.map_or("not deleted", |_| "deleted");
        Ok(Done::new((), format!("its record stays, and says “{since}”"))
            .detail("with --include-deleted"))
    };
    presenter.step("reading a deleted key", work).await?;
    keys.set_outcome(&id, "deleted");
    presenter.gap()
}

pub(super) async fn summary(
    presenter: &mut Presenter<'_>,
    client: &Client,
    keys: &DemoKeys,
) -> Result<(), Failure> {
    presenter.section("All keys in the end")?;
    let call =
        client.api_keys().list().status(ApiKeysStatus::All).sort_direction(SortDirection::Asc);
    let all: Vec<ApiKey> = call.items().try_collect().await?;
    let now = Utc::now();
    let mut table = Table::new([
        ("NAME", Fit::Cut),
        ("KEY", Fit::Whole),
        ("SCOPE", Fit::Cut),
        ("EXPIRES", Fit::Whole),
        ("OUTCOME", Fit::Whole),
    ]);
    for key in &all {
        let outcome =
            keys.outcomes.get(&key.id).map_or("in use; created all the others", String::as_str);
        let live = key.deleted_at.is_none();
        let (name, end) = if live { (Tint::Strong, Tint::Good) } else { (Tint::Faint, Tint::Bad) };
        table.row([
            // The rest of a marker differs each time.
            Cell::tinted(name, if is_marker(&key.name) { "~onk-…" } else { &key.name }),
            Cell::new(&key.masked_key),
            cells::scope_cell(key),
            if live { cells::expiry_cell(key, now) } else { Cell::new("-") },
            Cell::tinted(end, outcome),
        ]);
        let mut kept = json!(key);
        kept["outcome"] = json!(outcome);
        presenter.keep(kept);
    }
    let width = presenter.width().map(|width| width.saturating_sub(2));
    let table = table.render(width, presenter.style());
    presenter
        .line(&table.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))?;
    presenter.gap()
}

/// Whether a key still bears the name under which a rotation made it.
pub(super) fn is_marker(name: &str) -> bool {
    name.starts_with("~onk-")
}
