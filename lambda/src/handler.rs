//! One call of the function: one step.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use lambda_runtime::{Diagnostic, LambdaEvent};
use onkernel::rotation::{AwsRotation, AwsStep, AwsStepReport, AwsStore, Event as Happened, Store};
use onkernel::{ClientBuilder, Credentials, Secret};
use serde_json::Value;

use crate::event::Event;
use crate::log::Call;
use crate::settings::Settings;

/// How long one request to Kernel may take; what it has done shows within twice this.
const TIMEOUT: Duration = Duration::from_secs(10);

const NO_STEP: &str = "the event is no step of a rotation by AWS Secrets Manager: it must have the strings SecretId, ClientRequestToken and Step";

/// An error of any kind.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs the step that AWS asks for.
pub(crate) async fn handle(
    settings: &Result<Settings, String>,
    event: LambdaEvent<Value>,
) -> Result<(), Diagnostic> {
    let began = Instant::now();
    let (payload, context) = event.into_parts();
    let Ok(event) = serde_json::from_value::<Event>(payload) else {
        crate::log::failed(NO_STEP);
        return Err(diagnostic("InvalidEvent", NO_STEP.to_owned()));
    };
    let call = Call::new(context.request_id.clone(), &event);
    let left = context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
    let ran = match settings {
        Ok(settings) => run(settings, &event, left, &call).await,
        Err(problem) => Err(problem.clone().into()),
    };
    let milliseconds = began.elapsed().as_millis();
    match ran {
        Ok(report) => {
            call.done(&report, milliseconds);
            Ok(())
        }
        Err(error) => {
            let why = error.to_string();
            call.failed(&why, milliseconds);
            Err(diagnostic("RotationFailed", why))
        }
    }
}

async fn run(
    settings: &Settings,
    event: &Event,
    left: Duration,
    call: &Call,
) -> Result<AwsStepReport, Failure> {
    let step: AwsStep = event.step.parse()?;
    let Event { secret_id, client_request_token, .. } = event;
    // A new client for each call: the key that it read before may have been retired since.
    let caller = Arc::new(settings.caller(secret_id));
    let credentials = Credentials::from_fn(move || read(Arc::clone(&caller)));
    let client = ClientBuilder::from_env().credentials(credentials).timeout(TIMEOUT).build()?;
    let notes = call.clone();
    AwsRotation::new(&client, settings.secret(secret_id))
        .lifetime(settings.lifetime)
        .overlap(settings.overlap)
        .longest_run(left)
        .on_event(move |happened| match happened {
            Happened::Waiting { why, left } => {
                notes.note(&format!("waits {why}, {} s at most", left.as_secs()));
            }
            Happened::Note { text } => notes.note(text),
            _ => {}
        })
        .run(step, client_request_token)
        .await
        .map_err(Failure::from)
}

async fn read(caller: Arc<AwsStore>) -> Result<Secret, Failure> {
    let held = caller.read().await?;
    held.ok_or_else(|| format!("{} holds no key", caller.describe()).into())
}

fn diagnostic(kind: &str, why: String) -> Diagnostic {
    Diagnostic { error_type: kind.to_owned(), error_message: why }
}
