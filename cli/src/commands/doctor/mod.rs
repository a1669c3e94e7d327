//! `doctor`: looks at all that a command needs, and says what is wrong and what mends it. It changes
//! nothing.

mod finding;
mod local;
mod server;

use serde_json::json;

use self::finding::{Finding, Status};
use crate::args::{Doctor, Global};
use crate::failure::Failure;
use crate::output::Output;
use crate::output::style::Tint;
use crate::output::text::{plural, safe};
use crate::settings::Settings;

pub(super) async fn run(args: Doctor, mut global: Global, output: &Output) -> Result<(), Failure> {
    let mut findings = Vec::new();
    match Settings::load(global.profile.as_deref()) {
        Ok(settings) => {
            global.settings = settings;
            findings.push(local::configuration(&global.settings));
        }
        Err(failure) => findings.push(Finding::failed("configuration", &failure)),
    }
    let broken = findings.iter().any(|finding| finding.status == Status::Wrong);
    findings.extend(local::key_file(&global));
    findings.extend(match broken {
        true => vec![Finding::skipped("server", "the configuration must be mended first")],
        false => server::all(&global).await,
    });
    let (journals, stores) = local::journals(args.journal.as_deref(), &global).await;
    findings.extend(journals);
    findings.extend(local::stores(args.store.into_iter().chain(stores)).await);
    conclude(&findings, output)
}

fn conclude(findings: &[Finding], output: &Output) -> Result<(), Failure> {
    let count = |status| findings.iter().filter(|it| it.status == status).count() as u64;
    let (wrong, warnings) = (count(Status::Wrong), count(Status::Warning));
    if output.is_json() {
        output.print_json(&json!({ "healthy": wrong == 0, "checks": findings }))?;
    } else {
        let width = findings.iter().map(|it| it.check.len()).max().unwrap_or_default();
        for Finding { check, status, message, mend } in findings {
            let (tint, mark) = match status {
                Status::Good => (Tint::Good, "✓"),
                Status::Warning => (Tint::Strong, "!"),
                Status::Wrong => (Tint::Bad, "✗"),
                Status::Skipped => (Tint::Faint, "-"),
            };
            let mark = output.style().paint(tint, mark);
            output.print(&format!("{mark} {check:width$}  {}", safe(message)))?;
            if let Some(mend) = mend.as_deref().filter(|mend| !mend.is_empty()) {
                output.print(&format!("  {:width$}  → {}", "", safe(mend)))?;
            }
        }
    }
    if warnings > 0 {
        output.note(&format!("{}.", plural(warnings, "warning")));
    }
    match wrong {
        0 => Ok(()),
        _ => Err(Failure::new(format!("{} found", plural(wrong, "problem")))),
    }
}
