//! What there is beside the machines of one app: organizations, apps, regions, releases.

use serde_json::{Value, json};

use crate::model::{MachineState, Timestamp};

use super::answer::{Answer, Outcome};
use super::app::App;
use super::call::Call;
use super::machine::SimMachine;
use super::machines_api::Filter;
use super::page;
use super::random::hash;
use super::regions as places;
use super::spec::ReleaseSpec;
use super::world::World;

impl World {
    /// Every machine of an organization, in the order of their last change.
    pub(crate) fn org_machines(&mut self, call: &Call, now: Timestamp) -> Outcome<Answer> {
        let slug = call.org.as_deref().unwrap_or_default();
        let names = &self.orgs.get(slug).ok_or_else(|| Answer::not_found("organization"))?.apps;
        for name in names {
            if let Some(app) = self.apps.get_mut(name) {
                app.advance(now);
            }
        }
        let (lag, filter) = (self.rules.list_lag, Filter::of(call));
        let updated_after = call.param("updated_after").and_then(Timestamp::parse_rfc3339);
        let (is_summary, with_deleted) = (call.flag("summary"), call.flag("include_deleted"));
        let mut rows = Vec::new();
        for app in names.iter().filter_map(|name| self.apps.get(name)) {
            let machines = app
                .listed(now, lag, with_deleted)
                .filter(|(machine, state)| filter.admits(machine, state))
                .filter(|(machine, _)| {
                    updated_after.is_none_or(|after| machine.updated_at > after)
                });
            rows.extend(machines.map(|(machine, state)| {
                let key = format!("{:016}-{}", machine.updated_at.as_millis(), machine.id);
                (key, app, machine, state)
            }));
        }
        rows.sort_by(|one, other| one.0.cmp(&other.0));

        let page = page::cut(rows.into_iter(), |row| &row.0, call, self.rules.page_size, now)?;
        let machines: Vec<Value> = page
            .items
            .iter()
            .map(|(_, app, machine, state)| org_machine(app, machine, state, is_summary))
            .collect();
        let last = page.items.last().map(|(_, _, machine, _)| machine);
        let body = json!({
            "machines": machines,
            "next_cursor": page.next.unwrap_or_default(),
            "last_machine_id": last.map_or("", |machine| machine.id.as_str()),
            "last_updated_at": last.map(|machine| machine.updated_at.to_string()).unwrap_or_default(),
            "error_regions": [],
        });
        Ok(Answer::json(200, &body))
    }

    pub(crate) fn app_list(&mut self, call: &Call, now: Timestamp) -> Outcome<Answer> {
        let slug =
            call.param("org_slug").ok_or_else(|| Answer::refuse(400, "org_slug is required"))?;
        let org = self.orgs.get(slug).ok_or_else(|| Answer::not_found("organization"))?;
        let mut apps = Vec::with_capacity(org.apps.len());
        for name in &org.apps {
            if let Some(app) = self.apps.get_mut(name) {
                app.advance(now);
                apps.push(app_view(app));
            }
        }
        Ok(Answer::json(200, &json!({ "total_apps": apps.len(), "apps": apps })))
    }

    pub(crate) fn app_get(&mut self, call: &Call, now: Timestamp) -> Outcome<Answer> {
        Ok(Answer::json(200, &app_view(self.app_of(call, now)?)))
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

fn org_machine(app: &App, machine: &SimMachine, state: &MachineState, is_summary: bool) -> Value {
    let mut row = json!({
        "id": machine.id,
        "name": machine.name,
        "app_name": app.name,
        "state": state,
        "region": machine.region,
        "instance_id": machine.instance_id,
        "version": machine.instance_id,
        "private_ip": machine.private_ip(),
        "created_at": machine.created_at,
        "updated_at": machine.updated_at,
    });
    if !is_summary {
        // The overview has these three keys only: no standbys, no schedule, no services.
        let keys = ["guest", "image", "metadata"];
        let config = keys
            .iter()
            .filter_map(|key| Some(((*key).to_owned(), machine.config.get(key)?.clone())));
        row["config"] = Value::Object(config.collect());
    }
    row
}

fn app_view(app: &App) -> Value {
    let status = if app.release.is_some() { "deployed" } else { "pending" };
    json!({
        "id": app.name,
        "internal_numeric_id": hash(app.name.as_str()) % 10_000_000,
        "name": app.name,
        "network": "default",
        "status": status,
        "machine_count": app.present(),
        "volume_count": app.volumes.len(),
        "organization": {
            "name": app.org,
            "slug": app.org,
            "internal_numeric_id": hash(&app.org) % 1_000_000,
        },
    })
}

/// The regions that Fly offers.
pub(crate) fn regions() -> Answer {
    let rows: Vec<Value> = places::all()
        .map(|place| {
            json!({
                "code": place.code,
                "name": place.name,
                "latitude": place.latitude,
                "longitude": place.longitude,
                "gateway_available": true,
                "requires_paid_plan": false,
                "deprecated": false,
                "geo_region": place.geo_region(),
            })
        })
        .collect();
    Answer::json(200, &json!({ "nearest": "lhr", "regions": rows }))
}
