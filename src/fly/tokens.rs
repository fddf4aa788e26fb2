//! What Fly says of the token that is in use: `GET /v1/tokens/current`.
//!
//! Asked once at start, so that a token of another app is known for what it is before the first call that
//! fails. Source: the description of the Machines API (`CurrentToken_show`).

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::client::{About, FlyClient};
use super::coverage::{TokenApps, TokenInfo, TokenWarning, coverage};
use crate::model::{AppName, AppSelection, MachineId};
use crate::ports::{ApiError, Operation};

impl FlyClient {
    /// What speaks against scaling `apps` of the organization `org` with this client's token.
    ///
    /// # Errors
    ///
    /// Where Fly does not tell. That says nothing about the token; one that Fly refuses is no error but
    /// [`TokenWarning::Refused`].
    pub async fn check_token(
        &self,
        apps: &AppSelection,
        org: Option<&str>,
    ) -> Result<Vec<TokenWarning>, ApiError> {
        match self.current_token(apps).await {
            Ok(tokens) => Ok(coverage(&tokens, apps, org)),
            Err(error) if error.status == Some(401) => Ok(vec![TokenWarning::Refused(error)]),
            Err(error) => Err(error),
        }
    }

    /// What Fly says of this client's tokens. `apps` is what they are wanted for, which errors name.
    ///
    /// Fly tells of macaroons only, so without one nothing is asked and nothing known.
    pub async fn current_token(&self, apps: &AppSelection) -> Result<Vec<TokenInfo>, ApiError> {
        if !self.has_macaroons() {
            return Ok(Vec::new());
        }
        let segments = ["v1", "tokens", "current"];
        let (about, subject) = match apps {
            AppSelection::One(app) => (About::App(app), app.as_str()),
            AppSelection::Matching { org, .. } => (About::Org(org), org.as_str()),
        };
        let call = self.call(Operation::CurrentToken, Method::GET, about, subject, &segments)?;
        let answer = self.make(&call).await?;
        let redact = |text: &str| self.redact(text);
        tokens(&answer.body, redact)
            .map_err(|error| self.unreadable(&call, &answer, &error.to_string()))
    }
}

/// Reads the answer; its texts go through `redact`. Of each token, what is missing, new, or of another
/// type than described is unknown.
fn tokens(
    body: &[u8],
    redact: impl Fn(&str) -> String,
) -> Result<Vec<TokenInfo>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Answer {
        // `null` is Go's way to write an empty list; an answer without the key is another one.
        #[serde(deserialize_with = "Option::deserialize")]
        tokens: Option<Vec<Value>>,
    }
    let answer: Answer = serde_json::from_slice(body)?;
    let tokens = answer.tokens.unwrap_or_default();
    Ok(tokens.iter().map(|token| info(token, &redact)).collect())
}

fn info(token: &Value, redact: &impl Fn(&str) -> String) -> TokenInfo {
    let text = |key| {
        let text = token.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.map(redact)
    };
    TokenInfo {
        org: text("org_slug"),
        apps: apps(token.get("apps"), redact),
        only_on: text("restricted_to_machine").map(MachineId::new),
        asked_from: text("source_machine_id").map(MachineId::new),
    }
}

/// The apps that a token is confined to. Described as texts; whether Fly writes names there or numbers
/// (which is what tokens themselves hold) is not.
fn apps(apps: Option<&Value>, redact: &impl Fn(&str) -> String) -> TokenApps {
    let entries = match apps {
        None | Some(Value::Null) => return TokenApps::All,
        Some(Value::Array(entries)) if entries.is_empty() => return TokenApps::All,
        Some(Value::Array(entries)) => entries,
        Some(_) => return TokenApps::Unnamed,
    };
    let name = |entry: &Value| {
        let name = entry.as_str().or_else(|| entry.get("name")?.as_str())?;
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
        (!is_number).then(|| AppName::new(redact(name)))
    };
    // With one that has no name, nothing can be said of what is not among the others.
    match entries.iter().map(name).collect() {
        Some(names) => TokenApps::Only(names),
        None => TokenApps::Unnamed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<TokenInfo> {
        tokens(text.as_bytes(), str::to_owned).expect(text)
    }

    #[test]
    fn a_token_is_read_as_described() {
        let text = r#"{"tokens": [{"token_id": "t1", "organization": "123", "org_slug": "acme",
            "apps": ["web", "api"], "user": "u1", "restricted_to_machine": "m1",
            "source_machine_id": "m2"}]}"#;
        let want = TokenInfo {
            org: Some("acme".to_owned()),
            apps: TokenApps::Only(vec![AppName::new("web"), AppName::new("api")]),
            only_on: Some(MachineId::new("m1")),
            asked_from: Some(MachineId::new("m2")),
        };
        assert_eq!(read(text), [want]);
    }

    #[test]
    fn what_is_not_said_is_unknown() {
        let nothing =
            TokenInfo { org: None, apps: TokenApps::All, only_on: None, asked_from: None };
        let empty =
            r#"{"org_slug": "", "apps": [], "restricted_to_machine": "", "source_machine_id": ""}"#;
        let odd = r#"{"org_slug": 7, "apps": null, "restricted_to_machine": {}, "new": 1}"#;
        for token in ["{}", empty, odd, "null", "7"] {
            assert_eq!(
                read(&format!(r#"{{"tokens": [{token}]}}"#)),
                std::slice::from_ref(&nothing),
                "{token}"
            );
        }
        for none in [r#"{"tokens": null}"#, r#"{"tokens": []}"#] {
            assert_eq!(read(none), [], "{none}");
        }
    }

    #[test]
    fn apps_have_names_or_cannot_be_compared() {
        let only = |names: &[&str]| TokenApps::Only(names.iter().map(AppName::new).collect());
        let table = [
            (r#"["web"]"#, only(&["web"])),
            (r#"[{"name": "web", "id": 7}, "api"]"#, only(&["web", "api"])),
            (r#"["1234"]"#, TokenApps::Unnamed),
            (r#"["web", 1234]"#, TokenApps::Unnamed),
            (r#"[{"id": 7}]"#, TokenApps::Unnamed),
            (r#"{"1234": 31}"#, TokenApps::Unnamed),
            (r#""web""#, TokenApps::Unnamed),
            ("[]", TokenApps::All),
        ];
        for (text, want) in table {
            let value: Value = serde_json::from_str(text).expect(text);
            assert_eq!(apps(Some(&value), &str::to_owned), want, "{text}");
        }
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for text in ["", "7", "{}", r#"{"tokens": 7}"#] {
            assert!(tokens(text.as_bytes(), str::to_owned).is_err(), "{text}");
        }
    }
}
