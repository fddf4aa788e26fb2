//! The simulated world: organizations, apps, regions, and what is wrong with them. No I/O and no clock:
//! time is an argument.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::{AppName, Region, Timestamp};

use super::answer::{Answer, Outcome};
use super::app::App;
use super::auth::{self, Token};
use super::call::{Call, Endpoint};
use super::faults::{FaultKind, Faults, Phase, Subject};
use super::journal::{Journal, Request};
use super::machine::Timings;
use super::machines_api::memory_mb;
use super::org_list::{Recency, Stale};
use super::random::Random;

/// An organization.
#[derive(Debug, Default)]
pub(crate) struct Org {
    pub(crate) apps: BTreeSet<AppName>,
    /// Its machines by their last change: what its list is read from.
    pub(crate) recency: Recency,
    /// The regions that its list cannot tell of.
    pub(crate) error_regions: BTreeSet<Region>,
    /// Memory that machines may use in each region, in MB.
    pub(crate) quota_mb: Option<u64>,
    pub(crate) used_mb: BTreeMap<Region, u64>,
}

/// How a world behaves, beside what is in it.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) seed: u64,
    pub(crate) timings: Timings,
    /// How far lists are behind.
    pub(crate) list_lag: Duration,
    pub(crate) enforce_rate_limits: bool,
    /// The most machines that one page of a list has.
    pub(crate) page_size: usize,
    pub(crate) boot_failure: f64,
    pub(crate) tokens: Vec<Token>,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) rules: Rules,
    pub(crate) apps: BTreeMap<AppName, App>,
    pub(crate) orgs: BTreeMap<String, Org>,
    /// The machines that a region takes, where that is limited, and how many it has.
    pub(crate) capacity: BTreeMap<Region, usize>,
    pub(crate) present: BTreeMap<Region, usize>,
    /// The regions that the list of regions lacks, and those that it calls deprecated.
    pub(crate) dropped: BTreeSet<Region>,
    pub(crate) deprecated: BTreeSet<Region>,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    /// Which apps may have changed since the lists of organizations were read.
    pub(crate) stale: Stale,
    random: Random,
}

impl World {
    pub(crate) fn new(rules: Rules) -> Self {
        let seed = rules.seed;
        Self {
            rules,
            apps: BTreeMap::new(),
            orgs: BTreeMap::new(),
            capacity: BTreeMap::new(),
            present: BTreeMap::new(),
            dropped: BTreeSet::new(),
            deprecated: BTreeSet::new(),
            faults: Faults::new(seed),
            journal: Journal::default(),
            stale: Stale::default(),
            random: Random::new(seed, "requests"),
        }
    }

    /// The app, brought up to `now`.
    pub(crate) fn app(&mut self, name: &AppName, now: Timestamp) -> Outcome<&mut App> {
        let app = self.apps.get_mut(name).ok_or_else(|| Answer::not_found("app"))?;
        app.advance(now);
        self.stale.touch(name);
        Ok(app)
    }

    /// The app that the call is about.
    pub(crate) fn app_of(&mut self, call: &Call, now: Timestamp) -> Outcome<&mut App> {
        let name = call.app.as_ref().ok_or_else(|| Answer::not_found("app"))?;
        self.app(name, now)
    }

    /// The fault that strikes this call, if one does.
    pub(crate) fn strike(&mut self, call: &Call) -> Option<(FaultKind, Phase)> {
        if self.faults.is_empty() {
            return None;
        }
        let region = call.region().or_else(|| {
            let machines = &self.apps.get(call.app.as_ref()?)?.machines;
            Some(machines.get(call.machine.as_ref()?)?.region.clone())
        });
        let subject =
            Subject { endpoint: call.endpoint, app: call.app.as_ref(), region: region.as_ref() };
        self.faults.strike(&subject)
    }

    /// Carries out a call, unless its token or Fly's limits forbid it.
    pub(crate) fn execute(&mut self, call: &Call, now: Timestamp) -> Answer {
        self.admit(call, now)
            .and_then(|()| self.dispatch(call, now))
            .unwrap_or_else(|refusal| refusal)
    }

    fn admit(&mut self, call: &Call, now: Timestamp) -> Outcome<()> {
        let app_org =
            call.app.as_ref().and_then(|app| self.apps.get(app)).map(|app| app.org.as_str());
        let org = app_org.or(call.org.as_deref()).or_else(|| call.param("org_slug"));
        auth::authorize(&self.rules.tokens, call, org)?;
        if !self.rules.enforce_rate_limits || !call.endpoint.is_machines_api() {
            return Ok(());
        }
        let app = call.app.as_ref().and_then(|app| self.apps.get_mut(app));
        let admitted =
            app.is_none_or(|app| app.buckets.admit(call.endpoint, call.machine.as_ref(), now));
        // Fly documents the limits, not what the refusal looks like.
        if admitted { Ok(()) } else { Err(Answer::refuse(429, "rate limit exceeded")) }
    }

    fn dispatch(&mut self, call: &Call, now: Timestamp) -> Outcome<Answer> {
        match call.endpoint {
            Endpoint::Create => self.create(call, now),
            Endpoint::Destroy => self.destroy(call, now),
            Endpoint::OrgMachines => self.org_machines(call, now),
            Endpoint::AppList => self.app_list(call, now),
            Endpoint::AppGet => self.app_get(call, now),
            Endpoint::Regions => Ok(super::account::regions(&self.dropped, &self.deprecated)),
            Endpoint::TokenCurrent => Ok(auth::current(&self.rules.tokens, call)),
            Endpoint::ReleaseCurrent => self.release_current(call, now),
            Endpoint::Graphql => Ok(self.graphql(call)),
            Endpoint::PrometheusQuery => Ok(self.prometheus_query(call, now)),
            Endpoint::PrometheusQueryRange => Ok(self.prometheus_query_range(call, now)),
            Endpoint::Metrics => Ok(self.exposition(now)),
            Endpoint::List => self.list(call, now),
            Endpoint::VolumeList => {
                let lag = self.rules.list_lag;
                Ok(self.app_of(call, now)?.volume_list(lag, now))
            }
            _ => self.app_of(call, now)?.dispatch(call, now),
        }
    }

    /// Notes a request whose answer has a body of `bytes`, and gives it the id that its answer shows.
    pub(crate) fn record(
        &mut self,
        call: &Call,
        status: Option<u16>,
        bytes: usize,
        now: Timestamp,
    ) -> String {
        let request = Request {
            at: now,
            endpoint: call.endpoint,
            app: call.app.clone(),
            machine: call.machine.clone(),
            region: call.region(),
            status,
        };
        self.journal.record(request, bytes);
        format!("{}-lhr", self.random.ulid(now))
    }

    /// The organization of that slug; it begins to exist with its first app.
    pub(crate) fn org_mut(&mut self, slug: &str) -> &mut Org {
        self.orgs.entry(slug.to_owned()).or_default()
    }

    /// Takes an app away, and its machines out of all counts.
    pub(crate) fn remove_app(&mut self, name: &AppName) {
        let Some(app) = self.apps.remove(name) else { return };
        let org = self.org_mut(&app.org);
        org.apps.remove(name);
        org.recency.remove(&app);
        for machine in app.machines.values().filter(|machine| machine.is_present()) {
            self.count_machine(&app.org, &machine.region, memory_mb(&machine.config), false);
        }
    }

    /// Counts a machine in (`true`) or out of its region and its organization's quota.
    pub(crate) fn count_machine(
        &mut self,
        org: &str,
        region: &Region,
        memory_mb: u64,
        comes: bool,
    ) {
        let used = self.org_mut(org).used_mb.entry(region.clone()).or_default();
        *used = if comes { *used + memory_mb } else { used.saturating_sub(memory_mb) };
        let present = self.present.entry(region.clone()).or_default();
        *present = if comes { *present + 1 } else { present.saturating_sub(1) };
    }
}
