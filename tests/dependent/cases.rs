//! The client of an invented API that has every construct on which generators stumble, and names that
//! the client has taken: as a crate of its own, with what each call sends and reads over a socket.

use serde_json::Value;

use crate::outside::{Outside, root};
use crate::scripted::{Act, Server, json, response};

const DOCUMENT: &str = include_str!("cases/api.yml");
const PROGRAM: &str = include_str!("cases/program.rs");

/// The hand-written methods of the client: a resource that is called so ends in `_`.
const OF_THE_CLIENT: [&str; 18] = [
    "api_key",
    "audit",
    "base_url",
    "builder",
    "clone",
    "create_exactly_once",
    "from_env",
    "new",
    "request",
    "resume",
    "rotate_all",
    "rotation",
    "rotation_of",
    "rotation_of_shared",
    "swap_api_key",
    "sweep",
    "with",
    "with_key",
];

/// What else the crate has, which is not in the way of a resource.
const OF_THE_CRATE: [&str; 16] = [
    "client",
    "credentials",
    "error",
    "fmt",
    "generated",
    "into",
    "model",
    "operations",
    "page",
    "prelude",
    "raw",
    "resources",
    "secret",
    "send",
    "testing",
    "types",
];

/// The hand-written methods of resources of these names.
const OF_RESOURCES: [(&str, &[&str]); 5] = [
    ("api_keys", &["current", "expiring_within", "named", "older_than", "clone"]),
    ("browsers", &["with_session"]),
    ("deployments", &["follow_to_end"]),
    ("invocations", &["follow_to_end", "invoke_and_wait"]),
    ("vaults", &["clone", "new"]),
];

/// Resource and method of operations that do nothing, and what the two are called in Rust.
fn taken() -> impl Iterator<Item = (&'static str, &'static str, String)> {
    let client = OF_THE_CLIENT.iter().map(|it| (*it, "look", format!("{it}_().look")));
    let free = OF_THE_CRATE.iter().map(|it| (*it, "look", format!("{it}().look")));
    let methods = OF_RESOURCES
        .iter()
        .flat_map(|(of, names)| names.iter().map(move |it| (*of, *it, format!("{of}().{it}_"))));
    client.chain(free).chain(methods)
}

fn document() -> String {
    let operation = |(resource, method, _): (&str, &str, String)| {
        format!(
            "  /taken/{resource}/{method}:\n    get:\n      operationId: {method}\n      tags: [{resource}]\n      \
             responses: {{ '204': {{ description: '' }} }}\n"
        )
    };
    let paths: String = taken().map(operation).collect();
    DOCUMENT.replacen("paths:\n", &format!("paths:\n{paths}"), 1)
}

fn program() -> String {
    let calls: String =
        taken().map(|(.., it)| format!("    client.{it}().send().await?;\n")).collect();
    let taken = format!("async fn taken(client: &Client) -> Done {{\n{calls}    Ok(())\n}}\n");
    PROGRAM.replace("0..TIMES", &format!("0..{}", TIMES.len())) + &taken
}

/// What is read of these: RFC 3339 has times in the first four only.
const TIMES: [&str; 12] = [
    r#"{"at":"2026-03-01T10:00:00Z","all":["2026-03-01T10:00:00+02:00"],"by_name":{"a":"2026-03-01T10:00:00Z"}}"#,
    r#"{"at":"2026-03-01T10:00:00.25-05:30","seen":"2026-03-01T10:00:00Z"}"#,
    r#"{"at":"2026-03-01t10:00:00z","seen":null}"#,
    r#"{"at":"2026-03-01 10:00:00Z"}"#,
    r#"{"at":"2026-03-01T10:00:00"}"#,
    r#"{"at":"2026-03-01T10:00:00+0000"}"#,
    r#"{"at":"2026-03-01T10:00:00 Z"}"#,
    r#"{"at":"2026-03-01T10:00Z"}"#,
    r#"{"at":1772359200}"#,
    r#"{"at":"2026-03-01T10:00:00Z","seen":"2026-03-01T10:00:00+0000"}"#,
    r#"{"at":"2026-03-01T10:00:00Z","all":["2026-03-01T10:00:00+0000"]}"#,
    r#"{"at":"2026-03-01T10:00:00Z","by_name":{"a":"2026-03-01T10:00:00+0000"}}"#,
];

/// A request as it was sent, and the response that it gets.
fn calls() -> Vec<(&'static str, &'static str, Act)> {
    let empty = || response("204 No Content", "", "");
    let ok = |body: &str| json("200 OK", body);
    vec![
        ("GET /projects/in%20path/disks?project=in%20query", "", ok(r#"["a"]"#)),
        ("POST /apps/c?send=true&new=false&body=b&self=s&stream=true", r#"{"note":"n"}"#, empty()),
        (
            "PUT /quote",
            r#"{"$type":"dollar","+1":1,"-1":-1,"@type":"at","AccountId__c":"plain","Account_Id__c":"other","M":7,"m":"em"}"#,
            ok(r#"{"M":8,"m":"n","$type":"d","-1":-2}"#),
        ),
        (
            "GET /results/abc",
            "",
            ok(r#"{"option":{"some":"s"},"code":"xyz","vec":["None","Self","Maybe"]}"#),
        ),
        ("POST /crates", "", empty()),
        ("POST /crates/1", "", empty()),
        ("GET /incidents?limit=5", "", ok("[]")),
        ("GET /fetch?url=https://e.org/a?b=c%26d=e%23f%2Bg%2525%20h&sort=a%3Fb%2Fc", "", empty()),
        ("GET /books/a%2Fb.json", "", empty()),
        ("POST /books/a%3Ab:publish", "", empty()),
        ("GET /spans/1.5...2", "", empty()),
        ("GET /pages", "", ok(r#"{"items":["i"]}"#)),
        ("GET /things/1", "", ok(r#"{"state":"open"}"#)),
        ("DELETE /things/1", "", json("404 Not Found", "{}")),
        (
            "POST /machines",
            r#"{"name":"press","passphrase":"open sesame"}"#,
            json("201 Created", r#"{"id":"1","name":"press","created_at":"2026-03-01T10:00:00Z"}"#),
        ),
        ("GET /raw", "", ok(r#"[1,{"a":null}]"#)),
        ("POST /raw", r#"{"a":[1,null]}"#, ok(r#"{"up":true}"#)),
        ("POST /scans", r#"{"file_id":"file_1"}"#, empty()),
        ("POST /scans", "a scan", empty()),
        ("POST /questions", r#"{"question":"why"}"#, ok(r#"{"text":"because"}"#)),
        (
            "POST /questions",
            r#"{"question":"why"}"#,
            response(
                "200 OK",
                "content-type: text/event-stream\r\n",
                "data: {\"delta\":\"be\"}\n\ndata: {\"delta\":\"cause\"}\n\n",
            ),
        ),
        ("POST /letters", r#"{"attachment":"QmFzZTY0"}"#, empty()),
        ("POST /members", r#"{"zipcode":12345}"#, empty()),
        ("POST /shelves", r#"{"shelf":"a"}"#, empty()),
        (
            "GET /events/1",
            "",
            ok(r#"{"type":"created","level":"high","weight":3,"state":"shut","note":"n"}"#),
        ),
        ("POST /seeds", r#"{"big":18446744073709551615,"seed":-9223372036854775808}"#, empty()),
        ("GET /chromosomes?chromosome=22&state=true", "", empty()),
        ("GET /votes", "", ok(r#"{"choice":null,"state":null,"level":"high"}"#)),
        ("GET /done", "", ok(r#"{"error":null,"ok":true}"#)),
        ("POST /done", "", ok("null")),
    ]
}

#[test]
fn a_client_of_every_odd_construct_does_what_the_document_says() {
    let outside = Outside::new(&format!(
        "onkernel = {{ path = {:?}, default-features = false }}\n\
         tokio = {{ version = \"1.52\", features = [\"macros\", \"rt\"] }}\n",
        root()
    ));
    outside.write("api.yml", &document());
    outside.write(
        ".cargo/config.toml",
        "[env]\nONKERNEL_SPEC = { value = \"api.yml\", relative = true }\n",
    );
    outside.write("src/main.rs", &program());
    let mut acts: Vec<Act> = calls().into_iter().map(|(.., act)| act).collect();
    acts.extend(TIMES.iter().map(|times| json("200 OK", times)));
    acts.push(response("204 No Content", "", ""));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(acts));
    let output = outside.run(&[("LIBRARY_URL", &server.url)]);
    let (read, error) = (text(&output.stdout), text(&output.stderr));
    let requests = server.requests();
    for (request, (line, body, _)) in requests.iter().zip(calls()) {
        let (head, sent) = request.split_once("\r\n\r\n").unwrap();
        assert_eq!(head.lines().next().unwrap(), format!("{line} HTTP/1.1"), "{read}{error}");
        match serde_json::from_str::<Value>(body) {
            Ok(body) => assert_eq!(serde_json::from_str::<Value>(sent).unwrap(), body, "{request}"),
            Err(_) => assert!(sent.contains(body), "{request}"),
        }
        assert_eq!(head.matches("\naccept: ").count(), 1, "{request}");
        assert_eq!(head.contains("\ncontent-type: "), !sent.is_empty(), "{request}");
        assert!(head.contains("\nauthorization: Bearer tok_of_the_caller"), "{request}");
    }
    assert_eq!(requests.len(), calls().len() + TIMES.len() + taken().count());
    assert!(output.status.success() && error.is_empty(), "{error}");
    insta::assert_snapshot!(read, @r#"
    ["a"]
    n 8 Some("d") Some(-2)
    Some("s") Code("xyz") Some([None, Self_, Unknown("Maybe")])
    names.find_result (GET /results/{code}): code must have at least 3 characters, but has 2
    []
    incidents.list (GET /incidents): the call must not have more than one of `order=desc` or `since`
    ["i"]
    Some(Open)
    true
    Some("1") Some(2026-03-01T10:00:00Z) None
    machines.add (POST /machines): the request body must have `passphrase`
    [1,{"a":null}]
    true
    Some("because")
    Some("be")
    Some("cause")
    bodies.shelve (POST /shelves): the request body must have `shelf`, or `floor`
    bodies.shelve (POST /shelves): the request body must have only one of `shelf`, or `floor`
    Created Some(High) Some(3) Some(Shut) n
    None None Some(High)
    () true
    ()
    Times { at: 2026-03-01T10:00:00Z, all: Some([2026-03-01T08:00:00Z]), by_name: Some({"a": 2026-03-01T10:00:00Z}), seen: None }
    Times { at: 2026-03-01T15:30:00.250Z, all: None, by_name: None, seen: Some(2026-03-01T10:00:00Z) }
    Times { at: 2026-03-01T10:00:00Z, all: None, by_name: None, seen: None }
    Times { at: 2026-03-01T10:00:00Z, all: None, by_name: None, seen: None }
    a value at `/at` has another type than documented (line 1, column 27): {"at":"2026-03-01T10:00:00"}
    a value at `/at` has another type than documented (line 1, column 32): {"at":"2026-03-01T10:00:00+0000"}
    a value at `/at` has another type than documented (line 1, column 29): {"at":"2026-03-01T10:00:00 Z"}
    a value at `/at` has another type than documented (line 1, column 25): {"at":"2026-03-01T10:00Z"}
    a value at `/at` has another type than documented (line 1, column 16): {"at":1772359200}
    a value at `/seen` has another type than documented (line 1, column 62): {"at":"2026-03-01T10:00:00Z","seen":"2026-03-01T10:00:00+0000"}
    a value at `/all/0` has another type than documented (line 1, column 62): {"all":["2026-03-01T10:00:00+0000"],"at":"2026-03-01T10:00:00Z"}
    a value at `/by_name/a` has another type than documented (line 1, column 70): {"at":"2026-03-01T10:00:00Z","by_name":{"a":"2026-03-01T10:00:00+0000"}}
    "#);
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
