//! What decisions need to know of a machine's config. Where a value has a shape that is not known,
//! the more careful reading is taken: a machine with an odd `standbys` is a standby, and one whose memory
//! is not known cannot be suspended.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::text;
use crate::model::{MachineFacts, ProcessGroup, SuspendObstacle, Timestamp};

/// Stands for the name of a volume where the mounts cannot be read.
const UNREADABLE_MOUNT: &str = "(unreadable)";

/// Fly suspends machines of up to 2 GB. Source: docs `reference/suspend-resume` (superfly/docs).
const MOST_MEMORY_MB: u64 = 2048;

#[derive(Deserialize)]
struct Config<'a> {
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    standbys: Option<&'a RawValue>,
    #[serde(borrow)]
    schedule: Option<&'a RawValue>,
    #[serde(borrow)]
    mounts: Option<&'a RawValue>,
    #[serde(borrow)]
    guest: Option<&'a RawValue>,
    #[serde(borrow)]
    init: Option<&'a RawValue>,
    #[serde(borrow)]
    services: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Service<'a> {
    #[serde(borrow)]
    autostop: Option<&'a RawValue>,
    #[serde(borrow)]
    autostart: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Guest<'a> {
    #[serde(borrow)]
    memory_mb: Option<&'a RawValue>,
    #[serde(borrow)]
    gpu_kind: Option<&'a RawValue>,
    #[serde(borrow)]
    gpus: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Init<'a> {
    #[serde(borrow)]
    swap_size_mb: Option<&'a RawValue>,
}

/// The last three are `decide`'s `CREATE_ID_KEY`, `MANAGED_KEY` and `CORDON_KEY`; a test holds the spellings
/// together.
#[derive(Deserialize, Default)]
struct Metadata<'a> {
    #[serde(borrow)]
    fly_process_group: Option<&'a RawValue>,
    #[serde(borrow)]
    process_group: Option<&'a RawValue>,
    #[serde(borrow)]
    fly_release_version: Option<&'a RawValue>,
    #[serde(borrow)]
    fly_bluegreen_deployment_tag: Option<&'a RawValue>,
    #[serde(borrow)]
    fly_autoscaler_create_id: Option<&'a RawValue>,
    #[serde(borrow)]
    fly_autoscaler: Option<&'a RawValue>,
    #[serde(borrow)]
    fly_autoscaler_cordoned: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Mount<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    volume: Option<&'a RawValue>,
}

/// Reads the facts from a config.
pub(super) fn read(config: &RawValue) -> MachineFacts {
    let Ok(config) = serde_json::from_str::<Config<'_>>(config.get()) else {
        let suspend_obstacle = Some(SuspendObstacle::Unknown);
        return MachineFacts { suspend_obstacle, ..MachineFacts::default() };
    };
    let metadata: Metadata<'_> =
        config.metadata.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let group = filled(metadata.fly_process_group).or_else(|| filled(metadata.process_group));
    let shared = |raw| filled(raw).map(Arc::from);
    let (proxy_stops, proxy_starts) = proxy(config.services);
    MachineFacts {
        group: group.map(ProcessGroup::new),
        is_standby: says_something(config.standbys),
        is_scheduled: says_something(config.schedule),
        suspend_obstacle: suspend_obstacle(config.guest, config.init),
        volumes: volumes(config.mounts),
        release_version: filled(metadata.fly_release_version)
            .and_then(|version| version.parse().ok()),
        bluegreen_tag: shared(metadata.fly_bluegreen_deployment_tag),
        create_id: shared(metadata.fly_autoscaler_create_id),
        launched_by_autoscaler: text(metadata.fly_autoscaler).as_deref() == Some("started"),
        proxy_stops,
        proxy_starts,
        is_managed: filled(metadata.fly_autoscaler).is_some(),
        cordoned_at: filled(metadata.fly_autoscaler_cordoned)
            .and_then(|at| Timestamp::parse_rfc3339(&at)),
        config_left_out: false,
    }
}

/// Whether Fly Proxy stops the machine, and starts it, for any of its services. `autostop` is a truth value or
/// one of the words `off`, `stop` and `suspend`; without a word on `autostart` stopped machines are started.
///
/// Source: docs `launch/autostop-autostart` (superfly/docs).
fn proxy(services: Option<&RawValue>) -> (bool, bool) {
    let services =
        services.and_then(|raw| serde_json::from_str::<Vec<Service<'_>>>(raw.get()).ok());
    services.iter().flatten().fold((false, false), |(stops, starts), own| {
        let is_off = text(own.autostop).is_some_and(|word| word == "off");
        (
            stops || says_something(own.autostop) && !is_off,
            starts || own.autostart.is_none_or(|raw| raw.get() != "false"),
        )
    })
}

/// A text that is not empty.
fn filled(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    text(raw).filter(|text| !text.is_empty())
}

/// Whether a value is there and not one of the ways to write nothing.
fn says_something(raw: Option<&RawValue>) -> bool {
    raw.is_some_and(|raw| {
        let json = raw.get();
        let inside =
            json.strip_prefix(['[', '{', '"']).and_then(|rest| rest.strip_suffix([']', '}', '"']));
        !matches!(json, "null" | "false") && inside.is_none_or(|inside| !inside.trim().is_empty())
    })
}

/// Whether a number is there and not zero.
fn counts_something(raw: Option<&RawValue>) -> bool {
    says_something(raw) && raw.is_some_and(|raw| raw.get() != "0")
}

/// What in a config keeps Fly from suspending the machine.
fn suspend_obstacle(guest: Option<&RawValue>, init: Option<&RawValue>) -> Option<SuspendObstacle> {
    let Some(guest) = guest.and_then(|raw| serde_json::from_str::<Guest<'_>>(raw.get()).ok())
    else {
        return Some(SuspendObstacle::Unknown);
    };
    let init = match init.filter(|raw| raw.get() != "null") {
        None => Some(Init::default()),
        Some(raw) => serde_json::from_str::<Init<'_>>(raw.get()).ok(),
    };
    if says_something(guest.gpu_kind) || counts_something(guest.gpus) {
        return Some(SuspendObstacle::Gpu);
    }
    match init {
        None => return Some(SuspendObstacle::Unknown),
        Some(init) if counts_something(init.swap_size_mb) => return Some(SuspendObstacle::Swap),
        Some(_) => {}
    }
    match guest.memory_mb.and_then(|raw| raw.get().parse().ok()) {
        Some(1..=MOST_MEMORY_MB) => None,
        Some(memory) if memory > MOST_MEMORY_MB => Some(SuspendObstacle::Memory),
        _ => Some(SuspendObstacle::Unknown),
    }
}

/// The names of the mounted volumes: a mount without a name goes by its volume's id.
fn volumes(raw: Option<&RawValue>) -> Vec<Arc<str>> {
    if !says_something(raw) {
        return Vec::new();
    }
    let mounts = raw.and_then(|raw| serde_json::from_str::<Vec<Mount<'_>>>(raw.get()).ok());
    let Some(mounts) = mounts else { return vec![Arc::from(UNREADABLE_MOUNT)] };
    mounts
        .iter()
        .map(|mount| filled(mount.name).or_else(|| filled(mount.volume)))
        .map(|name| Arc::from(name.as_deref().unwrap_or(UNREADABLE_MOUNT)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::{CORDON_KEY, CREATE_ID_KEY, MANAGED_KEY};

    fn facts(json: &str) -> MachineFacts {
        read(serde_json::from_str(json).expect("JSON"))
    }

    #[test]
    fn reads_what_decisions_need() {
        let facts = facts(
            r#"{"schedule":"hourly","standbys":["m0"],"env":{"A":"1"},
            "mounts":[{"volume":"vol_1","name":"data","path":"/data"},{"volume":"vol_2"}],
            "guest":{"memory_mb":4096},
            "metadata":{"fly_process_group":"web","process_group":"old","fly_release_version":"12",
            "fly_bluegreen_deployment_tag":"7","fly_autoscaler_create_id":"c1","fly_autoscaler":"started",
            "fly_autoscaler_cordoned":"2026-03-02T12:00:00Z"}}"#,
        );
        assert_eq!(
            facts,
            MachineFacts {
                group: Some(ProcessGroup::new("web")),
                is_standby: true,
                is_scheduled: true,
                suspend_obstacle: Some(SuspendObstacle::Memory),
                volumes: vec![Arc::from("data"), Arc::from("vol_2")],
                release_version: Some(12),
                bluegreen_tag: Some(Arc::from("7")),
                create_id: Some(Arc::from("c1")),
                launched_by_autoscaler: true,
                proxy_stops: false,
                proxy_starts: false,
                is_managed: true,
                cordoned_at: Timestamp::parse_rfc3339("2026-03-02T12:00:00Z"),
                config_left_out: false,
            }
        );
    }

    #[test]
    fn what_the_proxy_does_is_read_from_the_services() {
        for (services, stops, starts) in [
            ("null", false, false),
            ("[]", false, false),
            ("{}", false, false),
            ("[{}]", false, true),
            (r#"[{"autostop":false,"autostart":false}]"#, false, false),
            (r#"[{"autostop":"off","autostart":true}]"#, false, true),
            (r#"[{"autostop":true,"autostart":false}]"#, true, false),
            (r#"[{"autostart":false},{"autostop":"suspend","autostart":false}]"#, true, false),
            (r#"[{"autostop":null,"autostart":null}]"#, false, true),
        ] {
            let own = facts(&format!(r#"{{"services":{services}}}"#));
            assert_eq!((own.proxy_stops, own.proxy_starts), (stops, starts), "{services}");
        }
    }

    #[test]
    fn the_legacy_group_counts_where_the_other_is_empty() {
        let table = [
            (r#"{"fly_process_group":"","process_group":"old"}"#, Some("old")),
            (r#"{"process_group":"old"}"#, Some("old")),
            (r#"{"fly_process_group":7}"#, None),
            ("{}", None),
        ];
        for (metadata, want) in table {
            let facts = facts(&format!(r#"{{"metadata":{metadata}}}"#));
            assert_eq!(facts.group.as_ref().map(ProcessGroup::as_str), want, "{metadata}");
        }
    }

    #[test]
    fn nothing_is_nothing_and_anything_odd_is_something() {
        let table = [
            ("null", false),
            ("[]", false),
            ("[ ]", false),
            (r#""""#, false),
            ("{}", false),
            ("false", false),
            (r#"["m0"]"#, true),
            ("true", true),
            ("1", true),
        ];
        for (value, want) in table {
            assert_eq!(facts(&format!(r#"{{"standbys":{value}}}"#)).is_standby, want, "{value}");
            assert_eq!(facts(&format!(r#"{{"schedule":{value}}}"#)).is_scheduled, want, "{value}");
            let volumes = facts(&format!(r#"{{"mounts":{value}}}"#)).volumes;
            assert_eq!(!volumes.is_empty(), want, "{value}");
        }
    }

    #[test]
    fn what_fly_cannot_suspend_and_what_it_may_not_be_able_to() {
        use SuspendObstacle::{Gpu, Memory, Swap, Unknown};
        let table = [
            (r#""guest":{"cpus":1,"memory_mb":256}"#, None),
            (r#""guest":{"memory_mb":2048}"#, None),
            (r#""guest":{"memory_mb":2049}"#, Some(Memory)),
            (r#""guest":{"memory_mb":16384}"#, Some(Memory)),
            (r#""guest":{"memory_mb":0}"#, Some(Unknown)),
            (r#""guest":{"memory_mb":-1}"#, Some(Unknown)),
            (r#""guest":{"memory_mb":512.5}"#, Some(Unknown)),
            (r#""guest":{"memory_mb":"512"}"#, Some(Unknown)),
            (r#""guest":{"memory_mb":null}"#, Some(Unknown)),
            (r#""guest":{"cpus":1}"#, Some(Unknown)),
            (r#""guest":null"#, Some(Unknown)),
            (r#""guest":"shared-cpu-1x""#, Some(Unknown)),
            (r#""image":"i""#, Some(Unknown)),
            (r#""guest":{"memory_mb":256,"gpus":0,"gpu_kind":""}"#, None),
            (r#""guest":{"memory_mb":256,"gpus":null,"gpu_kind":null}"#, None),
            (r#""guest":{"memory_mb":256,"gpus":1}"#, Some(Gpu)),
            (r#""guest":{"memory_mb":32768,"gpu_kind":"a10"}"#, Some(Gpu)),
            (r#""guest":{"memory_mb":256},"init":{}"#, None),
            (r#""guest":{"memory_mb":256},"init":null"#, None),
            (r#""guest":{"memory_mb":256},"init":{"swap_size_mb":0}"#, None),
            (r#""guest":{"memory_mb":256},"init":{"swap_size_mb":null}"#, None),
            (r#""guest":{"memory_mb":256},"init":{"swap_size_mb":512}"#, Some(Swap)),
            (r#""guest":{"memory_mb":256},"init":{"swap_size_mb":"512"}"#, Some(Swap)),
            (r#""guest":{"memory_mb":256},"init":"none""#, Some(Unknown)),
        ];
        for (config, want) in table {
            assert_eq!(facts(&format!("{{{config}}}")).suspend_obstacle, want, "{config}");
        }
        assert_eq!(facts("[]").suspend_obstacle, Some(Unknown));
        assert_eq!(facts("7").suspend_obstacle, Some(Unknown));
    }

    #[test]
    fn our_own_marks_are_read_under_the_keys_that_decide_writes() {
        for (mark, want) in [("started", true), ("stopped", false), ("", false)] {
            let metadata = serde_json::json!({
                MANAGED_KEY: mark, CREATE_ID_KEY: "c1", CORDON_KEY: "2026-03-02T12:00:00.5Z",
            });
            let json = serde_json::json!({ "metadata": metadata });
            let facts = facts(&json.to_string());
            assert_eq!(facts.launched_by_autoscaler, want, "{mark}");
            assert_eq!(facts.is_managed, !mark.is_empty(), "{mark}");
            assert_eq!(facts.create_id.as_deref(), Some("c1"));
            assert_eq!(
                facts.cordoned_at.map(|at| at.to_string()).as_deref(),
                Some("2026-03-02T12:00:00.500Z"),
            );
        }
    }
}
