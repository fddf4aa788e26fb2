//! The three GraphQL queries that an autoscaler sends: an organization by its slug, the apps of one, and
//! an app's current release.
//!
//! This is no GraphQL server: it recognizes the root field and answers with every field it knows. It
//! does refuse names that Fly's schema lacks, so that a misspelt query fails here as it would there.

use std::ops::Bound;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use crate::model::AppName;

use super::answer::Answer;
use super::app::App;
use super::call::Call;
use super::random::hash;
use super::world::World;

/// How many apps one page has; flyctl asks for as many.
const PAGE: usize = 200;

/// All names that the queries may contain: keywords, types, arguments and fields.
const KNOWN: &str = "query String ID Int Boolean \
    app apps organization name slug rawSlug org role after first type organizationId appName \
    internalNumericId billable pageInfo hasNextPage endCursor nodes deployed hostname \
    platformVersion currentRelease currentReleaseUnprocessed status id version description reason \
    imageRef stable user email createdAt inProgress deploymentStrategy evaluationId updatedAt \
    limitedAccessTokens expiresAt revokedAt __typename";

static QUOTED: LazyLock<Regex> = LazyLock::new(|| pattern(r#""[^"]*""#));
static HEAD: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*query\s+\w+"));
static NAME: LazyLock<Regex> = LazyLock::new(|| pattern(r"[_A-Za-z]\w*"));
static ROOT: LazyLock<Regex> = LazyLock::new(|| pattern(r"\{\s*(\w+)\s*\("));

#[allow(clippy::expect_used, reason = "the patterns are constants, and a test uses each")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a valid pattern")
}

impl World {
    pub(crate) fn graphql(&mut self, call: &Call) -> Answer {
        let text = call.body["query"].as_str().unwrap_or_default();
        let bare = QUOTED.replace_all(text, "");
        let bare = HEAD.replace(&bare, "query");
        if let Some(name) = NAME
            .find_iter(&bare)
            .find(|name| !KNOWN.split_whitespace().any(|known| known == name.as_str()))
        {
            return failed(
                &format!("Field '{}' doesn't exist", name.as_str()),
                "undefinedField",
                "",
            );
        }
        let variables = &call.body["variables"];
        match ROOT.captures(&bare).as_ref().map(|found| &found[1]) {
            Some("organization") => self.organization(variables),
            Some("apps") => self.apps_page(variables),
            Some("app") => self.app_release(variables),
            _ => failed("Parse error on the query", "PARSE_ERROR", ""),
        }
    }

    fn organization(&self, variables: &Value) -> Answer {
        let slug = variables["slug"].as_str().unwrap_or_default();
        if !self.orgs.contains_key(slug) {
            return failed("Could not find Organization", "NOT_FOUND", "organization");
        }
        data(&json!({ "organization": {
            "id": org_id(slug), "internalNumericId": (hash(slug) % 1_000_000).to_string(),
            "slug": slug, "rawSlug": slug, "name": slug, "type": "SHARED", "billable": true,
            "limitedAccessTokens": { "nodes": [] },
        }}))
    }

    fn apps_page(&self, variables: &Value) -> Answer {
        let id = ["org", "organizationId"].iter().find_map(|key| variables[*key].as_str());
        let org = self.orgs.iter().find(|(slug, _)| Some(org_id(slug).as_str()) == id);
        let Some((_, org)) = org else {
            return failed("Could not find Organization", "NOT_FOUND", "apps");
        };
        let after = variables["after"].as_str().unwrap_or_default();
        let range = (Bound::Excluded(AppName::new(after)), Bound::Unbounded);
        let mut names = org.apps.range(range);
        let page: Vec<&AppName> = names.by_ref().take(PAGE).collect();
        let apps = page.iter().filter_map(|name| self.apps.get(*name)).map(app_node);
        data(&json!({ "apps": {
            "pageInfo": {
                "hasNextPage": names.next().is_some(),
                "endCursor": page.last().map_or("", |name| name.as_str()),
            },
            "nodes": apps.collect::<Vec<_>>(),
        }}))
    }

    fn app_release(&self, variables: &Value) -> Answer {
        let name = ["appName", "name"].iter().find_map(|key| variables[*key].as_str());
        match name.and_then(|name| self.apps.get(name)) {
            Some(app) => data(&json!({ "app": app_node(app) })),
            None => failed("Could not find App", "NOT_FOUND", "app"),
        }
    }
}

fn app_node(app: &App) -> Value {
    let release = app.release.as_ref().map(|release| {
        json!({
            "id": format!("{}-release-{}", app.name, release.version),
            "version": release.version,
            "description": "Release",
            "reason": "",
            "status": release.status,
            "inProgress": release.status == "running",
            "imageRef": app.config["image"],
            "stable": true,
            "deploymentStrategy": "ROLLING",
            "user": { "id": "user-1", "email": "someone@example.com", "name": "Someone" },
            "createdAt": release.created_at,
            "updatedAt": release.created_at,
        })
    });
    json!({
        "id": app.name,
        "name": app.name,
        "deployed": app.release.is_some(),
        "hostname": format!("{}.fly.dev", app.name),
        "platformVersion": "machines",
        "status": if app.release.is_some() { "deployed" } else { "pending" },
        "organization": { "id": org_id(&app.org), "slug": app.org, "name": app.org },
        "currentRelease": release,
    })
}

fn org_id(slug: &str) -> String {
    format!("{:014x}", hash(slug) >> 8)
}

fn data(data: &Value) -> Answer {
    Answer::json(200, &json!({ "data": data }))
}

fn failed(message: &str, code: &str, field: &str) -> Answer {
    let mut error = json!({ "message": message, "extensions": { "code": code } });
    let mut body = json!({ "data": null });
    if !field.is_empty() {
        error["path"] = json!([field]);
        body["data"] = json!({ field: null });
    }
    body["errors"] = json!([error]);
    Answer::json(200, &body)
}
