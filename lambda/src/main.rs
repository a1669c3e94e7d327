//! The function by which AWS Secrets Manager rotates Kernel API keys: `docs/stores/aws-rotation.md`.
//!
//! AWS calls it once for each of the four steps; what they do is in `onkernel::rotation::AwsRotation`.
//! Here are the event, the settings, and the log.

mod event;
mod handler;
mod log;
mod settings;

use std::process::ExitCode;

use lambda_runtime::service_fn;

use self::settings::Settings;

/// What AWS sets wherever it runs a function, and the runtime cannot do without.
const NEEDED: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if let Some(missing) = NEEDED.iter().find(|name| std::env::var_os(name).is_none()) {
        log::failed(&format!("{missing} is not set: this program is a function for AWS Lambda"));
        return ExitCode::FAILURE;
    }
    // What is wrong with the settings is said at every call, too: AWS shows that to whoever rotates.
    let settings = Settings::from(|name: &str| std::env::var(name).ok());
    if let Err(problem) = &settings {
        log::failed(problem);
    }
    let served = lambda_runtime::run(service_fn(|event| handler::handle(&settings, event))).await;
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::failed(&error.to_string());
            ExitCode::FAILURE
        }
    }
}
