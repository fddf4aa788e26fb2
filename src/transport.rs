//! The HTTP client that `fly` and `collect` share: TLS, time limits, bounded bodies, tokens.
//!
//! Every client is built here, so that each has the same properties: it gives up in time, follows no
//! redirect (one could carry the token to another host), and names itself.

pub mod body;
pub mod shared;
pub mod token;

use std::error::Error;
use std::time::Duration;

pub use reqwest::Client;
use reqwest::ClientBuilder;
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Url, redirect};

/// How long a request may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To have a connection, TLS included.
    pub connect: Duration,
    /// For everything from the connection to the last byte of the answer.
    pub request: Duration,
}

impl Default for Timeouts {
    /// Well inside a tick's default of 30 s, so that a request that hangs leaves time to act on the
    /// rest.
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), request: Duration::from_secs(10) }
    }
}

/// No client could be built.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up HTTPS: {message}")]
pub struct ClientError {
    message: String,
}

/// Builds the client. Clones of it share one pool of connections.
pub fn client(timeouts: Timeouts) -> Result<Client, ClientError> {
    build(builder(timeouts))
}

/// Builds a client for addresses that are all `http://`: one that trusts nobody's certificate and so
/// need not read the system's.
pub fn client_without_https(timeouts: Timeouts) -> Result<Client, ClientError> {
    build(builder(timeouts).tls_certs_only([]))
}

fn builder(timeouts: Timeouts) -> ClientBuilder {
    // reqwest is built without a TLS provider of its own. An error means that one is installed
    // already, by us or by whoever embeds this library, and then that one serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(concat!("fly-autoscaler/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(timeouts.connect)
        .timeout(timeouts.request)
        .redirect(redirect::Policy::none())
        // Longer than the default interval of 15 s, so that the next tick finds the connection open.
        .pool_idle_timeout(Duration::from_secs(60))
}

fn build(builder: ClientBuilder) -> Result<Client, ClientError> {
    builder.build().map_err(|error| ClientError { message: innermost(&error) })
}

/// What went wrong on the network, in a few words and without the URL, which may hold credentials.
#[must_use]
pub fn describe(error: &reqwest::Error) -> String {
    match (error.is_timeout(), error.is_connect()) {
        (true, true) => "no connection in time".to_owned(),
        (true, false) => "no complete answer in time".to_owned(),
        (false, _) => innermost(error),
    }
}

/// Whether the request certainly did not reach the server: the name did not resolve, or no
/// connection came about.
#[must_use]
pub fn never_arrived(error: &reqwest::Error) -> bool {
    error.is_connect()
}

/// The text of the last error in the chain: "Connection refused", not "error sending request".
#[must_use]
pub fn innermost(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// `url` for people: scheme, host, port and path, without user, password, query and fragment.
#[must_use]
pub fn without_credentials(url: &Url) -> String {
    let path = url.path().trim_end_matches('/');
    match url.host_str() {
        Some(host) => match url.port() {
            Some(port) => format!("{}://{host}:{port}{path}", url.scheme()),
            None => format!("{}://{host}{path}", url.scheme()),
        },
        None => format!("{}:", url.scheme()),
    }
}

/// Reads an `http` or `https` address, or says what is wrong with it. The message never repeats the
/// text, which may hold a password.
pub fn parse_address(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text.trim()).map_err(|_| "is not a URL such as https://host/path")?;
    match (url.scheme(), url.host_str()) {
        ("http" | "https", Some(_)) => Ok(url),
        ("http" | "https", None) => Err("names no host"),
        _ => Err("must begin with http:// or https://"),
    }
}

/// `base` with `segments` behind its path, each percent-encoded; `None` where one cannot be a path
/// segment (empty, `.` or `..`). A path and a query of `base` are kept.
#[must_use]
pub fn join(base: &Url, segments: &[&str]) -> Option<Url> {
    if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
        return None;
    }
    let mut url = base.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
    Some(url)
}

/// What to say of an answer that redirects, which is never followed.
#[must_use]
pub fn redirected(headers: &HeaderMap) -> String {
    let target = headers
        .get(LOCATION)
        .and_then(|location| location.to_str().ok())
        .and_then(|location| Url::parse(location).ok())
        .map_or_else(String::new, |url| format!(" to {}", without_credentials(&url)));
    format!("a redirect{target}, which is not followed because it could leak the token")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_what_is_secret() {
        let url = Url::parse("https://user:hunter2@host:8443/a/?key=hunter2#x").expect("a URL");
        assert_eq!(without_credentials(&url), "https://host:8443/a");
    }

    #[test]
    fn addresses_are_checked() {
        let table = [
            ("https://api.machines.dev", Ok("https://api.machines.dev/")),
            (" http://_api.internal:4280\n", Ok("http://_api.internal:4280/")),
            ("api.machines.dev", Err("is not a URL such as https://host/path")),
            ("ftp://host", Err("must begin with http:// or https://")),
            ("", Err("is not a URL such as https://host/path")),
        ];
        for (text, want) in table {
            let got = parse_address(text);
            assert_eq!(got.as_ref().map(Url::as_str).map_err(|why| *why), want, "{text}");
        }
    }

    #[test]
    fn path_segments_cannot_leave_their_place() {
        let base = Url::parse("http://host/base/?nocache=1").expect("a URL");
        let table = [
            (vec!["v1", "apps"], Some("http://host/base/v1/apps?nocache=1")),
            (vec!["a/b?c#d"], Some("http://host/base/a%2Fb%3Fc%23d?nocache=1")),
            (vec!["apps", ".."], None),
            (vec!["."], None),
            (vec![""], None),
        ];
        for (segments, want) in table {
            assert_eq!(join(&base, &segments).as_ref().map(Url::as_str), want, "{segments:?}");
        }
    }
}
