//! An organization as a whole: its apps, and what changed among their machines.
//!
//! Source: the description of the Machines API (`Apps_list`, `Machines_org_list`). Both want a token of the
//! organization; a deploy token, which is for one app, is refused.

use std::cmp::max;
use std::collections::HashSet;
use std::sync::Arc;

use reqwest::Method;

use super::calls::with_query;
use super::client::{About, Call, FlyClient, PAGE_ANSWER};
use super::wire;
use crate::model::AppName;
use crate::ports::{ApiError, BoxFuture, ErrorClass, Operation, OrgChanges, Organization, Since};

/// Apps per page: the most that the API allows.
const APPS_PER_PAGE: &str = "5000";
/// A million apps: more than any organization has.
const MAX_APP_PAGES: usize = 200;
/// Machines per page: the most that the API allows.
const MACHINES_PER_PAGE: &str = "1000";
/// Pages that are read in one go: as many as Fly's limits let pass without waiting. What is left is read
/// the next time.
const PAGES_AT_ONCE: usize = 2;

/// One organization, seen through a client whose token covers it.
#[derive(Debug, Clone)]
pub struct OrgClient {
    fly: Arc<FlyClient>,
    slug: String,
}

impl OrgClient {
    /// The organization `slug`.
    #[must_use]
    pub fn new(fly: Arc<FlyClient>, slug: impl Into<String>) -> Self {
        Self { fly, slug: slug.into() }
    }

    fn call(&self, operation: Operation, segments: &[&str]) -> Result<Call<'_>, ApiError> {
        let mut call =
            self.fly.call(operation, Method::GET, About::Org(&self.slug), &self.slug, segments)?;
        call.body_limit = PAGE_ANSWER;
        Ok(call)
    }

    async fn all_apps(&self) -> Result<Vec<AppName>, ApiError> {
        let mut call = self.call(Operation::ListApps, &["v1", "apps"])?;
        let first = with_query(&call.url, &[("org_slug", &self.slug), ("limit", APPS_PER_PAGE)]);
        call.url = first.clone();
        let (mut apps, mut seen) = (Vec::new(), HashSet::new());
        for _ in 0..MAX_APP_PAGES {
            let answer = self.fly.make(&call).await?;
            let (page, next) = wire::org::apps(&answer.body)
                .map_err(|error| self.fly.unreadable(&call, &answer, &error.to_string()))?;
            apps.extend(page);
            let Some(cursor) = next else {
                apps.sort();
                apps.dedup();
                return Ok(apps);
            };
            call.url = with_query(&first, &[("cursor", &cursor)]);
            if !seen.insert(cursor) {
                break;
            }
        }
        let message = "the list of apps does not end".to_owned();
        Err(call.error(ErrorClass::Rejected, None, message))
    }

    async fn changed(&self, since: &Since) -> Result<OrgChanges, ApiError> {
        let mut call = self.call(Operation::ListOrg, &["v1", "orgs", &self.slug, "machines"])?;
        // Without those that are deleted, a machine that is gone would simply not be named.
        let same = [("include_deleted", "true"), ("limit", MACHINES_PER_PAGE)];
        let url = with_query(&call.url, &same);
        call.url = match since {
            Since::Time(after) => with_query(&url, &[("updated_after", &after.to_string())]),
            Since::Cursor(cursor) => with_query(&url, &[("cursor", cursor)]),
        };
        let mut changes = OrgChanges::default();
        for _ in 0..PAGES_AT_ONCE {
            let answer = self.fly.make(&call).await?;
            let page = wire::org::machines(&answer.body)
                .map_err(|error| self.fly.unreadable(&call, &answer, &error.to_string()))?;
            changes.machines.extend(page.machines);
            changes.error_regions = page.error_regions;
            changes.last = max(changes.last, page.last);
            changes.rest = page.rest;
            let Some(cursor) = &changes.rest else { break };
            call.url = with_query(&url, &[("cursor", cursor)]);
        }
        Ok(changes)
    }
}

impl Organization for OrgClient {
    fn slug(&self) -> &str {
        &self.slug
    }

    fn apps(&self) -> BoxFuture<'_, Result<Vec<AppName>, ApiError>> {
        Box::pin(self.all_apps())
    }

    fn changes<'a>(&'a self, since: &'a Since) -> BoxFuture<'a, Result<OrgChanges, ApiError>> {
        Box::pin(self.changed(since))
    }
}
