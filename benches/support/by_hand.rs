//! The baseline: the same calls as one writes them with reqwest and serde, on the same connection
//! settings, into the same types.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

pub struct Client {
    http: reqwest::Client,
    base: String,
}

#[derive(Deserialize)]
pub struct Key {
    pub id: String,
    pub name: String,
    pub created_at: DateTime<Utc>,
    pub created_by: Creator,
    pub expires_at: Option<DateTime<Utc>>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub project_id: Option<String>,
    pub project_name: Option<String>,
    pub masked_key: String,
    pub policy: Option<Policy>,
}

#[derive(Deserialize)]
pub struct Created {
    pub id: String,
    pub name: String,
    pub created_at: DateTime<Utc>,
    pub created_by: Creator,
    pub expires_at: Option<DateTime<Utc>>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub project_id: Option<String>,
    pub project_name: Option<String>,
    pub masked_key: String,
    pub policy: Option<Policy>,
    pub key: String,
}

#[derive(Deserialize)]
pub struct Creator {
    pub id: String,
    pub email: String,
    pub name: Option<String>,
}

#[derive(Deserialize)]
pub struct Policy {
    pub statements: Vec<Statement>,
}

#[derive(Deserialize)]
pub struct Statement {
    pub action: String,
    pub resource: String,
}

#[derive(Serialize)]
pub struct NewKey {
    pub name: String,
    pub days_to_expire: Option<i64>,
}

impl Client {
    pub fn new(base: &str, key: &str) -> Self {
        let mut bearer = HeaderValue::try_from(format!("Bearer {key}")).unwrap();
        bearer.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, bearer),
            (ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        // Somebody else's may be there already, which does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent("by-hand/0.1.0")
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .pool_idle_timeout(Duration::from_secs(30))
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        Self { http, base: base.to_owned() }
    }

    pub async fn get(&self, id: &str) -> reqwest::Result<Key> {
        let url = format!("{}/org/api_keys/{id}", self.base);
        self.http.get(url).send().await?.error_for_status()?.json().await
    }

    pub async fn create(&self, key: &NewKey) -> reqwest::Result<Created> {
        let url = format!("{}/org/api_keys", self.base);
        self.http.post(url).json(key).send().await?.error_for_status()?.json().await
    }

    pub async fn list(&self, limit: usize) -> reqwest::Result<Vec<Key>> {
        let url = format!("{}/org/api_keys?limit={limit}", self.base);
        self.http.get(url).send().await?.error_for_status()?.json().await
    }
}
