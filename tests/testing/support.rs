//! A caller that knows HTTP and nothing of the client: what it sees is what the server sent.

use chrono::{DateTime, TimeZone, Utc};
use onkernel::testing::Server;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::http::http;

#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    url: String,
    key: String,
    headers: Vec<(&'static str, String)>,
}

/// A response, read to its end.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Response {
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

    /// A field of the response, as text.
    pub fn text_of(&self, field: &str) -> String {
        self.json()[field].as_str().unwrap_or_else(|| panic!("no {field}")).to_owned()
    }
}

impl Api {
    pub fn new(server: &Server) -> Self {
        Self {
            http: http(),
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

    pub async fn finish(request: reqwest::RequestBuilder) -> reqwest::Result<Response> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Response { status, headers, text: response.text().await? })
    }

    pub async fn try_send(
        &self,
        method: &str,
        path: &str,
        body: Value,
    ) -> reqwest::Result<Response> {
        let mut request = self.request(method, path);
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        Self::finish(request).await
    }

    pub async fn send(&self, method: &str, path: &str, body: Value) -> Response {
        self.try_send(method, path, body).await.expect("a response")
    }

    pub async fn get(&self, path: &str) -> Response {
        self.send("GET", path, Value::Null).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Response {
        self.send("POST", path, body).await
    }

    pub async fn create(&self, body: Value) -> Response {
        self.post("/org/api_keys", body).await
    }

    pub async fn delete(&self, id: &str) -> Response {
        self.send("DELETE", &format!("/org/api_keys/{id}"), Value::Null).await
    }

    pub async fn list(&self, query: &str) -> Response {
        self.get(&format!("/org/api_keys?{query}")).await
    }
}

pub fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 1, 12, 0, 0).unwrap()
}

pub async fn server() -> (Server, Api) {
    let builder = Server::builder().start_at(noon());
    let builder = builder.project("proj_a", "Alpha").project("proj_b", "Beta");
    let server = builder.start().await.unwrap();
    let api = Api::new(&server);
    (server, api)
}

pub fn assert_error(response: &Response, status: u16, code: &str, says: &str) {
    assert_eq!(response.status, status, "{}", response.text);
    let error = response.json();
    assert_eq!(error["code"], code, "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(says), "{message:?} does not say {says:?}");
    assert_eq!(response.header("content-type"), "application/json");
    assert!(response.header("x-request-id").starts_with("req_"), "{:?}", response.headers);
}
