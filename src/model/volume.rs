//! A Fly volume as far as decisions need to know it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{HostStatus, Region, text_newtype};

text_newtype! {
    /// The id of a volume, such as `vol_4x2zgjk6l8r`.
    VolumeId
}

/// A volume that can be attached to a machine. Any other state means that it is on its way in or out.
const READY: &str = "created";

/// One volume of an app, as the list gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Its id.
    pub id: VolumeId,
    /// Its name. Several volumes of an app may share one: a machine gets any of them.
    pub name: Arc<str>,
    /// Where it is. A machine can only mount a volume of its own region.
    pub region: Region,
    /// Its size in GB, if known.
    pub size_gb: Option<u32>,
    /// Whether it is encrypted, if known.
    pub encrypted: Option<bool>,
    /// Whether a machine has it.
    pub is_attached: bool,
    /// What Fly knows of the host that it is on.
    pub host_status: HostStatus,
    /// Fly's word for its state.
    pub state: Arc<str>,
}

impl Volume {
    /// Whether a new machine could mount it.
    #[must_use]
    pub fn is_free(&self) -> bool {
        !self.is_attached && self.host_status == HostStatus::Ok && &*self.state == READY
    }
}
