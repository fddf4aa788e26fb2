//! What decisions need to know of a machine's config. Where a value has a shape that is not known,
//! the more careful reading is taken: a machine with an odd `standbys` is a standby.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::text;
use crate::model::{MachineFacts, ProcessGroup};

/// Stands for the name of a volume where the mounts cannot be read.
const UNREADABLE_MOUNT: &str = "(unreadable)";

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
}

/// The last two are `decide`'s `CREATE_ID_KEY` and `MANAGED_KEY`; a test holds the spellings together.
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
        return MachineFacts::default();
    };
    let metadata: Metadata<'_> =
        config.metadata.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let group = filled(metadata.fly_process_group).or_else(|| filled(metadata.process_group));
    let shared = |raw| filled(raw).map(Arc::from);
    MachineFacts {
        group: group.map(ProcessGroup::new),
        is_standby: says_something(config.standbys),
        is_scheduled: says_something(config.schedule),
        volumes: volumes(config.mounts),
        release_version: filled(metadata.fly_release_version)
            .and_then(|version| version.parse().ok()),
        bluegreen_tag: shared(metadata.fly_bluegreen_deployment_tag),
        create_id: shared(metadata.fly_autoscaler_create_id),
        launched_by_autoscaler: text(metadata.fly_autoscaler).as_deref() == Some("started"),
        config_left_out: false,
    }
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
    use crate::decide::{CREATE_ID_KEY, MANAGED_KEY};

    fn facts(json: &str) -> MachineFacts {
        read(serde_json::from_str(json).expect("JSON"))
    }

    #[test]
    fn reads_what_decisions_need() {
        let facts = facts(
            r#"{"schedule":"hourly","standbys":["m0"],"env":{"A":"1"},
            "mounts":[{"volume":"vol_1","name":"data","path":"/data"},{"volume":"vol_2"}],
            "metadata":{"fly_process_group":"web","process_group":"old","fly_release_version":"12",
            "fly_bluegreen_deployment_tag":"7","fly_autoscaler_create_id":"c1","fly_autoscaler":"started"}}"#,
        );
        assert_eq!(
            facts,
            MachineFacts {
                group: Some(ProcessGroup::new("web")),
                is_standby: true,
                is_scheduled: true,
                volumes: vec![Arc::from("data"), Arc::from("vol_2")],
                release_version: Some(12),
                bluegreen_tag: Some(Arc::from("7")),
                create_id: Some(Arc::from("c1")),
                launched_by_autoscaler: true,
                config_left_out: false,
            }
        );
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
    fn our_own_marks_are_read_under_the_keys_that_decide_writes() {
        for (mark, want) in [("started", true), ("stopped", false), ("", false)] {
            let json = serde_json::json!({"metadata": {MANAGED_KEY: mark, CREATE_ID_KEY: "c1"}});
            let facts = facts(&json.to_string());
            assert_eq!(facts.launched_by_autoscaler, want, "{mark}");
            assert_eq!(facts.create_id.as_deref(), Some("c1"));
        }
    }
}
