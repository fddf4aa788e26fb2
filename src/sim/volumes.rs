//! Volumes, as far as machines that mount one need them.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::model::{MachineId, Region, Timestamp};

use super::answer::{Answer, Outcome};
use super::app::App;
use super::call::Call;
use super::random::Random;

/// A volume as the API shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Volume {
    id: String,
    name: String,
    state: &'static str,
    size_gb: u64,
    region: Region,
    zone: String,
    encrypted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    attached_machine_id: Option<MachineId>,
    #[serde(skip)]
    attached_at: Timestamp,
    created_at: Timestamp,
    fstype: &'static str,
    snapshot_retention: u32,
    auto_backup_enabled: bool,
    host_status: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl Volume {
    pub(crate) fn new(
        name: &str,
        region: Region,
        size_gb: u64,
        now: Timestamp,
        random: &mut Random,
    ) -> Self {
        Self {
            id: format!("vol_{}", random.hex(16)),
            name: name.to_owned(),
            state: "created",
            size_gb,
            region,
            zone: random.hex(4),
            encrypted: true,
            attached_machine_id: None,
            attached_at: now,
            created_at: now,
            fstype: "ext4",
            snapshot_retention: 5,
            auto_backup_enabled: true,
            host_status: "ok",
            kind: "local",
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn detach(&mut self, machine: &MachineId) {
        if self.attached_machine_id.as_ref() == Some(machine) {
            self.attached_machine_id = None;
        }
    }
}

/// The ids of the volumes that `config` mounts.
fn mounted(config: &Value) -> impl Iterator<Item = &str> {
    let mounts = config["mounts"].as_array().map(Vec::as_slice).unwrap_or_default();
    mounts.iter().filter_map(|mount| mount["volume"].as_str())
}

impl App {
    /// Whether a new machine in `region` can have the volumes that its config mounts.
    pub(crate) fn check_mounts(&self, config: &Value, region: &Region) -> Outcome<()> {
        for id in mounted(config) {
            let volume = self.volumes.get(id).ok_or_else(|| Answer::not_found("volume"))?;
            if let Some(machine) = &volume.attached_machine_id {
                let claimed = format!("volume already claimed by machine {machine}");
                return Err(Answer::precondition(claimed));
            }
            if volume.region != *region {
                return Err(Answer::refuse(400, format!("volume {id} is not in region {region}")));
            }
        }
        Ok(())
    }

    pub(crate) fn attach_mounts(&mut self, config: &Value, machine: &MachineId, now: Timestamp) {
        for id in mounted(config) {
            if let Some(volume) = self.volumes.get_mut(id) {
                volume.attached_machine_id = Some(machine.clone());
                volume.attached_at = now;
            }
        }
    }

    pub(crate) fn add_volume(&mut self, volume: Volume) -> &Volume {
        self.volumes.entry(volume.id.clone()).or_insert(volume)
    }

    /// What a list shows that lags by `lag`: a volume made since is missing, one attached since is free.
    pub(crate) fn volume_list(&self, lag: Duration, now: Timestamp) -> Answer {
        let then = now.minus(lag);
        let known = self.volumes.values().filter(|volume| volume.created_at <= then);
        let listed: Vec<Volume> = known
            .map(|volume| {
                let mut volume = volume.clone();
                volume.attached_machine_id.take_if(|_| volume.attached_at > then);
                volume
            })
            .collect();
        Answer::json(200, &listed)
    }

    pub(crate) fn volume_create(&mut self, call: &Call, now: Timestamp) -> Outcome<Answer> {
        let (Some(name), Some(region)) = (call.body["name"].as_str(), call.region()) else {
            return Err(Answer::refuse(400, "name and region are required"));
        };
        let size_gb = call.body["size_gb"].as_u64().unwrap_or(3);
        let mut volume = Volume::new(name, region, size_gb, now, &mut self.random);
        volume.encrypted = call.body["encrypted"].as_bool().unwrap_or(true);
        Ok(Answer::json(200, self.add_volume(volume)))
    }

    pub(crate) fn volume_get(&self, id: &str) -> Outcome<Answer> {
        let volume = self.volumes.get(id).ok_or_else(|| Answer::not_found("volume"))?;
        Ok(Answer::json(200, volume))
    }

    pub(crate) fn volume_delete(&mut self, id: &str) -> Outcome<Answer> {
        let volume = self.volumes.get(id).ok_or_else(|| Answer::not_found("volume"))?;
        if volume.attached_machine_id.is_some() {
            return Err(Answer::precondition("volume is attached to a machine"));
        }
        let answer = Answer::json(200, &Volume { state: "pending_destroy", ..volume.clone() });
        self.volumes.remove(id);
        Ok(answer)
    }
}
