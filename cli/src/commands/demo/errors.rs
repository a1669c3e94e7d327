//! Every error of the guide's troubleshooting table, provoked.

use onkernel::testing::Server;
use onkernel::{Client, Error, Method, RawBody, Response};
use serde_json::{Value, json};

use super::keys::DemoKeys;
use super::presenter::Presenter;
use super::server::{PROJECT, client};
use crate::failure::Failure;

pub(super) async fn provoke(
    presenter: &mut Presenter<'_>,
    admin: &Client,
    server: &Server,
    keys: &DemoKeys,
) -> Result<(), Failure> {
    presenter.section("Errors, and what to do about them")?;
    let typed = |name: &str| admin.api_keys().create(name);
    let lifetime = 4000;
    presenter.provoke("400: the name is missing", typed("").send()).await?;
    presenter.provoke_again("Sent anyway, as a raw request", raw(admin, json!({}))).await?;
    let call = typed("x").days_to_expire(lifetime);
    presenter.provoke("400: days_to_expire is not between 1 and 3650", call.send()).await?;
    let call = raw(admin, json!({ "name": "x", "days_to_expire": lifetime }));
    presenter.provoke_again("Sent anyway, as a raw request", call).await?;
    let call = typed("x").project_id("");
    presenter.provoke("400: project_id is empty", call.send()).await?;

    let stranger = client(server, "sk_not_a_key_of_this_server")?;
    presenter.provoke("401: the API key is not known", stranger.api_keys().list().send()).await?;

    let call = typed("x").project_id("proj_nowhere");
    presenter.provoke("404: the project does not exist", call.send()).await?;
    let stored = keys.stored.clone();
    let stored = stored.ok_or_else(|| Failure::new("the demo failed: the store is empty"))?;
    let confined = client(server, stored)?;
    server.add_project("proj_other", "Other");
    let call = confined.api_keys().create("x").project_id("proj_other");
    let what = format!("404: a key of {} creates a key in another project", PROJECT.1);
    presenter.provoke(&what, call.send()).await?;
    presenter.gap()
}

/// Sends what the typed call rejects.
async fn raw(client: &Client, body: Value) -> Result<Response<RawBody>, Error> {
    client.request(Method::POST, "/org/api_keys").json(&body).send().await
}
