//! The documented response to a request that keeps to the document.

use serde_json::{Map, Value};

use super::document::{Contract, Kind, Operation, Place, Schema, Success};
use super::make::Maker;
use super::media;
use super::read::Read;
use crate::testing::clock::Moment;
use crate::testing::request::Request;
use crate::testing::response::{Content, Response};

/// How many there are of what can be listed, and how many of them a page holds at most.
const ALL: u64 = 3;
const PAGE: u64 = 2;

/// The most events of a stream.
const EVENTS: usize = 8;

/// The first way to succeed.
pub(in crate::testing) fn respond(
    operation: &'static Operation,
    read: &Read,
    request: &Request,
    moment: Moment,
) -> Response {
    let Some(success) = operation.responses.first() else { return Response::empty(204) };
    // What is read stays the same, and what is made is new each time.
    let number = if operation.method == "GET" { 1 } else { moment.requests };
    let mut maker = Maker::new(Contract::get(), moment.time, number);
    // What is made is at its beginning, and what is read has come to a good end.
    maker.has_ended = operation.method == "GET";
    let page = Page::of(operation, success, read);
    let content = match success.media_type.as_deref() {
        None => Content::Empty,
        Some("text/event-stream") => {
            let all = events(&mut maker, &success.schema);
            media::events(&all, &read.resume(request, moment.time), None)
        }
        Some(it) if it.starts_with("application/json") || it.ends_with("+json") => {
            Content::Json(body(&mut maker, operation, success, read, page.as_ref()))
        }
        Some(media_type) => Content::bytes(media_type, media::bytes(media_type).to_vec()),
    };
    let mut response = Response { status: success.status, content, ..Response::default() };
    for (name, schema) in &success.headers {
        let written = match &page {
            Some(page) if *name == page.more => Some(Value::from(page.is_followed())),
            Some(page) if *name == page.next => page.is_followed().then(|| Value::from(page.end)),
            _ => {
                let parameter = name.to_lowercase().replace('-', "_");
                let known = parameter.strip_prefix("x_").and_then(|it| read.parameters.get(it));
                Some(maker.value(schema, &parameter, known))
            }
        };
        if let Some(value) = written.filter(|it| !it.is_null()) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            response = response.with_header(name, text);
        }
    }
    response
}

fn body(
    maker: &mut Maker,
    operation: &'static Operation,
    success: &'static Success,
    read: &Read,
    page: Option<&Page<'_>>,
) -> Value {
    let target = maker.contract.resolve(&success.schema);
    let list = target.items.as_deref().filter(|_| target.kind == Some(Kind::Array));
    let known = Value::Object(known(operation, read, target, list.is_some()));
    let Some(items) = list else {
        maker.number = page.map_or(maker.number, |page| page.start + 1);
        return maker.value(&success.schema, "value", Some(&known));
    };
    let least = target.min_items.unwrap_or(0) as u64;
    let (start, end) = page.map_or((0, least.max(PAGE)), |page| (page.start, page.end));
    let most = target.max_items.map_or(u64::MAX, |most| most as u64);
    let end = end.min(start.saturating_add(most));
    let numbers = start + 1..=end;
    numbers
        .map(|number| {
            maker.number = number;
            maker.value(items, "item", Some(&known))
        })
        .collect()
}

/// What a request says of the things that its response shows.
fn known(operation: &Operation, read: &Read, schema: &Schema, is_list: bool) -> Map<String, Value> {
    let mut known = Map::new();
    for parameter in operation.parameters.iter().filter(|it| it.place != Place::Header) {
        let Some(value) = read.parameters.get(&parameter.name) else { continue };
        let name = parameter.name.as_str();
        let is_own = operation.path.ends_with(&format!("{{{name}}}"));
        let shown = match name {
            _ if is_own && !is_list => identity(schema, name),
            // That of something around it.
            "id" | "id_or_name" => None,
            _ => Some(name),
        };
        known.extend(shown.map(|name| (name.to_owned(), value.clone())));
    }
    if let Some(Value::Object(body)) = &read.body {
        known.extend(body.clone());
    }
    known
}

/// The field that shows what a thing is found by: one of that name, or its id.
fn identity<'a>(schema: &'a Schema, name: &'a str) -> Option<&'a str> {
    let mut required = schema.required.iter().map(String::as_str);
    let there = |name: &&str| schema.properties.contains_key(*name);
    [name, "id"].into_iter().find(there).or_else(|| required.find(|it| it.ends_with("_id")))
}

/// One of each kind, but for those that tell of a failure or of nothing.
fn events(maker: &mut Maker, schema: &'static Schema) -> Vec<Value> {
    let kinds = maker.contract.resolve(schema).choice.iter().flat_map(|it| {
        let tag = it.tag.as_deref();
        it.kinds.iter().flat_map(|kind| &kind.tags).filter_map(move |said| Some((tag?, said)))
    });
    let quiet = |said: &str| ["error", "heartbeat"].iter().any(|it| said.contains(it));
    let tagged: Vec<Value> = kinds
        .filter(|(_, said)| !quiet(said))
        .take(EVENTS)
        .map(|(tag, said)| {
            Value::Object(Map::from_iter([(tag.to_owned(), Value::from(said.as_str()))]))
        })
        .collect();
    let plain = || vec![Value::Null; ALL as usize];
    let known = if tagged.is_empty() { plain() } else { tagged };
    let made = (1..).zip(&known).map(|(number, known)| {
        maker.number = number;
        maker.value(schema, "event", Some(known).filter(|it| !it.is_null()))
    });
    made.collect()
}

/// A part of what can be listed, from `start` to before `end`.
struct Page<'a> {
    /// The header that says whether there is more.
    more: &'a str,
    /// The header that says where it begins.
    next: &'a str,
    start: u64,
    end: u64,
}

impl<'a> Page<'a> {
    /// The page that is asked for, of an operation that has pages: the second header is called as the
    /// parameter that chooses a page.
    fn of(operation: &Operation, success: &'a Success, read: &Read) -> Option<Self> {
        let headers = || success.headers.keys().map(String::as_str);
        let more = headers().find(|it| it.eq_ignore_ascii_case("x-has-more"))?;
        let (next, parameter) = headers().find_map(|next| {
            let name = next.to_lowercase().replace('-', "_");
            let name = name.strip_prefix("x_next_")?;
            let parameter = operation.parameters.iter().find(|it| it.name == name)?;
            Some((next, parameter))
        })?;
        let asked = read.parameters.get(&parameter.name);
        let start = asked.and_then(|it| it.as_u64().or_else(|| it.as_str()?.parse().ok()));
        let limit = read.parameters.get("limit").and_then(Value::as_u64);
        let start = start.unwrap_or(0).min(ALL);
        let end = (start + limit.unwrap_or(PAGE).min(PAGE)).min(ALL);
        Some(Self { more, next, start, end })
    }

    fn is_followed(&self) -> bool {
        self.end < ALL
    }
}
