//! The way to the server, and what it says: certificates, the clock, the key and what it may do.

use chrono::{DateTime, Utc};
use onkernel::types::AuthContext;
use onkernel::{ApiKeysExt, Client, Error, ErrorKind, Response};

use super::finding::Finding;
use crate::args::Global;
use crate::client;
use crate::failure::Failure;

/// More than a clock drifts that is set by the network.
const SKEW: i64 = 30;

pub(super) async fn all(global: &Global) -> Vec<Finding> {
    let client = match client::build(global) {
        Ok(client) => client,
        Err(failure) => {
            return vec![
                Finding::failed("key", &failure),
                Finding::skipped("server", "there is no client without that"),
            ];
        }
    };
    let asked = Utc::now();
    let response = client.auth().context().get().send_raw().await;
    let took = Utc::now() - asked;
    let mut findings = vec![proxy(&client)];
    match response {
        Ok(response) => {
            findings.extend(reached(&client, took.num_milliseconds()));
            findings.push(clock(&response, asked + took / 2));
            let project = response.into_value().authorization.effective_scope.project_id;
            findings.extend(key(&client, project.as_deref()).await);
        }
        // It responded, without saying who calls: an older server, or another one.
        Err(error) if error.is_not_found() || error.is_forbidden() => {
            findings.extend(reached(&client, took.num_milliseconds()));
            findings.push(Finding::skipped("clock", "this server does not say who calls"));
            findings.extend(key(&client, None).await);
        }
        Err(error) if error.status().is_some() => {
            findings.extend(reached(&client, took.num_milliseconds()));
            findings.push(refused(error));
        }
        Err(error) => findings.push(unreached(error)),
    }
    findings
}

/// The proxy that calls take.
fn proxy(client: &Client) -> Finding {
    match client.proxy() {
        None => Finding::good("proxy", "none on the way to this server"),
        Some(proxy) if proxy.starts_with("socks") => {
            let what = format!("the environment says {proxy}: SOCKS is not supported");
            let mend = "set HTTPS_PROXY to an HTTP proxy, or name the API's host in NO_PROXY";
            Finding::wrong("proxy", what, mend)
        }
        Some(proxy) => Finding::good("proxy", format!("{proxy}, by the environment")),
    }
}

fn reached(client: &Client, milliseconds: i64) -> Vec<Finding> {
    let url = client.base_url();
    let certificate = match url.starts_with("https://") {
        true => Finding::good("certificates", "the server's is trusted"),
        false => Finding::good("certificates", "none: plain HTTP"),
    };
    vec![Finding::good("server", format!("{url} responds within {milliseconds} ms")), certificate]
}

/// This clock against the server's.
fn clock(response: &Response<AuthContext>, here: DateTime<Utc>) -> Finding {
    let date = response.headers().get("date").and_then(|date| date.to_str().ok());
    let there = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let Some(there) = there else {
        return Finding::skipped("clock", "the server does not say what time it is");
    };
    let skew = (here - there.with_timezone(&Utc)).num_seconds();
    match skew.abs() {
        0..=SKEW => Finding::good("clock", "as the server's"),
        seconds => {
            let way = if skew > 0 { "ahead of" } else { "behind" };
            let what = format!("{seconds} s {way} the server's: ages and expiries are off by that");
            Finding::wrong("clock", what, "sudo timedatectl set-ntp true")
        }
    }
}

/// The key, and what it may do.
async fn key(client: &Client, project: Option<&str>) -> Vec<Finding> {
    let current = match client.api_keys().current().await {
        Ok(current) => current,
        Err(error) => return vec![refused(error)],
    };
    let mut findings = Vec::new();
    let key = current.candidates.first();
    let id = current.id().unwrap_or("an unknown id");
    let described = key.map_or(id.to_owned(), |key| format!("{} ({})", key.name, key.id));
    findings.push(match key.and_then(|key| key.expires_at) {
        Some(end) if end - Utc::now() < chrono::TimeDelta::days(7) => {
            let what = format!("{described} expires at {}", end.format("%Y-%m-%d %H:%M UTC"));
            Finding::warning("key", what, format!("kernel-keys rotate {id} --store STORE"))
        }
        _ => Finding::good("key", described),
    });
    let reach = project.map_or("the whole organization".to_owned(), |id| format!("project {id}"));
    // A key with a policy may not manage keys, whatever the policy says.
    findings.push(match client.api_keys().list().limit(1).send().await {
        Ok(_) => Finding::good("scope", format!("{reach}; it may manage keys")),
        Err(error) if error.is_forbidden() => {
            let what = format!("{reach}; it may not manage keys, so it cannot rotate any");
            Finding::warning("scope", what, "use an org-wide key without a policy: --key-file FILE")
        }
        Err(error) => {
            let failure = Failure::from(error);
            Finding::failed("scope", &failure)
        }
    });
    findings
}

/// The server has responded with an error.
fn refused(error: Error) -> Finding {
    let mend = match error.is_unauthorized() {
        true => {
            Some("set KERNEL_API_KEY to a key that works, or: kernel-keys config set key-file FILE")
        }
        false => None,
    };
    let failure = Failure::from(error);
    match mend {
        Some(mend) => Finding::wrong("key", failure.message(), mend),
        None => Finding::failed("server", &failure),
    }
}

/// No response.
fn unreached(error: Error) -> Finding {
    let words = error.to_string();
    let lower = words.to_lowercase();
    let certificate =
        ["certificate", "unknownissuer", "tls"].iter().any(|sign| lower.contains(sign));
    match error.kind() {
        ErrorKind::Connect if certificate => Finding::wrong(
            "certificates",
            words,
            "install the certificate of your authority or proxy in the system's trust store, or correct the clock",
        ),
        ErrorKind::Configuration => {
            let failure = Failure::from(error);
            Finding::failed("key", &failure)
        }
        _ => {
            let failure = Failure::from(error);
            Finding::failed("server", &failure)
        }
    }
}
