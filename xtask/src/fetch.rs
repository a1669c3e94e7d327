//! Where a document is read: a file, or a server over TLS, within limits of time and size.

use crate::error::Error;
use crate::files::{self, DOCUMENT};
use crate::provenance;
use indicatif::{ProgressBar, ProgressStyle};
use onkernel_codegen::Document;
use std::path::Path;
use std::time::Duration;

/// Where the vendor publishes its document: the API itself, and the address that was the only one
/// before.
pub const PUBLISHED: [&str; 2] = [
    "https://api.onkernel.com/spec.json",
    "https://app.stainless.com/api/spec/documented/kernel/openapi.documented.yml",
];

/// What a download may cost. The document of 2026 is below 1 MB.
const LIMITS: Limits =
    Limits { time: Duration::from_secs(60), bytes: 16 * 1024 * 1024, tls_only: true };

/// A document as it was read.
#[derive(Clone, Debug)]
pub struct Input {
    /// The place to name in messages.
    pub name: String,
    /// The place to keep in the repository: a URL, or the name of a file without its folders.
    pub source: String,
    /// The document.
    pub text: String,
    /// What a person has to know of how it was read.
    pub remark: Option<String>,
}

/// The document that the vendor publishes.
///
/// # Errors
/// Why no address has it.
pub fn published() -> Result<Input, Error> {
    first_of(&PUBLISHED, &LIMITS)
}

/// The document at the first of several addresses that has one.
fn first_of(urls: &[&str], limits: &Limits) -> Result<Input, Error> {
    let mut failed: Vec<Error> = Vec::new();
    for url in urls {
        // A page that says that there is nothing here is no document.
        let document = download(url, limits)
            .and_then(|text| Document::parse(&text, url).map(|_| text).map_err(Error::from));
        match document {
            Ok(text) => {
                let reasons: Vec<_> = failed.iter().flat_map(|it| it.lines.iter()).collect();
                let remark = reasons.first().map(|reason| {
                    format!("Read from {url}, since the usual address failed: {reason}.")
                });
                let place = (*url).to_owned();
                return Ok(Input { name: place.clone(), source: place, text, remark });
            }
            Err(error) => failed.push(error),
        }
    }
    let lines = failed.into_iter().flat_map(|it| it.lines).collect();
    Err(Error { lines, code: 1 })
}

/// The document at a URL or in a file.
///
/// # Errors
/// Why it could not be read.
pub fn from(place: &str, root: &Path) -> Result<Input, Error> {
    if place.contains("://") {
        let text = download(place, &LIMITS)?;
        return Ok(Input { name: place.to_owned(), source: place.to_owned(), text, remark: None });
    }
    let path = Path::new(place);
    let text = files::read(path).map_err(Error::usage)?;
    let bundled = root.join(DOCUMENT);
    // Edited where it stands: it still comes from where it came.
    let source = match (path.canonicalize(), bundled.canonicalize()) {
        (Ok(path), Ok(bundled)) if path == bundled => {
            provenance::read(root).ok().map(|provenance| provenance.source)
        }
        _ => None,
    };
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Input { name: place.to_owned(), source: source.unwrap_or(file), text, remark: None })
}

struct Limits {
    time: Duration,
    bytes: u64,
    tls_only: bool,
}

fn download(url: &str, limits: &Limits) -> Result<String, Error> {
    if limits.tls_only && !url.starts_with("https://") {
        return Err(Error::usage(format!("{url}: only https:// is read; save it to a file first")));
    }
    // Fails where another part of the process has installed one, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(format!("no runtime for the download: {error}")))?;
    runtime.block_on(receive(url, limits)).map_err(|reason| {
        Error::new(format!("{url}: {reason}; try again, or give a file with `--from FILE`"))
    })
}

async fn receive(url: &str, limits: &Limits) -> Result<String, String> {
    let client = reqwest::Client::builder()
        .https_only(limits.tls_only)
        .timeout(limits.time)
        .user_agent(concat!("onkernel-xtask/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| chain(&error))?;
    let response = client.get(url).send().await.map_err(|error| chain(&error))?;
    let mut response = match response.error_for_status() {
        Ok(response) => response,
        Err(error) => return Err(chain(&error.without_url())),
    };
    let too_large = || format!("more than {} bytes", limits.bytes);
    if response.content_length().is_some_and(|length| length > limits.bytes) {
        return Err(too_large());
    }
    let bar = progress(response.content_length());
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| chain(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > limits.bytes {
            return Err(too_large());
        }
        bar.inc(chunk.len() as u64);
    }
    bar.finish_and_clear();
    let text = String::from_utf8(bytes).map_err(|_| "not UTF-8 text".to_owned())?;
    Ok(files::lf(text.strip_prefix('\u{feff}').unwrap_or(&text)))
}

/// Drawn on standard error, and only if that is a terminal.
fn progress(length: Option<u64>) -> ProgressBar {
    let bar = length.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let style = ProgressStyle::with_template("{bytes} of {total_bytes} {wide_bar}");
    if let (Some(_), Ok(style)) = (length, style) {
        bar.set_style(style);
    }
    bar
}

/// An error with its causes, which hold what is of interest.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// A server that responds to one request.
    fn serve(response: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/spec.yml", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).unwrap();
            stream.write_all(response.as_bytes()).unwrap();
        });
        url
    }

    const PLAIN: Limits = Limits { time: Duration::from_secs(30), bytes: 20, tls_only: false };

    fn rejected(response: &'static str) -> String {
        download(&serve(response), &PLAIN).unwrap_err().to_string()
    }

    #[test]
    fn what_is_sent_is_read() {
        let url = serve("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\na: 1\r\n");
        assert_eq!(download(&url, &PLAIN).unwrap(), "a: 1\n");
    }

    #[test]
    fn too_much_is_rejected_announced_or_not() {
        let announced = "HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n";
        assert!(rejected(announced).contains("more than 20 bytes"));
        let unannounced = "HTTP/1.1 200 OK\r\n\r\n0123456789012345678901234567890";
        assert!(rejected(unannounced).contains("more than 20 bytes"));
    }

    #[test]
    fn a_truncated_answer_an_error_and_other_bytes_are_rejected() {
        assert!(rejected("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na: 1").contains("error"));
        assert!(rejected("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").contains("404"));
    }

    const LARGER: Limits = Limits { bytes: 1000, ..PLAIN };
    const DOCUMENT: &str =
        "HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n{\"openapi\": \"3.1.0\", \"paths\": {}}";

    #[test]
    fn the_next_address_is_asked_when_one_has_no_document() {
        for nothing in [
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<html>Hi</html>",
        ] {
            let (first, second) = (serve(nothing), serve(DOCUMENT));
            let input = first_of(&[&first, &second], &LARGER).unwrap();
            assert_eq!(input.source, second);
            let remark = input.remark.unwrap();
            assert!(remark.starts_with(&format!("Read from {second}, since")), "{remark}");
            assert!(remark.contains(&first), "{remark}");
        }
    }

    #[test]
    fn the_first_address_that_has_a_document_is_the_only_one_asked() {
        let first = serve(DOCUMENT);
        let input = first_of(&[&first, "http://127.0.0.1:1/spec.yml"], &LARGER).unwrap();
        assert_eq!((input.source, input.remark), (first, None));
    }

    #[test]
    fn every_address_is_named_when_none_has_a_document() {
        let nothing = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        let (first, second) = (serve(nothing), serve(nothing));
        let error = first_of(&[&first, &second], &LARGER).unwrap_err().to_string();
        assert!(error.contains(&first) && error.contains(&second), "{error}");
    }

    #[test]
    fn nothing_but_tls_is_used() {
        let error = from("http://127.0.0.1:1/spec.yml", Path::new(".")).unwrap_err();
        assert_eq!(error.code, 2);
        assert!(error.to_string().contains("only https://"), "{error}");
    }
}
