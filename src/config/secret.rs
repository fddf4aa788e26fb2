//! Values that must not be seen, and text that may contain some.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use secrecy::{ExposeSecret, SecretString};

/// What stands where a secret was.
pub const MASK: &str = "***";

/// A token or key. Printed, debugged and serialized as `***`; wiped when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The secret itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The wrapped form, for clients that take one.
    #[must_use]
    pub fn as_secret_string(&self) -> &SecretString {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(MASK)
    }
}

impl serde::Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

/// Fly's tokens by their prefixes (macaroons `fm1a_`, `fm1r_`, `fm2_`; OAuth `fo1_`; source: fly-go
/// tokens and the macaroon format), anything behind `FlyV1` or `Bearer`, and the user part of a URL
/// and what is asked for behind its `?`, where keys are too.
static TOKEN_LIKE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<keep>\b(?:fm[12][ar]?_|fo1_))[^\s,;\x22'`}\]]+",
        r"|(?P<scheme>(?i:\b(?:flyv1|bearer)\s+))[^\s,;\x22'`}\]]+",
        r"|://(?P<user>[^\s/?@\x22'`]+@)?(?P<asked>[^\s?\x22'`]*\?)[^\s\x22'`]+",
        r"|://[^\s/@\x22'`]+@",
    ))
    .expect("a constant pattern that a test compiles")
});

/// `text` with everything that looks like a token masked: tokens get pasted into the wrong key, and
/// that key's error must not show them.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    TOKEN_LIKE.replace_all(text, |found: &regex::Captures<'_>| {
        let named = |name| found.name(name).map(|part| part.as_str());
        match (named("keep"), named("scheme"), named("asked")) {
            (Some(prefix), ..) => format!("{prefix}{MASK}"),
            (None, Some(scheme), _) => format!("{scheme}{MASK}"),
            (None, None, Some(before)) => {
                let user = found.name("user").map_or("", |_| "***@");
                format!("://{user}{before}{MASK}")
            }
            (None, None, None) => format!("://{MASK}@"),
        }
    })
}

/// Whether a key or variable of this name is likely to hold a secret, be it known to us, unknown or
/// misspelt (`tokn`).
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    const WORDS: [&str; 6] = ["token", "secret", "password", "passwd", "credential", "apikey"];
    let name = name.to_ascii_lowercase();
    let is_like =
        |part: &str| WORDS.iter().any(|word| strsim::damerau_levenshtein(part, word) <= 1);
    let mut parts = name.split(|c: char| !c.is_ascii_alphanumeric());
    WORDS.iter().any(|word| name.contains(word))
        || ["key-data", "key_data", "cert-data", "api-key", "api_key"]
            .iter()
            .any(|key| name.contains(key))
        || parts.any(is_like)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_written() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "*** *** Some(***)");
        assert_eq!(serde_json::to_string(&secret).expect("serializes"), r#""***""#);
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn what_looks_like_a_token_is_masked() {
        for (text, redacted) in [
            ("FlyV1 fm2_abc,fm2_def", "FlyV1 ***,fm2_***"),
            ("app: fm2_lJPECAAA+/=", "app: fm2_***"),
            ("'fo1_x' fm1r_y fm1a_z", "'fo1_***' fm1r_*** fm1a_***"),
            ("bearer s3cr3t rest", "bearer *** rest"),
            ("https://me:pw@host/x", "https://***@host/x"),
            ("https://host/x?apikey=s3cr3t&b=c rest", "https://host/x?*** rest"),
            ("https://me:pw@host?key=s3cr3t", "https://***@host?***"),
            ("sum(queue_depth)", "sum(queue_depth)"),
            ("fm2", "fm2"),
        ] {
            assert_eq!(redact(text), redacted);
        }
    }

    #[test]
    fn names_of_secrets() {
        for name in
            ["api-token", "FAS_PROMETHEUS_TOKEN", "tokn", "tokens", "MY_PASSWORD", "key-data"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["app-name", "query", "FAS_ORG", "metric-name", "by", "type"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
