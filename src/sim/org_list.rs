//! The list of all machines of an organization, by their last change, as cheap for what changed just now
//! among a hundred thousand machines as among ten.
//!
//! Machines change inside their app, which knows nothing of the list. So the list is brought up to date
//! when it is read: by a look at the apps that someone asked for or changed since, and at those in which
//! something was due. All others are as they were.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::model::{AppName, MachineId, MachineState, Region, Timestamp};

use super::answer::{Answer, Outcome};
use super::app::App;
use super::call::Call;
use super::machine::SimMachine;
use super::machines_api::Filter;
use super::page::{self, Window};
use super::world::World;

/// A machine's place in the list: its last change, then its id.
type Place = (Timestamp, MachineId);

/// The machines of an organization by their last change.
#[derive(Debug, Default)]
pub(crate) struct Recency(BTreeMap<Place, AppName>);

/// The apps that lists may be behind of.
#[derive(Debug, Default)]
pub(crate) struct Stale {
    touched: BTreeSet<AppName>,
    /// When something is due in an app. It may be over by then; looking does no harm.
    due: BTreeSet<(Timestamp, AppName)>,
}

impl Stale {
    /// Notes that someone had an app in his hands.
    pub(crate) fn touch(&mut self, app: &AppName) {
        if !self.touched.contains(app) {
            self.touched.insert(app.clone());
        }
    }

    fn take_due(&mut self, now: Timestamp) -> Option<AppName> {
        let is_due = self.due.first().is_some_and(|(at, _)| *at <= now);
        if is_due { self.due.pop_first().map(|(_, app)| app) } else { None }
    }
}

impl Recency {
    /// Takes all machines of an app out.
    pub(crate) fn remove(&mut self, app: &App) {
        let listed = app.machines.values().filter_map(|machine| {
            machine.listed_at.map(|listed_at| (listed_at, machine.id.clone()))
        });
        for place in listed.chain(app.forgotten.iter().cloned()) {
            self.0.remove(&place);
        }
    }

    /// Moves the machines of an app to where their last change puts them.
    fn update(&mut self, app: &mut App) {
        for place in app.forgotten.drain(..) {
            self.0.remove(&place);
        }
        for machine in app.machines.values_mut() {
            if machine.listed_at == Some(machine.updated_at) {
                continue;
            }
            if let Some(listed_at) = machine.listed_at.replace(machine.updated_at) {
                self.0.remove(&(listed_at, machine.id.clone()));
            }
            self.0.insert((machine.updated_at, machine.id.clone()), app.name.clone());
        }
    }
}

impl World {
    /// Every machine of an organization, in the order of their last change.
    pub(crate) fn org_machines(&mut self, call: &Call, now: Timestamp) -> Outcome<Answer> {
        let slug = call.org.as_deref().unwrap_or_default();
        self.update_lists(now);
        let org = self.orgs.get(slug).ok_or_else(|| Answer::not_found("organization"))?;
        let window = Window::of(call, self.rules.page_size, now)?;
        let start = start_of(call, &window)?;
        let (then, filter) = (now.minus(self.rules.list_lag), Filter::of(call));
        let (is_summary, with_deleted) = (call.flag("summary"), call.flag("include_deleted"));

        let rows = org.recency.0.range((start, Bound::Unbounded)).filter_map(|((_, id), name)| {
            let app = self.apps.get(name)?;
            let machine = app.machines.get(id)?;
            let state = app.listed_state(machine, then, with_deleted)?;
            let is_told = !org.error_regions.contains(&machine.region);
            (is_told && filter.admits(machine, state)).then_some((app, machine, state))
        });
        let page = window.cut(rows, |(_, machine, _)| {
            format!("{:016}-{}", machine.updated_at.as_millis(), machine.id)
        });

        let last = page.items.last().map(|(_, machine, _)| *machine);
        let machines =
            page.items.iter().map(|(app, machine, state)| Row::of(app, machine, state, is_summary));
        let body = OrgMachines {
            machines: machines.collect(),
            next_cursor: page.next.unwrap_or_default(),
            last_machine_id: last.map_or("", |machine| machine.id.as_str()),
            last_updated_at: last.map(|machine| machine.updated_at.to_string()).unwrap_or_default(),
            error_regions: &org.error_regions,
        };
        Ok(Answer::json(200, &body))
    }

    /// Lets what is due happen where something is, and brings the lists of all organizations up to date.
    fn update_lists(&mut self, now: Timestamp) {
        for name in std::mem::take(&mut self.stale.touched) {
            self.update_list_with(&name);
        }
        while let Some(name) = self.stale.take_due(now) {
            if let Some(app) = self.apps.get_mut(&name) {
                app.advance(now);
                self.update_list_with(&name);
            }
        }
    }

    fn update_list_with(&mut self, name: &AppName) {
        let Some(app) = self.apps.get_mut(name) else { return };
        if let Some(org) = self.orgs.get_mut(&app.org) {
            org.recency.update(app);
        }
        self.stale.due.extend(app.next_due().map(|at| (at, name.clone())));
    }
}

/// Where the page begins. A cursor takes precedence over `updated_after`, which is exclusive (API
/// description).
fn start_of(call: &Call, window: &Window) -> Outcome<Bound<Place>> {
    if let Some(cursor) = &window.after {
        let (at, id) = cursor.split_once('-').ok_or_else(page::invalid_cursor)?;
        let at = at.parse().map(Timestamp::from_millis).map_err(|_| page::invalid_cursor())?;
        return Ok(Bound::Excluded((at, MachineId::new(id))));
    }
    let Some(text) = call.param("updated_after") else { return Ok(Bound::Unbounded) };
    let after = Timestamp::parse_rfc3339(text).ok_or_else(|| {
        Answer::refuse(400, "invalid_argument: updated_after is not an RFC 3339 time")
    })?;
    // No id is smaller than the empty one.
    Ok(Bound::Included((after.plus(Duration::from_millis(1)), MachineId::new(""))))
}

#[derive(Serialize)]
struct OrgMachines<'a> {
    machines: Vec<Row<'a>>,
    next_cursor: String,
    last_machine_id: &'a str,
    last_updated_at: String,
    error_regions: &'a BTreeSet<Region>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a MachineId,
    name: &'a str,
    app_name: &'a AppName,
    state: &'a MachineState,
    region: &'a Region,
    instance_id: &'a str,
    version: &'a str,
    private_ip: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Overview<'a>>,
}

/// What the list has of a config: no standbys, no schedule, no services.
#[derive(Serialize)]
struct Overview<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    guest: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Value>,
}

impl<'a> Row<'a> {
    fn of(app: &'a App, machine: &'a SimMachine, state: &'a MachineState, summary: bool) -> Self {
        let key = |key| machine.config.get(key);
        let overview =
            || Overview { guest: key("guest"), image: key("image"), metadata: key("metadata") };
        Self {
            id: &machine.id,
            name: &machine.name,
            app_name: &app.name,
            state,
            region: &machine.region,
            instance_id: &machine.instance_id,
            version: &machine.instance_id,
            private_ip: machine.private_ip(),
            created_at: machine.created_at,
            updated_at: machine.updated_at,
            config: (!summary).then(overview),
        }
    }
}
