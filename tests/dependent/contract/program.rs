//! Every name that the surface promises, as a user writes it.

use std::error::Error;
use std::time::Duration;

use onkernel::bytes::Bytes;
use onkernel::chrono::{TimeDelta, Utc};
use onkernel::prelude::*;
use onkernel::types::{
    ApiKey, ApiKeyPolicy, ApiKeyPolicyStatement, BrowsersFsUploadRequestFilesItem, ClickMouseRequestButton,
    CreatedApiKey, SortDirection,
};
use onkernel::{Event, EventStream, Items, Page, Pages, Response, Upload};

type Done = Result<(), Box<dyn Error>>;

#[tokio::main]
async fn main() -> Done {
    let kernel = Client::from_env()?;
    keys(&kernel).await?;
    lists(&kernel).await?;
    states(&kernel).await?;
    errors(&kernel).await?;
    browsers(&kernel).await?;
    println!("all done");
    Ok(())
}

async fn keys(kernel: &Client) -> Done {
    let created = kernel.api_keys().create("staging").days_to_expire(30).send().await?;
    let created: CreatedApiKey = created;
    let key: ApiKey = kernel.api_keys().get(&created.id).send().await?;
    kernel.api_keys().update(&key.id, "ci").send().await?;
    let new = kernel.api_keys().rotate(&key.id).expire_in_days(1).send().await?;
    kernel.api_keys().delete(&key.id).send().await?;
    assert!(new.key.expose().starts_with("sk_"));
    assert_eq!(format!("{:?}", new.key), "[redacted]");

    let id = new.id;
    let response: Response<ApiKey> = kernel.api_keys().get(&id).send_raw().await?;
    assert_eq!(response.status().as_u16(), 200);
    assert!(response.headers().contains_key("content-type"));
    assert!(response.request_id().is_some());
    assert_eq!(response.into_value().id, id);

    let other = kernel.with(CallOptions::new().project("proj_2").retries(5));
    assert!(other.api_keys().list().send().await?.items.is_empty());
    let by_name = kernel.with(CallOptions::new().project("Two").idempotent(true));
    assert!(by_name.api_keys().list().send().await?.is_empty());
    let by_id = CallOptions::new().project_id("proj_2").timeout(Duration::from_secs(9));
    assert!(kernel.with(by_id).api_keys().list().send().await?.next().is_none());
    Ok(())
}

async fn lists(kernel: &Client) -> Done {
    for number in 0..5_u8 {
        kernel.api_keys().create(format!("key {number}")).days_to_expire(number + 1).send().await?;
    }
    let page = kernel.api_keys().list().sort_by(SortBy::ExpiresAt).limit(50).send().await?;
    let page: Page<ApiKey> = page;
    for key in &page.items {
        assert!(!key.masked_key.is_empty());
    }
    assert!(page.next().is_none());

    let page = kernel.api_keys().list().limit(2).send().await?;
    let next = page.next();
    let second: Page<ApiKey> = next.expect("more than two").send().await?;
    assert_eq!(second.items.len(), 2);

    let mut keys: Items<ApiKey> = kernel.api_keys().list().items();
    let mut count = 0;
    while let Some(key) = keys.next().await {
        let _: ApiKey = key?;
        count += 1;
    }
    let mut pages: Pages<Page<ApiKey>> = kernel.api_keys().list().limit(2).pages().ahead(3);
    let mut paged = 0;
    while let Some(page) = pages.next().await {
        paged += page?.items.len();
    }
    assert_eq!(count, paged);
    let all = kernel.api_keys().list().sort_direction(SortDirection::Asc).limit(3_usize).items();
    assert_eq!(all.ahead(1).all().await?.len(), count);

    assert_eq!(kernel.api_keys().named("key 1").await?.len(), 1);
    assert!(!kernel.api_keys().expiring_within(TimeDelta::days(14)).await?.is_empty());
    let me = kernel.api_keys().current().await?;
    assert!(me.is_exact());
    Ok(())
}

async fn states(kernel: &Client) -> Done {
    let forever = kernel.api_keys().create("forever").days_to_expire(Null).send().await?;
    assert!(forever.expires_at.is_none());
    // `None` leaves out, for whatever the setter takes.
    for left_out in [
        kernel.api_keys().create("a").set_days_to_expire(None::<u32>),
        kernel.api_keys().create("b").set_expires_at(None::<onkernel::chrono::DateTime<Utc>>),
        kernel.api_keys().create("c").set_project_id(None::<&str>),
        kernel.api_keys().create("d").set_days_to_expire(Some(30_u64)),
        kernel.api_keys().create("e").set_days_to_expire(Some(Null::<i64>)),
    ] {
        left_out.send().await?;
    }
    let policy = ApiKeyPolicy::new([ApiKeyPolicyStatement::new("browsers:use", "*")]);
    kernel.api_keys().create("restricted").policy(policy).send().await?;
    let until = Utc::now() + TimeDelta::days(2);
    kernel.api_keys().create("until").expires_at(until).send().await?;
    assert_eq!("expires_at".parse::<SortBy>()?, SortBy::ExpiresAt);
    let unknown = SortBy::Unknown("age".to_owned());
    let rejected = kernel.api_keys().list().sort_by(unknown).send().await.unwrap_err();
    assert!(rejected.is_invalid_request() && rejected.to_string().contains("expires_at"), "{rejected}");
    Ok(())
}

async fn errors(kernel: &Client) -> Done {
    let error = kernel.api_keys().get("nobody").send().await.unwrap_err();
    assert!(error.is_not_found() && !error.outcome_unknown());
    assert!(error.advice().is_some());
    Ok(())
}

async fn browsers(kernel: &Client) -> onkernel::Result<()> {
    let id = kernel.browsers().create().headless(true).send().await?.session_id;
    let click = kernel.browsers().computer().click_mouse(&id, 100, 200);
    click.button(ClickMouseRequestButton::Right).num_clicks(2_u8).send().await?;
    let mut events: EventStream<_> = kernel.browsers().telemetry().stream(&id).events().await?;
    while let Some(event) = events.next().await {
        if let Event::Message { data, .. } = event? {
            assert!(data.seq >= 0);
        }
    }
    let file = BrowsersFsUploadRequestFilesItem::new(Upload::from("text"), "/tmp/a.txt");
    kernel.browsers().fs().upload(&id, [file]).send().await?;
    kernel.browsers().fs().write_file(&id, "/tmp/b", Bytes::from("text")).send().await?;
    kernel.browsers().fs().r#move(&id, "/tmp/a.txt", "/tmp/c.txt").send().await?;
    let download = kernel.browsers().fs().read_file(&id, "/tmp/c.txt").download().await?;
    let _: Bytes = download.bytes().await?;
    Ok(())
}
