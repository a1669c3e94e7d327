//! A server that holds every request against the original document and answers as ordered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use super::spec::{Operation, Spec, decode, typed};

/// What to answer next.
#[derive(Clone, Default)]
pub(crate) struct Order {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What a request turned out to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    pub(crate) operation: String,
    pub(crate) parameters: BTreeMap<String, Value>,
    pub(crate) body: Option<Value>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) violations: Vec<String>,
}

pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) orders: Arc<Mutex<std::collections::VecDeque<Order>>>,
    pub(crate) received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    pub(crate) async fn start(spec: Arc<Spec>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { url, orders: Arc::default(), received: Arc::default() };
        let (orders, received) = (Arc::clone(&server.orders), Arc::clone(&server.received));
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (spec, orders, received) =
                    (Arc::clone(&spec), Arc::clone(&orders), Arc::clone(&received));
                let service = service_fn(move |request| {
                    let (spec, orders, received) =
                        (Arc::clone(&spec), Arc::clone(&orders), Arc::clone(&received));
                    async move {
                        let (parts, body) = request.into_parts();
                        let raw = Incoming::collect(body).await?.to_bytes();
                        let request = Request::from_parts(parts, raw);
                        received.lock().unwrap().push(receive(&spec, &request));
                        let order = orders.lock().unwrap().pop_front().unwrap_or_default();
                        let mut response = Response::builder().status(order.status.max(200));
                        for (name, value) in order.headers {
                            response = response.header(name, value);
                        }
                        let response = response.body(Full::new(Bytes::from(order.body)));
                        Ok::<_, hyper::Error>(response.unwrap())
                    }
                });
                tokio::spawn(async move {
                    let connection = hyper::server::conn::http1::Builder::new();
                    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        server
    }

    pub(crate) fn order(&self, status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let order = Order { status, headers: headers.collect(), body: body.into() };
        self.orders.lock().unwrap().push_back(order);
    }

    pub(crate) fn last(&self) -> Received {
        self.received.lock().unwrap().last().cloned().expect("a request")
    }
}

fn receive(spec: &Spec, request: &Request<Bytes>) -> Received {
    let path = request.uri().path();
    let mut received = Received::default();
    for (name, value) in request.headers() {
        received
            .headers
            .insert(name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    let Some((operation, in_path)) = spec.find(request.method().as_str(), path) else {
        received.violations.push(format!("no operation {} {path}", request.method()));
        return received;
    };
    received.operation = operation.name();
    if !received.headers.get("authorization").is_some_and(|it| it.starts_with("Bearer sk_")) {
        received.violations.push("no key".to_owned());
    }
    parameters(spec, &operation, &in_path, request, &mut received);
    body(spec, &operation, request, &mut received);
    received
}

fn parameters(
    spec: &Spec,
    operation: &Operation,
    in_path: &BTreeMap<String, String>,
    request: &Request<Bytes>,
    received: &mut Received,
) {
    let query: Vec<(String, String)> = request
        .uri()
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), value.to_owned())
        })
        .collect();
    let mut known = Vec::new();
    for parameter in operation.parameters(spec) {
        let name = parameter["name"].as_str().unwrap();
        let schema = &parameter["schema"];
        let value = match parameter["in"].as_str().unwrap() {
            "path" => in_path.get(name).map(|text| typed(spec, schema, text)),
            "header" => {
                received.headers.get(&name.to_lowercase()).map(|text| typed(spec, schema, text))
            }
            "query" if parameter["style"] == "deepObject" => {
                let prefix = format!("{name}[");
                let entries: Map<String, Value> = query
                    .iter()
                    .filter_map(|(key, value)| {
                        let inner = key.strip_prefix(&prefix)?.strip_suffix(']')?;
                        known.push(key.clone());
                        Some((inner.to_owned(), json!(decode(value))))
                    })
                    .collect();
                (!entries.is_empty()).then(|| json!(entries))
            }
            _ => {
                known.push(name.to_owned());
                let texts: Vec<&str> = query
                    .iter()
                    .filter(|(key, _)| key == name)
                    .map(|(_, value)| value.as_str())
                    .collect();
                let is_list = spec.resolve(schema)["type"] == "array";
                let items = &spec.resolve(schema)["items"];
                match texts.as_slice() {
                    [] => None,
                    [text] if is_list && parameter["explode"] == false => Some(json!(
                        text.split(',')
                            .map(|it| typed(spec, items, &decode(it)))
                            .collect::<Vec<_>>()
                    )),
                    texts if is_list => Some(json!(
                        texts.iter().map(|it| typed(spec, items, &decode(it))).collect::<Vec<_>>()
                    )),
                    [text] => Some(typed(spec, schema, &decode(text))),
                    _ => {
                        received.violations.push(format!("`{name}` more than once"));
                        None
                    }
                }
            }
        };
        match value {
            Some(value) => {
                if let Err(problem) = spec.check(schema, &value) {
                    received.violations.push(format!("`{name}`: {problem}"));
                }
                received.parameters.insert(name.to_owned(), value);
            }
            None if parameter["required"] == true => {
                received.violations.push(format!("`{name}` is missing"));
            }
            None => {}
        }
    }
    for (name, _) in query.iter().filter(|(name, _)| !known.contains(name)) {
        received.violations.push(format!("the document has no query parameter `{name}`"));
    }
}

fn body(spec: &Spec, operation: &Operation, request: &Request<Bytes>, received: &mut Received) {
    let Some((media_type, schema)) = operation.body(spec) else {
        if !request.body().is_empty() {
            received.violations.push("a body that the document does not have".to_owned());
        }
        return;
    };
    let sent = received.headers.get("content-type").cloned().unwrap_or_default();
    let required = spec.resolve(&operation.value["requestBody"])["required"] == true;
    if sent.is_empty() && request.body().is_empty() && !required {
        return;
    }
    if !sent.starts_with(media_type) {
        received.violations.push(format!("a body of type {sent:?} instead of {media_type}"));
        return;
    }
    let value = match media_type {
        "application/json" => serde_json::from_slice(request.body()).unwrap_or(json!("not JSON")),
        "multipart/form-data" => {
            form(spec, schema, &sent, request.body(), &mut received.violations)
        }
        _ => json!(String::from_utf8_lossy(request.body())),
    };
    if let Err(problem) = spec.check(schema, &value) {
        received.violations.push(format!("body: {problem}"));
    }
    received.body = Some(value);
}

/// The value that a form means.
fn form(
    spec: &Spec,
    schema: &Value,
    content_type: &str,
    body: &[u8],
    violations: &mut Vec<String>,
) -> Value {
    let boundary = content_type.split("boundary=").nth(1).unwrap_or_default();
    let text = String::from_utf8_lossy(body).into_owned();
    let mut whole = json!({});
    let mut ended = false;
    for part in text.split(&format!("--{boundary}")).skip(1) {
        if part == "--\r\n" {
            ended = true;
            continue;
        }
        let Some((head, content)) = part.trim_start_matches("\r\n").split_once("\r\n\r\n") else {
            violations.push(format!("a malformed part: {part:?}"));
            continue;
        };
        let content = content.strip_suffix("\r\n").unwrap_or(content);
        let name =
            head.split("name=\"").nth(1).and_then(|it| it.split('"').next()).unwrap_or_default();
        let mut steps: Vec<String> = vec![name.split('[').next().unwrap().to_owned()];
        steps.extend(name.split('[').skip(1).map(|it| it.trim_end_matches(']').to_owned()));
        let mut schema = spec.resolve(schema);
        let mut place = &mut whole;
        for step in &steps {
            schema = spec.resolve(schema);
            if schema["type"] == "array" {
                let list = match place {
                    Value::Array(list) => list,
                    other => {
                        *other = json!([]);
                        other.as_array_mut().unwrap()
                    }
                };
                let last = steps.last().unwrap();
                let index = match step.parse::<usize>() {
                    Ok(index) => index,
                    // `files[]`: a name that is there already begins the next one.
                    Err(_) => match list.last() {
                        Some(Value::Object(it)) if !it.contains_key(last) => list.len() - 1,
                        _ => list.len(),
                    },
                };
                while list.len() <= index {
                    list.push(json!({}));
                }
                place = &mut list[index];
                schema = &schema["items"];
            } else {
                if !place.is_object() {
                    *place = json!({});
                }
                place = &mut place[step.as_str()];
                let property = &schema["properties"][step.as_str()];
                schema =
                    if property.is_null() { &schema["additionalProperties"] } else { property };
            }
        }
        let is_file = spec.resolve(schema)["format"] == "binary";
        if is_file != head.contains("filename=\"") {
            violations.push(format!("`{name}` and its file name: {head}"));
        }
        *place = if head.contains("Content-Type: application/json") {
            serde_json::from_str(content).unwrap_or(json!("not JSON"))
        } else {
            typed(spec, schema, content)
        };
    }
    if !ended {
        violations.push("a form without an end".to_owned());
    }
    whole
}
