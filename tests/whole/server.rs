//! A server that holds every request against the original document and responds as ordered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use super::spec::{Operation, Spec, decode, key_of, typed};

/// The response to give next.
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
    pub(crate) request: Request<Bytes>,
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

/// Holds a request against the document.
pub(crate) fn receive(spec: &Spec, request: &Request<Bytes>) -> Received {
    let path = request.uri().path();
    let mut received = Received { request: request.clone(), ..Received::default() };
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
    let accepted = received.headers.get("accept").cloned().unwrap_or_default();
    let responses = operation.successes(spec).into_iter().filter_map(|(_, media)| media);
    for (media_type, _) in responses.filter(|(it, _)| accepted != "*/*" && accepted != *it) {
        received.violations.push(format!("{accepted:?} is accepted, and {media_type} is returned"));
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
    let query = pairs(request.uri().query().unwrap_or_default());
    let mut known = Vec::new();
    for parameter in operation.parameters(spec) {
        let name = parameter["name"].as_str().unwrap();
        let (schema, as_json) = match parameter["content"].as_object() {
            Some(content) => (&content.values().next().unwrap()["schema"], true),
            None => (&parameter["schema"], false),
        };
        let one = |text: &str| match as_json {
            true => serde_json::from_str(text).unwrap_or(json!("not JSON")),
            false => single(spec, schema, text, ",", decode),
        };
        let value = match parameter["in"].as_str().unwrap() {
            "path" => in_path
                .get(name)
                .map(|text| one(&if as_json { decode(text) } else { text.clone() })),
            "header" => received.headers.get(&name.to_lowercase()).map(|text| match as_json {
                true => one(text),
                false => single(spec, schema, text, ",", str::to_owned),
            }),
            _ if as_json => {
                known.push(name.to_owned());
                query.iter().find(|(key, _)| key == name).map(|(_, text)| one(&decode(text)))
            }
            _ => match named(spec, name, schema, parameter, &query, &mut known) {
                Ok(value) => value,
                Err(problem) => {
                    received.violations.push(problem);
                    None
                }
            },
        };
        match value {
            Some(value) => {
                if let Err(problem) = spec.check(schema, &value) {
                    received.violations.push(format!("`{name}`: {problem}"));
                }
                received.parameters.insert(key_of(parameter), value);
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

/// A list, an object or a plain value in one text.
fn single(
    spec: &Spec,
    schema: &Value,
    text: &str,
    separator: &str,
    decode: fn(&str) -> String,
) -> Value {
    let schema = spec.resolve(schema);
    let parts = || text.split(separator).map(decode).collect::<Vec<_>>();
    if schema["type"] == "array" {
        json!(parts().iter().map(|it| typed(spec, &schema["items"], it)).collect::<Vec<_>>())
    } else if is_object(schema) {
        let members = parts();
        let members = members.chunks(2).map(|pair| {
            let (key, text) = (pair[0].clone(), pair.get(1).map_or("", String::as_str));
            let value = typed(spec, member(schema, &key), text);
            (key, value)
        });
        json!(members.collect::<Map<_, _>>())
    } else {
        typed(spec, schema, &decode(text))
    }
}

fn is_object(schema: &Value) -> bool {
    schema["properties"].is_object() || schema["additionalProperties"].is_object()
}

/// The schema of a member of an object.
fn member<'a>(schema: &'a Value, name: &str) -> &'a Value {
    match &schema["properties"][name] {
        Value::Null => &schema["additionalProperties"],
        property => property,
    }
}

/// The value of a parameter of the query, or of a field of a form that is written like one.
fn named(
    spec: &Spec,
    name: &str,
    schema: &Value,
    style: &Value,
    query: &[(String, String)],
    known: &mut Vec<String>,
) -> Result<Option<Value>, String> {
    let schema = spec.resolve(schema);
    if style["style"] == "deepObject" {
        let prefix = format!("{name}[");
        let mut members = Map::new();
        for (key, text) in query {
            let inner = key.strip_prefix(&prefix).and_then(|it| it.strip_suffix(']'));
            if let Some(inner) = inner {
                known.push(key.clone());
                let value = typed(spec, member(schema, inner), &decode(text));
                members.insert(inner.to_owned(), value);
            }
        }
        return Ok((!members.is_empty()).then(|| json!(members)));
    }
    if is_object(schema) && style["explode"] != false {
        let mut members = Map::new();
        for key in schema["properties"].as_object().into_iter().flatten().map(|(key, _)| key) {
            if let Some((_, text)) = query.iter().find(|(it, _)| it == key) {
                known.push(key.clone());
                members.insert(key.clone(), typed(spec, member(schema, key), &decode(text)));
            }
        }
        return Ok((!members.is_empty()).then(|| json!(members)));
    }
    known.push(name.to_owned());
    let texts: Vec<&str> =
        query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect();
    let separator = match style["style"].as_str() {
        Some("pipeDelimited") => "%7C",
        Some("spaceDelimited") => "%20",
        _ => ",",
    };
    let joined = style["explode"] == false
        || style["style"].as_str().is_some_and(|it| it.ends_with("Delimited"));
    let lists = schema["oneOf"].as_array().into_iter().flatten().find(|it| it["type"] == "array");
    let items = match schema["type"] == "array" {
        true => Some(&schema["items"]),
        false => lists.filter(|_| texts.len() > 1).map(|it| &it["items"]),
    };
    match (texts.as_slice(), items) {
        ([], _) => Ok(None),
        ([text], _) if joined => Ok(Some(single(spec, schema, text, separator, decode))),
        (texts, Some(items)) => {
            let items = texts.iter().map(|it| typed(spec, items, &decode(it)));
            Ok(Some(json!(items.collect::<Vec<_>>())))
        }
        ([text], None) => Ok(Some(typed(spec, schema, &decode(text)))),
        _ => Err(format!("`{name}` more than once")),
    }
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), value.to_owned())
    });
    pairs.collect()
}

/// The value that a form of names and texts means.
fn url_encoded(spec: &Spec, media: &Value, body: &[u8], violations: &mut Vec<String>) -> Value {
    let pairs = pairs(&String::from_utf8_lossy(body));
    let schema = spec.resolve(&media["schema"]);
    let (mut whole, mut known) = (Map::new(), Vec::new());
    for (name, property) in schema["properties"].as_object().unwrap() {
        let style = &media["encoding"][name];
        let value = if is_object(spec.resolve(property)) && style.is_null() {
            known.push(name.clone());
            let text = pairs.iter().find(|(key, _)| key == name);
            Ok(text.map(|(_, it)| serde_json::from_str(&decode(it)).unwrap_or(json!("not JSON"))))
        } else {
            named(spec, name, property, style, &pairs, &mut known)
        };
        match value {
            Ok(value) => whole.extend(value.map(|value| (name.clone(), value))),
            Err(problem) => violations.push(problem),
        }
    }
    for (name, text) in pairs.iter().filter(|(name, _)| !known.contains(name)) {
        whole.insert(name.clone(), typed(spec, &schema["additionalProperties"], &decode(text)));
    }
    json!(whole)
}

fn body(spec: &Spec, operation: &Operation, request: &Request<Bytes>, received: &mut Received) {
    let Some((media_type, media)) = operation.body(spec) else {
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
    let schema = &media["schema"];
    let value = match media_type {
        it if it.ends_with("json") => {
            serde_json::from_slice(request.body()).unwrap_or(json!("not JSON"))
        }
        "application/x-www-form-urlencoded" => {
            url_encoded(spec, media, request.body(), &mut received.violations)
        }
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
        let name = &name.replace("%22", "\"");
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
