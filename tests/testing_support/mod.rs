//! A caller that knows HTTP and nothing of the client: what it sees is what the server sent.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, unreachable_pub, missing_docs)]

use onkernel::testing::Server;
use reqwest::header::HeaderMap;
use serde_json::Value;

#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    url: String,
    key: String,
    headers: Vec<(&'static str, String)>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The names of a listing.
    pub fn names(&self) -> Vec<String> {
        let keys = self.json();
        let keys = keys.as_array().unwrap_or_else(|| panic!("not a list: {keys}"));
        keys.iter().map(|key| key["name"].as_str().unwrap().to_owned()).collect()
    }

    /// A field of the answer, as text.
    pub fn text_of(&self, field: &str) -> String {
        self.json()[field].as_str().unwrap_or_else(|| panic!("no {field}")).to_owned()
    }
}

impl Api {
    pub fn new(server: &Server) -> Self {
        Self {
            http: client(),
            url: server.url().to_owned(),
            key: server.bootstrap_key().to_owned(),
            headers: Vec::new(),
        }
    }

    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    pub fn with_header(&self, name: &'static str, value: &str) -> Self {
        let mut api = self.clone();
        api.headers.push((name, value.to_owned()));
        api
    }

    pub fn in_project(&self, id: &str) -> Self {
        self.with_header("x-kernel-project-id", id)
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if !self.key.is_empty() {
            request = request.bearer_auth(&self.key);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request
    }

    pub async fn finish(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, text: response.text().await? })
    }

    pub async fn try_send(&self, method: &str, path: &str, body: Value) -> reqwest::Result<Answer> {
        let mut request = self.request(method, path);
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        Self::finish(request).await
    }

    pub async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        self.try_send(method, path, body).await.expect("an answer")
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, Value::Null).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, body).await
    }

    pub async fn create(&self, body: Value) -> Answer {
        self.post("/org/api_keys", body).await
    }

    pub async fn delete(&self, id: &str) -> Answer {
        self.send("DELETE", &format!("/org/api_keys/{id}"), Value::Null).await
    }

    pub async fn list(&self, query: &str) -> Answer {
        self.get(&format!("/org/api_keys?{query}")).await
    }
}

/// A client that does nothing on its own: no redirects, no retries, no proxy.
pub fn client() -> reqwest::Client {
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy();
    // Nothing here speaks TLS, but a client wants to be able to.
    #[cfg(feature = "rustls")]
    let builder = {
        let _ = rustls::crypto::ring::default_provider().install_default();
        builder.tls_certs_only([])
    };
    builder.build().unwrap()
}
