//! What there is beside machines: apps, regions, releases.

use std::collections::BTreeSet;
use std::ops::Bound;

use serde::Serialize;
use serde_json::{Value, json};

use crate::model::{AppName, Catalog, Region, Timestamp};

use super::answer::{Answer, Outcome};
use super::app::App;
use super::call::Call;
use super::page::Window;
use super::random::hash;
use super::regions as places;
use super::spec::ReleaseSpec;
use super::world::World;

/// The most apps of one page (newer API description).
const MAX_APPS: usize = 5000;

impl World {
    /// The apps of an organization by their names: all of them, or with a limit page by page. Whatever may
    /// be due in them, it does not show here.
    pub(crate) fn app_list(&self, call: &Call, now: Timestamp) -> Outcome<Answer> {
        let slug =
            call.param("org_slug").ok_or_else(|| Answer::refuse(400, "org_slug is required"))?;
        let org = self.orgs.get(slug).ok_or_else(|| Answer::not_found("organization"))?;
        let is_paged = call.param("limit").is_some();
        if !is_paged && call.param("cursor").is_some() {
            return Err(Answer::refuse(400, "invalid_argument: cursor requires limit"));
        }
        let window = Window::of(call, usize::MAX, now)?;
        if is_paged && window.limit > MAX_APPS {
            return Err(Answer::refuse(400, "invalid_argument: limit is out of range"));
        }
        let start = window
            .after
            .as_ref()
            .map_or(Bound::Unbounded, |after| Bound::Excluded(AppName::new(after)));
        // Later pages have only what there was when the first was read.
        let apps = org
            .apps
            .range((start, Bound::Unbounded))
            .filter_map(|name| self.apps.get(name))
            .filter(|app| app.created_at <= window.begun);
        let page = window.cut(apps, |app| app.name.to_string());
        let body = AppPage {
            total_apps: org.apps.len(),
            apps: page.items.into_iter().map(AppView::of).collect(),
            next_cursor: page.next,
        };
        Ok(Answer::json(200, &body))
    }

    pub(crate) fn app_get(&mut self, call: &Call, now: Timestamp) -> Outcome<Answer> {
        Ok(Answer::json(200, &AppView::of(self.app_of(call, now)?)))
    }

    /// The REST form of an app's current release.
    pub(crate) fn release_current(&mut self, call: &Call, now: Timestamp) -> Outcome<Answer> {
        let app = self.app_of(call, now)?;
        let release = app.release.as_ref().ok_or_else(|| Answer::not_found("release"))?;
        let ReleaseSpec { version, status, created_at } = release;
        let body = json!({
            "id": format!("{}-release-{version}", app.name),
            "version": version,
            "stable": true,
            "in_progress": status == "running",
            "status": status,
            "strategy": "rolling",
            "user": { "id": "user-1", "email": "someone@example.com", "name": "Someone" },
            "created_at": created_at,
            "image_ref": app.config["image"],
        });
        Ok(Answer::json(200, &body))
    }
}

#[derive(Serialize)]
struct AppPage<'a> {
    total_apps: usize,
    apps: Vec<AppView<'a>>,
    /// In the body, other than the cursor of an app's machines; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct AppView<'a> {
    id: &'a AppName,
    internal_numeric_id: u64,
    name: &'a AppName,
    network: &'static str,
    status: &'static str,
    machine_count: usize,
    volume_count: usize,
    organization: OrgView<'a>,
}

#[derive(Serialize)]
struct OrgView<'a> {
    name: &'a str,
    slug: &'a str,
    internal_numeric_id: u64,
}

impl<'a> AppView<'a> {
    fn of(app: &'a App) -> Self {
        Self {
            id: &app.name,
            internal_numeric_id: hash(app.name.as_str()) % 10_000_000,
            name: &app.name,
            network: "default",
            status: if app.release.is_some() { "deployed" } else { "pending" },
            machine_count: app.present(),
            volume_count: app.volumes.len(),
            organization: OrgView {
                name: &app.org,
                slug: &app.org,
                internal_numeric_id: hash(&app.org) % 1_000_000,
            },
        }
    }
}

/// The regions that Fly offers: all of them, but for those that were `dropped`.
pub(crate) fn regions(dropped: &BTreeSet<Region>, deprecated: &BTreeSet<Region>) -> Answer {
    let rows: Vec<Value> = Catalog::builtin()
        .iter()
        .filter(|(code, _)| !dropped.contains(*code))
        .map(|(code, site)| {
            json!({
                "code": code,
                "name": site.name,
                "latitude": site.latitude,
                "longitude": site.longitude,
                "gateway_available": true,
                "requires_paid_plan": false,
                "deprecated": site.is_deprecated || deprecated.contains(code),
                "geo_region": places::geo_region(site),
            })
        })
        .collect();
    Answer::json(200, &json!({ "nearest": "lhr", "regions": rows }))
}
