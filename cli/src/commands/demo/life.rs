//! Creating, listing, inspecting, renaming, deleting; and what is left in the end.

use std::collections::HashMap;

use chrono::Utc;
use futures_util::TryStreamExt;
use onkernel::testing::Server;
use onkernel::types::{ApiKey, CreatedApiKey, ListApiKeysSortDirection, ListApiKeysStatus};
use onkernel::{Client, CreateApiKeyExt, Secret};
use serde_json::json;

use super::PROJECT;
use super::stage::{Done, Stage};
use crate::failure::Failure;
use crate::show;
use crate::style::Tint;
use crate::table::{Cell, Fit, Table};
use crate::words::{expiry, plural};

/// How many keys a page holds in the demo: few, so that there are several pages.
const PAGE: i64 = 3;

/// The keys that the story is about, and what becomes of each.
#[derive(Default)]
pub(super) struct Cast {
    pub(super) org_wide: Option<CreatedApiKey>,
    pub(super) unlimited: Option<CreatedApiKey>,
    pub(super) in_project: Option<CreatedApiKey>,
    /// What the workload's store holds in the end.
    pub(super) stored: Option<Secret>,
    fates: HashMap<String, String>,
}

impl Cast {
    pub(super) fn fate(&mut self, key: &str, fate: impl Into<String>) {
        self.fates.insert(key.to_owned(), fate.into());
    }
}

/// One of the cast: each has been created by the time that it is needed.
pub(super) fn member(key: &Option<CreatedApiKey>) -> Result<&CreatedApiKey, Failure> {
    key.as_ref().ok_or_else(|| Failure::new("the demo failed: a key was not created"))
}

pub(super) async fn create(
    stage: &mut Stage<'_>,
    client: &Client,
    cast: &mut Cast,
) -> Result<(), Failure> {
    stage.chapter("Create")?;
    let call = || client.create_api_key();
    let key = make(stage, call().named("deploy-bot").for_days(30)).await?;
    cast.fate(&key.id, "in use");
    cast.org_wide = Some(key);
    let key = make(stage, call().named("nightly-report").forever()).await?;
    cast.unlimited = Some(key);
    let key = make(stage, call().named("checkout").for_days(90).in_project(PROJECT.0)).await?;
    cast.in_project = Some(key);
    for number in 1..=4 {
        let key = make(stage, call().named(format!("agent-{number}")).for_days(7)).await?;
        cast.fate(&key.id, "in use");
    }
    let remark = "Each plaintext was in its answer, once; from now on only masked forms are shown.";
    stage.paragraph("", Tint::Faint, remark)?;
    stage.gap()
}

async fn make(
    stage: &mut Stage<'_>,
    call: onkernel::builder::CreateApiKey,
) -> Result<CreatedApiKey, Failure> {
    let work = async {
        let key = call.send().await?.into_value();
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
    stage.step("creating a key", work).await
}

pub(super) async fn list(
    stage: &mut Stage<'_>,
    client: &Client,
    server: &Server,
) -> Result<(), Failure> {
    stage.chapter("List")?;
    let before = server.log().len();
    let work = async {
        let keys: Vec<ApiKey> = client.list_api_keys().limit(PAGE).stream().try_collect().await?;
        let pages = server.log().len() - before;
        let text = format!(
            "{} on {} of at most {PAGE}",
            plural(keys.len() as u64, "key"),
            plural(pages as u64, "page")
        );
        Ok(Done::new((), text).detail("a page in memory at a time"))
    };
    stage.step("listing the keys", work).await?;
    let work = async {
        let call = client.list_api_keys().query("agent").stream();
        let names: Vec<String> = call.map_ok(|key| key.name).try_collect().await?;
        Ok(Done::new((), format!("of these, {} mention “agent”", names.len())))
    };
    stage.step("filtering the keys", work).await?;
    stage.gap()
}

pub(super) async fn inspect(
    stage: &mut Stage<'_>,
    client: &Client,
    cast: &Cast,
) -> Result<(), Failure> {
    stage.chapter("Inspect")?;
    let id = &member(&cast.in_project)?.id;
    let work = async {
        let key = client.get_api_key().id(id).send().await?.into_value();
        let name = key.name.clone();
        Ok(Done::new(key, format!("{name}, by its id")).detail("never again the plaintext"))
    };
    let key = stage.step("reading a key", work).await?;
    let details = show::details(&key, Utc::now(), stage.style());
    stage.line(
        &details.lines().map(|line| format!("      {line}")).collect::<Vec<_>>().join("\n"),
    )?;
    stage.gap()
}

pub(super) async fn rename(
    stage: &mut Stage<'_>,
    client: &Client,
    cast: &mut Cast,
) -> Result<(), Failure> {
    stage.chapter("Rename")?;
    let old = member(&cast.org_wide)?;
    let (id, old_name) = (old.id.clone(), old.name.clone());
    let work = async {
        let call = client.update_api_key().id(&id).body_map(|body| body.name("release-bot"));
        let key = call.send().await?.into_value();
        let text = format!("{old_name} is now called {}", key.name);
        Ok(Done::new((), text).detail("same key, same plaintext"))
    };
    stage.step("renaming a key", work).await?;
    cast.fate(&id, format!("in use; was called {old_name}"));
    stage.gap()
}

pub(super) async fn delete(
    stage: &mut Stage<'_>,
    client: &Client,
    cast: &mut Cast,
) -> Result<(), Failure> {
    stage.chapter("Delete")?;
    let key = member(&cast.unlimited)?;
    let (id, name) = (key.id.clone(), key.name.clone());
    let work = async {
        client.delete_api_key().id(&id).send().await?;
        Ok(Done::new((), format!("{name} is deleted")).detail("it stopped working at once"))
    };
    stage.step("deleting a key", work).await?;
    let work = async {
        let key = client.get_api_key().id(&id).include_deleted(true).send().await?;
        let since = key.deleted_at.map_or("not deleted", |_| "deleted");
        Ok(Done::new((), format!("its record stays, and says “{since}”"))
            .detail("with --include-deleted"))
    };
    stage.step("reading a deleted key", work).await?;
    cast.fate(&id, "deleted");
    stage.gap()
}

pub(super) async fn what_is_left(
    stage: &mut Stage<'_>,
    client: &Client,
    cast: &Cast,
) -> Result<(), Failure> {
    stage.chapter("What is left")?;
    let call = client
        .list_api_keys()
        .status(ListApiKeysStatus::All)
        .sort_direction(ListApiKeysSortDirection::Asc);
    let keys: Vec<ApiKey> = call.stream().try_collect().await?;
    let now = Utc::now();
    let mut table = Table::new([
        ("NAME", Fit::Cut),
        ("KEY", Fit::Whole),
        ("SCOPE", Fit::Cut),
        ("EXPIRES", Fit::Whole),
        ("WHAT BECAME OF IT", Fit::Whole),
    ]);
    for key in &keys {
        let fate = cast.fates.get(&key.id).map_or("in use; made all the others", String::as_str);
        let live = key.deleted_at.is_none();
        let (name, end) = if live { (Tint::Strong, Tint::Good) } else { (Tint::Faint, Tint::Bad) };
        table.row([
            // The rest of a marker is made up anew each time.
            Cell::tinted(name, if is_marker(&key.name) { "~onk-…" } else { &key.name }),
            Cell::new(&key.masked_key),
            show::scope_cell(key),
            if live { show::expiry_cell(key, now) } else { Cell::new("-") },
            Cell::tinted(end, fate),
        ]);
        let mut kept = json!(key);
        kept["became"] = json!(fate);
        stage.keep(kept);
    }
    let width = stage.width().map(|width| width.saturating_sub(2));
    let table = table.render(width, stage.style());
    stage.line(&table.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))?;
    stage.gap()
}

/// Whether a key still bears the name under which a rotation made it.
pub(super) fn is_marker(name: &str) -> bool {
    name.starts_with("~onk-")
}
