//! The client of a whole document (`ONKERNEL_SPEC`): every operation is called over a real socket,
//! every request held against the original document, every response parsed, and every schema read
//! and written again.

#![cfg(onkernel_exercise)]

#[path = "whole/breaks.rs"]
mod breaks;
#[path = "whole/embedded.rs"]
mod embedded;
#[path = "support/http.rs"]
mod http;
#[path = "whole/prism.rs"]
mod prism;
#[path = "whole/samples.rs"]
mod samples;
#[path = "whole/server.rs"]
mod server;
#[path = "whole/spec.rs"]
mod spec;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::StreamExt;
use onkernel::{Client, Download, Event, EventStream, Response, StatusCode, types};
use samples::{Optional, Samples, needed_by_a_value, related};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use server::{Server, receive};
use spec::{Operation, Spec};

/// What a call is given, by the keys of parameters.
struct Values {
    parameters: BTreeMap<String, Value>,
    body: Option<Value>,
}

impl Values {
    fn parameter(&self, place: &str, wire: &str) -> Option<Value> {
        self.parameters.get(&spec::key(place, wire)).cloned()
    }

    fn body(&self) -> Option<Value> {
        self.body.clone()
    }
}

/// What a call came to.
#[derive(Debug)]
struct Reply {
    status: StatusCode,
    value: Value,
}

impl Reply {
    fn value(status: StatusCode, value: &impl Serialize) -> Self {
        Self { status, value: onkernel::secret::redacted(value).unwrap() }
    }

    async fn bytes(download: Download) -> Result<Self, onkernel::Error> {
        let status = download.status();
        assert!(download.content_type().is_some());
        let length = download.content_length();
        let bytes = download.bytes().await?;
        assert_eq!(length, Some(bytes.len() as u64));
        Ok(Self { status, value: json!(String::from_utf8_lossy(&bytes)) })
    }

    async fn events<T>(mut events: EventStream<T>) -> Result<Self, onkernel::Error>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
    {
        let (status, mut all) = (events.status(), Vec::new());
        while let Some(event) = events.next().await {
            all.push(match event? {
                Event::Message { data, .. } => onkernel::secret::redacted(&data).unwrap(),
                Event::Heartbeat => json!("heartbeat"),
                _ => panic!("an event that is not as documented"),
            });
        }
        Ok(Self { status, value: json!(all) })
    }
}

impl<T: Serialize> From<Response<T>> for Reply {
    fn from(response: Response<T>) -> Self {
        Self::value(response.status(), &*response)
    }
}

include!(concat!(env!("OUT_DIR"), "/exercise.rs"));

const KEY: &str = "sk_whole0123456789abcdefghij";

fn client(server: &Server) -> Client {
    Client::builder().api_key(KEY).base_url(&server.url).retries(0).build().unwrap()
}

/// The same, as far as a typed client can tell: secrets are shown to nobody, and what is absent
/// from a response may have been null.
fn same(one: &Value, other: &Value, strict: bool) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            names.into_iter().all(|name| match (one.get(name), other.get(name)) {
                (Some(one), Some(other)) => same(one, other, strict),
                (only, other) => !strict && only.or(other) == Some(&Value::Null),
            })
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| same(one, other, strict))
        }
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::String(_), Value::String(other)) if other == "[redacted]" => true,
        (one, other) => one == other,
    }
}

/// The schema of a parameter, which may be that of a media type.
fn schema_of(parameter: &Value) -> &Value {
    let content = parameter["content"].as_object().and_then(|content| content.values().next());
    content.map_or(&parameter["schema"], |media| &media["schema"])
}

/// The response of an operation, as ordered, as bytes and as what the client should make of it.
fn order(
    spec: &Spec,
    server: &Server,
    samples: &mut Samples<'_>,
    status: u16,
    media: Option<(&str, &Value)>,
) -> Value {
    match media {
        None => {
            server.order(status, &[], "");
            Value::Null
        }
        Some(("application/json", schema)) => {
            let value = samples.of(schema);
            spec.check(schema, &value).expect("a sample");
            server.order(status, &[("content-type", "application/json")], value.to_string());
            value
        }
        Some(("text/event-stream", schema)) => {
            let mut text = ": hello\n\n".to_owned();
            let mut all = Vec::new();
            for index in 0..8 {
                let value = samples.of(schema);
                spec.check(schema, &value).expect("a sample");
                text.push_str(&format!("id: {index}\ndata: {value}\n\n"));
                let heartbeat = value["event"] == "sse_heartbeat";
                all.push(if heartbeat { json!("heartbeat") } else { value });
            }
            server.order(status, &[("content-type", "text/event-stream")], text);
            json!(all)
        }
        Some((_, schema)) => {
            let value = samples.of(schema);
            server.order(
                status,
                &[("content-type", "application/x-whole")],
                value.as_str().unwrap(),
            );
            value
        }
    }
}

/// The methods of the client by method and path.
fn methods() -> BTreeMap<(&'static str, &'static str), &'static str> {
    onkernel::operations::ALL.iter().map(|it| ((it.method, it.path), it.id)).collect()
}

/// What a call is given: everything, or no more than it must.
fn values(spec: &Spec, operation: &Operation, samples: &mut Samples<'_>) -> Values {
    let always = samples.optional == Optional::Always;
    let parameters = operation.parameters(spec).into_iter().filter(|it| {
        let needed = needed_by_a_value(&operation.value, it["name"].as_str().unwrap());
        it["required"] == true || needed || always
    });
    samples.in_url = true;
    let mut parameters: BTreeMap<String, Value> =
        parameters.map(|it| (spec::key_of(it), samples.of(schema_of(it)))).collect();
    related(&operation.value, &mut parameters);
    samples.in_url = false;
    let required = spec.resolve(&operation.value["requestBody"])["required"] == true;
    let body = operation.body(spec).filter(|_| required || always);
    let body = body.map(|(_, media)| samples.of(&media["schema"]));
    Values { parameters, body }
}

/// Calls every operation of the document by these methods: how many went well, and what did not.
async fn call_all(
    spec: &Spec,
    server: &Server,
    names: &BTreeMap<(&str, &str), &str>,
) -> (usize, Vec<String>) {
    let client = client(server);
    let (mut called, mut problems, all) = (0, Vec::new(), spec.operations());
    for (index, operation) in all.iter().enumerate() {
        let Some(id) = names.get(&(operation.method.as_str(), operation.path.as_str())) else {
            problems.push(format!("{}: no method", operation.name()));
            continue;
        };
        let before = problems.len();
        for (round, optional) in
            [Optional::Always, Optional::Never, Optional::Chance].into_iter().enumerate()
        {
            let mut samples = Samples::new(spec, (index * 3 + round) as u64 * 7919 + 1);
            samples.optional = optional;
            let Values { parameters, body } = values(spec, operation, &mut samples);
            for (status, media) in operation.successes(spec) {
                let expected = order(spec, server, &mut samples, status, media);
                let values = Values { parameters: parameters.clone(), body: body.clone() };
                let reply = call(&client, id, &values).await;
                let received = server.last();
                let here = format!("{id} ({}, round {round}, {status})", operation.name());
                match reply {
                    Err(error) => problems.push(format!("{here}: {error}")),
                    Ok(reply) => {
                        if reply.status.as_u16() != status || !same(&expected, &reply.value, false)
                        {
                            problems.push(format!("{here}: returned {expected}, read {reply:?}"));
                        }
                        if received.operation != operation.name() {
                            problems.push(format!("{here}: received as {}", received.operation));
                        }
                        if json!(received.parameters) != json!(parameters) {
                            problems.push(format!(
                                "{here}: {parameters:?} became {:?}",
                                received.parameters
                            ));
                        }
                        if let Some(body) = &body
                            && !same(body, received.body.as_ref().unwrap_or(&Value::Null), true)
                        {
                            problems.push(format!("{here}: {body} became {:?}", received.body));
                        }
                        problems
                            .extend(received.violations.iter().map(|it| format!("{here}: {it}")));
                    }
                }
            }
        }
        called += usize::from(problems.len() == before);
    }
    (called, problems)
}

#[tokio::test]
async fn every_operation_is_called_with_everything_and_with_no_more_than_it_must() {
    let spec = Arc::new(Spec::read());
    let server = Server::start(Arc::clone(&spec)).await;
    let all = spec.operations().len();
    let (called, problems) = call_all(&spec, &server, &methods()).await;
    assert!(problems.is_empty(), "{called} of {all}\n{}", problems.join("\n"));
    // What the overlay adds is not in the document that requests are held against.
    let added = methods().len() - all;
    assert_eq!((called, called + added), (all, OPERATIONS.len()));
    println!("{called} of {all}");

    // What this test finds, it finds for a reason: broken on purpose, each request is reported.
    let requests: Vec<_> = server.received.lock().unwrap().clone();
    let (mut broken, mut unnoticed) = (0, Vec::new());
    for sent in &requests {
        for (what, request) in breaks::all(&spec, &sent.request) {
            let seen = receive(&spec, &request);
            let as_sent = seen.parameters == sent.parameters && seen.operation == sent.operation;
            if seen.violations.is_empty() && as_sent {
                unnoticed.push(format!("{}: {what}", sent.operation));
            }
            broken += 1;
        }
    }
    assert!(unnoticed.is_empty(), "not noticed:\n{}", unnoticed.join("\n"));
    assert!(broken > requests.len(), "too few: {broken}");
    println!("{broken} requests broken on purpose, {broken} reported");
}

#[tokio::test]
async fn a_missing_operation_is_a_shortfall() {
    let spec = Arc::new(Spec::read());
    let server = Server::start(Arc::clone(&spec)).await;
    let mut names = methods();
    let ((method, path), _) = names.pop_first().unwrap();
    let (called, problems) = call_all(&spec, &server, &names).await;
    assert_eq!(called, spec.operations().len() - 1);
    assert_eq!(problems, [format!("{method} {path}: no method")]);
}

#[test]
fn a_response_that_was_misread_is_not_the_same() {
    let whole = json!({ "id": "a", "at": null, "list": [1, 2], "key": "sk" });
    for (other, is) in [
        (json!({ "id": "a", "list": [1, 2], "key": "[redacted]" }), true),
        (json!({ "at": null, "list": [1, 2], "key": "sk" }), false),
        (json!({ "id": "a", "list": [2, 1], "key": "sk" }), false),
        (json!({ "id": "a", "list": [1], "key": "sk" }), false),
        (json!({ "id": "", "list": [1, 2], "key": "sk" }), false),
        (json!({ "id": "a", "list": [1, 2], "key": "sk", "more": 0 }), false),
    ] {
        assert_eq!(same(&whole, &other, false), is, "{other}");
    }
    assert!(!same(&whole, &json!({ "id": "a", "list": [1, 2], "key": "sk" }), true));
}

/// Header and parameter of the next page, and whether the parameter is a number.
fn paging(spec: &Spec, operation: &Operation) -> Option<(String, String, bool)> {
    let responses = operation.value["responses"].as_object().unwrap();
    let (_, response) = responses.iter().find(|(status, _)| status.starts_with('2'))?;
    let headers = spec.resolve(response)["headers"].as_object()?;
    headers.keys().find(|name| name.eq_ignore_ascii_case("x-has-more"))?;
    let next = headers.keys().find(|name| name.to_lowercase().starts_with("x-next-"))?;
    let name = next.to_lowercase()["x-next-".len()..].replace('-', "_");
    let parameters = operation.parameters(spec);
    let parameter = parameters.into_iter().find(|it| it["name"] == name.as_str());
    let parameter = parameter.unwrap_or_else(|| panic!("{}: no `{name}`", operation.name()));
    let by_number = spec.resolve(schema_of(parameter))["type"] == "integer";
    Some((next.clone(), name, by_number))
}

#[tokio::test]
async fn every_operation_with_pages_has_a_stream_of_them() {
    let spec = Arc::new(Spec::read());
    let server = Server::start(Arc::clone(&spec)).await;
    let client = client(&server);
    let mut counts = BTreeMap::new();
    for (index, operation) in spec.operations().iter().enumerate() {
        let Some((header, name, by_number)) = paging(&spec, operation) else { continue };
        let named = onkernel::operations::ALL.iter();
        let id =
            named.clone().find(|it| it.method == operation.method && it.path == operation.path);
        let id = id.unwrap().id;
        let mut samples = Samples::new(&spec, index as u64 + 1);
        samples.in_url = true;
        let parameters = operation.parameters(&spec).into_iter();
        let required = parameters.filter(|it| it["required"] == true);
        let parameters: BTreeMap<String, Value> =
            required.map(|it| (spec::key_of(it), samples.of(schema_of(it)))).collect();
        samples.in_url = false;
        let nexts = if by_number { ["7", "19"] } else { ["t/1+=", "t 2&"] };
        let (status, media) = operation.successes(&spec).remove(0);
        let mut expected = Vec::new();
        for (at, next) in nexts.iter().map(Some).chain([None]).enumerate() {
            let (media_type, schema) = media.unwrap();
            let mut page = samples.of(schema);
            match page.as_array_mut() {
                // An empty page in between is no end.
                Some(items) if at == 1 => items.clear(),
                Some(items) => expected.extend(items.iter().cloned()),
                None => expected.push(page.clone()),
            }
            let more = if next.is_some() { "true" } else { "false" };
            let mut headers = vec![("content-type", media_type), ("x-has-more", more)];
            headers.extend(next.map(|next| (header.as_str(), *next)));
            let body = page.as_str().map_or_else(|| page.to_string(), ToOwned::to_owned);
            server.order(status, &headers, body);
        }
        let before = server.received.lock().unwrap().len();
        let values = Values { parameters, body: None };
        let stream = pages(&client, id, &values).unwrap_or_else(|| panic!("{id}: no stream"));
        let all: Vec<Value> = stream.map(|it| it.unwrap()).collect().await;
        assert!(same(&json!(expected), &json!(all), false), "{id}: {expected:?} became {all:?}");
        let asked = server.received.lock().unwrap()[before..].to_vec();
        let violations: Vec<_> = asked.iter().flat_map(|it| &it.violations).collect();
        assert!(violations.is_empty(), "{id}: {violations:?}");
        let asked: Vec<_> = asked.iter().map(|it| it.parameters.get(&name).cloned()).collect();
        let next =
            |it: &str| Some(if by_number { json!(it.parse::<i64>().unwrap()) } else { json!(it) });
        assert_eq!(asked, [None, next(nexts[0]), next(nexts[1])], "{id}");
        *counts.entry(name).or_insert(0) += 1;
    }
    assert_eq!(counts.values().sum::<usize>(), PAGED.len(), "{PAGED:?}");
    println!("pages of {} operations, by {counts:?}", PAGED.len());
}

#[test]
fn every_schema_is_read_and_written_again() {
    use heck::ToUpperCamelCase;
    let spec = Spec::read();
    let (mut checked, mut problems) = (0, Vec::new());
    let (used, mut parts) = (spec.used(), BTreeSet::new());
    for name in &used {
        // Brackets are in percent in a URI.
        let encoded = name.replace('[', "%5B").replace(']', "%5D");
        let schema = json!({ "$ref": format!("#/components/schemas/{encoded}") });
        let rust = name.to_upper_camel_case();
        let strict = SENT.contains(&rust.as_str());
        let mut samples = Samples::new(&spec, 0x5eed ^ name.len() as u64);
        for round in 0..24 {
            samples.optional = match round {
                0 => Optional::Always,
                1 => Optional::Never,
                _ => Optional::Chance,
            };
            let value = samples.of(&schema);
            spec.check(&schema, &value).expect("a sample");
            match reread(&rust, value.clone()) {
                // A form: the calls have tested it.
                None if spec.holds_file(&schema, 0) => {}
                // What is only ever a part of others has no type of its own.
                None => drop(parts.insert(name.as_str())),
                Some(Err(problem)) => problems.push(format!("{name}: {problem} in {value}")),
                Some(Ok(again)) => {
                    if !same(&value, &again, strict) {
                        problems.push(format!("{name}: {value} became {again}"));
                    } else if let Err(problem) = spec.check(&schema, &again) {
                        problems.push(format!("{name}: {problem}"));
                    }
                    checked += 1;
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(parts.len() * 20 < used.len(), "not generated: {parts:?}");
    println!("{checked} values of {} schemas; only parts: {parts:?}", used.len());
}

/// The same requests, judged by Prism (tests/real/prism/run starts it and says where it is).
#[tokio::test]
async fn prism_finds_nothing_wrong() {
    let Some(prism) = std::env::var("ONKERNEL_PRISM_URL").ok().filter(|url| !url.is_empty()) else {
        return println!("skipped: tests/real/prism/run has not started Prism");
    };
    let spec = Arc::new(Spec::read());
    let server = Server::start(Arc::clone(&spec)).await;
    let (_, problems) = call_all(&spec, &server, &methods()).await;
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let requests: Vec<_> = server.received.lock().unwrap().clone();
    let http = http::http();
    let (mut operations, mut problems) = (BTreeSet::new(), Vec::new());
    let (mut excused, mut noticed) = (BTreeMap::new(), BTreeMap::new());
    for sent in &requests {
        for violation in prism::judge(&http, &prism, &sent.request).await {
            match prism::excuse(&sent.request, &violation) {
                Some(reason) => *excused.entry((&sent.operation, reason)).or_insert(0) += 1,
                None => problems.push(format!("{}: {violation}", sent.operation)),
            }
        }
        let first = operations.insert(&sent.operation);
        // Prism, too, is there to find something.
        for (what, request) in breaks::all(&spec, &sent.request) {
            if first && what == "without a key" {
                let found = !prism::judge(&http, &prism, &request).await.is_empty();
                *noticed.entry(found).or_insert(0) += 1;
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!(operations.len(), spec.operations().len());
    for ((operation, reason), times) in &excused {
        println!("Prism, excused {times} times: {operation}: {reason}");
    }
    assert_eq!(noticed.get(&false), None, "without a key, and Prism has not noticed: {noticed:?}");
    println!("Prism: {} requests of {} operations, no violation", requests.len(), operations.len());
}
