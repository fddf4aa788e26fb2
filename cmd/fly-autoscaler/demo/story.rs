//! What has happened so far: decisions, failures, and how traffic and machines moved.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use fly_autoscaler::decide::{Reason, Verb, Weight};
use fly_autoscaler::model::{MachineState, Region, Scope, Timestamp};
use fly_autoscaler::sim::MachineView;
use fly_autoscaler::status::{AppStatus, Tick};

/// How many decisions and failures are kept: more than any terminal has lines.
const KEPT_ENTRIES: usize = 200;
/// How far apart the points of the curves are.
const POINT_DISTANCE: Duration = Duration::from_secs(60);
/// A day of points.
const KEPT_POINTS: usize = 24 * 60;

/// One thing that was decided or that failed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) at: Timestamp,
    pub(crate) kind: EntryKind,
    /// How many machines and where; for a hold the regions, if it is about single ones.
    pub(crate) what: String,
    /// The reason, or the error.
    pub(crate) why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Did(Verb),
    Held,
    Failed,
}

impl EntryKind {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Did(verb) => verb.as_str(),
            Self::Held => "hold",
            Self::Failed => "failed",
        }
    }
}

/// One region now.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RegionNow {
    /// Requests per second.
    pub(crate) traffic: f64,
    pub(crate) started: usize,
    /// On their way to `started`.
    pub(crate) starting: usize,
    /// Stopped or suspended: they can be started.
    pub(crate) stopped: usize,
    /// On their way out.
    pub(crate) stopping: usize,
    pub(crate) failed: usize,
}

impl RegionNow {
    fn count(&mut self, state: &MachineState) {
        use MachineState as S;
        let counted = match state {
            S::Started | S::Updating | S::Replacing => &mut self.started,
            S::Created | S::Creating | S::Starting | S::Restarting => &mut self.starting,
            S::Stopped | S::Suspended => &mut self.stopped,
            S::Failed | S::LaunchFailed => &mut self.failed,
            _ => &mut self.stopping,
        };
        *counted += 1;
    }
}

/// The whole app at one time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point {
    pub(crate) at: Timestamp,
    pub(crate) traffic: BTreeMap<Region, f64>,
    pub(crate) started: usize,
}

impl Point {
    pub(crate) fn total(&self) -> f64 {
        self.traffic.values().sum()
    }
}

/// What has happened so far.
#[derive(Debug, Default)]
pub(crate) struct Story {
    /// The newest first.
    pub(crate) decisions: VecDeque<Entry>,
    /// The newest first.
    pub(crate) failures: VecDeque<Entry>,
    /// The oldest first.
    pub(crate) points: VecDeque<Point>,
    pub(crate) regions: BTreeMap<Region, RegionNow>,
    last_tick: Option<Timestamp>,
    /// What held the last tick, by region and code: a hold that lasts is news once.
    held_by: BTreeSet<(Option<Region>, &'static str)>,
    failed_machines: usize,
}

impl Story {
    /// Takes in the state of the world.
    pub(crate) fn see_world(
        &mut self,
        now: Timestamp,
        traffic: BTreeMap<Region, f64>,
        machines: &[MachineView],
    ) {
        self.regions = traffic
            .iter()
            .map(|(region, rate)| {
                (region.clone(), RegionNow { traffic: *rate, ..RegionNow::default() })
            })
            .collect();
        for machine in machines {
            self.regions.entry(machine.region.clone()).or_default().count(&machine.state);
        }
        let is_due = self.points.back().is_none_or(|point| now >= point.at.plus(POINT_DISTANCE));
        if is_due {
            if self.points.len() == KEPT_POINTS {
                self.points.pop_front();
            }
            let started = self.regions.values().map(|region| region.started).sum();
            self.points.push_back(Point { at: now, traffic, started });
        }
    }

    /// Takes in what the autoscaler did since the last look, and gives what is new, oldest first.
    pub(crate) fn see_status(&mut self, status: &AppStatus) -> Vec<Entry> {
        let mut news = Vec::new();
        // Where ticks are faster than looks, the one that acted is still to be had beside the last.
        let mut ticks: Vec<&Tick> = [&status.last_action, &status.last_tick]
            .into_iter()
            .flatten()
            .map(|tick| &**tick)
            .collect();
        ticks.dedup_by_key(|tick| tick.at);
        for tick in ticks {
            if self.last_tick.is_none_or(|last| tick.at > last) {
                self.last_tick = Some(tick.at);
                news.extend(self.see_tick(tick));
            }
        }
        for entry in &news {
            let kept = match entry.kind {
                EntryKind::Failed => &mut self.failures,
                EntryKind::Did(_) | EntryKind::Held => &mut self.decisions,
            };
            kept.push_front(entry.clone());
            kept.truncate(KEPT_ENTRIES);
        }
        news
    }

    fn see_tick(&mut self, tick: &Tick) -> Vec<Entry> {
        let mut news = actions(tick);
        news.extend(self.hold(tick));
        news.extend(failures(tick));
        news.extend(self.failed_boots(tick));
        news
    }

    /// That something could not be done, unless the last tick said so already.
    fn hold(&mut self, tick: &Tick) -> Option<Entry> {
        let scopes = tick.plan.iter().flat_map(|plan| &plan.scopes);
        let idle = scopes.filter(|scope| scope.actions.is_empty());
        let holding: Vec<(Option<&Region>, &Reason)> = idle
            .flat_map(|scope| {
                let holds = scope.reasons.iter().filter(|own| own.weight() == Weight::Hold);
                holds.map(|own| (scope.scope.region.as_ref(), own))
            })
            .collect();
        let held_by: BTreeSet<(Option<Region>, &'static str)> =
            holding.iter().map(|(region, own)| (region.cloned(), own.code())).collect();
        let is_news = !held_by.is_subset(&self.held_by);
        self.held_by = held_by;
        is_news.then(|| {
            // One cause may hold many regions.
            let mut why: Vec<String> = Vec::new();
            for text in holding.iter().map(|(_, own)| own.to_string()) {
                if !why.contains(&text) {
                    why.push(text);
                }
            }
            let what = places(holding.iter().filter_map(|(region, _)| *region));
            Entry { at: tick.at, kind: EntryKind::Held, what, why: why.join("; ") }
        })
    }

    /// Machines that failed by themselves since the last tick.
    fn failed_boots(&mut self, tick: &Tick) -> Option<Entry> {
        let failed = |state: &str| matches!(state, "failed" | "launch_failed");
        let counts: Vec<_> = tick.machines.iter().filter(|count| failed(&count.state)).collect();
        let total = counts.iter().map(|count| count.count as usize).sum();
        let is_news = total > self.failed_machines;
        self.failed_machines = total;
        is_news.then(|| Entry {
            at: tick.at,
            kind: EntryKind::Failed,
            what: format!("boot in {}", places(counts.iter().map(|count| &count.region))),
            why: "the machine did not come up; another one takes its place".to_owned(),
        })
    }
}

/// The actions of a tick that were carried out, those with the same reason together.
fn actions(tick: &Tick) -> Vec<Entry> {
    let mut groups: Vec<(Verb, &Reason, Vec<&Region>, BTreeSet<&Scope>)> = Vec::new();
    for outcome in tick.outcomes.iter().filter(|outcome| outcome.is_done()) {
        let verb = outcome.action.verb();
        let Some(region) = outcome.action.region() else { continue };
        match groups.iter_mut().find(|group| group.0 == verb && *group.1 == outcome.reason) {
            Some((.., regions, scopes)) => {
                regions.push(region);
                scopes.insert(&outcome.scope);
            }
            None => {
                groups.push((verb, &outcome.reason, vec![region], [&outcome.scope].into()));
            }
        }
    }
    let entry = |(verb, reason, regions, scopes): (Verb, &Reason, Vec<&Region>, BTreeSet<_>)| {
        // The numbers are those of each region by itself.
        let each = if scopes.len() > 1 { "in each " } else { "" };
        Entry {
            at: tick.at,
            kind: EntryKind::Did(verb),
            what: format!("{} in {}", regions.len(), places(regions.into_iter())),
            why: format!("{each}{reason}"),
        }
    };
    groups.into_iter().map(entry).collect()
}

fn failures(tick: &Tick) -> Vec<Entry> {
    let whole = tick.error.iter().map(|error| (String::from("tick"), error.clone()));
    let each = tick.outcomes.iter().filter_map(|outcome| {
        let (action, error) = (&outcome.action, outcome.error()?);
        let place = action.region().map(ToString::to_string).unwrap_or_default();
        let status = error.status.map(|status| format!("{status} ")).unwrap_or_default();
        Some((format!("{} in {place}", action.verb()), format!("{status}{}", error.message)))
    });
    whole
        .chain(each)
        .map(|(what, why)| Entry { at: tick.at, kind: EntryKind::Failed, what, why })
        .collect()
}

/// Regions, each once; how many there are where it is a long list.
fn places<'a>(regions: impl Iterator<Item = &'a Region>) -> String {
    let regions: BTreeSet<&str> = regions.map(Region::as_str).collect();
    match regions.len() {
        0..=4 => regions.into_iter().collect::<Vec<_>>().join(" "),
        count => format!("{count} regions"),
    }
}

/// `06:42:15`, in UTC.
pub(crate) fn time_of_day(at: Timestamp) -> String {
    strftime(at, "%H:%M:%S")
}

/// `06:42`, in UTC.
pub(crate) fn hour_and_minute(at: Timestamp) -> String {
    strftime(at, "%H:%M")
}

/// `Mon 06:42`, in UTC.
pub(crate) fn day_and_time(at: Timestamp) -> String {
    strftime(at, "%a %H:%M")
}

fn strftime(at: Timestamp, format: &str) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis())
        .map_or_else(|_| at.to_string(), |time| time.strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use fly_autoscaler::act::{ActionResult, Outcome};
    use fly_autoscaler::decide::{Action, History, Plan, ScopePlan, Tally};
    use fly_autoscaler::model::{Kind, MachineId, ProcessGroup, TickOutcome};

    use super::*;

    fn tick(held: &[&str]) -> Tick {
        let scope = |region: &&str| ScopePlan {
            scope: Scope { group: ProcessGroup::new("app"), region: Some(Region::new(region)) },
            observed: Tally::default(),
            wanted: None,
            targets: None,
            actions: Vec::new(),
            spares: Vec::new(),
            reasons: vec![Reason::AppWideHeld],
            held_since: None,
        };
        Tick {
            at: Timestamp::from_millis(0),
            outcome: TickOutcome::Held,
            dry_run: false,
            paused: false,
            evaluated: Vec::new(),
            samples: Vec::new(),
            machines: Vec::new(),
            plan: Some(Plan::new(held.iter().map(scope).collect(), History::default())),
            outcomes: Vec::new(),
            advice: Vec::new(),
            error: None,
            fly_failed: false,
            history: fly_autoscaler::model::SeriesSize::default(),
        }
    }

    #[test]
    fn what_holds_many_regions_is_one_entry_and_no_news_while_it_lasts() {
        let mut story = Story::default();
        let mut see = |held: &[&str]| {
            let entry = story.hold(&tick(held))?;
            Some((entry.what, entry.why))
        };
        let why = Reason::AppWideHeld.to_string();
        assert_eq!(see(&["lhr", "iad"]), Some(("iad lhr".into(), why.clone())));
        assert_eq!(see(&["lhr", "iad"]), None);
        assert_eq!(see(&["iad"]), None, "fewer are no news");
        let six = ["lhr", "iad", "fra", "nrt", "syd", "gru"];
        assert_eq!(see(&six), Some(("6 regions".into(), why)));
    }

    #[test]
    fn numbers_of_several_regions_are_those_of_each() {
        let below = Reason::BelowMin { kind: Kind::Started, observed: 1, target: 2 };
        let started = |scope: Option<&str>, region: &str| Outcome {
            scope: Scope { group: ProcessGroup::new("app"), region: scope.map(Region::new) },
            action: Action::Start { machine: MachineId::new("m"), region: Region::new(region) },
            reason: below.clone(),
            result: ActionResult::Gone,
            asked: None,
            left_volumes: Vec::new(),
            refusals: Vec::new(),
        };
        let told = |outcomes: Vec<Outcome>| {
            let entries = actions(&Tick { outcomes, ..tick(&[]) });
            assert_eq!(entries.len(), 1, "{entries:?}");
            (entries[0].what.clone(), entries[0].why.clone())
        };
        let each = vec![started(Some("lhr"), "lhr"), started(Some("fra"), "fra")];
        assert_eq!(told(each), ("2 in fra lhr".into(), format!("in each {below}")));
        let one = vec![started(Some("lhr"), "lhr"), started(Some("lhr"), "lhr")];
        assert_eq!(told(one), ("2 in lhr".into(), below.to_string()));
        let all = vec![started(None, "lhr"), started(None, "fra")];
        assert_eq!(told(all), ("2 in fra lhr".into(), below.to_string()));
    }
}
