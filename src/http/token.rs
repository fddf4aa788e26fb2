//! Who may change anything: who knows the token.

use axum::http::{HeaderMap, StatusCode, header};
use subtle::ConstantTimeEq;

use super::Shared;
use super::answer::Refusal;
use super::peer::Peer;
use crate::telemetry::events::HttpTokenRefused;

const SCHEME: &str = "bearer ";

impl Shared {
    /// Lets a request through that brings the token.
    pub(super) fn admit(&self, headers: &HeaderMap, peer: Peer) -> Result<(), Refusal> {
        let sources = &self.sources;
        let token = sources.configured.borrow().token.clone();
        let Some(token) = token else {
            let why = "nothing can be changed over HTTP: no token is set; set `http-token` \
                       (FAS_HTTP_TOKEN) to a secret of at least 16 characters";
            return Err(Refusal::new(StatusCode::FORBIDDEN, why));
        };
        let refused = |why: &str| {
            let challenge = header::HeaderValue::from_static(r#"Bearer realm="fly-autoscaler""#);
            let refusal = Refusal::new(StatusCode::UNAUTHORIZED, why);
            Err(refusal.saying(header::WWW_AUTHENTICATE, challenge))
        };
        let Some(given) = headers.get(header::AUTHORIZATION) else {
            return refused("this needs the header `Authorization: Bearer <http-token>`");
        };
        // The right token first: behind a proxy who guesses has the address of who knows it.
        if bearer(given.as_bytes()).is_some_and(|given| is_same(given, token.expose().as_bytes())) {
            return Ok(());
        }
        let now = sources.clock.now();
        if let Some(wait) = self.attempts.locked_out(peer, now) {
            let seconds = wait.as_secs().max(1);
            let why = format!("too many wrong tokens from {}: try again in {seconds} s", peer.0);
            let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, why);
            return Err(refusal.saying(header::RETRY_AFTER, seconds));
        }
        let is_last = self.attempts.failed(peer, now);
        HttpTokenRefused { by: &peer.0.to_string(), is_last }.emit(&sources.metrics);
        refused("the token is wrong")
    }
}

/// What follows the scheme, in whatever case that is written.
fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = header.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME.as_bytes()).then(|| rest.trim_ascii())
}

/// Whether `given` is the token. How long that takes depends on the length of what was given, and on nothing that
/// could help to guess.
fn is_same(given: &[u8], token: &[u8]) -> bool {
    let mut padded = vec![0; token.len()];
    let common = given.len().min(token.len());
    padded[..common].copy_from_slice(&given[..common]);
    (padded.ct_eq(token) & given.len().ct_eq(&token.len())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_what_follows_the_scheme_and_nothing_less_or_more() {
        for (header, is_right) in [
            ("Bearer 0123456789abcdef", true),
            ("bearer  0123456789abcdef ", true),
            ("BEARER 0123456789abcdef", true),
            ("Bearer 0123456789abcde", false),
            ("Bearer 0123456789abcdef0", false),
            ("Bearer 0123456789abcdeF", false),
            ("Bearer 0123456789abcdef\0", false),
            ("Bearer ", false),
            ("Bearer", false),
            ("", false),
            ("Basic 0123456789abcdef", false),
            ("0123456789abcdef", false),
        ] {
            let given = bearer(header.as_bytes());
            let same = given.is_some_and(|given| is_same(given, b"0123456789abcdef"));
            assert_eq!(same, is_right, "{header:?}");
        }
    }
}
