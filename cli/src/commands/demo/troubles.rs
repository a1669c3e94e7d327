//! Every row of the guide's troubleshooting table, provoked.

use onkernel::testing::Server;
use onkernel::{Client, CreateApiKeyExt, Error, Method, RawBody, Response};
use serde_json::{Value, json};

use super::life::Cast;
use super::stage::Stage;
use super::{PROJECT, client};
use crate::failure::Failure;

pub(super) async fn provoke(
    stage: &mut Stage<'_>,
    admin: &Client,
    server: &Server,
    cast: &Cast,
) -> Result<(), Failure> {
    stage.chapter("When it does not work, and what to do")?;
    let typed = || admin.create_api_key();
    let lifetime = 4000;
    stage.provoke("400: the name is missing", typed().named("").send()).await?;
    stage.insist("Sent all the same, by raw access", raw(admin, json!({}))).await?;
    let call = typed().named("x").for_days(lifetime);
    stage.provoke("400: days_to_expire is not between 1 and 3650", call.send()).await?;
    let call = raw(admin, json!({ "name": "x", "days_to_expire": lifetime }));
    stage.insist("Sent all the same, by raw access", call).await?;
    let call = typed().named("x").in_project("");
    stage.provoke("400: project_id is empty", call.send()).await?;

    let stranger = client(server, "sk_not_a_key_of_this_server")?;
    stage.provoke("401: the API key is not known", stranger.list_api_keys().send()).await?;

    let call = typed().named("x").in_project("proj_nowhere");
    stage.provoke("404: the project does not exist", call.send()).await?;
    let stored = cast.stored.clone();
    let stored = stored.ok_or_else(|| Failure::new("the demo failed: the store is empty"))?;
    let confined = client(server, stored)?;
    server.add_project("proj_other", "Other");
    let call = confined.create_api_key().named("x").in_project("proj_other");
    let what = format!("404: a key of {} asks for a key of another project", PROJECT.1);
    stage.provoke(&what, call.send()).await?;
    stage.gap()
}

/// What the client would refuse to send, sent.
async fn raw(client: &Client, body: Value) -> Result<Response<RawBody>, Error> {
    client.request(Method::POST, "/org/api_keys").json(&body).send().await
}
