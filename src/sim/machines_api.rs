//! The Machines API: what each call about machines does and answers.

use serde_json::{Map, Value, json};

use crate::model::{MachineId, MachineState, Region, Timestamp};

use super::answer::{Answer, Outcome};
use super::app::App;
use super::call::{Call, Endpoint};
use super::machine::SimMachine;
use super::page::Window;
use super::regions;
use super::world::World;

impl World {
    pub(crate) fn list(&mut self, call: &Call, now: Timestamp) -> Outcome<Answer> {
        let (lag, page_size) = (self.rules.list_lag, self.rules.page_size);
        let app = self.app_of(call, now)?;
        let (filter, window) = (Filter::of(call), Window::of(call, page_size, now)?);
        let after = window.after.as_deref().unwrap_or_default();
        let machines = app
            .listed(now, lag, call.flag("include_deleted"))
            .filter(|(machine, state)| filter.admits(machine, state))
            .filter(|(machine, _)| machine.id.as_str() > after);
        let page = window.cut(machines, |(machine, _)| machine.id.to_string());
        let summary = call.flag("summary");
        let views: Vec<_> =
            page.items.iter().map(|(machine, state)| machine.view(state, summary)).collect();
        Ok(Answer { next_cursor: page.next, ..Answer::json(200, &views) })
    }

    pub(crate) fn create(&mut self, call: &Call, now: Timestamp) -> Outcome<Answer> {
        let config = call.body["config"].clone();
        if !config["image"].is_string() {
            return Err(Answer::refuse(400, "invalid_argument: config.image is required"));
        }
        let org = self.app_of(call, now)?.org.clone();
        let memory_mb = memory_mb(&config);
        let region = self.place_for(&call.body["region"], &org, &config, memory_mb)?;
        let app = self.app_of(call, now)?;
        app.check_mounts(&config, &region)?;

        let skip_launch = call.body["skip_launch"].as_bool().unwrap_or(false);
        let name = call.body["name"].as_str().filter(|name| !name.is_empty()).map(str::to_owned);
        let id = app.create(region.clone(), config.clone(), name, skip_launch, now);
        app.attach_mounts(&config, &id, now);
        let nonce = match call.body["lease_ttl"].as_u64() {
            Some(ttl) if ttl > 0 => {
                Some(app.lease(&id, std::time::Duration::from_secs(ttl), "", now)?)
            }
            _ => None,
        };
        let machine = app.machine(&id)?;
        let mut view = machine.view(&machine.state, false);
        view.nonce = nonce;
        let answer = Answer::json(200, &view);
        self.count_machine(&org, &region, memory_mb, true);
        Ok(answer)
    }

    /// The first of the regions asked for (one, or several separated by commas) that has room, or why
    /// the last has none.
    fn place_for(
        &self,
        asked: &Value,
        org: &str,
        config: &Value,
        memory_mb: u64,
    ) -> Outcome<Region> {
        let asked = asked.as_str().filter(|asked| !asked.is_empty()).unwrap_or("iad");
        let mut refusal = Answer::refuse(400, "invalid_argument: no region");
        for code in asked.split(',') {
            let region = Region::new(code.trim());
            match self.check_room(&region, org, config, memory_mb) {
                Ok(()) => return Ok(region),
                Err(why) => refusal = why,
            }
        }
        Err(refusal)
    }

    /// The refusals are Fly's, as third parties saw them: fly-api notes, 2.2.
    fn check_room(
        &self,
        region: &Region,
        org: &str,
        config: &Value,
        memory_mb: u64,
    ) -> Outcome<()> {
        if regions::find(region).is_none() {
            return Err(Answer::refuse(400, format!("invalid_argument: unknown region {region}")));
        }
        if let Some(Some(quota)) = self.orgs.get(org).map(|found| found.quota_mb) {
            let used = self.orgs[org].used_mb.get(region).copied().unwrap_or(0);
            if used + memory_mb > quota {
                return Err(Answer::refuse(
                    403,
                    format!(
                        "organization \"{org}\" is using {used} MB of memory in {region} which is over \
                         the allowed quota. please consider other regions"
                    ),
                ));
            }
        }
        let present = self.present.get(region).copied().unwrap_or(0);
        if self.capacity.get(region).is_none_or(|room| present < *room) {
            return Ok(());
        }
        let has_volume = config["mounts"].as_array().is_some_and(|mounts| !mounts.is_empty());
        Err(if has_volume {
            Answer::no_capacity(
                412,
                "insufficient resources to create new machine with existing volume",
            )
        } else {
            Answer::no_capacity(
                409,
                "aborted: could not reserve resource for machine: insufficient memory available to \
                 fulfill request",
            )
        })
    }

    pub(crate) fn destroy(&mut self, call: &Call, now: Timestamp) -> Outcome<Answer> {
        // The documentation says `force`, flyctl sends `kill`.
        let force = call.flag("force") || call.flag("kill");
        let app = self.app_of(call, now)?;
        let id = machine_of(call)?;
        app.check_lease(id, call.nonce.as_deref(), now)?;
        if app.destroy(id, force, now)? {
            let machine = app.machine(id)?;
            let (region, memory_mb) = (machine.region.clone(), memory_mb(&machine.config));
            let org = app.org.clone();
            self.count_machine(&org, &region, memory_mb, false);
        }
        Ok(Answer::ok())
    }
}

impl App {
    /// The calls that concern nothing outside the app.
    pub(crate) fn dispatch(&mut self, call: &Call, now: Timestamp) -> Outcome<Answer> {
        match call.endpoint {
            Endpoint::VolumeCreate => return self.volume_create(call, now),
            Endpoint::VolumeGet => return self.volume_get(item_of(call)),
            Endpoint::VolumeDelete => return self.volume_delete(item_of(call)),
            _ => {}
        }
        let id = machine_of(call)?;
        match call.endpoint {
            Endpoint::LeaseGet => return self.read_lease(id, now),
            Endpoint::LeaseAcquire => return self.acquire_lease(id, call, now),
            Endpoint::LeaseRelease => return self.release_lease(id, call, now),
            _ => {}
        }
        if call.endpoint.is_write() {
            self.check_lease(id, call.nonce.as_deref(), now)?;
        }
        match call.endpoint {
            Endpoint::Start => {
                let previous = self.start(id, now)?.previous;
                Ok(Answer::json(
                    200,
                    &json!({ "previous_state": previous, "migrated": false, "new_host": "" }),
                ))
            }
            // The one malformed body of which the service's own words are known.
            Endpoint::Stop if call.body.is_array() => {
                let text = "json: cannot unmarshal array into Go value of type main.stopRequest";
                Err(Answer::refuse(400, text))
            }
            Endpoint::Stop => self.stop(id, now).map(|()| Answer::ok()),
            Endpoint::Suspend => self.suspend(id, now).map(|()| Answer::ok()),
            Endpoint::Cordon | Endpoint::Uncordon => {
                self.machine_mut(id)?.cordoned = call.endpoint == Endpoint::Cordon;
                Ok(Answer::ok())
            }
            Endpoint::Wait => self.wait(id, call),
            Endpoint::Events => {
                let limit = call.param("limit").and_then(|limit| limit.parse().ok()).unwrap_or(20);
                Ok(Answer::json(200, &self.machine(id)?.events(limit)))
            }
            Endpoint::MetadataList => Ok(Answer::json(200, self.metadata(id)?)),
            Endpoint::MetadataGet => match self.metadata(id)?.get(item_of(call)) {
                Some(value) => Ok(Answer::json(200, &json!({ "value": value }))),
                None => Err(Answer::not_found("metadata key")),
            },
            Endpoint::MetadataMerge => self.merge_metadata(id, call, now),
            Endpoint::MetadataSet => {
                let Some(value) = call.body["value"].as_str() else {
                    return Err(Answer::refuse(400, "invalid_argument: value is required"));
                };
                let change = (item_of(call).to_owned(), Value::from(value));
                self.change_metadata(id, [change], now)
            }
            Endpoint::MetadataDelete => {
                self.change_metadata(id, [(item_of(call).to_owned(), Value::Null)], now)
            }
            _ => {
                let machine = self.machine(id)?;
                Ok(Answer::json(200, &machine.view(&machine.state, false)))
            }
        }
    }

    /// Answers at once: the simulated wait does not wait.
    fn wait(&self, id: &MachineId, call: &Call) -> Outcome<Answer> {
        let machine = self.machine(id)?;
        let wanted: Vec<&str> = call
            .query
            .iter()
            .filter(|(key, _)| key == "state")
            .flat_map(|(_, value)| value.split(','))
            .collect();
        let wanted = if wanted.is_empty() { vec!["started"] } else { wanted };
        const POSSIBLE: [&str; 6] =
            ["started", "stopped", "suspended", "destroyed", "failed", "settled"];
        if let Some(state) = wanted.iter().find(|state| !POSSIBLE.contains(state)) {
            return Err(Answer::refuse(
                400,
                format!("invalid_argument: cannot wait for state {state}"),
            ));
        }
        let state = machine.state.as_str();
        let is_settled = POSSIBLE[..5].contains(&state);
        if wanted.contains(&state) || (wanted.contains(&"settled") && is_settled) {
            let (version, event_id) = (&machine.instance_id, machine.last_event_id());
            let body =
                json!({ "ok": true, "state": state, "version": version, "event_id": event_id });
            return Ok(Answer::json(200, &body));
        }
        let wanted = wanted.join(",");
        Err(Answer::refuse(
            408,
            format!(
                "deadline_exceeded: machine failed to reach desired state, {wanted}, currently {state}"
            ),
        ))
    }

    fn metadata(&self, id: &MachineId) -> Outcome<&Value> {
        const NONE: &Value = &Value::Null;
        Ok(self.machine(id)?.config.get("metadata").unwrap_or(NONE))
    }

    fn merge_metadata(&mut self, id: &MachineId, call: &Call, now: Timestamp) -> Outcome<Answer> {
        let current = &self.machine(id)?.instance_id;
        let expected = call.body["machine_version"].as_str();
        if expected.is_some_and(|version| version != current) {
            return Err(Answer::precondition("machine version does not match the current version"));
        }
        let Some(changes) = call.body["metadata"].as_object() else {
            return Err(Answer::refuse(400, "invalid_argument: metadata is required"));
        };
        self.change_metadata(id, changes.clone(), now)
    }

    /// Null and empty text remove a key. No new version of the machine comes of it.
    fn change_metadata(
        &mut self,
        id: &MachineId,
        changes: impl IntoIterator<Item = (String, Value)>,
        now: Timestamp,
    ) -> Outcome<Answer> {
        let machine = self.machine_mut(id)?;
        let config = std::sync::Arc::make_mut(&mut machine.config);
        if !config["metadata"].is_object() {
            config["metadata"] = Value::Object(Map::new());
        }
        if let Some(metadata) = config["metadata"].as_object_mut() {
            for (key, value) in changes {
                match value {
                    Value::Null => metadata.remove(&key),
                    Value::String(text) if text.is_empty() => metadata.remove(&key),
                    value => metadata.insert(key, value),
                };
            }
        }
        machine.updated_at = now;
        Ok(Answer::no_content())
    }
}

/// Which machines a list is asked for.
pub(crate) struct Filter<'a> {
    states: Vec<&'a str>,
    region: Option<&'a str>,
    metadata: Vec<(&'a str, &'a str)>,
}

impl<'a> Filter<'a> {
    pub(crate) fn of(call: &'a Call) -> Self {
        let states =
            call.param("state").map(|states| states.split(',').collect()).unwrap_or_default();
        let metadata = call
            .query
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix("metadata.")?, value.as_str())));
        Self { states, region: call.param("region"), metadata: metadata.collect() }
    }

    pub(crate) fn admits(&self, machine: &SimMachine, state: &MachineState) -> bool {
        (self.states.is_empty() || self.states.contains(&state.as_str()))
            && self.region.is_none_or(|region| region == machine.region.as_str())
            && self.metadata.iter().all(|(key, value)| machine.metadata(key) == Some(value))
    }
}

/// The memory of a machine of that config. Fly's smallest machine has 256 MB.
pub(crate) fn memory_mb(config: &Value) -> u64 {
    config["guest"]["memory_mb"].as_u64().unwrap_or(256)
}

fn machine_of(call: &Call) -> Outcome<&MachineId> {
    call.machine.as_ref().ok_or_else(|| Answer::not_found("machine"))
}

fn item_of(call: &Call) -> &str {
    call.item.as_deref().unwrap_or_default()
}
