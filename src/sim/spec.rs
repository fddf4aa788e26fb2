//! What to put into the simulated world.

use serde_json::{Value, json};

use crate::model::{AppName, MachineState, ProcessGroup, Region, Timestamp};

use super::load::Load;

/// An app and its machines, as `fly deploy` leaves them.
#[derive(Debug, Clone)]
pub struct AppSpec {
    /// Its name.
    pub name: AppName,
    /// The slug of its organization.
    pub org: String,
    /// The process group of its machines.
    pub group: ProcessGroup,
    /// The machines that it has at first.
    pub regions: Vec<RegionSpec>,
    /// The config of each machine; by default what `fly deploy` writes for a small web app.
    pub config: Option<Value>,
    /// Its current release, if it ever had one.
    pub release: Option<ReleaseSpec>,
    /// Where its traffic and its queue come from.
    pub load: Load,
}

/// The machines of one region.
#[derive(Debug, Clone)]
pub struct RegionSpec {
    /// Which region.
    pub region: Region,
    /// How many run.
    pub started: usize,
    /// How many are stopped.
    pub stopped: usize,
}

/// A release.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleaseSpec {
    /// Its number.
    pub version: u64,
    /// Fly's word for how it goes: `running`, `complete`, `failed`, `interrupted`.
    pub status: String,
    /// When it began.
    pub created_at: Timestamp,
}

/// A machine beside those of [`AppSpec::regions`].
#[derive(Debug, Clone)]
pub struct MachineSpec {
    /// Where it is.
    pub region: Region,
    /// Its state, in which it stays until someone asks for another.
    pub state: MachineState,
    /// Its config; by default that of the app.
    pub config: Option<Value>,
}

impl AppSpec {
    /// An app without machines, with one complete release.
    #[must_use]
    pub fn new(name: &str, org: &str) -> Self {
        let release = ReleaseSpec {
            version: 1,
            status: "complete".to_owned(),
            created_at: Timestamp::from_millis(0),
        };
        Self {
            name: AppName::new(name),
            org: org.to_owned(),
            group: ProcessGroup::new("app"),
            regions: Vec::new(),
            config: None,
            release: Some(release),
            load: Load::default(),
        }
    }

    /// The same app with machines in `region`.
    #[must_use]
    pub fn with_machines(mut self, region: &str, started: usize, stopped: usize) -> Self {
        self.regions.push(RegionSpec { region: Region::new(region), started, stopped });
        self
    }

    /// The config that its machines begin with.
    pub(crate) fn machine_config(&self) -> Value {
        self.config.clone().unwrap_or_else(|| {
            let version = self.release.as_ref().map_or(1, |release| release.version);
            deployed_config(&self.name, &self.group, version)
        })
    }
}

/// A machine's config as `fly deploy` writes it: the metadata that makes a machine part of its group, and
/// one HTTP service. Source: flyctl, docs `machines/guides-examples/managing-machines`.
#[must_use]
pub fn deployed_config(app: &AppName, group: &ProcessGroup, release: u64) -> Value {
    json!({
        "env": { "FLY_PROCESS_GROUP": group, "PRIMARY_REGION": "iad" },
        "init": {},
        "guest": { "cpu_kind": "shared", "cpus": 1, "memory_mb": 256 },
        "metadata": {
            "fly_flyctl_version": "0.4.9",
            "fly_platform_version": "v2",
            "fly_process_group": group,
            "fly_release_id": format!("{app}-release-{release}"),
            "fly_release_version": release.to_string(),
        },
        "services": [{
            "protocol": "tcp",
            "internal_port": 8080,
            // Fly answers with a bool for off and stop, with text for suspend.
            "autostop": false,
            "autostart": false,
            "min_machines_running": 0,
            "ports": [
                { "port": 80, "handlers": ["http"], "force_https": true },
                { "port": 443, "handlers": ["http", "tls"] },
            ],
            "concurrency": { "type": "requests", "soft_limit": 20, "hard_limit": 25 },
        }],
        "image": format!("registry.fly.io/{app}:deployment-{release:04}"),
        "restart": { "policy": "on-failure", "max_retries": 10 },
    })
}
