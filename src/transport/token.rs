//! Fly's tokens, and which of them go where under which scheme.
//!
//! A token is one or several texts with commas between. A macaroon begins with `fm2_`, `fm1r_` or
//! `fm1a_`; everything else is a user token or foreign. The rules follow fly-go (`tokens/tokens.go`,
//! and `format.go` of superfly/macaroon).

use std::fmt;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// Prefixes of macaroons: v2, permission, discharge.
const MACAROONS: [&str; 3] = ["fm2_", "fm1r_", "fm1a_"];
/// Prefixes of anything that Fly's own tokens look like, for finding one in a text.
const RECOGNISABLE: [&str; 4] = ["fm2_", "fm1r_", "fm1a_", "fo1_"];
/// Shorter texts are not cut out of messages.
const SHORTEST_SECRET: usize = 6;
/// What stands for a token in a text.
const REDACTED: &str = "[token]";

/// Who gets the token. Each wants another part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The Machines API: macaroons only if there are any, otherwise the user tokens.
    Machines,
    /// Fly's GraphQL: macaroons, then user tokens.
    GraphQl,
    /// A Prometheus, Fly's or not: macaroons only if there are any, otherwise the text as it is.
    Prometheus,
}

/// Why a token cannot be used. Never says what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Nothing is left once scheme words and spaces are gone.
    #[error("the token is empty")]
    Empty,
    /// It cannot be the value of a header.
    #[error(
        "the token holds a space, a line break or another character that no token has; was it pasted whole?"
    )]
    Unprintable,
}

/// A token, taken apart once.
pub struct Token {
    macaroons: Vec<SecretString>,
    users: Vec<SecretString>,
    /// Without the scheme words.
    whole: SecretString,
    /// It was written with `FlyV1` in front.
    is_fly: bool,
}

impl Token {
    /// Takes `text` apart: `Bearer` and `FlyV1` in front are dropped, as often as they occur.
    pub fn parse(text: &SecretString) -> Result<Self, TokenError> {
        let (whole, is_fly) = strip_schemes(text.expose_secret());
        let parts = || whole.split(',').map(str::trim).filter(|part| !part.is_empty());
        if parts().next().is_none() {
            return Err(TokenError::Empty);
        }
        if parts().any(|part| !part.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(TokenError::Unprintable);
        }
        let is_macaroon = |part: &&str| MACAROONS.iter().any(|prefix| part.starts_with(prefix));
        let (macaroons, users): (Vec<&str>, Vec<&str>) = parts().partition(is_macaroon);
        let secret = |parts: Vec<&str>| parts.into_iter().map(SecretString::from).collect();
        Ok(Self {
            macaroons: secret(macaroons),
            users: secret(users),
            whole: SecretString::from(whole),
            is_fly,
        })
    }

    /// The value of the `Authorization` header for `audience`, marked as sensitive.
    pub fn authorization(&self, audience: Audience) -> Result<HeaderValue, TokenError> {
        let has_macaroons = self.has_macaroons();
        let parts: Vec<&SecretString> = match audience {
            Audience::GraphQl => self.macaroons.iter().chain(&self.users).collect(),
            _ if has_macaroons => self.macaroons.iter().collect(),
            Audience::Machines => self.users.iter().collect(),
            // Not ours to take apart: a foreign token may have commas of its own.
            Audience::Prometheus => vec![&self.whole],
        };
        // `FlyV1 something` is passed on as it is to a Prometheus: whoever wrote it knows the scheme.
        let is_fly = has_macaroons || (self.is_fly && audience == Audience::Prometheus);
        let mut value = String::from(if is_fly { "FlyV1 " } else { "Bearer " });
        for (index, part) in parts.into_iter().enumerate() {
            if index > 0 {
                value.push(',');
            }
            value.push_str(part.expose_secret());
        }
        let mut header = HeaderValue::try_from(value).map_err(|_| TokenError::Unprintable)?;
        header.set_sensitive(true);
        Ok(header)
    }

    /// Whether any part of it is a macaroon, which is what `fly tokens create` makes.
    #[must_use]
    pub fn has_macaroons(&self) -> bool {
        !self.macaroons.is_empty()
    }

    /// `text` without this token and without anything else that looks like a token of Fly's: a
    /// server may repeat in its answer what it was sent.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for part in self.macaroons.iter().chain(&self.users).map(ExposeSecret::expose_secret) {
            // A text this short is no secret, and cutting it out could make a message unreadable.
            if part.len() >= SHORTEST_SECRET {
                clean = clean.replace(part, REDACTED);
            }
        }
        redact_recognisable(&clean)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([redacted])")
    }
}

/// The text behind `Bearer` and `FlyV1` in any order and case, and whether `FlyV1` was among them.
fn strip_schemes(text: &str) -> (&str, bool) {
    let mut rest = text.trim();
    let mut is_fly = false;
    while !rest.is_empty() {
        // A scheme by itself is no token.
        let (word, tail) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if word.eq_ignore_ascii_case("flyv1") {
            is_fly = true;
        } else if !word.eq_ignore_ascii_case("bearer") {
            break;
        }
        rest = tail.trim_start();
    }
    (rest, is_fly)
}

/// `text` with every word that begins like a token of Fly's replaced.
fn redact_recognisable(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let found = RECOGNISABLE.iter().filter_map(|prefix| rest.find(prefix)).min();
        let Some(start) = found else {
            clean.push_str(rest);
            return clean;
        };
        clean.push_str(&rest[..start]);
        clean.push_str(REDACTED);
        let token = &rest[start..];
        let is_part =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '/' | '=');
        rest = &token[token.find(|c| !is_part(c)).unwrap_or(token.len())..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_audience_gets_its_part_under_its_scheme() {
        // token | Machines API | GraphQL | Prometheus
        let table = [
            // Macaroons: bare, under either scheme, one or several, of each kind.
            ("fm2_a", "FlyV1 fm2_a", "FlyV1 fm2_a", "FlyV1 fm2_a"),
            ("FlyV1 fm2_a", "FlyV1 fm2_a", "FlyV1 fm2_a", "FlyV1 fm2_a"),
            ("Bearer fm2_a", "FlyV1 fm2_a", "FlyV1 fm2_a", "FlyV1 fm2_a"),
            ("fm1r_a", "FlyV1 fm1r_a", "FlyV1 fm1r_a", "FlyV1 fm1r_a"),
            ("fm2_a,fm2_b", "FlyV1 fm2_a,fm2_b", "FlyV1 fm2_a,fm2_b", "FlyV1 fm2_a,fm2_b"),
            ("FlyV1 fm2_a,fm2_b\n", "FlyV1 fm2_a,fm2_b", "FlyV1 fm2_a,fm2_b", "FlyV1 fm2_a,fm2_b"),
            (
                "bearer FLYV1 Bearer fm1r_a , fm1a_b,",
                "FlyV1 fm1r_a,fm1a_b",
                "FlyV1 fm1r_a,fm1a_b",
                "FlyV1 fm1r_a,fm1a_b",
            ),
            (
                "fm2_a+/b==,\tfm2_c",
                "FlyV1 fm2_a+/b==,fm2_c",
                "FlyV1 fm2_a+/b==,fm2_c",
                "FlyV1 fm2_a+/b==,fm2_c",
            ),
            // Users' tokens: with the prefix, and those of old without any.
            ("fo1_u", "Bearer fo1_u", "Bearer fo1_u", "Bearer fo1_u"),
            ("bearer\tfo1_u ", "Bearer fo1_u", "Bearer fo1_u", "Bearer fo1_u"),
            ("FlyV1 fo1_u", "Bearer fo1_u", "Bearer fo1_u", "FlyV1 fo1_u"),
            ("old-token", "Bearer old-token", "Bearer old-token", "Bearer old-token"),
            ("FM2_a", "Bearer FM2_a", "Bearer FM2_a", "Bearer FM2_a"),
            ("Bearer u1,u2", "Bearer u1,u2", "Bearer u1,u2", "Bearer u1,u2"),
            // Mixed.
            ("fo1_u,fm2_a", "FlyV1 fm2_a", "FlyV1 fm2_a,fo1_u", "FlyV1 fm2_a"),
            (
                "FlyV1 fm2_a,u1,fm1a_b,fo1_u",
                "FlyV1 fm2_a,fm1a_b",
                "FlyV1 fm2_a,fm1a_b,u1,fo1_u",
                "FlyV1 fm2_a,fm1a_b",
            ),
            // Foreign.
            ("FlyV1 other", "Bearer other", "Bearer other", "FlyV1 other"),
            ("eyJ.b,=c", "Bearer eyJ.b,=c", "Bearer eyJ.b,=c", "Bearer eyJ.b,=c"),
        ];
        for (text, machines, graphql, prometheus) in table {
            let token = Token::parse(&SecretString::from(text)).expect(text);
            for (audience, want) in [
                (Audience::Machines, machines),
                (Audience::GraphQl, graphql),
                (Audience::Prometheus, prometheus),
            ] {
                assert_eq!(token.has_macaroons(), machines.starts_with("FlyV1"), "{text}");
                let header = token.authorization(audience).expect(text);
                assert_eq!(header.to_str().expect(text), want, "{audience:?}");
                assert!(header.is_sensitive());
            }
        }
    }

    #[test]
    fn what_is_no_token_is_refused_without_being_repeated() {
        let table = [
            ("", "the token is empty"),
            (" , ,", "the token is empty"),
            ("FlyV1", "the token is empty"),
            ("Bearer FlyV1 \n", "the token is empty"),
            (
                "fm2_a\nfm2_b",
                "the token holds a space, a line break or another character that no token has; was it pasted whole?",
            ),
            (
                "tokén",
                "the token holds a space, a line break or another character that no token has; was it pasted whole?",
            ),
        ];
        for (text, want) in table {
            let error = Token::parse(&SecretString::from(text)).expect_err(text);
            assert_eq!(error.to_string(), want);
        }
    }

    #[test]
    fn a_token_is_cut_out_of_what_a_server_says() {
        let token = Token::parse(&SecretString::from("fm2_abc,secret")).expect("a token");
        assert_eq!(
            token.redact("bad token 'fm2_abc' or secret, not fo1_other+/=."),
            "bad token '[token]' or [token], not [token]."
        );
        assert_eq!(format!("{token:?}"), "Token([redacted])");
    }
}
