//! What a document's prose says of fields together, and of bytes, holds before anything is sent.

use httpmock::prelude::*;
use onkernel::{Client, ErrorKind, types};

use crate::scripted::KEY;

fn client(url: impl Into<String>) -> Client {
    Client::builder().api_key(KEY).base_url(url).retries(0).build().unwrap()
}

#[tokio::test]
async fn fields_that_exclude_or_need_each_other_are_told_before_anything_is_sent() {
    let server = MockServer::start_async().await;
    let any = server.mock_async(|_, then| drop(then.status(500))).await;
    let kernel = client(server.base_url());
    let location = types::ResidentialProxyConfig::new().city("sanfrancisco");
    let residential = types::ProxyCreateRequestType::Residential;
    let otlp = types::BrowserTelemetryRequestConfig::new().enabled(false);
    let categories = types::BrowserTelemetryCategoriesConfig::new();
    let when = "2100-01-01T00:00:00Z".parse::<onkernel::chrono::DateTime<_>>().unwrap();
    for (error, said) in [
        (
            kernel.api_keys().create("ci").days_to_expire(3).expires_at(when).send().await.err(),
            "the request body must not have more than one of `days_to_expire` or `expires_at`",
        ),
        (
            kernel.deployments().list().app_version("1").send().await.err(),
            "the call must have `app_name` where it has `app_version`",
        ),
        (
            kernel.browsers().telemetry().events("b").order("desc").since("5m").send().await.err(),
            "the call must not have more than one of `order=desc` or `since`",
        ),
        (
            kernel
                .browsers()
                .logs()
                .stream("b", types::BrowsersLogsSource::Path)
                .events()
                .await
                .err(),
            "the call must have `path` where it has `source=path`",
        ),
        (
            kernel
                .browsers()
                .create()
                .gpu(false)
                .video_memory(types::BrowserVideoMemory::X2giB)
                .send()
                .await
                .err(),
            "the request body must have `gpu=true` where it has `video_memory`",
        ),
        (
            kernel.proxies().create(residential).config(location).send().await.err(),
            "config must have `country` where it has `city`",
        ),
        (
            kernel.browsers().create().telemetry(otlp.browser(categories)).send().await.err(),
            "telemetry must not have more than one of `enabled=false` or `browser`",
        ),
    ] {
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        assert!(error.to_string().contains(said), "{said}\n{error}");
    }
    assert_eq!(any.calls_async().await, 0);
    // Null is nothing that is there, and ascending order may begin anywhere.
    let keys = kernel.api_keys().create("ci").days_to_expire(onkernel::Null).expires_at(when);
    assert_ne!(keys.send().await.unwrap_err().kind(), ErrorKind::InvalidRequest);
    let events = kernel.browsers().telemetry().events("b").order("asc").since("5m");
    assert_ne!(events.send().await.unwrap_err().kind(), ErrorKind::InvalidRequest);
    assert_eq!(any.calls_async().await, 2);
}

/// A limit in bytes counts bytes, not characters.
#[tokio::test]
async fn a_string_of_too_many_bytes_is_not_sent() {
    let kernel = client("http://127.0.0.1:9");
    let add =
        |source: String| kernel.browsers().webmcp().custom_tools().add("b", "n", source).send();
    let error = add("é".repeat(4_000_001)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    let said = "source must have at most 8000000 bytes, but has 8000002";
    assert!(error.to_string().contains(said), "{error}");
    let error = add("é".repeat(4_000_000)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect, "it has just enough");
}
