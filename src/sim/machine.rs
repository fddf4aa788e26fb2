//! One simulated machine: its states, what comes next, and how the API shows it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::model::{HostStatus, MachineId, MachineState, Region, Timestamp};

use super::random::{Random, hash};

/// How long machines take. Give or take [`Timings::jitter`], by the seed.
///
/// Source: fly-api notes, section 7 ("Times") and 1.4; the defaults are Fly's ordinary values.
#[derive(Debug, Clone, Copy)]
pub struct Timings {
    /// From create until the image is there: the machine is `created`.
    pub pull: Duration,
    /// From `starting` to `started`.
    pub boot: Duration,
    /// From `starting` to `started` for a suspended machine.
    pub resume: Duration,
    /// From `stopping` to `stopped`.
    pub stop: Duration,
    /// From `suspending` to `suspended`.
    pub suspend: Duration,
    /// From `destroying` to `destroyed`.
    pub destroy: Duration,
    /// How long lists still show a destroyed machine.
    pub linger: Duration,
    /// The largest deviation of each, as a fraction of it.
    pub jitter: f64,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            pull: Duration::from_secs(6),
            boot: Duration::from_secs(2),
            resume: Duration::from_millis(500),
            stop: Duration::from_secs(2),
            suspend: Duration::from_secs(2),
            destroy: Duration::from_secs(2),
            linger: Duration::from_secs(5),
            jitter: 0.15,
        }
    }
}

/// What happens to a machine by itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    Enter(MachineState),
    /// It has been gone for so long that not even its id is known.
    Forget,
}

/// A lease as its holder got it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HeldLease {
    pub(crate) nonce: String,
    pub(crate) owner: String,
    pub(crate) description: String,
    pub(crate) expires_at: Timestamp,
}

#[derive(Debug)]
pub(crate) struct SimMachine {
    pub(crate) id: MachineId,
    pub(crate) name: String,
    pub(crate) region: Region,
    pub(crate) state: MachineState,
    pub(crate) instance_id: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) host_status: HostStatus,
    pub(crate) cordoned: bool,
    /// Shared between the machines of a deploy: with ten thousand apps this is most of the memory.
    pub(crate) config: Arc<Value>,
    pub(crate) lease: Option<HeldLease>,
    /// The time of the last change under which its organization's list has it.
    pub(crate) listed_at: Option<Timestamp>,
    /// What comes next, in order of time.
    pub(crate) plan: VecDeque<(Timestamp, Step)>,
    /// The states so far, the newest last: lists that lag show an older one.
    past: VecDeque<(Timestamp, MachineState)>,
    events: VecDeque<Event>,
}

/// How many events a machine keeps, which is also the most that Fly gives in one answer.
const MAX_EVENTS: usize = 50;

/// How many past states are kept: more than any machine goes through within a lag.
const MAX_PAST: usize = 16;

#[derive(Debug, Clone, Serialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    status: String,
    source: &'static str,
    /// Milliseconds.
    timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Value>,
}

/// The parts of a machine that come from whoever makes it.
pub(crate) struct Birth {
    pub(crate) id: MachineId,
    pub(crate) name: String,
    pub(crate) region: Region,
    pub(crate) config: Arc<Value>,
    pub(crate) state: MachineState,
}

impl SimMachine {
    pub(crate) fn new(birth: Birth, now: Timestamp, random: &mut Random) -> Self {
        let mut machine = Self {
            id: birth.id,
            name: birth.name,
            region: birth.region,
            state: birth.state.clone(),
            instance_id: random.ulid(now),
            created_at: now,
            updated_at: now,
            host_status: HostStatus::Ok,
            cordoned: false,
            config: birth.config,
            lease: None,
            listed_at: None,
            plan: VecDeque::new(),
            past: VecDeque::new(),
            events: VecDeque::new(),
        };
        machine.enter(birth.state, now, random);
        machine
    }

    /// Puts the machine into `state`.
    pub(crate) fn enter(&mut self, state: MachineState, now: Timestamp, random: &mut Random) {
        self.events.push_front(Event::entering(&state, now, random));
        self.events.truncate(MAX_EVENTS);
        self.past.push_back((now, state.clone()));
        if self.past.len() > MAX_PAST {
            self.past.pop_front();
        }
        self.state = state;
        self.updated_at = now;
    }

    /// The state that it had at `at`; `None` before it was made.
    pub(crate) fn state_at(&self, at: Timestamp) -> Option<&MachineState> {
        self.past.iter().rev().find(|(since, _)| *since <= at).map(|(_, state)| state)
    }

    /// Whether it exists and has not been asked to go.
    pub(crate) fn is_present(&self) -> bool {
        !matches!(self.state, MachineState::Destroying | MachineState::Destroyed)
    }

    /// Since when it has been destroyed, if it is.
    pub(crate) fn destroyed_since(&self) -> Option<Timestamp> {
        (self.state == MachineState::Destroyed).then_some(self.updated_at)
    }

    /// The lease, if someone holds one now.
    pub(crate) fn lease_at(&self, now: Timestamp) -> Option<&HeldLease> {
        self.lease.as_ref().filter(|lease| lease.expires_at > now)
    }

    /// The newest events first.
    pub(crate) fn events(&self, limit: usize) -> Value {
        json!(self.events.iter().take(limit).collect::<Vec<_>>())
    }

    /// A value of the config's metadata.
    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        self.config.get("metadata")?.get(key)?.as_str()
    }

    /// The id of the last event, as `wait` shows it.
    pub(crate) fn last_event_id(&self) -> &str {
        self.events.front().map_or("", |event| &event.id)
    }

    pub(crate) fn private_ip(&self) -> String {
        let bits = hash(self.id.as_str());
        let group = |shift: u32| (bits >> shift) & 0xffff;
        format!("fdaa:0:{:x}:a7b:{:x}:{:x}:{:x}:2", group(0) | 1, group(16), group(32), group(48))
    }

    /// The machine as the API shows it, in the state that the reader may see. A summary lacks what the
    /// API description says: config, checks, events, host status and nonce.
    pub(crate) fn view<'a>(&'a self, state: &'a MachineState, summary: bool) -> MachineView<'a> {
        let is_ok = self.host_status == HostStatus::Ok;
        MachineView {
            id: self.id.as_str(),
            name: &self.name,
            state: state.as_str(),
            region: self.region.as_str(),
            instance_id: &self.instance_id,
            version: &self.instance_id,
            private_ip: self.private_ip(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            image_ref: ImageRef::parse(
                self.config.get("image").and_then(Value::as_str).unwrap_or_default(),
            ),
            config: (is_ok && !summary).then_some(&*self.config),
            incomplete_config: (!is_ok && !summary).then(|| self.incomplete_config()),
            host_status: (!summary).then_some(self.host_status),
            cordoned: self.cordoned,
            checks: (!summary).then(Vec::new),
            events: (!summary).then(|| self.events.iter().take(20).collect()),
            nonce: None,
        }
    }

    /// What Fly still knows of a config whose host does not answer.
    fn incomplete_config(&self) -> Value {
        let known = ["image", "guest", "metadata"];
        let parts =
            known.iter().filter_map(|key| Some(((*key).to_owned(), self.config.get(key)?.clone())));
        Value::Object(parts.collect())
    }
}

impl Event {
    fn entering(state: &MachineState, now: Timestamp, random: &mut Random) -> Self {
        let (kind, source) = match state {
            MachineState::Created | MachineState::Creating => ("launch", "user"),
            MachineState::Starting => ("start", "user"),
            MachineState::Stopping => ("stop", "user"),
            MachineState::Suspending => ("suspend", "user"),
            MachineState::Destroying => ("destroy", "user"),
            MachineState::Started => ("start", "flyd"),
            MachineState::Suspended => ("suspend", "flyd"),
            MachineState::Destroyed => ("destroy", "flyd"),
            MachineState::Stopped | MachineState::Failed => ("exit", "flyd"),
            _ => ("update", "flyd"),
        };
        let exit = |code: i64, requested: bool| {
            json!({ "exit_event": {
                "exit_code": code, "guest_exit_code": code, "guest_signal": -1, "oom_killed": false,
                "requested_stop": requested, "restarting": false, "signal": -1,
                "exited_at": now.to_string(),
            }})
        };
        let request = match state {
            MachineState::Stopped => Some(exit(0, true)),
            MachineState::Failed => Some(exit(1, false)),
            _ => None,
        };
        Self {
            id: random.ulid(now),
            kind,
            status: state.as_str().to_owned(),
            source,
            timestamp: now.as_millis(),
            request,
        }
    }
}

/// A machine as JSON.
#[derive(Serialize)]
pub(crate) struct MachineView<'a> {
    id: &'a str,
    name: &'a str,
    state: &'a str,
    region: &'a str,
    instance_id: &'a str,
    version: &'a str,
    private_ip: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    image_ref: ImageRef<'a>,
    cordoned: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    incomplete_config: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_status: Option<HostStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Vec<&'a Event>>,
    /// The lease that a create with `lease_ttl` gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nonce: Option<String>,
}

/// An image's name in its parts.
#[derive(Serialize)]
struct ImageRef<'a> {
    registry: &'a str,
    repository: &'a str,
    tag: &'a str,
    digest: String,
}

impl<'a> ImageRef<'a> {
    fn parse(image: &'a str) -> Self {
        let (name, digest) = match image.split_once('@') {
            Some((name, digest)) => (name, digest.to_owned()),
            // Fly resolves each tag; the same tag gives the same digest.
            None => (image, format!("sha256:{}", Random::new(hash(image), "digest").hex(64))),
        };
        let (registry, rest) = match name.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) => (host, rest),
            _ => ("docker-hub-mirror.fly.io", name),
        };
        let (repository, tag) = rest.split_once(':').unwrap_or((rest, "latest"));
        Self { registry, repository, tag, digest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_falls_into_its_parts() {
        let parts = |image| {
            let parsed = ImageRef::parse(image);
            format!(
                "{} {} {} {}",
                parsed.registry,
                parsed.repository,
                parsed.tag,
                parsed.digest.len()
            )
        };
        assert_eq!(
            parts("registry.fly.io/web:deployment-1"),
            "registry.fly.io web deployment-1 71"
        );
        assert_eq!(parts("registry.fly.io/web:v1@sha256:ab"), "registry.fly.io web v1 9");
        assert_eq!(parts("flyio/hello"), "docker-hub-mirror.fly.io flyio/hello latest 71");
    }

    #[test]
    fn the_past_tells_the_state_at_any_time() {
        let mut random = Random::new(1, "");
        let birth = Birth {
            id: MachineId::new("1"),
            name: String::new(),
            region: Region::new("lhr"),
            config: Arc::new(json!({})),
            state: MachineState::Created,
        };
        let at = Timestamp::from_millis;
        let mut machine = SimMachine::new(birth, at(1_000), &mut random);
        machine.enter(MachineState::Starting, at(2_000), &mut random);
        assert_eq!(machine.state_at(at(999)), None);
        assert_eq!(machine.state_at(at(1_999)), Some(&MachineState::Created));
        assert_eq!(machine.state_at(at(2_000)), Some(&MachineState::Starting));
    }
}
