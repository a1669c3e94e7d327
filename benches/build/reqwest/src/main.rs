//! Counts the API keys of an organization.

use reqwest::header::{AUTHORIZATION, HeaderValue};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = format!("{}/org/api_keys?limit=20", std::env::var("KERNEL_BASE_URL")?);
    let response = http()?.get(url).send().await?.error_for_status()?;
    let keys: Vec<serde_json::Value> = response.json().await?;
    println!("{}", keys.len());
    Ok(())
}

fn http() -> Result<reqwest::Client, Box<dyn std::error::Error>> {
    let mut key = HeaderValue::try_from(format!("Bearer {}", std::env::var("KERNEL_API_KEY")?))?;
    key.set_sensitive(true);
    let builder =
        reqwest::Client::builder().default_headers([(AUTHORIZATION, key)].into_iter().collect());
    #[cfg(feature = "ring")]
    let builder = {
        use rustls_platform_verifier::BuilderVerifierExt;
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_platform_verifier()?
            .with_no_client_auth();
        builder.tls_backend_preconfigured(config)
    };
    Ok(builder.build()?)
}
