//! The program itself, as Lambda runs it: over the runtime API, with what AWS puts into its environment.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use onkernel::testing::{NewKey, Server};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::fakes::aws::{ARN, Aws};
use crate::fakes::http::{Http, json as respond};

const ACCESS: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// What the function sends back for each call, and what it has printed.
struct Ran {
    responses: Vec<(String, Value)>,
    printed: String,
    lines: Vec<Value>,
}

/// Runs the function for these events, one after another; before each of them something may happen.
async fn run(
    environment: &[(&str, &str)],
    events: Vec<Value>,
    before: impl Fn(usize) + Send + Sync + 'static,
) -> Ran {
    let responses = Arc::new(Mutex::new(Vec::new()));
    let (sent, next) = (Arc::clone(&responses), Mutex::new(0));
    let runtime = Http::start(move |request| {
        let path = request.path.strip_prefix("/2018-06-01/runtime/").unwrap();
        if path != "invocation/next" {
            let kind = path.rsplit('/').next().unwrap().to_owned();
            let body = serde_json::from_str(&request.body).unwrap_or_default();
            sent.lock().unwrap().push((kind, body));
            return respond(202, "{}");
        }
        let mut number = next.lock().unwrap();
        // When there are no more, the connection is lost and the function ends.
        let event = events.get(*number)?;
        before(*number);
        *number += 1;
        let deadline = std::time::UNIX_EPOCH.elapsed().unwrap() + Duration::from_secs(300);
        let headers = vec![
            ("lambda-runtime-aws-request-id", format!("request-{number}")),
            ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
            ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:x".to_owned()),
        ];
        Some((200, headers, event.to_string()))
    })
    .await;
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_kernel-keys-lambda"))
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", runtime.url.strip_prefix("http://").unwrap())
        .env("AWS_LAMBDA_FUNCTION_NAME", "rotate")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", ACCESS)
        .envs(environment.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (mut printed, mut errors) = (String::new(), String::new());
    let (a, b) = tokio::join!(out.read_to_string(&mut printed), err.read_to_string(&mut errors));
    a.and(b).unwrap();
    child.wait().await.unwrap();
    let lines = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let responses = std::mem::take(&mut *responses.lock().unwrap());
    Ran { responses, printed: printed + &errors, lines }
}

fn event(step: &str, token: &str) -> Value {
    json!({ "SecretId": ARN, "ClientRequestToken": token, "Step": step, "RotationToken": "x" })
}

const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

#[tokio::test]
async fn two_rotations_by_the_program_and_a_log_without_a_secret() {
    let server = Server::start().await.unwrap();
    let aws = Arc::new(Aws::holding(None).await);
    let first = server.add_key(NewKey::named("ci").days(30));
    aws.state().foreign(&format!("{{\"key\":\"{}\"}}", first.plaintext()));
    let admin = json!({ "kernel": server.bootstrap_key() }).to_string();
    aws.state().others.insert("admin".into(), admin);
    let token = |n: usize| format!("70707070-0000-4000-8000-{n:012}");
    let mut events: Vec<_> = STEPS.iter().map(|step| event(step, &token(1))).collect();
    events.extend(STEPS.iter().map(|step| event(step, &token(2))));
    events.push(json!({ "hello": "world" }));
    events.push(event("destroySecret", &token(2)));
    let begins = Arc::clone(&aws);
    let environment = [
        ("AWS_ENDPOINT_URL", aws.http.url.as_str()),
        ("KERNEL_BASE_URL", server.url()),
        ("KERNEL_KEYS_CALLER", "admin#kernel"),
        ("KERNEL_KEYS_FIELD", "key"),
        ("KERNEL_KEYS_OVERLAP_MINUTES", "0"),
    ];
    let ran = run(&environment, events, move |n| {
        if n % 4 == 0 && n < 8 {
            begins.state().rotate(&token(n / 4 + 1)).unwrap();
        }
    })
    .await;
    let kinds: Vec<_> = ran.responses.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, [["response"; 8].as_slice(), &["error"; 2]].concat(), "{}", ran.printed);
    let error = |n: usize| ran.responses[n].1["errorMessage"].as_str().unwrap();
    assert!(error(8).contains("SecretId"), "{}", error(8));
    assert!(error(9).contains("destroySecret"), "{}", error(9));
    assert_eq!(ran.responses[9].1["errorType"], "RotationFailed");

    let done: Vec<_> = ran.lines.iter().filter(|line| line["message"] == "done").collect();
    assert_eq!(done.len(), 8, "{}", ran.printed);
    for (line, step) in done.iter().zip(STEPS.iter().cycle()) {
        assert_eq!((&line["step"], &line["level"]), (&json!(step), &json!("INFO")));
        assert_eq!(line["secret"], ARN);
        assert!(line["request_id"].is_string() && line["timestamp"].is_string(), "{line}");
    }
    assert_eq!(done[4]["deleted"], json!([first.id]));
    let errors = ran.lines.iter().filter(|line| line["level"] == "ERROR").count();
    assert_eq!(errors, 3, "the last is that Lambda is gone: {}", ran.printed);

    let keys = server.keys();
    let live = keys.iter().filter(|key| server.authenticates(key.plaintext())).count();
    assert_eq!(live, 3, "the current, the previous, and that of the function");
    let said = format!("{}{:?}", ran.printed, ran.responses);
    for secret in keys.iter().map(|key| key.plaintext()).chain([ACCESS]) {
        assert!(!said.contains(secret) && !said.contains(&secret[secret.len() / 2..]), "{said}");
    }
}

#[tokio::test]
async fn settings_and_surroundings_that_cannot_be_used_are_named() {
    let ran =
        run(&[("KERNEL_KEYS_LIFETIME_DAYS", "soon")], vec![event("createSecret", "t")], |_| {})
            .await;
    assert_eq!(ran.responses[0].0, "error");
    let said = ran.responses[0].1["errorMessage"].as_str().unwrap();
    assert!(said.contains("KERNEL_KEYS_LIFETIME_DAYS") && said.contains("soon"), "{said}");
    // Not in Lambda.
    let mut alone = tokio::process::Command::new(env!("CARGO_BIN_EXE_kernel-keys-lambda"));
    let output = alone.env_clear().output().await.unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("AWS_LAMBDA_RUNTIME_API") && said.contains("function for AWS"), "{said}");
}
