//! Which volume a new machine mounts.
//!
//! A volume belongs to one machine, so that a clone never gets its source's. As `fly scale count` does,
//! it takes one of the same name that no machine has; with `volumes: create` a new one like the source's
//! where there is none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::model::{Machine, Region, Timestamp, Volume, VolumeId};

use super::history::{Effect, History, OVERLAY};
use super::observed::Volumes;
use super::reason::Reason;
use super::template::Template;

/// What a new machine mounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VolumeChoice {
    /// A volume that no machine has.
    Use(VolumeId),
    /// One to be made before the machine.
    Create(NewVolume),
}

/// A volume to be made: like the one that the source of a clone mounts. What is not known of that one
/// is left to Fly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewVolume {
    /// Its name.
    pub name: Arc<str>,
    /// Its size in GB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_gb: Option<u32>,
    /// Whether it is encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<bool>,
}

/// The volumes that the creates of one plan draw from: each goes to one create.
pub(super) struct Pool<'a> {
    volumes: &'a Volumes,
    /// Made by us a moment ago, for machines that did not come about.
    left: BTreeMap<&'a VolumeId, &'a Volume>,
    taken: BTreeSet<&'a VolumeId>,
}

impl<'a> Pool<'a> {
    /// A pool without the volumes that our own recent creates took, and with those that they left: the
    /// list may not show either yet.
    pub(super) fn new(volumes: &'a Volumes, history: &'a History, now: Timestamp) -> Self {
        let fresh = history.recent.iter().filter(|recent| recent.is_fresh(now));
        let taken = fresh
            .filter_map(|recent| match &recent.effect {
                Effect::Created { volume, .. } => volume.as_ref(),
                _ => None,
            })
            .collect();
        let left = history.left_volumes.iter().filter(|(at, _)| at.is_within(OVERLAY, now));
        let left = left.map(|(_, volume)| (&volume.id, volume)).collect();
        Self { volumes, left, taken }
    }

    /// What clones of `source` have to mount; `None` where it mounts nothing.
    pub(super) fn needed(
        &self,
        source: &Machine,
        template: &Template,
    ) -> Result<Option<NewVolume>, Reason> {
        if source.facts.volumes.is_empty() {
            return Ok(None);
        }
        let unclonable = || Reason::CannotCloneVolumes {
            source: source.id.clone(),
            volumes: source.facts.volumes.iter().map(ToString::to_string).collect(),
        };
        let mount = template.only_mount().ok_or_else(unclonable)?;
        let unread = |message| Reason::VolumesUnread { source: source.id.clone(), message };
        let known = match self.volumes {
            Volumes::Unread => return Err(unread(None)),
            Volumes::Unreadable(message) => return Err(unread(Some(message.clone()))),
            Volumes::Known(volumes) => volumes,
        };
        let text = |key: &str| mount.get(key)?.as_str().filter(|text| !text.is_empty());
        let own = text("volume").and_then(|id| known.iter().find(|own| own.id.as_str() == id));
        let name = text("name").map(Arc::from).or_else(|| own.map(|own| Arc::clone(&own.name)));
        let size_gb = || mount.get("size_gb")?.as_u64()?.try_into().ok();
        Ok(Some(NewVolume {
            name: name.ok_or_else(unclonable)?,
            // The volume first: it may have grown since the config was written.
            size_gb: own.and_then(|own| own.size_gb).or_else(size_gb),
            encrypted: own
                .and_then(|own| own.encrypted)
                .or_else(|| mount.get("encrypted")?.as_bool()),
        }))
    }

    /// Takes a volume in the first of `regions` that has one, or gets one; gives the place among them.
    pub(super) fn take_first(
        &mut self,
        needed: &NewVolume,
        regions: &[Region],
        may_create: bool,
    ) -> Option<(usize, VolumeChoice)> {
        regions
            .iter()
            .enumerate()
            .find_map(|(index, region)| Some((index, self.take(needed, region, may_create)?)))
    }

    /// Takes a volume in `region`: the free one with the lowest id.
    pub(super) fn take(
        &mut self,
        needed: &NewVolume,
        region: &Region,
        may_create: bool,
    ) -> Option<VolumeChoice> {
        let Volumes::Known(known) = self.volumes else { return None };
        // Of one that we have just made, the list may show less than there is.
        let is_free = |volume: &Volume| {
            volume.is_free() || (self.left.contains_key(&volume.id) && !volume.is_attached)
        };
        let suits = |volume: &&Volume| {
            is_free(volume)
                && volume.name == needed.name
                && volume.region == *region
                && !self.taken.contains(&volume.id)
        };
        let unlisted = self.left.values().copied();
        let unlisted = unlisted.filter(|own| known.iter().all(|listed| listed.id != own.id));
        match known.iter().chain(unlisted).filter(suits).map(|volume| &volume.id).min() {
            Some(id) => {
                self.taken.insert(id);
                Some(VolumeChoice::Use(id.clone()))
            }
            None => may_create.then(|| VolumeChoice::Create(needed.clone())),
        }
    }
}
