//! `examples/weather`, the client of another API, built as a package outside of this workspace and run
//! against a small server of that API.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::outside::{Outside, root};

const FILES: [&str; 5] =
    [".cargo/config.toml", "Cargo.toml", "src/main.rs", "weather.overlay.yml", "weather.yml"];

const TOKEN: &str = "tok_of_the_caller";

#[test]
fn a_client_of_another_api_compiles_and_runs() {
    let outside = Outside::new("");
    for file in FILES {
        let text = fs::read_to_string(root().join("examples/weather").join(file)).unwrap();
        outside.write(file, &text.replace("\"../..\"", &format!("{:?}", root())));
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (url, service) = runtime.block_on(start());
    let output = outside.run(&[("WEATHER_URL", &url), ("WEATHER_TOKEN", TOKEN)]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "set up Buoy 7 with token Some([redacted])\n\
         not sent: stations.readings.report (POST /stations/{id}/readings): celsius must be between \
         -100 and 70, but is 400\n\
         photo of 19 bytes\n\
         Harbour (land)\nSummit (mountain)\nBuoy 7 (sea)\n\
         storm: 31 m/s\nflood: Black Brook\n\
         something else: Unknown(Object {\"type\": String(\"swarm\")})\n\
         taken down: no such station\n"
    );
    let service = service.lock().unwrap();
    let readings = [json!({ "celsius": 11.5, "humidity": 80.0 })];
    assert_eq!(service.readings, readings, "the other was not sent");
    assert_eq!(service.altitudes, [Some(Value::Null)]);
}

/// The state of the service.
#[derive(Default)]
struct Service {
    stations: BTreeMap<String, Value>,
    altitudes: Vec<Option<Value>>,
    readings: Vec<Value>,
}

async fn start() -> (String, Arc<Mutex<Service>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut service = Service::default();
    for (id, name, kind) in [("1", "Harbour", "land"), ("2", "Summit", "mountain")] {
        let station = json!({ "id": id, "name": name, "kind": kind });
        service.stations.insert(id.to_owned(), station);
    }
    let service = Arc::new(Mutex::new(service));
    let state = Arc::clone(&service);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let state = Arc::clone(&state);
            let respond = service_fn(move |request: Request<Incoming>| {
                let state = Arc::clone(&state);
                async move {
                    let (parts, body) = request.into_parts();
                    let request = Request::from_parts(parts, body.collect().await?.to_bytes());
                    Ok::<_, hyper::Error>(state.lock().unwrap().respond(&request))
                }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), respond));
        }
    });
    (url, service)
}

impl Service {
    fn respond(&mut self, request: &Request<Bytes>) -> Response<Full<Bytes>> {
        let authorization = request.headers().get("authorization").map(|it| it.as_bytes());
        if authorization != Some(format!("Bearer {TOKEN}").as_bytes()) {
            return problem(401, "not you");
        }
        let path: Vec<&str> = request.uri().path().trim_matches('/').split('/').collect();
        match (request.method().as_str(), path.as_slice()) {
            ("GET", ["stations"]) => self.list(request.uri().query().unwrap_or_default()),
            ("POST", ["stations"]) => {
                let mut station: Value = serde_json::from_slice(request.body()).unwrap();
                self.altitudes.push(station.get("altitude").cloned());
                station["id"] = json!("3");
                self.stations.insert("3".to_owned(), station.clone());
                station["token"] = json!("tok_of_the_station");
                reply(201, "application/json", station.to_string())
            }
            ("GET", ["stations", id]) => match self.stations.get(*id) {
                Some(station) => reply(200, "application/json", station.to_string()),
                None => problem(404, "no such station"),
            },
            ("DELETE", ["stations", id]) => match self.stations.remove(*id) {
                Some(_) => reply(204, "", ""),
                None => problem(404, "no such station"),
            },
            ("POST", ["stations", "3", "readings"]) => {
                self.readings.push(serde_json::from_slice(request.body()).unwrap());
                reply(204, "", "")
            }
            ("PUT", ["stations", "3", "photo"]) => {
                let form = String::from_utf8_lossy(request.body());
                let whole = ["filename=\"buoy.png\"", "not quite a picture", "At dawn"];
                let whole = whole.iter().all(|part| form.contains(part));
                if whole { reply(204, "", "") } else { problem(422, &form) }
            }
            ("GET", ["stations", "3", "photo"]) => reply(200, "image/png", "not quite a picture"),
            ("GET", ["warnings"]) => {
                let warnings = [
                    json!({ "type": "storm", "wind": 31 }),
                    json!({ "type": "flood", "river": "Black Brook" }),
                    json!({ "type": "swarm" }),
                ];
                let events: String = warnings.iter().map(|it| format!("data: {it}\n\n")).collect();
                reply(200, "text/event-stream", events)
            }
            _ => problem(404, "no such path"),
        }
    }

    fn list(&self, query: &str) -> Response<Full<Bytes>> {
        let number = |name: &str| {
            let value =
                query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            value.and_then(|value| value.parse::<usize>().ok())
        };
        let (limit, offset) = (number("limit").unwrap_or(10), number("offset").unwrap_or(0));
        let page: Vec<&Value> = self.stations.values().skip(offset).take(limit).collect();
        let next = offset + page.len();
        let mut response = reply(200, "application/json", json!(page).to_string());
        let headers = response.headers_mut();
        headers.insert("x-has-more", (next < self.stations.len()).to_string().parse().unwrap());
        headers.insert("x-next-offset", next.into());
        response
    }
}

fn reply(status: u16, media_type: &str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status);
    let response =
        if media_type.is_empty() { response } else { response.header("content-type", media_type) };
    response.body(Full::new(body.into())).unwrap()
}

fn problem(status: u16, message: &str) -> Response<Full<Bytes>> {
    let body = json!({ "code": "wrong", "message": message });
    reply(status, "application/json", body.to_string())
}
