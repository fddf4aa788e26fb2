//! From a machine to the config of its clone.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::model::{Machine, MachineId, VolumeId};

/// Metadata that marks a machine as created by an autoscaler: `started` or `stopped`, as launched.
pub const MANAGED_KEY: &str = "fly_autoscaler";
/// Metadata that holds the id of the create request, so that an ambiguous answer can be settled.
pub const CREATE_ID_KEY: &str = "fly_autoscaler_create_id";

/// Metadata that marks a machine as cordoned by an autoscaler, to be stopped: since when, as RFC 3339. A
/// cordon without it is a person's, or a deploy's, and stays as it is.
pub const CORDON_KEY: &str = "fly_autoscaler_cordoned";

/// Metadata that must not be copied: an idempotency key of one bluegreen launch, the id of a predecessor,
/// and the mark of a cordon, which the clone does not have.
const DROPPED_METADATA: [&str; 3] =
    ["fly_flyctl_bluegreen_launch_id", "fly_previous_alloc", CORDON_KEY];

/// A machine config ready to be created again.
///
/// What is dropped and what is kept follows `fly machine clone` and `fly scale count` (superfly/flyctl,
/// internal/command/machine/clone.go and internal/command/scale): standbys, their marker in `env`,
/// and the metadata of one launch go; everything else stays, keys unknown to us included.
#[derive(Clone, PartialEq)]
pub struct Template {
    /// The machine that is cloned.
    pub source: MachineId,
    /// The image that the clone runs.
    pub image: Arc<str>,
    config: Map<String, Value>,
}

impl Template {
    /// The template that `machine` makes, or what is missing for one.
    pub fn from_machine(machine: &Machine) -> Result<Self, &'static str> {
        let raw = machine.config.as_ref().ok_or("has no config")?;
        let Ok(Value::Object(mut config)) = serde_json::from_str(raw.get()) else {
            return Err("has a config that is no JSON object");
        };
        let image = match (&machine.image, config.get("image").and_then(Value::as_str)) {
            (Some(image), _) => Arc::clone(image),
            (None, Some(image)) => Arc::from(image),
            (None, None) => return Err("has no image"),
        };
        config.insert("image".into(), Value::String(image.to_string()));
        config.remove("standbys");
        if let Some(Value::Object(env)) = config.get_mut("env") {
            env.remove("FLY_STANDBY_FOR");
        }
        if let Some(Value::Object(metadata)) = config.get_mut("metadata") {
            for key in DROPPED_METADATA {
                metadata.remove(key);
            }
        }
        Ok(Self { source: machine.id.clone(), image, config })
    }

    /// The mount of a machine that has exactly one: no other can be given volumes of its own.
    pub(super) fn only_mount(&self) -> Option<&Map<String, Value>> {
        match self.config.get("mounts")?.as_array()?.as_slice() {
            [Value::Object(mount)] => Some(mount),
            _ => None,
        }
    }

    /// The size of machine, for Fly to find a host for a new volume where the machine fits too.
    #[must_use]
    pub fn guest(&self) -> Option<&Value> {
        self.config.get("guest")
    }

    /// The config to send for one clone, which mounts `volume` in place of its source's.
    #[must_use]
    pub fn config(&self, create_id: &str, start: bool, volume: Option<&VolumeId>) -> Value {
        let mut config = self.config.clone();
        if let Some(volume) = volume
            && let Some(mount) = config.get_mut("mounts").and_then(|mounts| mounts.get_mut(0))
        {
            mount["volume"] = Value::String(volume.as_str().into());
        }
        let launched = if start { "started" } else { "stopped" };
        let marks = [(MANAGED_KEY, launched), (CREATE_ID_KEY, create_id)];
        let metadata = config.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        if !metadata.is_object() {
            *metadata = Value::Object(Map::new());
        }
        if let Value::Object(metadata) = metadata {
            for (key, value) in marks {
                metadata.insert(key.into(), Value::String(value.into()));
            }
        }
        Value::Object(config)
    }
}

impl fmt::Debug for Template {
    /// Without the config: its `env` may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template")
            .field("source", &self.source)
            .field("image", &self.image)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{HostStatus, MachineFacts, MachineState, Region};

    fn machine(config: &Value, image: Option<&str>) -> Machine {
        Machine {
            id: MachineId::new("m1"),
            state: MachineState::Started,
            region: Region::new("lhr"),
            host_status: HostStatus::Ok,
            is_cordoned: false,
            created_at: None,
            image: image.map(Arc::from),
            facts: MachineFacts::default(),
            config: Some(Arc::from(serde_json::value::to_raw_value(config).expect("raw"))),
        }
    }

    #[test]
    fn keeps_what_it_does_not_know_and_drops_what_belongs_to_one_machine() {
        let source = machine(
            &json!({
                "image": "old", "standbys": ["x"], "rootfs": {"persist": 2},
                "services": [{"autostop": "suspend"}],
                "env": {"A": "1", "FLY_STANDBY_FOR": "x"},
                "metadata": {
                    "fly_process_group": "app", "fly_previous_alloc": "x",
                    "fly_flyctl_bluegreen_launch_id": "x", "fly_bluegreen_deployment_tag": "7",
                    "fly_autoscaler_create_id": "an older one",
                    "fly_autoscaler_cordoned": "2026-03-02T12:00:00Z"
                },
            }),
            Some("registry.fly.io/app:v2@sha256:1"),
        );
        let template = Template::from_machine(&source).expect("a template");
        assert_eq!(
            template.config("c1", true, None),
            json!({
                "image": "registry.fly.io/app:v2@sha256:1", "rootfs": {"persist": 2},
                "services": [{"autostop": "suspend"}],
                "env": {"A": "1"},
                "metadata": {
                    "fly_process_group": "app", "fly_bluegreen_deployment_tag": "7",
                    "fly_autoscaler": "started", "fly_autoscaler_create_id": "c1"
                },
            })
        );
    }

    #[test]
    fn another_volume_takes_the_place_of_the_sources_and_the_mount_stays() {
        let mount = |volume| json!([{"volume": volume, "name": "data", "path": "/data", "extend_threshold_percent": 80}]);
        let source = machine(&json!({"image": "i", "mounts": mount("vol_1")}), None);
        let template = Template::from_machine(&source).expect("a template");
        let config = template.config("c1", true, Some(&VolumeId::new("vol_2")));
        assert_eq!(config["mounts"], mount("vol_2"));
    }

    #[test]
    fn says_what_is_missing() {
        let mut source = machine(&json!({}), None);
        assert_eq!(Template::from_machine(&source), Err("has no image"));
        source.config = None;
        assert_eq!(Template::from_machine(&source), Err("has no config"));
    }

    #[test]
    fn its_debug_form_shows_no_env() {
        let source = machine(&json!({"image": "i", "env": {"KEY": "hunter2"}}), None);
        let template = Template::from_machine(&source).expect("a template");
        assert!(!format!("{template:?}").contains("hunter2"));
    }
}
