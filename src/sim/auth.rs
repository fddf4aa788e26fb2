//! Tokens: which the simulator accepts, and for what.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::model::AppName;

use super::answer::{Answer, Outcome};
use super::call::{Call, Endpoint};

/// A token that the simulator accepts.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token as clients configure it, without a scheme.
    pub secret: SecretString,
    /// What it is good for.
    pub access: Access,
}

/// What a token is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// All apps of the organization of that slug (`fly tokens create org`).
    Org(String),
    /// One app (`fly tokens create deploy`).
    App(AppName),
    /// All apps of the organization of that slug, to be read only (`fly tokens create readonly`).
    ReadOnly(String),
}

/// Lets a call pass, or refuses it. `org` is the organization that the call is about, where it is about
/// one.
pub(crate) fn authorize(tokens: &[Token], call: &Call, org: Option<&str>) -> Outcome<()> {
    // Scrapers have no token, and without configured ones everybody may do everything.
    if tokens.is_empty() || call.endpoint == Endpoint::Metrics {
        return Ok(());
    }
    match find(tokens, call) {
        None => Err(unknown(call)),
        Some(token) if token.access.allows(call, org) => Ok(()),
        Some(_) => Err(Answer::refuse(403, "unauthorized")),
    }
}

/// What `GET /v1/tokens/current` says.
pub(crate) fn current(tokens: &[Token], call: &Call) -> Answer {
    let info = find(tokens, call).map(|token| {
        let (org, apps) = match &token.access {
            Access::Org(org) | Access::ReadOnly(org) => (org.as_str(), Vec::new()),
            Access::App(app) => ("", vec![app.clone()]),
        };
        json!({
            "token_id": "00000000-0000-4000-8000-000000000001",
            "organization": org, "org_slug": org, "apps": apps, "user": "",
            "restricted_to_machine": "", "source_machine_id": "",
        })
    });
    Answer::json(200, &json!({ "tokens": info.into_iter().collect::<Vec<_>>() }))
}

fn find<'a>(tokens: &'a [Token], call: &Call) -> Option<&'a Token> {
    let header = call.authorization.as_deref()?.trim();
    let sent = ["FlyV1 ", "Bearer "].iter().find_map(|scheme| {
        let (head, rest) = header.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some(rest.trim())
    })?;
    tokens.iter().find(|token| token.secret.expose_secret() == sent)
}

fn unknown(call: &Call) -> Answer {
    if matches!(call.endpoint, Endpoint::PrometheusQuery | Endpoint::PrometheusQueryRange) {
        Answer::text(401, "something went wrong resolving organization")
    } else {
        Answer::json(401, &json!({ "error": "Authenticate: token validation error" }))
    }
}

impl Access {
    fn allows(&self, call: &Call, org: Option<&str>) -> bool {
        match self {
            Self::Org(own) => org.is_none_or(|org| org == own),
            Self::ReadOnly(own) => org.is_none_or(|org| org == own) && !call.endpoint.is_write(),
            Self::App(own) => match call.endpoint {
                Endpoint::TokenCurrent | Endpoint::Regions => true,
                _ => call.app.as_ref() == Some(own),
            },
        }
    }
}
