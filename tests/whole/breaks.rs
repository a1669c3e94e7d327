//! Requests that are wrong in one place each, to show that the suite reports what it is there for.

use hyper::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::spec::Spec;

/// A good request, broken in every way that is known here, and in words.
pub(crate) fn all(spec: &Spec, good: &Request<Bytes>) -> Vec<(String, Request<Bytes>)> {
    let mut broken = Vec::new();
    let uri = good.uri().to_string();
    let (path, query) = uri.split_once('?').unwrap_or((&uri, ""));
    let asking = |path: &str, query: &str| {
        let mut request = good.clone();
        let uri = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        *request.uri_mut() = uri.parse().unwrap();
        request
    };
    broken.push(("another path".to_owned(), asking(&format!("{path}/more"), query)));
    if path.contains("%2F") {
        broken.push((
            "a slash that is not encoded".to_owned(),
            asking(&path.replace("%2F", "/"), query),
        ));
    }
    broken.push(("an unknown parameter".to_owned(), asking(path, &format!("{query}&whole=1"))));
    let pairs: Vec<&str> = query.split('&').filter(|it| !it.is_empty()).collect();
    for (at, pair) in pairs.iter().enumerate() {
        let with = |changed: Option<String>| {
            let others = pairs.iter().enumerate().filter(|(it, _)| *it != at);
            let others = others.map(|(_, it)| (*it).to_owned());
            others.chain(changed).collect::<Vec<_>>().join("&")
        };
        broken.push((format!("without `{pair}`"), asking(path, &with(None))));
        let (name, value) = pair.split_once('=').unwrap();
        let renamed = with(Some(format!("{name}_={value}")));
        broken.push((format!("`{pair}` under another name"), asking(path, &renamed)));
        if value.contains('%') {
            let twice = with(Some(format!("{name}={}", value.replace('%', "%25"))));
            broken.push((format!("`{pair}` encoded twice"), asking(path, &twice)));
        }
    }
    let mut without_key = good.clone();
    without_key.headers_mut().remove("authorization");
    broken.push(("without a key".to_owned(), without_key));
    broken.extend(bodies(spec, good));
    broken
}

fn bodies(spec: &Spec, good: &Request<Bytes>) -> Vec<(String, Request<Bytes>)> {
    let with = |body: Vec<u8>| {
        let mut request = good.clone();
        *request.body_mut() = body.into();
        request
    };
    if !good.headers().contains_key("content-type") {
        return vec![("a body out of nowhere".to_owned(), with(b"{}".to_vec()))]
            .into_iter()
            .filter(|_| {
                spec.find(good.method().as_str(), good.uri().path()).unwrap().0.body(spec).is_none()
            })
            .collect();
    }
    let mut broken = Vec::new();
    let mut typed = good.clone();
    typed.headers_mut().insert("content-type", "text/whole".parse().unwrap());
    broken.push(("a body of another type".to_owned(), typed));
    let (operation, _) = spec.find(good.method().as_str(), good.uri().path()).unwrap();
    let (media_type, media) = operation.body(spec).unwrap();
    if !media_type.ends_with("json") {
        return broken;
    }
    broken.push(("half a body".to_owned(), with(good.body()[..good.body().len() / 2].to_vec())));
    let body: Value = serde_json::from_slice(good.body()).unwrap();
    let schema = spec.resolve(&media["schema"]);
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let mut body = body.clone();
        body.as_object_mut().unwrap().remove(name);
        broken.push((format!("a body without `{name}`"), with(body.to_string().into())));
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if spec.resolve(property)["type"].is_string() && body.get(name).is_some() {
            let mut body = body.clone();
            // Neither a text nor a number, nor a list or an object that holds what it should.
            body[name] = match spec.resolve(property)["type"] == "object" {
                true => json!([]),
                false => json!({ "wrong": true }),
            };
            broken.push((format!("a body with a wrong `{name}`"), with(body.to_string().into())));
        }
    }
    broken
}
