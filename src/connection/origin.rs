//! Where requests may go: the configured origin, and nowhere else.

use std::net::IpAddr;

use reqwest::Url;

/// The base URL: an origin, and perhaps the beginning of a path.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    /// Without a slash at its end.
    text: String,
    url: Url,
}

impl Base {
    /// Reads a base URL. The error does not quote it, since it may hold a password.
    pub(crate) fn parse(text: &str, allow_plain_http: bool) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|error| {
            format!("it is not a URL ({error}); give one like `https://api.onkernel.com`")
        })?;
        if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
            return Err("it must begin with `https://` and a host".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it must not hold a user name or password; the API key is given by itself"
                .to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("it must not hold a query (`?`) or a fragment (`#`)".to_owned());
        }
        let base = Self { text: url.as_str().trim_end_matches('/').to_owned(), url };
        if !base.is_https() && !base.is_loopback() && !allow_plain_http {
            return Err("plain `http://` would send the API key in the clear: use `https://`, or allow it with `allow_plain_http(true)`".to_owned());
        }
        Ok(base)
    }

    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether the host is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.url.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
    }

    /// The URL of a path, or why it has none. Nothing in the path can lead out of the base.
    pub(crate) fn join(&self, path: &str, query: &str) -> Result<Url, String> {
        if let Some(problem) = problem_of(path) {
            return Err(format!("the path {problem}"));
        }
        // Cheaper than to parse the whole, and the origin is not touched.
        let mut url = self.url.clone();
        match self.url.path().trim_end_matches('/') {
            "" => url.set_path(path),
            beginning => url.set_path(&[beginning, path].concat()),
        }
        if !query.is_empty() {
            url.set_query(Some(query));
        }
        self.is_origin_of(&url)
            .then_some(url)
            .ok_or_else(|| "the path does not lead to the configured origin".to_owned())
    }

    /// Whether a URL begins with this one: with its scheme, host and port, and no user.
    pub(crate) fn is_origin_of(&self, url: &Url) -> bool {
        url.as_str().strip_prefix(&self.text).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether a URL is that of this path and query.
    pub(crate) fn has_joined(&self, url: &Url, path: &str, query: &str) -> bool {
        let rest = url.as_str().strip_prefix(&self.text).and_then(|rest| rest.strip_prefix(path));
        let is_it = match rest {
            Some(rest) if query.is_empty() => rest.is_empty(),
            Some(rest) => rest.strip_prefix('?') == Some(query),
            None => false,
        };
        // What is in a path may have been encoded further.
        is_it || self.join(path, query).is_ok_and(|joined| joined == *url)
    }

    /// `host:port`, as a tunnel's end is named.
    pub(crate) fn host_and_port(&self) -> String {
        let (host, port) = (self.url.host_str(), self.url.port_or_known_default());
        format!("{}:{}", host.unwrap_or_default(), port.unwrap_or(443))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

/// What is wrong with a path, if anything: a URL parser would rewrite it.
fn problem_of(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') || path.starts_with("//") {
        return Some("must begin with one `/`; the origin is that of the base URL");
    }
    // Most paths have nothing of this, which is seen at once, many bytes at a time.
    let is_odd =
        |byte: u8| !byte.is_ascii_graphic() | matches!(byte, b'?' | b'#' | b'\\' | b'.' | b'%');
    if !path.bytes().fold(false, |found, byte| found | is_odd(byte)) {
        return None;
    }
    if path.contains(['?', '#']) {
        return Some("must not hold `?` or `#`; give the query by `query`");
    }
    if path.contains(|c: char| c == '\\' || !c.is_ascii_graphic()) {
        return Some("holds a character that must be percent-encoded");
    }
    path.split('/').any(is_dots).then_some("must not hold `.` or `..` as a segment")
}

/// Whether a segment of a path is one or two dots, encoded or not.
fn is_dots(segment: &str) -> bool {
    let after_dot = |text: &'_ str| -> Option<usize> {
        let encoded = text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("%2e"));
        if text.starts_with('.') { Some(1) } else { encoded.then_some(3) }
    };
    after_dot(segment).is_some_and(|one| {
        let rest = &segment[one..];
        rest.is_empty() || after_dot(rest) == Some(rest.len())
    })
}

/// Where a `Location` points, without what could be secret in it.
pub(crate) fn place(from: &Url, location: &str) -> String {
    match from.join(location) {
        Ok(mut to) => {
            to.set_query(None);
            to.set_fragment(None);
            // Fails only for URLs that cannot have them.
            let _ = to.set_username("");
            let _ = to.set_password(None);
            to.into()
        }
        Err(_) => "a place that is not a URL".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> Base {
        Base::parse(text, false).unwrap()
    }

    #[test]
    fn base_urls() {
        for fine in [
            "https://api.onkernel.com",
            "https://api.onkernel.com/",
            "https://proxy.example/kernel/",
            "http://127.0.0.1:8080",
            "http://127.3.2.1",
            "http://[::1]:1",
            "http://localhost:1",
            " https://api.onkernel.com\n",
        ] {
            assert!(Base::parse(fine, false).is_ok(), "{fine}");
        }
        for bad in [
            "",
            "api.onkernel.com",
            "ftp://api.onkernel.com",
            "https://user:hunter22@api.onkernel.com",
            "https://api.onkernel.com?a=b",
            "https://api.onkernel.com/#a",
            "http://api.onkernel.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "file:///etc/passwd",
            "unix:/run/sock",
        ] {
            let problem = Base::parse(bad, false).unwrap_err();
            assert!(!problem.contains("hunter22"), "{problem}");
        }
        assert!(Base::parse("http://10.0.0.1", true).is_ok());
    }

    #[test]
    fn paths_stay_below_the_base() {
        let base = base("https://proxy.example/kernel/");
        let url = base.join("/org/api_keys", "limit=1").unwrap();
        assert_eq!(url.as_str(), "https://proxy.example/kernel/org/api_keys?limit=1");
        assert_eq!(base.join("/a/%2F%5C..%2F", "").unwrap().path(), "/kernel/a/%2F%5C..%2F");
        for bad in [
            "",
            "org",
            "//evil.example",
            r"/\evil.example",
            r"\\evil.example",
            "https://evil.example/",
            "/..",
            "/a/../b",
            "/a/.",
            "/%2e%2E/b",
            "/.%2e",
            "/a?b",
            "/a#b",
            "/a b",
            "/a\tb",
            "/a\n",
            "/é",
            "@evil.example/",
            ":1/",
            ".evil.example/",
        ] {
            assert!(base.join(bad, "").is_err(), "{bad}");
        }
    }

    #[test]
    fn places_lose_their_secrets() {
        let from = Url::parse("https://a.example/x/y").unwrap();
        assert_eq!(place(&from, "https://u:p@b.example/z?t=1#f"), "https://b.example/z");
        assert_eq!(place(&from, "/login?t=1"), "https://a.example/login");
        assert_eq!(place(&from, "https://["), "a place that is not a URL");
    }
}
