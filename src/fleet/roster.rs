//! What is known of the machines of many apps.

use std::cmp::max;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::{AppName, Machine, MachineState, ProcessGroup, Region, Timestamp};
use crate::ports::{
    ApiError, BoxFuture, ErrorClass, Glance, OrgChanges, OrgMachine, Organization, Overview, Since,
};
use crate::telemetry::Metrics;
use crate::telemetry::events::{OrgListFailing, OrgListRecovered};
use crate::transport::shared::Shared;

/// At least this often each app is asked itself: the organization's list says nothing of hosts,
/// standbys and schedules.
const REREAD: Duration = Duration::from_secs(15 * 60);
/// How far each list of changes reaches back behind the last change known: changes arrive late, and Fly
/// advises to offset the time by which one polls (description of `Machines_org_list`).
const OVERLAP: Duration = Duration::from_secs(60);
/// How far the first list reaches back, which has only our own clock to go by.
const FIRST_REACH: Duration = Duration::from_secs(10 * 60);
/// How much later than Fly's clock ours may be. A list need not reach further back than this and the
/// overlap: what changed before that was listed, unless the lists failed meanwhile.
const SKEW: Duration = Duration::from_secs(2 * 60);

/// The machines of many apps in outline, as each app said itself, brought up to date by the list of what
/// changed in the organization.
///
/// Not to act on: a list of changes may come late, and lacks what it lacks. Whoever finds something to
/// do here asks the app itself first.
pub struct Roster {
    organization: Arc<dyn Organization>,
    metrics: Arc<Metrics>,
    refreshed: Shared<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    apps: HashMap<AppName, Known>,
    /// Texts that many machines share, each once.
    regions: BTreeSet<Region>,
    groups: BTreeSet<ProcessGroup>,
    /// The last change that a list showed, by Fly's clock.
    last_change: Option<Timestamp>,
    /// When a list was last read to its end, by our clock.
    listed_at: Option<Timestamp>,
    /// Where the last list was cut short.
    rest: Option<String>,
    error_regions: Vec<Region>,
    listing: Listing,
}

/// Whether the list of changes can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Listing {
    #[default]
    Works,
    /// Not at the moment.
    Fails,
    /// Not with this token, as of this time.
    Refused(Timestamp),
}

/// What one app said.
struct Known {
    machines: Vec<Machine>,
    read_at: Timestamp,
    /// Something has changed that only the app itself can tell.
    is_outdated: bool,
}

impl Roster {
    /// Nothing known yet. A list of changes serves every app that asks within `fresh_for`.
    #[must_use]
    pub fn new(
        organization: Arc<dyn Organization>,
        metrics: Arc<Metrics>,
        fresh_for: Duration,
    ) -> Self {
        let (refreshed, state) = (Shared::new(fresh_for), Mutex::default());
        Self { organization, metrics, refreshed, state }
    }

    async fn refresh(&self, now: Timestamp) {
        let Some(since) = self.lock().next_list(now) else { return };
        let listed = self.organization.changes(&since).await;
        let (before, after) = {
            let mut state = self.lock();
            let before = state.listing;
            match &listed {
                Ok(changes) => state.take_in(changes, now),
                Err(error) => state.failed(error, now),
            }
            (before, state.listing)
        };
        self.report(before, after, listed.as_ref().err());
    }

    fn report(&self, before: Listing, after: Listing, error: Option<&ApiError>) {
        let org = self.organization.slug();
        let is_new = std::mem::discriminant(&before) != std::mem::discriminant(&after);
        match (after, error) {
            (Listing::Works, _) if is_new => OrgListRecovered { org }.emit(&self.metrics),
            (Listing::Fails, Some(error)) if is_new => {
                let next = "tried again; what changes meanwhile may be seen late";
                OrgListFailing { org, error, next }.emit(&self.metrics);
            }
            (Listing::Refused(_), Some(error)) if is_new => {
                let next = "each app is asked by itself, in every tick";
                OrgListFailing { org, error, next }.emit(&self.metrics);
            }
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // What a panic may leave half done is at worst an app whose machines are read again.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Overview for Roster {
    fn look<'a>(&'a self, app: &'a AppName, now: Timestamp) -> BoxFuture<'a, Glance> {
        Box::pin(async move {
            self.refreshed.get(now, self.refresh(now)).await;
            self.lock().glance(app, now)
        })
    }

    fn learn(&self, app: &AppName, machines: &[Machine], now: Timestamp) {
        self.lock().learn(app, machines, now);
    }

    fn forget(&self, app: &AppName) {
        self.lock().apps.remove(app);
    }
}

impl Listing {
    /// What a failed list means for the next ones.
    fn after(error: &ApiError, now: Timestamp) -> Self {
        match (error.class, error.status) {
            (ErrorClass::RateLimited, _) => Self::Fails,
            // The request itself is what Fly does not want: the same again would not help.
            (_, Some(400..=499)) => Self::Refused(now),
            _ => Self::Fails,
        }
    }
}

impl State {
    /// Where the next list begins; `None` where that was refused a short while ago.
    fn next_list(&self, now: Timestamp) -> Option<Since> {
        if let Listing::Refused(at) = self.listing
            && at.is_within(REREAD, now)
        {
            return None;
        }
        if let Some(rest) = &self.rest {
            return Some(Since::Cursor(rest.clone()));
        }
        // In an organization where nothing changes the last change is long ago.
        let listed_until = max(self.last_change, self.listed_at.map(|at| at.minus(SKEW)));
        let after = listed_until.map_or(now.minus(FIRST_REACH), |until| until.minus(OVERLAP));
        Some(Since::Time(after))
    }

    fn take_in(&mut self, changes: &OrgChanges, now: Timestamp) {
        self.listing = Listing::Works;
        self.last_change = max(self.last_change, changes.last);
        self.rest.clone_from(&changes.rest);
        if self.rest.is_none() {
            self.listed_at = Some(now);
        }
        self.error_regions.clone_from(&changes.error_regions);
        for changed in &changes.machines {
            self.change(changed);
        }
    }

    fn failed(&mut self, error: &ApiError, now: Timestamp) {
        // A cursor may have expired: the next list begins by time.
        self.listing = match self.rest.take() {
            Some(_) => Listing::Fails,
            None => Listing::after(error, now),
        };
    }

    fn change(&mut self, changed: &OrgMachine) {
        let Some(known) = self.apps.get_mut(&changed.app) else { return };
        let is_gone = is_gone(&changed.machine.state);
        let index = known.machines.iter().position(|own| own.id == changed.machine.id);
        match index {
            Some(index) if is_gone => {
                known.machines.swap_remove(index);
            }
            Some(index) => {
                let machine = &mut known.machines[index];
                machine.state.clone_from(&changed.machine.state);
                known.is_outdated |= !says_the_same(machine, &changed.machine);
            }
            None => known.is_outdated |= !is_gone,
        }
    }

    fn glance(&self, app: &AppName, now: Timestamp) -> Glance {
        let known = self.apps.get(app).filter(|known| {
            !known.is_outdated
                && !matches!(self.listing, Listing::Refused(_))
                && round(app, known.read_at) == round(app, now)
        });
        Glance {
            machines: known.map(|known| known.machines.clone()),
            error_regions: self.error_regions.clone(),
        }
    }

    fn learn(&mut self, app: &AppName, machines: &[Machine], now: Timestamp) {
        let machines = machines
            .iter()
            .map(|machine| {
                let mut outline = machine.outline();
                outline.region = once(&mut self.regions, outline.region);
                outline.facts.group =
                    outline.facts.group.map(|group| once(&mut self.groups, group));
                outline
            })
            .collect();
        let known = Known { machines, read_at: now, is_outdated: false };
        self.apps.insert(app.clone(), known);
    }
}

/// The one of `texts` that says the same as `text`, which is added where there is none.
fn once<T: Ord + Clone>(texts: &mut BTreeSet<T>, text: T) -> T {
    if let Some(own) = texts.get(&text) {
        return own.clone();
    }
    texts.insert(text.clone());
    text
}

fn is_gone(state: &MachineState) -> bool {
    matches!(
        state,
        MachineState::Destroyed
            | MachineState::Destroying
            | MachineState::Replaced
            | MachineState::Migrated
    )
}

/// Whether the metadata are those that were read: a deploy or a person changes them, and with them
/// perhaps what the list lacks.
fn says_the_same(known: &Machine, listed: &Machine) -> bool {
    let (own, new) = (&known.facts, &listed.facts);
    known.region == listed.region
        && own.group == new.group
        && own.release_version == new.release_version
        && own.bluegreen_tag == new.bluegreen_tag
        && own.create_id == new.create_id
        && own.cordoned_at == new.cordoned_at
}

/// Counts up once in [`REREAD`], at a time of the app's own, so that apps that were first seen together
/// are not all asked again together.
fn round(app: &AppName, at: Timestamp) -> i64 {
    let period = i64::try_from(REREAD.as_millis()).unwrap_or(i64::MAX);
    at.plus(app.share_of(REREAD)).as_millis().div_euclid(period)
}
